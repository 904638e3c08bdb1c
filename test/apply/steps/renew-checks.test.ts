// What must hold before a refresh token may leave this machine: each reason to keep it here, and none besides.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RenewJob } from "../../../src/apply/job.ts";
import type { RenewalPort } from "../../../src/apply/renewal.ts";
import { assertGatewayHears, assertGatewayTold, renewableOf } from "../../../src/apply/steps/renew-checks.ts";
import { presentedBefore, tooLate } from "../../../src/apply/steps/renewal-errors.ts";
import { factsOf } from "../../../src/profiles/credential-facts.ts";
import type { TokenHolder } from "../../../src/profiles/owners.ts";
import { applyWorld, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { gatewayWith, runOf } from "./step-lab.ts";

const [ALICE, WORK] = ["openai-codex:alice", "openai-codex:work"];

async function setUp(entry: Record<string, unknown> = storedLogin("alice")) {
  const w = applyWorld(await temporaryFolder());
  const put = (agentId: string, profiles: Record<string, unknown>): void => {
    const path = join(dirname(dirname(dirname(w.storePath))), agentId, "agent", "auth-profiles.json");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ version: 1, profiles }));
  };
  put("main", { [ALICE]: entry });
  const job = (await enqueueChange(w, "renew-login", {}, { profileId: ALICE })) as unknown as RenewJob;
  const elsewhere: TokenHolder[] = [];
  const renewal = { clientId: "ours", elsewhere: () => Promise.resolve(elsewhere) } as unknown as RenewalPort;
  const renewable = (patch: Partial<RenewJob> = {}) => renewableOf({ ...job, ...patch }, w.services, renewal);
  return { w, entry, put, job, elsewhere, renewable };
}

describe("a login that may be renewed", () => {
  it("is the one that is stored, with its token", async () => {
    const { w, entry, renewable } = await setUp();
    const { stored, token } = await renewable();
    expect(token.expose()).toBe(entry["refresh"]);
    expect(stored).toMatchObject({ email: "alice@example.com" });
    const shown = await w.store.readCredential(ALICE);
    const previewed = shown === undefined ? "" : factsOf(shown).login;
    expect((await renewable({ previewed })).token.expose()).toBe(entry["refresh"]);
  });

  it("may name our client as its own", async () => {
    const { renewable } = await setUp({ ...storedLogin("alice"), clientId: "ours" });
    expect(await renewable()).toHaveProperty("token");
  });
});

describe("a login that may not", () => {
  it.each<[string, string, Record<string, unknown>]>([
    ["has no refresh token", "ERR_RENEWAL_NONE", { type: "token", provider: "openai-codex", token: "t" }],
    ["is another provider's", "ERR_RENEWAL_NONE", { ...storedLogin("alice"), provider: "openai" }],
    ["was given to another program", "ERR_RENEWAL_NONE", { ...storedLogin("alice"), clientId: "theirs" }],
    ["is kept by another program", "ERR_PROFILE_MANAGED", { ...storedLogin("alice"), managedBy: "auth-manager" }],
  ])("%s", async (_what, code, entry) => {
    const { renewable } = await setUp(entry);
    await expect(renewable()).rejects.toMatchObject({ code });
  });

  it("is gone, or is another one than the one that was shown", async () => {
    const { renewable } = await setUp();
    await expect(renewable({ profileId: "openai-codex:gone" })).rejects.toMatchObject({ code: "ERR_PROFILE_UNKNOWN" });
    await expect(renewable({ previewed: "another" })).rejects.toMatchObject({ code: "ERR_IDENTITY_CHANGED" });
  });
});

describe("the owners of a refresh token", () => {
  const shared = { code: "ERR_TOKEN_SHARED" };

  it("are one where other agents have a copy of this profile, or another person's login of its name", async () => {
    const { entry, put, renewable } = await setUp();
    put("ops", { [ALICE]: entry });
    expect(await renewable()).toHaveProperty("token");
    put("ops", { [ALICE]: storedLogin("dave") });
    expect(await renewable()).toHaveProperty("token");
  });

  it("are two where an agent has another login of this account under this name", async () => {
    const { put, renewable } = await setUp();
    put("ops", { [ALICE]: storedLogin("alice") });
    await expect(renewable()).rejects.toMatchObject({ ...shared, message: expect.stringContaining("ops") as string });
    const { refresh: _none, ...bare } = storedLogin("alice");
    put("ops", { [ALICE]: bare });
    await expect(renewable()).rejects.toMatchObject(shared);
  });

  it("are two where it lies under another name, or outside OpenClaw", async () => {
    const { entry, put, renewable, elsewhere } = await setUp();
    put("main", { [ALICE]: entry, [WORK]: entry });
    await expect(renewable()).rejects.toMatchObject({ ...shared, message: expect.stringContaining(WORK) as string });
    put("main", { [ALICE]: entry });
    const refreshToken = Secret.of(String(entry["refresh"]));
    elsewhere.push({ owner: "codex-cli", profileId: ALICE, refreshToken: Secret.of("another") });
    expect(await renewable()).toHaveProperty("token");
    elsewhere.push({ owner: "codex-cli", profileId: ALICE, refreshToken });
    await expect(renewable()).rejects.toMatchObject({
      ...shared,
      message: expect.stringContaining("codex-cli") as string,
    });
  });

  it("of another token are not this one's", async () => {
    const { entry, put, renewable } = await setUp();
    const bob = storedLogin("bob");
    put("main", { "openai-codex:bob": bob, [WORK]: bob, [ALICE]: entry });
    expect(await renewable()).toHaveProperty("token");
  });
});

describe("a gateway beside a renewal", () => {
  it("that runs must be one that may be told", async () => {
    const { w, job } = await setUp();
    const told = (activation: RenewJob["activation"]) => assertGatewayTold({ ...job, activation }, w.services);
    for (const activation of ["auto", "reload"] as const) await told(activation);
    for (const activation of ["restart", "none"] as const)
      await expect(told(activation)).rejects.toMatchObject({ code: "ERR_RENEWAL_UNSAFE" });
    w.gateway.state = "stopped";
    for (const activation of ["restart", "none", "auto"] as const) await told(activation);
    w.gateway.state = "refused";
    await expect(told("auto")).rejects.toMatchObject({ code: "ERR_GATEWAY_DISAGREES" });
  });

  it("that runs must answer, and is asked for the job's agent; one that is stopped is asked nothing", async () => {
    const { w, job } = await setUp();
    const asked: unknown[] = [];
    const profiles = (_to: unknown, agentId?: string) => (asked.push(agentId), Promise.resolve([]));
    const services = { ...w.services, gateway: gatewayWith(w.gateway, { profiles }) };
    await assertGatewayHears(runOf(w, job), job, services);
    expect(asked).toEqual(["main"]);
    await expect(assertGatewayHears(runOf(w, job), { ...job, activation: "none" }, services)).rejects.toMatchObject({
      code: "ERR_RENEWAL_UNSAFE",
    });
    w.gateway.state = "stopped";
    await assertGatewayHears(runOf(w, job), job, services);
    expect(asked).toEqual(["main", "main"]);
  });
});

describe("a token that was presented before", () => {
  const rotation = {
    schemaVersion: 1,
    token: "print",
    agentId: "main",
    profileId: ALICE,
    jobId: "job-1",
    at: 1,
  } as const;

  it("is ended, an old copy, or perhaps used up, and the three are told apart", () => {
    const dead = presentedBefore({ ...rotation, phase: "dead" });
    expect(dead.code).toBe("ERR_RENEWAL_DEAD");
    expect(dead.message).not.toContain("(");
    expect(presentedBefore({ ...rotation, phase: "dead", reason: "token_revoked" }).message).toContain(
      "(token_revoked)",
    );
    const [spent, sent] = [
      presentedBefore({ ...rotation, phase: "spent" }),
      presentedBefore({ ...rotation, phase: "sent" }),
    ];
    expect([spent.code, sent.code]).toEqual(["ERR_RENEWAL_UNKNOWN", "ERR_RENEWAL_UNKNOWN"]);
    expect(spent.message).toContain("old copy");
    expect(sent.message).toContain("no answer came");
  });

  it("may be asked for again where only the time was too short", () => {
    expect(tooLate()).toMatchObject({ code: "ERR_LOCK_LOST", retryable: true });
  });
});
