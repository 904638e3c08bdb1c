// Jobs that ask for a restart, or for nothing to be told, and are carried out inside the gateway: there a change is in force at once.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseActivation } from "../../src/apply/activation.ts";
import type { Job } from "../../src/apply/job.ts";
import type { JobSecret } from "../../src/apply/job-secrets.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { databaseWorld } from "../support/database-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const [ALICE, BOB] = ["openai:alice", "openai:bob"];

function entry(name: string) {
  return Object.assign(storedLogin(name), { provider: "openai" });
}

async function world() {
  const w = applyWorld(await temporaryFolder());
  const database = await databaseWorld();
  const profiles = { [ALICE]: entry("alice"), [BOB]: entry("bob") };
  const putBack = () => database.inside.put("shared", { profiles, order: { openai: [ALICE, BOB] } });
  await putBack();
  return {
    ...w,
    putBack,
    drain: () => database.drain(w.services, w.paths),
    drainOnFiles: w.drain,
    stored: async () => (await database.inside.get("shared")) as { profiles: object; order: Record<string, string[]> },
    receipt: async (job: Job) => w.receipts.get(job.id),
  };
}

describe("a job that the bot or the command line has enqueued for another way than the one inside the gateway", () => {
  it.each(["restart", "none"] as const)("with `%s` is in force at once, and restarts nothing", async (asked) => {
    const w = await world();
    const first = await enqueueChange(w, "order", { how: "first" }, { activation: asked });
    const saved = await w.enqueue(receivedTokens("carol"), { activation: asked, makeFirst: false });
    expect(await w.drain()).toBe(2);
    const { profiles, order } = await w.stored();
    expect(order).toEqual({ openai: [BOB, ALICE, "openai:carol"] });
    expect(Object.keys(profiles)).toContain("openai:carol");
    expect(await w.receipt(first)).toMatchObject({
      outcome: "done",
      activation: { asked, used: "reload", proven: "reloaded" },
    });
    expect(await w.receipt(saved)).toMatchObject({
      outcome: "done",
      activation: { asked, used: "reload", proven: "listed-by-gateway" },
    });
  });

  it.each(["prepared", "written"] as const)(
    "that was %s for a restart outside is ended in here without one",
    async (state) => {
      const w = await world();
      const { id } = await enqueueChange(w, "order", { how: "first" }, { activation: "restart" });
      const { queue } = w.services;
      const save = queue.save.bind(queue);
      let planned: { readonly job: Job; readonly secret: JobSecret } | undefined;
      queue.save = async (job) => {
        await save(job);
        const secret = await queue.secrets.get(id);
        if (job.state === "prepared" && secret !== undefined) planned ??= { job, secret };
      };
      await w.drain();
      if (planned === undefined) throw new Error("nothing was planned");
      // What a worker outside, where a restart was chosen, had left behind.
      await queue.secrets.put(id, planned.secret);
      await save({ ...planned.job, state, mode: "restart" });
      if (state === "prepared") await w.putBack();
      expect(await w.drain()).toBe(1);
      const ended = await queue.get(id);
      expect(ended).toMatchObject({ state: "done", mode: "reload", proven: "reloaded" });
      expect(ended?.problem).toBeUndefined();
      expect((await w.stored()).order).toEqual({ openai: [BOB, ALICE] });
    },
  );
});

describe("a login that was planned on files, and is found after OpenClaw was updated to its database", () => {
  it.each(["prepared", "written", "activated"] as const)("at %s is planned anew, and saved", async (state) => {
    const w = await world();
    const { id } = await w.enqueue(receivedTokens("carol"));
    const { queue } = w.services;
    const save = queue.save.bind(queue);
    const left: { job: Job; secret: JobSecret }[] = [];
    queue.save = async (job) => {
      await save(job);
      const secret = await queue.secrets.get(id);
      if (job.state === state && secret !== undefined) left.push({ job, secret });
    };
    await w.drainOnFiles();
    const [first] = left;
    if (first === undefined) throw new Error(`the job was never ${state}`);
    // What the worker had left behind when OpenClaw was stopped for its update, and its files not taken over.
    await rm(join(w.paths.receipts, `${id}.json`));
    await queue.secrets.put(id, first.secret);
    await save(first.job);
    expect(await w.drain()).toBe(1);
    const ended = await queue.get(id);
    expect(ended).toMatchObject({ state: "done" });
    expect(ended?.journal.map(({ note }) => note)).toContain("OpenClaw was updated to its database meanwhile");
    const { profiles, order } = await w.stored();
    expect(Object.keys(profiles)).toEqual([ALICE, BOB, "openai:carol"]);
    expect(order).toEqual({ openai: ["openai:carol", ALICE, BOB] });
  });
});

describe("chooseActivation", () => {
  const gateway = {
    kind: "running",
    instance: { pid: 1, startTime: 1, port: 1, stateDir: "/s", configPath: "/c" },
  } as const;

  it.each(["restart", "none", "reload", "auto"] as const)("takes %s for an update in force at once inside", (asked) => {
    expect(chooseActivation({ asked, gateway, restart: undefined, isInside: true })).toEqual({
      kind: "chosen",
      mode: "reload",
    });
  });

  it("asks for a restart outside, and says why there is none", () => {
    const choice = chooseActivation({ asked: "restart", gateway, restart: undefined, isInside: false });
    expect(choice).toMatchObject({ kind: "impossible", error: { code: "ERR_RESTART_IMPOSSIBLE" } });
    expect(chooseActivation({ asked: "none", gateway, restart: undefined, isInside: false })).toEqual({
      kind: "chosen",
      mode: "none",
    });
  });
});
