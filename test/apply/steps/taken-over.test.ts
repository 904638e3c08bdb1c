// Which jobs are planned anew after OpenClaw was updated to its database, and which are left as they were planned on files.

import { describe, expect, it } from "vitest";
import type { Job, JobPatch } from "../../../src/apply/job.ts";
import { planForToday } from "../../../src/apply/steps/taken-over.ts";
import { sealCredential, type Credential } from "../../../src/profiles/profile.ts";
import type { CodexProvider } from "../../../src/profiles/profile-id.ts";
import type { FileChange, Holding, ProfileStore } from "../../../src/profiles/store.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { fileChange, planOf, runOf } from "./step-lab.ts";

const FILE = fileChange({ profileId: "openai-codex:carol", before: null, after: "ours" });

interface Today {
  readonly provider?: CodexProvider;
  /** What each file's profile is found to hold. */
  readonly holds?: (file: FileChange) => Holding;
  /** The entry that the database has for the profile. */
  readonly entry?: object;
}

async function setUp({ provider = "openai", holds = () => "other", entry }: Today = {}) {
  const w = applyWorld(await temporaryFolder());
  const credential = entry === undefined ? undefined : sealCredential(entry as Credential);
  const store = {
    provider,
    check: (file: FileChange) => Promise.resolve(holds(file)),
    readCredential: () => Promise.resolve(credential === undefined ? undefined : { credential, inherited: false }),
  } as unknown as ProfileStore;
  const after = async (job: Job, patch: JobPatch = {}): Promise<Job> => {
    const run = runOf(w, { state: "written", plan: planOf([FILE]), ...patch, ...without(job, patch) } as Job);
    await planForToday(run, { ...w.services, store });
    return run.job;
  };
  const login = async (): Promise<Job> => w.enqueue(receivedTokens("carol", 9_000));
  const removal = async (): Promise<Job> => enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:carol" });
  return { w, after, login, removal };
}

/** `job` without what `patch` says, and without its own state. */
function without(job: Job, patch: JobPatch): Partial<Job> {
  const said = new Set(["state", "plan", ...Object.keys(patch)]);
  return Object.fromEntries(Object.entries(job).filter(([name]) => !said.has(name)));
}

describe("a job that was planned on files", () => {
  it.each(["prepared", "written", "activated"] as const)("and stands at %s is planned anew", async (state) => {
    const { after, login } = await setUp();
    const job = await after(await login(), { state });
    expect(job.state).toBe("queued");
    expect(job.journal.at(-1)?.note).toContain("database");
  });

  it.each(["queued", "verified", "rolling-back", "done"] as const)("and stands at %s is left there", async (state) => {
    const { after, login } = await setUp();
    expect(await after(await login(), { state })).toMatchObject({ state, journal: [{ state: "queued" }] });
  });

  it("is left as it is where it has no plan, or one that fits the store of today", async () => {
    const { after, login } = await setUp();
    expect(await after(await login(), { plan: undefined })).toMatchObject({ state: "written" });
    const plan = planOf([fileChange({ profileId: "openai:carol", after: "ours" })]);
    expect(await after(await login(), { plan })).toMatchObject({ state: "written" });
    const files = await setUp({ provider: "openai-codex" });
    expect(await files.after(await files.login())).toMatchObject({ state: "written" });
  });

  it("is left as it is where OpenClaw has taken over all that it wrote, and only then", async () => {
    const plan = planOf([FILE, fileChange({ path: "/ops", profileId: "openai-codex:carol", after: "ours" })]);
    const all = await setUp({ holds: () => "after" });
    expect(await all.after(await all.login(), { plan })).toMatchObject({ state: "written" });
    const some = await setUp({ holds: ({ path }) => (path === "/ops" ? "before" : "after") });
    expect(await some.after(await some.login(), { plan })).toMatchObject({ state: "queued" });
    // A file that nothing changes in says nothing.
    const idle = planOf([FILE, fileChange({ path: "/ops", profileId: "openai-codex:carol" })]);
    expect(await some.after(await some.login(), { plan: idle })).toMatchObject({ state: "written" });
  });

  it("is never a renewal's: what it has brought is nowhere else", async () => {
    const { w, after } = await setUp();
    expect(await after(await enqueueChange(w, "renew-login", {}))).toMatchObject({ state: "written" });
  });
});

describe("a login that the gateway has renewed since", () => {
  it("is not planned anew, which would put a consumed token back", async () => {
    const { after, login } = await setUp({ entry: storedLogin("carol", 9_001) });
    const job = await after(await login());
    expect(job.state).toBe("activated");
    expect(job.journal.at(-1)).toMatchObject({ state: "activated", note: expect.any(String) as string });
    const activated = await after(await login(), { state: "activated" });
    expect(activated).toMatchObject({ state: "activated", journal: [{ state: "queued" }] });
  });

  it("is planned anew where it is not a later one", async () => {
    const { after, login } = await setUp({ entry: storedLogin("carol", 9_000) });
    expect(await after(await login())).toMatchObject({ state: "queued" });
  });
});

describe("a removal", () => {
  const journal: Job["journal"] = [{ state: "written", at: 1, epoch: 1 }];

  it("does not take a later login of that name, and is planned anew where none has come", async () => {
    const { after, removal } = await setUp();
    expect(await after(await removal(), { journal })).toMatchObject({ state: "written" });
    expect(await after(await removal(), { journal: [] })).toMatchObject({ state: "queued" });
    const back = await setUp({ holds: () => "before" });
    expect(await back.after(await back.removal(), { journal })).toMatchObject({ state: "queued" });
  });

  it("alone is judged so: another change that somebody has changed since is planned anew", async () => {
    const { w, after } = await setUp();
    expect(await after(await enqueueChange(w, "order", { how: "first" }), { journal })).toMatchObject({
      state: "queued",
    });
  });
});
