import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { pushRenewedTokens, type PushOptions } from "../../src/lease/reconcile.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { authFileLab, cliDocument, materialOf, tokensOf, type Lab, type PlainTokens } from "./auth-file-lab.ts";

const WHO = { name: "alpha" };
const OWNER = { machineId: "m1", agentId: "openclaw" };

interface Pushed {
  readonly path: string;
  readonly body: unknown;
}

/** A broker that answers a push with what `decision` says, or with a status. */
async function broker(decisions: readonly (string | number)[]) {
  const pushed: Pushed[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      pushed.push({ path: request.url ?? "", body: JSON.parse(body) });
      const decision = decisions[Math.min(pushed.length, decisions.length) - 1];
      response.statusCode = typeof decision === "number" ? decision : 200;
      response.setHeader("content-type", "application/json");
      response.end(
        typeof decision === "number"
          ? JSON.stringify({ detail: "Lease not found or not owned" })
          : JSON.stringify({
              status: "ok",
              decision,
              reason: "persisted",
              profile_label: "alpha",
              credential_auth_updated_at: "2026-11-21T02:26:07.820009+00:00",
              auth_json: null,
            }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = createLeaseBroker({ baseUrl: `http://127.0.0.1:${port}`, token: Secret.of("broker-token") });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, pushed };
}

async function leased(decisions: readonly (string | number)[] = ["client_updated_manager"]) {
  const lab = await authFileLab();
  const first = tokensOf(WHO);
  await lab.file.write("lease_1", materialOf(first));
  const { client, pushed } = await broker(decisions);
  const push = (changes: Partial<PushOptions> = {}) =>
    pushRenewedTokens({
      enabled: true,
      broker: client,
      file: lab.file,
      lease: { leaseId: "lease_1", state: "active" },
      owner: OWNER,
      ...changes,
    });
  return { lab, first, pushed, push };
}

async function renew(lab: Lab): Promise<PlainTokens> {
  const tokens = tokensOf(WHO);
  await lab.cli(cliDocument(tokens));
  return tokens;
}

describe("pushing tokens back that the Codex CLI renewed", () => {
  it("pushes them once, exactly as the CLI's file, and remembers what the broker said", async () => {
    const { lab, pushed, push } = await leased();
    const renewed = await renew(lab);
    await lab.cli({ ...cliDocument(renewed), later: "unknown" });
    expect(await push()).toEqual({ pushed: true, decision: "client_updated_manager", materializeAgain: false });
    expect(pushed).toEqual([
      {
        path: "/api/leases/lease_1/reconcile-auth",
        body: { machine_id: "m1", agent_id: "openclaw", auth_json: cliDocument(renewed) },
      },
    ]);
    expect(await lab.note()).toMatchObject({
      leaseId: "lease_1",
      pushed: { refreshFingerprint: fingerprint(renewed.refresh), decision: "client_updated_manager" },
    });
    expect(await push()).toEqual({ pushed: false, because: "pushed-before", materializeAgain: false });
    const next = await renew(lab);
    expect(await push()).toMatchObject({ pushed: true });
    expect(pushed.map(({ body }) => body)).toMatchObject([{}, { auth_json: cliDocument(next) }]);
    // Nobody lost anything by the removal: the manager has them.
    expect(await lab.file.remove()).toEqual({ outcome: "removed", removedRenewed: false });
  });

  it("asks for another materialize until the manager's newer tokens were written", async () => {
    const { lab, pushed, push } = await leased(["manager_updated_client"]);
    await renew(lab);
    expect(await push()).toEqual({ pushed: true, decision: "manager_updated_client", materializeAgain: true });
    expect(await push()).toEqual({ pushed: false, because: "pushed-before", materializeAgain: true });
    const managers = tokensOf(WHO);
    expect(await lab.file.write("lease_1", materialOf(managers))).toEqual({
      outcome: "written",
      replacedRenewed: false,
    });
    expect(await push()).toEqual({ pushed: false, because: "not-renewed", materializeAgain: false });
    expect(pushed).toHaveLength(1);
  });

  it("does not ask for ever where the manager's newer tokens are the spent ones", async () => {
    const { lab, first, push } = await leased(["manager_updated_client"]);
    const renewed = await renew(lab);
    expect(await push()).toMatchObject({ materializeAgain: true });
    expect(await lab.file.write("lease_1", materialOf(first))).toMatchObject({ outcome: "kept" });
    expect(await push()).toEqual({ pushed: false, because: "pushed-before", materializeAgain: false });
    expect(await lab.refresh()).toBe(renewed.refresh);
  });

  it("pushes again after a push that failed", async () => {
    const { lab, pushed, push } = await leased([409, "in_sync"]);
    const renewed = await renew(lab);
    await expect(push()).rejects.toMatchObject({ code: "ERR_LEASE_NOT_OWNED" });
    expect(await lab.note()).not.toHaveProperty("pushed");
    expect(await push()).toEqual({ pushed: true, decision: "in_sync", materializeAgain: false });
    expect(pushed).toHaveLength(2);
    expect(await lab.refresh()).toBe(renewed.refresh);
  });
});

describe("what is never pushed", () => {
  const plain = tokensOf(WHO);
  const mallory = tokensOf({ name: "mallory" });
  const without = (name: string): unknown => {
    const { [name]: _left, ...tokens } = cliDocument(plain)["tokens"] as Record<string, unknown>;
    return { ...cliDocument(plain), tokens };
  };

  it.each<readonly [string, unknown, string]>([
    ["another account's tokens", cliDocument(mallory), "not-ours"],
    [
      "another account's tokens under the leased account's name",
      cliDocument({ ...mallory, accountId: plain.accountId }),
      "not-ours",
    ],
    [
      "the leased account's tokens under another name",
      cliDocument({ ...plain, accountId: mallory.accountId }),
      "not-ours",
    ],
    [
      "another user's of the same workspace",
      cliDocument(tokensOf({ name: "mallory", accountId: "acct-alpha" })),
      "not-ours",
    ],
    ["tokens that say nobody's name", cliDocument({ ...plain, access: "opaque" }), "not-ours"],
    ["a file without an account", without("account_id"), "not-ours"],
    ["a file without an id token", without("id_token"), "incomplete"],
    ["an API key", { OPENAI_API_KEY: "key" }, "not-ours"],
  ])("%s", async (_what, document, because) => {
    const { lab, pushed, push } = await leased();
    await lab.cli(document);
    expect(await push()).toEqual({ pushed: false, because, materializeAgain: false });
    expect(pushed).toEqual([]);
  });

  it("what we wrote ourselves", async () => {
    const { pushed, push } = await leased();
    expect(await push()).toMatchObject({ pushed: false, because: "not-renewed" });
    expect(pushed).toEqual([]);
  });

  it("tokens of an earlier lease, or of one that has ended, or where it is not configured", async () => {
    const { lab, pushed, push } = await leased();
    await renew(lab);
    expect(await push({ lease: { leaseId: "lease_2", state: "active" } })).toMatchObject({ because: "other-lease" });
    for (const state of ["released", "revoked", "expired", "unknown"] as const) {
      expect(await push({ lease: { leaseId: "lease_1", state } })).toMatchObject({ because: "lease-ended" });
    }
    expect(await push({ enabled: false })).toMatchObject({ because: "off" });
    expect(pushed).toEqual([]);
    expect(await push({ lease: { leaseId: "lease_1", state: "rotation_required" } })).toMatchObject({ pushed: true });
  });

  it("a login of the leased person that we never wrote", async () => {
    const lab = await authFileLab();
    await lab.cli(cliDocument(plain));
    const { client, pushed } = await broker(["in_sync"]);
    const lease = { leaseId: "lease_1", state: "active" } as const;
    const result = await pushRenewedTokens({ enabled: true, broker: client, file: lab.file, lease, owner: OWNER });
    expect(result).toMatchObject({ pushed: false, because: "not-ours" });
    expect(pushed).toEqual([]);
  });
});
