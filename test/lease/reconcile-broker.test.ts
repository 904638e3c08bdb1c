// The login file's whole life with a broker that keeps its own tokens: leased, renewed by the CLI, pushed back, fetched again, released.

import { describe, expect, it, onTestFinished } from "vitest";
import { DAY } from "../../src/config/defaults.ts";
import { LeasedAuthFile } from "../../src/lease/auth-file.ts";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { pushRenewedTokens } from "../../src/lease/reconcile.ts";
import { readCodexLogin } from "../../src/profiles/codex-home.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { startSandboxBroker } from "../../src/sandbox/broker.ts";
import { sandboxAccessToken, sandboxIdToken } from "../../src/sandbox/tokens.ts";
import { fakeRefreshToken } from "../support/jwt.ts";
import { NOW, authFileLab, cliDocument } from "./auth-file-lab.ts";

const OWNER = { machineId: "m1", agentId: "openclaw" };

describe("a leased login in the Codex CLI's file", () => {
  it("is known to the broker again after the CLI renewed it, and newer again after the manager did", async () => {
    let now = NOW;
    const sandbox = await startSandboxBroker({ now: () => now });
    const broker = createLeaseBroker({ baseUrl: sandbox.origin, token: sandbox.token, now: () => now });
    onTestFinished(async () => {
      await broker.close();
      await sandbox.close();
    });
    const lab = await authFileLab();
    const file = new LeasedAuthFile({ path: lab.path, folder: `${lab.root}/lease`, now: () => now });
    const { lease } = await broker.acquire(OWNER, { requestedTtlSeconds: 1_800, reason: "test" });
    const fetch = async () => file.write(lease.leaseId, (await broker.materialize(lease.leaseId, OWNER)).material);
    const push = () => pushRenewedTokens({ enabled: true, broker, file, lease, owner: OWNER });
    expect(await fetch()).toMatchObject({ outcome: "written" });
    expect(await push()).toMatchObject({ pushed: false, because: "not-renewed" });

    now += 60_000;
    const there = await readCodexLogin(lab.path);
    const email = there?.whose.email ?? "";
    const label = email.split("@")[0] ?? "";
    const { userId = "", accountId = "" } = there?.whose.identity ?? {};
    const claims = {
      email,
      userId,
      accountId,
      planType: "plus",
      expiresInMs: 10 * DAY,
      now,
      subject: `auth0|${label}`,
    };
    const renewed = {
      access: sandboxAccessToken(claims),
      refresh: fakeRefreshToken(),
      id: sandboxIdToken(claims),
      accountId,
      expiresAtMs: now + 10 * DAY,
    };
    await lab.cli(cliDocument(renewed, new Date(now).toISOString()));
    expect(await push()).toEqual({ pushed: true, decision: "client_updated_manager", materializeAgain: false });
    expect(sandbox.tokens(label).refreshToken?.expose()).toBe(renewed.refresh);
    // The broker wants one more materialize after a push (facts/lease-broker.md §3.6): it changes nothing here.
    expect(await fetch()).toEqual({ outcome: "unchanged", replacedRenewed: false });
    expect(await lab.refresh()).toBe(renewed.refresh);

    now += 60_000;
    sandbox.refreshCredential(label);
    expect(await fetch()).toEqual({ outcome: "written", replacedRenewed: false });
    const managers = sandbox.tokens(label).refreshToken?.expose() ?? "";
    expect(await lab.refresh()).toBe(managers);
    expect(await file.status()).toMatchObject({ kind: "ours", whose: { refreshFingerprint: fingerprint(managers) } });
    expect(await file.remove()).toEqual({ outcome: "removed", removedRenewed: false });
  });
});
