// A job that a worker outside has begun on files, and that the plugin ends after OpenClaw was updated to its database.

import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { JobState } from "../../src/apply/job.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { databaseWorld } from "../support/database-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const BEGUN = ["prepared", "written", "activated", "verified"] as const satisfies readonly JobState[];

async function world() {
  const w = applyWorld(await temporaryFolder());
  const database = await databaseWorld();
  const logins = { "openai-codex:alice": plain("alice"), "openai-codex:bob": plain("bob") };
  const store = { version: 1, profiles: logins, order: { "openai-codex": Object.keys(logins) } };
  await writeFile(w.storePath, JSON.stringify(store));
  return {
    ...w,
    /** The worker outside, killed as soon as a job stands at `state`. */
    killedAt: async (state: JobState) => {
      const { queue } = w.services;
      const save = queue.save.bind(queue);
      queue.save = async (job) => {
        await save(job);
        if (job.state === state) throw new CodexAuthError("ERR_EXECUTOR_FENCED", { message: "killed", next: "" });
      };
      await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
      queue.save = save;
    },
    /** OpenClaw takes its files over into the database, under the names of today. */
    update: async () => {
      const { profiles, order } = w.readStore();
      const today = Object.entries(profiles).map(([id, entry]) => [idOf(id), { ...entry, provider: "openai" }]);
      const ids = order?.["openai-codex"]?.map(idOf);
      await database.inside.put("shared", {
        profiles: Object.fromEntries(today) as Record<string, Record<string, unknown>>,
        ...(ids === undefined ? {} : { order: { openai: ids } }),
      });
    },
    drainInside: (more: Partial<ExecutorServices> = {}) => database.drain({ ...w.services, ...more }, w.paths),
    /** Somebody inside puts these profiles in the place of what is there. */
    put: (profiles: Record<string, Record<string, unknown>>) =>
      database.inside.put("shared", { profiles, order: { openai: Object.keys(profiles) } }),
    stored: async () => {
      const { profiles, order } = (await database.inside.get("shared")) as {
        profiles: Record<string, Record<string, unknown>>;
        order: Record<string, string[]>;
      };
      return { profiles, order: order["openai"] };
    },
  };
}

function plain(name: string) {
  const { note: _unknown, ...login } = storedLogin(name);
  return login;
}

function idOf(id: string): string {
  return id.replace(/^openai-codex:/, "openai:");
}

describe.each(BEGUN)("a job that was %s on files when OpenClaw was updated to its database", (state) => {
  it("saves its login once, and nowhere else", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const { id } = await w.enqueue(tokens);
    await w.killedAt(state);
    await w.update();
    expect(await w.drainInside()).toBe(1);
    const { profiles, order } = await w.stored();
    expect(profiles["openai:carol"]).toMatchObject({ provider: "openai", refresh: tokens.refresh.expose() });
    expect(order).toEqual(["openai:carol", "openai:alice", "openai:bob"]);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done", profileId: "openai:carol" });
    expect(await w.parked.list()).toEqual([]);
  });

  it("removes the profile that it meant", async () => {
    const w = await world();
    const { id } = await enqueueChange(w, "remove-profile", {});
    await w.killedAt(state);
    await w.update();
    expect(await w.drainInside()).toBe(1);
    expect(Object.keys((await w.stored()).profiles)).toEqual(["openai:alice"]);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done", profileId: "openai:bob" });
  });

  it("renames it", async () => {
    const w = await world();
    const { id } = await enqueueChange(w, "rename-profile", { to: "openai-codex:robert" });
    await w.killedAt(state);
    await w.update();
    expect(await w.drainInside()).toBe(1);
    expect((await w.stored()).order).toEqual(["openai:alice", "openai:robert"]);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done", renamedTo: "openai:robert" });
  });

  it("changes the order", async () => {
    const w = await world();
    const { id } = await enqueueChange(w, "order", { how: "first" });
    await w.killedAt(state);
    await w.update();
    expect(await w.drainInside()).toBe(1);
    expect((await w.stored()).order).toEqual(["openai:bob", "openai:alice"]);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
  });
});

describe("when OpenClaw is updated in the middle of a job", () => {
  it("a login that was removed is kept, and one that came under its name since stays", async () => {
    const w = await world();
    const removed = w.readStore().profiles["openai-codex:bob"];
    await enqueueChange(w, "remove-profile", {});
    await w.killedAt("activated");
    await w.update();
    const { profiles } = await w.stored();
    const { note: _unknown, ...later } = storedLogin("zoe");
    await w.put({ ...profiles, "openai:bob": { ...later, provider: "openai" } });
    expect(await w.drainInside()).toBe(1);
    expect((await w.stored()).profiles["openai:bob"]).toMatchObject({ refresh: later.refresh });
    const [kept, ...more] = await w.parked.list();
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ reason: "removed" });
    expect((await w.parked.tokens(kept?.id ?? ""))?.refresh.expose()).toBe(removed?.["refresh"]);
  });

  it("a login that it has written already is not kept a second time, whoever may not any more", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const { id } = await w.enqueue(tokens);
    await w.killedAt("written");
    await w.update();
    expect(await w.drainInside({ mayStill: () => false })).toBe(1);
    expect((await w.stored()).profiles["openai:carol"]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
    expect(await w.parked.list()).toEqual([]);
  });

  it("an undo that finds its login in the database leaves it there, and keeps none beside it", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const { id } = await w.enqueue(tokens);
    await w.killedAt("written");
    const { queue } = w.services;
    const job = await queue.get(id);
    if (job === undefined) throw new Error("no job");
    await queue.save({ ...job, state: "rolling-back" });
    await w.update();
    expect(await w.drainInside()).toBe(1);
    expect((await w.stored()).profiles["openai:carol"]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
    expect(await w.parked.list()).toEqual([]);
  });
});
