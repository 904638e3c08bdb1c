// Renewing a login by its refresh token: presented once, kept whatever happens, and in the store before anybody can use the old one.

import { EventEmitter, once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { loginPrint } from "../../src/profiles/same-login.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { storedLogin } from "../support/apply-world.ts";
import { ALICE, entryOf, renewalWorld, signIn } from "../support/renewal-world.ts";

type World = Awaited<ReturnType<typeof renewalWorld>>;

const receiptOf = async (w: World, id: string) => (await w.receipts.get(id)) ?? expect.fail("there is no receipt");

describe("a renewal", () => {
  it("puts the fresh tokens in the place of the old ones and leaves every other byte as it was", async () => {
    const w = await renewalWorld();
    const before = w.readStore();
    const job = await w.renew();
    expect(await w.drain()).toBe(1);
    const after = w.readStore();
    const fresh = after.profiles[ALICE] ?? {};
    expect(w.sandbox.standing(String(fresh["refresh"]))).toBe("live");
    expect(w.sandbox.standing(w.login.refresh.expose())).toBe("consumed");
    expect(fresh["access"]).not.toBe(w.login.access.expose());
    expect(Number(fresh["expires"])).toBeGreaterThanOrEqual(w.login.expiresAtMs);
    const { access, refresh, expires, accountId } = fresh;
    expect(fresh).toEqual({ ...before.profiles[ALICE], access, refresh, expires, accountId });
    expect(accountId).toBe("acct-grace");
    expect({ ...after, profiles: { ...after.profiles, [ALICE]: null } }).toEqual({
      ...before,
      profiles: { ...before.profiles, [ALICE]: null },
    });
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await receiptOf(w, job.id)).toMatchObject({
      kind: "renew-login",
      outcome: "done",
      email: "grace@example.com",
      activation: { used: "reload", proven: "listed-by-gateway" },
    });
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toMatchObject({ phase: "spent", jobId: job.id });
    expect(w.timesPresented()).toEqual([1]);
    expect(await w.outbox.list("telegram")).toMatchObject([{ content: { receiptId: job.id } }]);
    expect(readdirSync(join(w.paths.queue, "secrets"))).toEqual([]);
  });

  it("holds OpenClaw's refresh lock and the store's until the gateway has reloaded, and then lets both go", async () => {
    const w = await renewalWorld();
    const locks = [`${w.storePath}.lock`, `${refreshLockTarget(join(w.folder, ".openclaw"), ALICE)}.lock`];
    const seen: string[] = [];
    const look = (when: string): void => {
      for (const [index, path] of locks.entries())
        if (JSON.parse(readFileSync(path, "utf8")).pid === process.pid) seen.push(`${when} ${index}`);
    };
    const reload = w.gateway.reload.bind(w.gateway);
    w.gateway.reload = () => (look("reload"), reload());
    const renew = w.services.renewal?.renew ?? expect.fail();
    Object.assign(w.services.renewal ?? {}, {
      renew: (...[token, beforeSend]: Parameters<typeof renew>) =>
        renew(token, () => {
          look("request");
          return beforeSend();
        }),
    });
    await w.renew();
    await w.drain();
    expect(seen).toEqual(["request 0", "request 1", "reload 0", "reload 1"]);
    for (const path of locks) expect(() => readFileSync(path)).toThrow("ENOENT");
  });

  it("makes one of the copies in several agents' stores", async () => {
    const w = await renewalWorld();
    const stateDir = join(w.folder, ".openclaw");
    const copy = join(stateDir, "agents", "helper", "agent", "auth-profiles.json");
    mkdirSync(dirname(copy), { recursive: true });
    const own = storedLogin("own");
    writeFileSync(
      copy,
      JSON.stringify({ version: 1, profiles: { [ALICE]: entryOf(w.login), "openai-codex:own": own } }),
    );
    writeFileSync(
      join(stateDir, "openclaw.json"),
      JSON.stringify({ agents: { list: [{ id: "main" }, { id: "helper" }] } }),
    );
    const job = await w.renew();
    await w.drain();
    expect(JSON.parse(readFileSync(copy, "utf8"))).toEqual({ version: 1, profiles: { "openai-codex:own": own } });
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done", removedCopies: ["helper"] });
  });

  it("keeps the old refresh token where the server gives no other, and may present it again", async () => {
    const w = await renewalWorld();
    w.sandbox.faults.next({ kind: "without", field: "refresh_token" });
    await w.renew();
    await w.drain();
    expect(w.readStore().profiles[ALICE]?.["refresh"]).toBe(w.login.refresh.expose());
    expect(w.readStore().profiles[ALICE]?.["access"]).not.toBe(w.login.access.expose());
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toBeUndefined();
    await w.renew();
    await w.drain();
    expect(w.sandbox.standing(String(w.readStore().profiles[ALICE]?.["refresh"]))).toBe("live");
  });

  it("stores a refresh token that comes without an access token: the old one is spent", async () => {
    const w = await renewalWorld();
    w.sandbox.faults.next({ kind: "without", field: "access_token" });
    await w.renew();
    await w.drain();
    const entry = w.readStore().profiles[ALICE] ?? {};
    expect(entry["access"]).toBe(w.login.access.expose());
    expect(w.sandbox.standing(String(entry["refresh"]))).toBe("live");
  });

  it("is written again where the gateway writes its memory back over it", async () => {
    const w = await renewalWorld();
    w.gateway.writesBack = 1;
    const job = await w.renew();
    await w.drain();
    expect(w.sandbox.standing(String(w.readStore().profiles[ALICE]?.["refresh"]))).toBe("live");
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done" });
    expect(w.timesPresented()).toEqual([1]);
  });

  it("never puts the spent token back where the gateway cannot be told", async () => {
    const w = await renewalWorld();
    w.gateway.reloadFails = 5;
    w.gateway.restartPossible = false;
    const job = await w.renew();
    await w.drain();
    expect(w.sandbox.standing(String(w.readStore().profiles[ALICE]?.["refresh"]))).toBe("live");
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done", problem: { code: "ERR_GATEWAY_RPC" } });
    expect(await w.parked.list()).toEqual([]);
  });
});

describe("a renewal that is not asked for", () => {
  const cases: [string, string, (w: World) => unknown][] = [
    ["a profile that is gone", "ERR_PROFILE_UNKNOWN", (w) => edit(w, undefined)],
    ["a login without a refresh token", "ERR_RENEWAL_NONE", (w) => edit(w, { ...entryOf(w.login), refresh: "" })],
    [
      "a token that never is renewed",
      "ERR_RENEWAL_NONE",
      (w) => edit(w, { type: "token", provider: "openai-codex", token: "t" }),
    ],
    [
      "a login that another program keeps",
      "ERR_PROFILE_MANAGED",
      (w) => edit(w, { ...entryOf(w.login), managedBy: "vault" }),
    ],
    [
      "a token that lies in the Codex CLI's file too",
      "ERR_TOKEN_SHARED",
      (w) => w.elsewhere.push({ owner: "codex-cli", profileId: "auth.json", refreshToken: w.login.refresh }),
    ],
    [
      "a token that lies under another id too",
      "ERR_TOKEN_SHARED",
      (w) => edit(w, entryOf(w.login), "openai-codex:bob"),
    ],
    [
      "a marker that OpenClaw puts there while it renews",
      "ERR_RENEWAL_NONE",
      (w) => edit(w, { ...entryOf(w.login), refresh: "openclaw-oauth-refresh-fence:v1:x:refresh:y" }),
    ],
    ["a gateway that cannot be told apart", "ERR_GATEWAY_DISAGREES", (w) => (w.gateway.state = "refused")],
  ];
  it.each(cases)("refuses %s with %s, before anything is sent", async (_title, code, arrange) => {
    const w = await renewalWorld();
    arrange(w);
    const before = readFileSync(w.storePath, "utf8");
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code } });
    expect(w.sandbox.presentations()).toEqual([]);
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toBeUndefined();
    expect(await w.parked.list()).toEqual([]);
  });

  it.each(["none", "restart"] as const)(
    "refuses where a running gateway is told by %s only: it would use the old token",
    async (activation) => {
      const w = await renewalWorld();
      const job = await w.renew({ activation });
      await w.drain();
      expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_UNSAFE" } });
      expect(w.sandbox.presentations()).toEqual([]);
    },
  );

  it("needs no reload where no gateway runs", async () => {
    const w = await renewalWorld();
    w.gateway.state = "stopped";
    const job = await w.renew({ activation: "none" });
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done", activation: { proven: "not-running" } });
  });

  it("is for the login that was shown, and for nobody else's", async () => {
    const w = await renewalWorld();
    const previewed = loginPrint(w.readStore().profiles[ALICE]);
    const job = await w.renew({ previewed });
    edit(w, storedLogin("mallory"));
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_IDENTITY_CHANGED" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("ends unsent where it is cancelled first", async () => {
    const w = await renewalWorld();
    const job = await w.renew();
    await w.queue.cancel(job.id);
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "cancelled" });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("says that OpenClaw does it itself where nobody else may", async () => {
    const w = await renewalWorld();
    Object.assign(w.services, { renewal: undefined });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_UNSAFE" } });
  });
});

describe("an answer that is none", () => {
  it.each([
    { kind: "drop-before-process" },
    { kind: "drop-after-process" },
    { kind: "hang" },
    { kind: "garbage" },
    { kind: "status-after-process", status: 502 },
  ] as const)("leaves the store alone after %j and never presents the token again", async (fault) => {
    // The note that the token may leave is written to the disk within that time.
    const w = await renewalWorld({ timeoutMs: 2_500 });
    const before = readFileSync(w.storePath, "utf8");
    w.sandbox.faults.next(fault);
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_UNKNOWN" } });
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toMatchObject({ phase: "sent" });
    const again = await w.renew();
    await w.drain();
    expect(await receiptOf(w, again.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_UNKNOWN" } });
    expect(w.timesPresented()).toEqual([1]);
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
  });

  it("leaves the token good where nothing was sent", async () => {
    const w = await renewalWorld();
    const { renew } = w.services.renewal ?? expect.fail();
    const error = new CodexAuthError("ERR_TOKEN_UNREACHABLE", { message: "m", next: "n" });
    Object.assign(w.services.renewal ?? {}, { renew: () => Promise.resolve({ kind: "not-sent", error }) });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_TOKEN_UNREACHABLE" } });
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toBeUndefined();
    Object.assign(w.services.renewal ?? {}, { renew });
    const again = await w.renew();
    await w.drain();
    expect(await receiptOf(w, again.id)).toMatchObject({ outcome: "done" });
  });

  it("may be asked again after a refusal that has not taken the token", async () => {
    const w = await renewalWorld();
    w.sandbox.faults.next({
      kind: "status",
      status: 429,
      body: "{}",
      contentType: "application/json",
      retryAfter: "90",
    });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_RENEWAL_REFUSED", next: "The login is as it was. Try again in 2 min." },
    });
    const again = await w.renew();
    await w.drain();
    expect(await receiptOf(w, again.id)).toMatchObject({ outcome: "done" });
  });

  it("remembers a login that the server has ended, and does not ask again", async () => {
    const w = await renewalWorld();
    w.sandbox.faults.next({ kind: "error", shape: "nested", code: "refresh_token_expired", status: 401 });
    const first = await w.renew();
    await w.drain();
    expect(await receiptOf(w, first.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_DEAD" } });
    const again = await w.renew();
    await w.drain();
    expect(await receiptOf(w, again.id)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_RENEWAL_DEAD", message: expect.stringContaining("refresh_token_expired") },
    });
    expect(w.timesPresented()).toEqual([1]);
  });
});

/** Somebody who takes no lock signs in while the server works. */
async function meanwhile(w: World, entry: object) {
  const gate = new EventEmitter();
  w.sandbox.faults.next({ kind: "slow", until: once(gate, "open") });
  const job = await w.renew();
  const drained = w.drain();
  await expect.poll(() => w.sandbox.presentations().length).toBe(1);
  edit(w, entry);
  gate.emit("open");
  await drained;
  return receiptOf(w, job.id);
}

describe("a store that changes while the answer is on its way", () => {
  it("wins: what came is kept for a person to decide, in a form that fits any profile", async () => {
    const w = await renewalWorld();
    const theirs = entryOf(await signIn(w.sandbox));
    expect(await meanwhile(w, theirs)).toMatchObject({ outcome: "parked", problem: { code: "ERR_RENEWAL_OVERTAKEN" } });
    expect(w.readStore().profiles[ALICE]).toEqual(theirs);
    const [parked] = await w.parked.list();
    const tokens = await w.parked.tokens(parked?.id ?? "");
    expect(w.sandbox.standing(tokens?.refresh.expose() ?? "")).toBe("live");
    expect(tokens?.entry).toBeUndefined();
    expect(parked).toMatchObject({ identity: { userId: "user-grace", accountId: "acct-grace" }, profileId: ALICE });
  });

  it("is adopted where the server says that the token was used by somebody else", async () => {
    const w = await renewalWorld();
    const theirs = entryOf(await signIn(w.sandbox));
    w.sandbox.faults.next({ kind: "error", shape: "flat", code: "refresh_token_reused", status: 400 });
    const renew = w.services.renewal?.renew ?? expect.fail();
    Object.assign(w.services.renewal ?? {}, {
      renew: async (...args: Parameters<typeof renew>) => {
        const outcome = await renew(...args);
        edit(w, theirs);
        return outcome;
      },
    });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      outcome: "done",
      files: [],
      note: expect.stringContaining("Somebody else"),
    });
    expect(w.readStore().profiles[ALICE]).toEqual(theirs);
  });
});

describe("a login that comes", () => {
  it("is kept and not stored where it is another account's", async () => {
    const w = await renewalWorld();
    const before = readFileSync(w.storePath, "utf8");
    w.sandbox.faults.next({ kind: "other-account", account: w.sandbox.accounts[0] ?? expect.fail() });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_RENEWAL_OTHER_ACCOUNT" },
    });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.parked.list()).toMatchObject([{ reason: "other-identity", identity: { userId: "user-ada" } }]);
  });

  it("that was put aside before is not taken once it is spent", async () => {
    const w = await renewalWorld();
    const old = { access: w.login.access, refresh: w.login.refresh, expiresAtMs: w.login.expiresAtMs };
    await w.renew();
    await w.drain();
    const before = readFileSync(w.storePath, "utf8");
    const job = await w.enqueue(old, { profileId: "openai-codex:old" });
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_TOKEN_SPENT" } });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
  });

  it("leaves no token in a job, receipt, journal or log", async () => {
    const w = await renewalWorld();
    await w.renew();
    await w.drain();
    const fresh = w.readStore().profiles[ALICE] ?? {};
    const secrets = [
      w.login.access.expose(),
      w.login.refresh.expose(),
      String(fresh["access"]),
      String(fresh["refresh"]),
    ];
    for (const path of filesBelow(w.paths.root)) {
      const text = readFileSync(path, "utf8");
      for (const secret of secrets) expect(text.includes(secret), path).toBe(false);
    }
    expect(Secret.of("x").toString()).toBe("[redacted]");
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function edit(w: World, entry: object | undefined, id = ALICE): void {
  const store = w.readStore();
  if (entry === undefined) delete store.profiles[id];
  else store.profiles[id] = { ...entry };
  writeFileSync(w.storePath, JSON.stringify(store, null, 2));
}
