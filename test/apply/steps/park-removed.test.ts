// What a removal took out is kept: each login once, under the same ids however often it is done, and nothing that was none.

import { describe, expect, it } from "vitest";
import type { RemoveJob } from "../../../src/apply/job.ts";
import { parkRemoved } from "../../../src/apply/steps/park-removed.ts";
import type { FileChange } from "../../../src/profiles/store.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

type Role = FileChange["role"];
type Removed = readonly [agentId: string, role: Role, entry: unknown, after?: string];

/** A removal that took `removed` out, each from an agent's file; `undefined` is a file without a value. */
async function setUp(removed: readonly Removed[]) {
  const w = applyWorld(await temporaryFolder());
  const made = (await enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:work" })) as RemoveJob;
  const files = removed.map(([agentId, role, , after = null]): FileChange => ({
    path: `/${agentId}`,
    agentId,
    profileId: "openai-codex:work",
    role,
    before: "before",
    after,
    orderBefore: null,
    orderAfter: null,
    clearCooldown: true,
    creates: false,
  }));
  const plan = {
    profileId: made.profileId,
    provider: "openai-codex" as const,
    agentId: "main",
    files,
    keptElsewhere: [],
    unreadable: [],
  };
  const job: RemoveJob = { ...made, plan };
  const values = Object.fromEntries(
    removed.flatMap(([agentId, , entry]) => {
      const previous = entry === null ? null : JSON.stringify(entry);
      return entry === undefined ? [] : [[`/${agentId}`, { next: null, previous }]];
    }),
  );
  await w.queue.secrets.put(job.id, { values });
  const kept = async () =>
    Promise.all(
      (await w.parked.list()).map(async (login) => {
        const tokens = await w.parked.tokens(login.id);
        return {
          login,
          access: tokens?.access.expose(),
          refresh: tokens?.refresh.expose(),
          entry: JSON.parse(tokens?.entry?.expose() ?? "null") as unknown,
        };
      }),
    );
  return { w, job, kept, park: () => parkRemoved(job, w.services) };
}

describe("a removed login", () => {
  it("waits with all that is known of it, and with its entry to the letter", async () => {
    const carol = storedLogin("carol", 9_000_000);
    const { park, kept } = await setUp([["main", "owner", carol]]);
    const id = await park();
    const [one, ...more] = await kept();
    expect(more).toEqual([]);
    expect(one).toEqual({
      login: {
        schemaVersion: 1,
        id,
        createdAt: one?.login.createdAt,
        agentId: "main",
        profileId: "openai-codex:work",
        reason: "removed",
        email: "carol@example.com",
        planType: "plus",
        identity: { userId: "user-carol", accountId: "account-carol" },
        expiresAtMs: 9_000_000,
        requestedBy: REQUESTED_BY,
      },
      access: carol.access,
      refresh: carol.refresh,
      entry: carol,
    });
    expect(id).toMatch(/^p-[0-9a-f]{16}$/);
  });

  it("is the same one where the end is carried out a second time", async () => {
    const { park, kept } = await setUp([
      ["main", "owner", storedLogin("carol")],
      ["ops", "copy", storedLogin("carol")],
    ]);
    const id = await park();
    const before = (await kept()).map(({ login }) => login.id);
    expect(await park()).toBe(id);
    expect((await kept()).map(({ login }) => login.id).toSorted()).toEqual(before.toSorted());
    expect(new Set(before).size).toBe(2);
  });

  it("says no more than it knows where its token says nothing: an address and a date of the entry's", async () => {
    const entry = { type: "oauth", provider: "openai-codex", access: "opaque", email: "c@example.com", expires: 77 };
    const { park, kept } = await setUp([["main", "owner", entry]]);
    await park();
    const [one] = await kept();
    expect(one?.login).toMatchObject({ email: "c@example.com", expiresAtMs: 77 });
    for (const fact of ["planType", "identity"]) expect(one?.login).not.toHaveProperty(fact);
    expect(one).toMatchObject({ access: "opaque", refresh: "", entry });
  });

  it("takes the date from its token where the entry has none, and the address of its token before the entry's", async () => {
    const { access } = receivedTokens("carol", 9_000_000);
    const entry = { type: "oauth", provider: "openai-codex", access: access.expose(), email: "old@example.com" };
    const { park, kept } = await setUp([["main", "owner", entry]]);
    await park();
    expect((await kept())[0]?.login).toMatchObject({ email: "carol@example.com", expiresAtMs: 9_000_000 });
  });

  it("may be a key, which never expires and has no tokens", async () => {
    const entry = { type: "api_key", provider: "openai-codex", key: "k", expires: 5 };
    const { park, kept } = await setUp([["main", "owner", entry]]);
    expect(await park()).toBeDefined();
    const [one] = await kept();
    expect(one).toMatchObject({ access: "", refresh: "", entry, login: { expiresAtMs: 0 } });
    expect(one?.login).not.toHaveProperty("email");
  });
});

describe("the copies of a removed login", () => {
  it("are kept where they are another login, and the owner's id is given whichever comes first", async () => {
    const { park, kept } = await setUp([
      ["ops", "copy", storedLogin("dave")],
      ["main", "owner", storedLogin("carol")],
    ]);
    const id = await park();
    const logins = (await kept()).map(({ login }) => `${login.agentId} ${login.email} ${login.id === id}`);
    expect(logins.toSorted()).toEqual(["main carol@example.com true", "ops dave@example.com false"]);
  });

  it("are one login with the owner's where they have its refresh token, or without one its access token", async () => {
    const carol = storedLogin("carol");
    const renewed = { ...storedLogin("carol"), refresh: carol.refresh };
    const { park, kept } = await setUp([
      ["main", "owner", carol],
      ["ops", "copy", renewed],
    ]);
    const id = await park();
    expect((await kept()).map(({ login }) => login.id)).toEqual([id]);
    const bare = { type: "token", provider: "openai-codex", token: carol.access };
    const second = await setUp([
      ["main", "owner", bare],
      ["ops", "copy", { ...bare, note: "x" }],
    ]);
    await second.park();
    expect(await second.kept()).toHaveLength(1);
    const third = await setUp([
      ["main", "owner", carol],
      ["ops", "copy", { ...carol, refresh: `${carol.refresh}x` }],
    ]);
    await third.park();
    expect(await third.kept()).toHaveLength(2);
  });

  it("are kept without an owner's id where the owner's own file had no login", async () => {
    const { park, kept } = await setUp([
      ["main", "owner", { type: "new" }],
      ["ops", "copy", storedLogin("dave")],
    ]);
    expect(await park()).toBeUndefined();
    expect(await kept()).toHaveLength(1);
  });
});

describe("what was not removed", () => {
  it.each<[string, Removed]>([
    ["a file that keeps an entry", ["main", "owner", storedLogin("carol"), "after"]],
    ["a file that had none", ["main", "owner", null]],
    ["a file of which nothing is known", ["main", "owner", undefined]],
    ["a file whose order alone changed", ["main", "order", storedLogin("carol")]],
    ["an entry that nobody can read", ["main", "owner", { type: "new" }]],
  ])("is not kept: %s", async (_case, removed) => {
    const { park, kept } = await setUp([removed]);
    expect(await park()).toBeUndefined();
    expect(await kept()).toEqual([]);
  });

  it("is not kept either where the job had no plan, no values or no secret", async () => {
    const { w, job, kept } = await setUp([["main", "owner", storedLogin("carol")]]);
    const { plan: _plan, ...unplanned } = job;
    expect(await parkRemoved(unplanned, w.services)).toBeUndefined();
    await w.queue.secrets.put(job.id, {});
    expect(await parkRemoved(job, w.services)).toBeUndefined();
    await w.queue.secrets.remove(job.id);
    expect(await parkRemoved(job, w.services)).toBeUndefined();
    expect(await kept()).toEqual([]);
  });
});
