// Renewing a login that waits: what comes takes its place, once, and another account's never does.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LoginTokens, ParkedLogin } from "../../src/apply/parked.ts";
import type { RenewalPort } from "../../src/apply/renewal.ts";
import { renewParked, wantsRenewal } from "../../src/apply/renew-parked.ts";
import { Rotations } from "../../src/apply/rotations.ts";
import { RENEWAL } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import type { RenewedTokens } from "../../src/profiles/renewal.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const secret = (): Secret => Secret.of(randomBytes(12).toString("hex"));
const identityOf = (name: string) => ({ userId: `user-${name}`, accountId: `account-${name}` });

/** A waiting login of carol's, and a sign-in server that answers with `answer`. */
async function setUp(answer: RenewedTokens, login: Partial<ParkedLogin> = {}, more: Partial<LoginTokens> = {}) {
  const w = applyWorld(await temporaryFolder());
  const tokens: LoginTokens = { ...receivedTokens("carol", 5_000), id: secret(), ...more };
  const waiting = await w.parked.put(
    {
      agentId: "main",
      profileId: "openai-codex:work",
      reason: "put-aside",
      email: "carol@example.com",
      planType: "plus",
      expiresAtMs: 5_000,
      requestedBy: REQUESTED_BY,
      ...login,
    },
    tokens,
  );
  const rotations = new Rotations({ folder: w.paths.rotations, now: () => 1_000 });
  const sent: string[] = [];
  const hooks: { beforeSend?: () => Promise<unknown>; whileSent?: () => Promise<unknown> } = {};
  const renewal: RenewalPort = {
    renew: async (token, beforeSend) => {
      await hooks.beforeSend?.();
      await beforeSend();
      sent.push(token.expose());
      await hooks.whileSent?.();
      return { kind: "renewed", tokens: answer };
    },
    clientId: "client",
    rotations,
    elsewhere: () => Promise.resolve([]),
  };
  const folder = join(w.paths.root, "locks");
  const places = { store: w.store, parked: w.parked, queue: w.queue, codexFiles: [] };
  const read = async (id = waiting.id) => {
    const kept = await w.parked.tokens(id);
    return [
      kept?.access.expose(),
      kept?.refresh.expose(),
      kept?.id?.expose(),
      kept?.expiresAtMs,
      kept?.entry?.expose(),
    ];
  };
  return {
    w,
    tokens,
    waiting,
    rotations,
    sent,
    hooks,
    folder,
    read,
    phase: async () => (await rotations.get(fingerprint(tokens.refresh)))?.phase,
    renew: (id = waiting.id) => renewParked(id, { places, renewal, folder, now: () => 1_000 }),
  };
}

describe("a waiting login", () => {
  it("wants a renewal where it lacks an id token, or has too little left", () => {
    const tokens = { ...receivedTokens("carol"), id: secret(), expiresAtMs: 1_000 + RENEWAL.freshForMs };
    expect(wantsRenewal(tokens, 1_000)).toBe(false);
    expect(wantsRenewal(tokens, 1_001)).toBe(true);
    expect(wantsRenewal({ ...tokens, id: undefined }, 1_000)).toBe(true);
  });

  it("has what came in its place, under its own id, and the old token is noted as spent", async () => {
    const [access, refresh, id] = [secret(), secret(), secret()];
    const facts = { email: "new@example.com", planType: "pro", identity: identityOf("carol") };
    const entry = Secret.of(JSON.stringify(storedLogin("carol")));
    const a = await setUp({ access, refresh, id, expiresAtMs: 9_000, ...facts }, {}, { entry });
    await a.renew();
    expect(a.sent).toEqual([a.tokens.refresh.expose()]);
    expect(await a.w.parked.list()).toEqual([
      { ...a.waiting, ...facts, expiresAtMs: 9_000, createdAt: expect.any(Number) as number },
    ]);
    // The entry of before would bring the old tokens back.
    expect(await a.read()).toEqual([access.expose(), refresh.expose(), id.expose(), 9_000, undefined]);
    expect(await a.phase()).toBe("spent");
    expect(readdirSync(a.folder)).toEqual([]);
    expect(statSync(a.folder).mode & 0o777).toBe(0o700);
  });

  it("stays as it is in all that did not come, and its token is as good as before where it was not changed", async () => {
    const a = await setUp({});
    const before = await a.read();
    await a.renew();
    expect(await a.read()).toEqual(before);
    expect(await a.w.parked.list()).toEqual([{ ...a.waiting, createdAt: expect.any(Number) as number }]);
    expect(await a.phase()).toBeUndefined();
    const b = await setUp({ refresh: secret() }, {}, { id: undefined });
    await b.renew();
    expect((await b.read())[2]).toBeUndefined();
    expect(await b.phase()).toBe("spent");
  });
});

describe("another account's login that comes", () => {
  it("waits beside the one that was presented, which keeps its place", async () => {
    const refresh = secret();
    const a = await setUp({ refresh, identity: identityOf("dave") });
    const before = await a.read();
    await expect(a.renew()).rejects.toMatchObject({ code: "ERR_RENEWAL_OTHER_ACCOUNT" });
    expect(await a.read()).toEqual(before);
    const beside = (await a.w.parked.list()).find(({ id }) => id !== a.waiting.id);
    expect(beside).toMatchObject({ reason: "other-identity", identity: identityOf("dave"), requestedBy: REQUESTED_BY });
    expect((await a.read(beside?.id))[1]).toBe(refresh.expose());
    expect(await a.phase()).toBe("spent");
  });

  it("is known by what was said of the login where its token says nothing, and not where nothing was said", async () => {
    const opaque = { access: secret() };
    const known = await setUp({ identity: identityOf("dave") }, { identity: identityOf("carol") }, opaque);
    await expect(known.renew()).rejects.toMatchObject({ code: "ERR_RENEWAL_OTHER_ACCOUNT" });
    const same = await setUp({ identity: identityOf("carol") }, { identity: identityOf("carol") }, opaque);
    await same.renew();
    const unknown = await setUp({ identity: identityOf("dave") }, {}, opaque);
    await unknown.renew();
    expect(await unknown.w.parked.list()).toMatchObject([{ id: unknown.waiting.id, identity: identityOf("dave") }]);
    // The token is believed before what was said of the login.
    const misnamed = await setUp({ identity: identityOf("carol") }, { identity: identityOf("dave") });
    await misnamed.renew();
    expect(await misnamed.w.parked.list()).toHaveLength(1);
  });
});

describe("a renewal that is not asked for", () => {
  it("is one of a login that is gone, or that has nothing to renew it by", async () => {
    const a = await setUp({});
    await expect(a.renew("p-0000000000000000")).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    const b = await setUp({}, {}, { refresh: Secret.of("") });
    await expect(b.renew()).rejects.toMatchObject({ code: "ERR_RENEWAL_NONE" });
    expect([...a.sent, ...b.sent]).toEqual([]);
  });

  it("is one of a login that somebody else holds too, or might hold", async () => {
    const a = await setUp({});
    await a.w.parked.put({ ...a.waiting, reason: "removed" }, a.tokens);
    await expect(a.renew()).rejects.toMatchObject({ code: "ERR_TOKEN_SHARED" });
    const b = await setUp({});
    writeFileSync(join(b.w.paths.parked, "p-broken.json"), "{");
    await expect(b.renew()).rejects.toMatchObject({ code: "ERR_TOKEN_SHARED" });
    expect([...a.sent, ...b.sent]).toEqual([]);
    expect(await a.phase()).toBeUndefined();
  });

  it("is one whose login was taken in the last moment: nothing leaves, and nothing is held against it", async () => {
    const a = await setUp({});
    a.hooks.beforeSend = () => a.w.parked.put({ ...a.waiting, reason: "removed" }, a.tokens);
    await expect(a.renew()).rejects.toMatchObject({ code: "ERR_TOKEN_SHARED" });
    expect(a.sent).toEqual([]);
    expect(await a.phase()).toBeUndefined();
  });

  it("is one of which the answer would have no room", async () => {
    const a = await setUp({});
    const full = new CodexAuthError("ERR_DISK_FULL", { message: "Full.", next: "Free some." });
    a.w.parked.assertRoom = () => Promise.reject(full);
    await expect(a.renew()).rejects.toBe(full);
    expect(a.sent).toEqual([]);
  });
});

describe("two renewals of one login", () => {
  it("are made one after the other, the second with what the first has brought", async () => {
    const refresh = secret();
    const a = await setUp({ refresh });
    let [under, most] = [0, 0];
    a.hooks.whileSent = async () => {
      most = Math.max(most, (under += 1));
      mkdirSync(join(a.w.paths.root, `seen-${a.sent.length}`));
      await a.read();
      under -= 1;
    };
    await Promise.all([a.renew(), a.renew()]);
    expect(a.sent).toEqual([a.tokens.refresh.expose(), refresh.expose()]);
    expect(most).toBe(1);
  });
});
