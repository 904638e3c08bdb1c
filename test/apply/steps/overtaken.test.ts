// Whether a later value stands where a job wrote its own: then ours is never written again.

import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Job, JobPatch } from "../../../src/apply/job.ts";
import type { RenewalPort } from "../../../src/apply/renewal.ts";
import { leasedCredentialFor } from "../../../src/apply/steps/credential.ts";
import { hasGivenWay, holdsOurs, isOvertaken, isRenewed, isSpent } from "../../../src/apply/steps/overtaken.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];
const WRITTEN: JobPatch = { journal: [{ state: "written", at: 1, epoch: 1 }] };

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  // One that came before all others is nobody's concern.
  await w.queue.save({ ...(await enqueueChange(w, "reset-profile", {})), createdAt: 1 });
  const put = (profileId: string, entry: object | undefined): void => {
    const store = w.readStore();
    if (entry === undefined) delete store.profiles[profileId];
    else store.profiles[profileId] = entry as Record<string, unknown>;
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  const order = (ids: string[]): void =>
    writeFileSync(w.storePath, JSON.stringify({ ...w.readStore(), order: { "openai-codex": ids } }));
  /** A job that wants `ids` as its order, planned on today's store. */
  const ordered = async (ids: string[], profileId = BOB): Promise<Job> => {
    const job = await enqueueChange(w, "order", { how: "exactly", wantedOrder: ids }, { profileId });
    const { plan } = await w.store.plan({ profileId, provider: "openai-codex", order: ids });
    return { ...job, plan };
  };
  const save = async (job: Job): Promise<Job> => (await w.queue.save(job), job);
  return { w, put, order, ordered, save };
}

const barring = (print: string): RenewalPort =>
  ({ rotations: { isBarred: async (one: string) => one === print } }) as unknown as RenewalPort;

describe("a login's tokens", () => {
  it("are spent where the journal bars them, and never those of a job that brings none", async () => {
    const { w } = await setUp();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    const services = { ...w.services, renewal: barring(fingerprint(tokens.refresh)) };
    expect(await isSpent(job, services)).toBe(true);
    expect(await hasGivenWay(job, services)).toBe(true);
    expect(await isSpent(job, w.services)).toBe(false);
    expect(await isSpent(job, { ...w.services, renewal: barring("another") })).toBe(false);
    await w.queue.secrets.remove(job.id);
    expect(await isSpent(job, services)).toBe(false);
    const change = await enqueueChange(w, "order", { how: "first" });
    await w.queue.secrets.put(change.id, { login: { access: "a", refresh: tokens.refresh.expose(), expiresAtMs: 1 } });
    expect(await isSpent(change, services)).toBe(false);
  });

  it("are held by the store where its entry has that very refresh token, however it looks", async () => {
    const { w, put } = await setUp();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    expect(await holdsOurs(job, w.services)).toBe(false);
    put(CAROL, { ...storedLogin("carol"), refresh: tokens.refresh.expose() });
    expect(await holdsOurs(job, w.services)).toBe(true);
    put(CAROL, storedLogin("carol"));
    expect(await holdsOurs(job, w.services)).toBe(false);
    put(CAROL, { type: "token", provider: "openai-codex", token: "t" });
    expect(await holdsOurs(job, w.services)).toBe(false);
    put(CAROL, { ...storedLogin("carol"), refresh: tokens.refresh.expose() });
    await w.queue.secrets.remove(job.id);
    expect(await holdsOurs(job, w.services)).toBe(false);
    const change = await enqueueChange(w, "order", { how: "first" }, { profileId: CAROL });
    await w.queue.secrets.put(change.id, { login: { access: "a", refresh: tokens.refresh.expose(), expiresAtMs: 1 } });
    expect(await holdsOurs(change, w.services)).toBe(false);
  });
});

describe("a login that the gateway has renewed", () => {
  it("is the same person's with a later date, and nothing else", async () => {
    const { w, put } = await setUp();
    const job = await w.enqueue(receivedTokens("carol", 9_000));
    const isLater = async (entry: object | undefined): Promise<boolean> => {
      put(CAROL, entry);
      const is = await isRenewed(job, w.services);
      expect(await isOvertaken(job, w.services)).toBe(is);
      return is;
    };
    expect(await isLater(undefined)).toBe(false);
    expect(await isLater(storedLogin("carol", 9_001))).toBe(true);
    expect(await isLater(storedLogin("carol", 9_000))).toBe(false);
    expect(await isLater(storedLogin("dave", 9_001))).toBe(false);
    const { expires: _none, ...undated } = storedLogin("carol", 9_001);
    expect(await isLater(undated)).toBe(false);
    expect(
      await isLater({ type: "token", provider: "openai-codex", token: storedLogin("carol").access, expires: 9_001 }),
    ).toBe(false);
    put(CAROL, storedLogin("carol", 9_001));
    await w.queue.secrets.put(job.id, {});
    expect(await isRenewed(job, w.services)).toBe(false);
  });

  it("is none where the job has brought none yet, or brings none at all", async () => {
    const { w } = await setUp();
    const request = { profileId: ALICE };
    expect(await isRenewed(await enqueueChange(w, "renew-login", {}, request), w.services)).toBe(false);
    expect(await isRenewed(await enqueueChange(w, "order", { how: "first" }, request), w.services)).toBe(false);
  });
});

describe("a change that somebody else has changed since", () => {
  it("is overtaken by a third value, once it was written", async () => {
    const { w, order, ordered } = await setUp();
    const job = await ordered([BOB, ALICE]);
    order([ALICE]);
    expect(await isOvertaken({ ...job, ...WRITTEN }, w.services)).toBe(true);
    expect(await isOvertaken(job, w.services)).toBe(false);
    order([BOB, ALICE]);
    expect(await isOvertaken({ ...job, ...WRITTEN }, w.services)).toBe(false);
    const { plan: _plan, ...unplanned } = job;
    expect(await isOvertaken({ ...unplanned, ...WRITTEN }, w.services)).toBe(false);
  });

  it("is not, where a removed login is back with other tokens: the gateway has renewed it out of its memory", async () => {
    const { w, put } = await setUp();
    const made = await enqueueChange(w, "remove-profile", {});
    const { plan, values } = await w.store.plan({ profileId: BOB, provider: "openai-codex", credential: null });
    const previous = values.get(w.storePath)?.previous?.expose() ?? null;
    const job = { ...made, ...WRITTEN, plan } as Job;
    await w.queue.secrets.put(job.id, { values: { [w.storePath]: { next: null, previous } } });
    const after = async (entry: object | undefined): Promise<boolean> => (
      put(BOB, entry),
      isOvertaken(job, w.services)
    );
    expect(await after(storedLogin("bob"))).toBe(false);
    expect(await after(storedLogin("dave"))).toBe(true);
    expect(await after(undefined)).toBe(false);
    put(BOB, storedLogin("bob"));
    for (const secret of [{}, { values: {} }, { values: { [w.storePath]: { next: null, previous: null } } }]) {
      await w.queue.secrets.put(job.id, secret);
      expect(await isOvertaken(job, w.services)).toBe(true);
    }
    expect(await isOvertaken({ ...job, plan: { ...plan, files: [] } }, w.services)).toBe(false);
  });
});

describe("a job that a newer one has followed", () => {
  it("gives way where what that one wrote about the same order stands there, and it has written", async () => {
    const { w, order, ordered, save } = await setUp();
    const older = await save(await ordered([BOB, ALICE]));
    const newer = await ordered([ALICE], ALICE);
    const gives = async (theirs: JobPatch = WRITTEN): Promise<boolean> => {
      await save({ ...newer, createdAt: older.createdAt + 1, ...theirs });
      return hasGivenWay(older, w.services);
    };
    expect(await gives()).toBe(false);
    order([ALICE]);
    expect(await gives()).toBe(true);
    expect(await gives({ journal: [] })).toBe(false);
    // The older one is no reason for the newer.
    await save({ ...older, ...WRITTEN });
    order([BOB, ALICE]);
    expect(await hasGivenWay({ ...newer, createdAt: older.createdAt + 1 }, w.services)).toBe(false);
  });

  it("does not give way to one about another profile that leaves the order, or about another file", async () => {
    const { w, put, ordered, save } = await setUp();
    const older = await save(await ordered([BOB, ALICE]));
    const { plan } = await w.store.plan({ profileId: ALICE, provider: "openai-codex", credential: null });
    const made = await enqueueChange(w, "remove-profile", {}, { profileId: ALICE });
    const newer = { ...made, ...WRITTEN, createdAt: older.createdAt + 1, plan } as Job;
    await save(newer);
    put(ALICE, undefined);
    expect(await hasGivenWay(older, w.services)).toBe(false);
    const aboutIt = {
      ...older,
      plan: { ...plan, files: plan.files.map((file) => ({ ...file, profileId: BOB, renameTo: ALICE })) },
    };
    expect(await hasGivenWay(aboutIt as Job, w.services)).toBe(true);
    const elsewhere = { ...older, plan: { ...plan, files: plan.files.map((file) => ({ ...file, path: "/other" })) } };
    expect(await hasGivenWay(elsewhere as Job, w.services)).toBe(false);
    const { plan: _plan, ...unplanned } = older;
    expect(await hasGivenWay(unplanned as Job, w.services)).toBe(false);
  });

  it("of a lease is overtaken where the newer credential of that profile stands there", async () => {
    const { w, put, save } = await setUp();
    const older = await enqueueLeased(w, leased("pool"));
    const later = leased("pool");
    const credential = leasedCredentialFor(later, later.access.expose());
    const { profileId } = older;
    const { plan, values } = await w.store.plan({ profileId, provider: "openai-codex", credential });
    const [file] = plan.files;
    const value = values.get(w.storePath);
    if (file === undefined || value === undefined) throw new Error("nothing was planned");
    const mine: Job = { ...older, plan: { ...plan, files: [{ ...file, after: "ours" }] } };
    const made: Job = { ...(await enqueueLeased(w, later)), createdAt: older.createdAt + 1, plan };
    await save(made);
    expect(await isOvertaken(mine, w.services)).toBe(false);
    await w.store.apply(file, value);
    expect(await isOvertaken(mine, w.services)).toBe(true);
    expect(await isOvertaken(older, w.services)).toBe(false);
    await save({ ...made, profileId: "openai-codex:other" });
    expect(await isOvertaken(mine, w.services)).toBe(false);
    await save({ ...made, plan: { ...plan, files: [{ ...file, before: file.after }] } });
    expect(await isOvertaken(mine, w.services)).toBe(false);
    await save({ ...made, plan: { ...plan, files: [{ ...file, role: "order" }] } });
    expect(await isOvertaken(mine, w.services)).toBe(false);
    await save(made);
    put(profileId, undefined);
    expect(await isOvertaken(mine, w.services)).toBe(false);
  });
});
