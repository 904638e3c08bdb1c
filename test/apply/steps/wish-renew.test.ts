// What a renewal wants of the store: the login that came in the place of the one that was presented, and of no other.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RenewJob } from "../../../src/apply/job.ts";
import { storeTokens, type LoginTokens } from "../../../src/apply/parked.ts";
import { wishOf } from "../../../src/apply/steps/wish.ts";
import { hasBegun } from "../../../src/apply/steps/wish-kinds.ts";
import { unsealEntry } from "../../../src/profiles/profile.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const ALICE = "openai-codex:alice";
const secret = (): Secret => Secret.of(randomBytes(12).toString("hex"));

/** A store with `entry` as alice's, whose refresh token was presented, and `came` for it. */
async function setUp(
  entry: Record<string, unknown> | undefined = storedLogin("alice"),
  came: LoginTokens = receivedTokens("alice"),
) {
  const w = applyWorld(await temporaryFolder());
  const store = w.readStore();
  store.profiles[ALICE] = entry;
  writeFileSync(w.storePath, JSON.stringify(store));
  const made = (await enqueueChange(w, "renew-login", {}, { profileId: ALICE })) as unknown as RenewJob;
  const presented = fingerprint(String(entry["refresh"]));
  const job: RenewJob = { ...made, renewal: { presented, expiresAtMs: 9 } };
  const wish = async (patch: Partial<RenewJob> = {}) =>
    wishOf({
      job: { ...job, ...patch },
      secret: { login: storeTokens(came) },
      snapshot: await w.store.read(),
      services: w.services,
    });
  return { w, job, came, wish };
}

describe("the wish of a renewal", () => {
  it("is the login that came, and neither an order nor the end of a cooldown", async () => {
    const { w, came, wish } = await setUp();
    const wanted = await wish();
    expect(wanted).toMatchObject({
      kind: "change",
      order: undefined,
      planned: { plan: { files: [{ path: w.storePath, role: "owner", clearCooldown: false, orderAfter: null }] } },
    });
    const next = wanted.kind === "change" ? wanted.planned.values.get(w.storePath)?.next : undefined;
    expect(next == null ? undefined : unsealEntry(next)).toMatchObject({ refresh: came.refresh.expose() });
  });

  it("is refused where its tokens are gone", async () => {
    const { w, job } = await setUp();
    const wish = wishOf({ job, secret: {}, snapshot: await w.store.read(), services: w.services });
    await expect(wish).rejects.toMatchObject({ code: "ERR_JOB_SECRET_MISSING" });
  });

  it("is carried to its end where it was begun, and planned anew where it was only planned", async () => {
    const { w, job, wish } = await setUp();
    const wanted = await wish();
    if (wanted.kind !== "change") throw new Error("nothing was planned");
    const { plan, values } = wanted.planned;
    expect(await hasBegun({ ...job, plan }, w.services)).toBe(false);
    expect(await wish({ plan })).toMatchObject({ kind: "change" });
    for (const file of plan.files) {
      const value = values.get(file.path);
      if (value !== undefined) await w.store.apply(file, value);
    }
    expect(await hasBegun({ ...job, plan }, w.services)).toBe(true);
    expect(await wish({ plan })).toEqual({ kind: "as-planned" });
    expect(await hasBegun(job, w.services)).toBe(false);
    await expect(wish()).rejects.toMatchObject({ code: "ERR_RENEWAL_OVERTAKEN" });
  });
});

describe("a profile that holds something else by now", () => {
  it("is left as it is: another token, a key, nothing, or one of which nobody knows what was presented", async () => {
    const { w, job, wish } = await setUp();
    const overtaken = { code: "ERR_RENEWAL_OVERTAKEN" };
    const { renewal: _none, ...unsaid } = job;
    const unknown = wishOf({
      job: unsaid,
      secret: { login: storeTokens(receivedTokens("alice")) },
      snapshot: await w.store.read(),
      services: w.services,
    });
    await expect(unknown).rejects.toMatchObject(overtaken);
    for (const entry of [storedLogin("alice"), { type: "api_key", provider: "openai-codex", key: "k" }, undefined]) {
      const store = w.readStore();
      if (entry === undefined) delete store.profiles[ALICE];
      else store.profiles[ALICE] = entry;
      writeFileSync(w.storePath, JSON.stringify(store));
      await expect(wish()).rejects.toMatchObject(overtaken);
    }
  });
});

const opaque = (more: object = {}): Record<string, unknown> => ({
  type: "oauth",
  provider: "openai-codex",
  access: secret().expose(),
  refresh: secret().expose(),
  expires: 9,
  ...more,
});

describe("a login of another account that comes", () => {
  const other = { code: "ERR_RENEWAL_OTHER_ACCOUNT" };
  it("does not get into the profile", async () => {
    const { wish } = await setUp(storedLogin("alice"), receivedTokens("dave"));
    await expect(wish()).rejects.toMatchObject(other);
  });

  it("is known by what the entry says of its account where its token says nothing", async () => {
    const named = await setUp(opaque({ accountId: "account-dave" }));
    await expect(named.wish()).rejects.toMatchObject(other);
    for (const more of [{ accountId: "account-alice" }, {}])
      expect(await (await setUp(opaque(more))).wish()).toMatchObject({ kind: "change" });
  });

  it("is not one where the token that came does not say whose it is", async () => {
    const { wish } = await setUp(storedLogin("alice"), { ...receivedTokens("alice"), access: secret() });
    expect(await wish()).toMatchObject({ kind: "change" });
  });
});
