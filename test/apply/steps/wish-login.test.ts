// What a job with a login wants of today's store: its entry, its place in the order, and to be refused where it was decided about another.

import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LoginJob } from "../../../src/apply/job.ts";
import type { LoginRequest } from "../../../src/apply/new-job.ts";
import type { RenewalPort } from "../../../src/apply/renewal.ts";
import { wishOf } from "../../../src/apply/steps/wish.ts";
import { sealCredential, unsealEntry, type Credential } from "../../../src/profiles/profile.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];

/** A store whose order is `order` (none: what there is), a job of carol's login, and what it wants. */
async function setUp(request: Partial<LoginRequest> = {}, order?: string[]) {
  const w = applyWorld(await temporaryFolder());
  const store = w.readStore();
  if (order !== undefined) writeFileSync(w.storePath, JSON.stringify({ ...store, order: { "openai-codex": order } }));
  const tokens = receivedTokens("carol");
  const made = await w.enqueue(tokens, request);
  const wish = async (patch: Partial<LoginJob> = {}, services = w.services) =>
    wishOf({
      job: { ...made, ...patch },
      secret: (await w.queue.secrets.get(made.id)) ?? {},
      snapshot: await w.store.read(),
      services,
    });
  const plan = async () => (await w.store.plan({ profileId: CAROL, provider: "openai-codex" })).plan;
  return { w, tokens, wish, plan };
}

describe("the wish of a login", () => {
  it("is its entry, first in the order that was tried until now, which is written down for it", async () => {
    const { w, tokens, wish } = await setUp();
    const wanted = await wish();
    expect(wanted).toMatchObject({
      kind: "change",
      order: { written: [CAROL, ALICE, BOB], wasImplicit: true },
      planned: { plan: { files: [{ path: w.storePath, before: null, orderAfter: [CAROL, ALICE, BOB] }] } },
    });
    const next = wanted.kind === "change" ? wanted.planned.values.get(w.storePath)?.next : undefined;
    expect(next == null ? undefined : unsealEntry(next)).toMatchObject({ refresh: tokens.refresh.expose() });
  });

  it("begins an order for a new profile that is not to come first, too, which is at its end", async () => {
    const { wish } = await setUp({ makeFirst: false }, [BOB, ALICE]);
    expect(await wish()).toMatchObject({ order: { written: [BOB, ALICE, CAROL], wasImplicit: false } });
  });

  it("leaves the order alone where the profile is tried already and is not to come first", async () => {
    const { w, wish } = await setUp({ makeFirst: false, profileId: ALICE });
    const wanted = await wish();
    expect(wanted).toMatchObject({ kind: "change", order: undefined });
    expect(wanted.kind === "change" ? wanted.planned.plan.files[0]?.orderAfter : "").toBeNull();
    expect(w.readStore().order).toBeUndefined();
  });

  it("makes a profile first that is tried already", async () => {
    const { wish } = await setUp({ profileId: BOB });
    expect(await wish()).toMatchObject({ order: { written: [BOB, ALICE], wasImplicit: true } });
  });
});

describe("the wish of a login for an order that was shown", () => {
  it("is that order, and says so where it is another than today's", async () => {
    const { w, wish } = await setUp({ wantedOrder: [BOB, CAROL, ALICE] }, [ALICE, BOB]);
    expect(await wish()).toMatchObject({
      kind: "change",
      order: { written: [BOB, CAROL, ALICE], wasImplicit: false },
      planned: { plan: { files: [{ path: w.storePath, orderAfter: [BOB, CAROL, ALICE] }] } },
    });
  });

  it("says nothing of the order where it is today's, or where there is none and none is wanted", async () => {
    for (const { wish } of [
      await setUp({ wantedOrder: [BOB, ALICE] }, [BOB, ALICE]),
      await setUp({ wantedOrder: null }),
      await setUp({ wantedOrder: [] }),
    ]) {
      expect(await wish()).toMatchObject({ kind: "change", order: undefined });
    }
  });

  it("may be none, where there is one", async () => {
    const { wish } = await setUp({ wantedOrder: null }, [BOB, ALICE]);
    const wanted = await wish();
    expect(wanted).toMatchObject({ order: { written: [], wasImplicit: false } });
    expect(wanted.kind === "change" ? wanted.planned.plan.files[0]?.orderAfter : "").toBeNull();
  });
});

describe("a login that may not be written", () => {
  it("is one whose tokens are gone", async () => {
    const { w, wish } = await setUp();
    for (const { id } of await w.queue.list()) await w.queue.secrets.put(id, {});
    await expect(wish()).rejects.toMatchObject({ code: "ERR_JOB_SECRET_MISSING" });
  });

  it("is one that was renewed since it was put aside, unless its writing had begun before", async () => {
    const { w, tokens, wish, plan } = await setUp();
    const barred = fingerprint(tokens.refresh);
    const renewal = { rotations: { isBarred: async (print: string) => print === barred } } as unknown as RenewalPort;
    const services = { ...w.services, renewal };
    await expect(wish({}, services)).rejects.toMatchObject({ code: "ERR_TOKEN_SPENT" });
    expect(await wish({ plan: await plan() }, services)).toMatchObject({ kind: "change" });
  });

  it("is one for a profile into which somebody else's login came after the person had decided", async () => {
    const { w, wish, plan } = await setUp({ profileId: ALICE, previewed: "none" });
    await expect(wish()).rejects.toMatchObject({ code: "ERR_IDENTITY_CHANGED" });
    expect(w.readStore().profiles[ALICE]).toMatchObject({ email: "alice@example.com" });
    // What was begun is carried to its end.
    expect(await wish({ plan: await plan() })).toMatchObject({ kind: "change" });
  });
});

describe("a login for a profile that was shown", () => {
  it("is written over what was shown, over nothing, and where nobody was shown anything", async () => {
    const { w, wish } = await setUp({ profileId: ALICE });
    const stored = await w.store.readCredential(ALICE);
    if (stored === undefined) throw new Error("alice is not there");
    expect(await wish({ previewed: fingerprint(stored.credential) })).toMatchObject({ kind: "change" });
    expect(await wish()).toMatchObject({ kind: "change" });
    const empty = await setUp({ previewed: "print of a login that is gone" });
    expect(await empty.wish()).toMatchObject({ kind: "change" });
  });

  it("is written over the same person's login that came there since", async () => {
    const { w, wish } = await setUp({ profileId: ALICE, previewed: "print" });
    const shown = fingerprint(sealCredential(storedLogin("carol") as Credential));
    const store = w.readStore();
    store.profiles[ALICE] = storedLogin("carol");
    writeFileSync(w.storePath, JSON.stringify(store));
    expect(await wish({ previewed: shown })).toMatchObject({ kind: "change" });
  });
});
