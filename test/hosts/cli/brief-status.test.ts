// The quick answer to `status` is the command line's own, and it is silent where that one has to judge.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { END_STATES, JOB_KINDS } from "../../../src/apply/job-words.ts";
import type { Receipt } from "../../../src/apply/receipt.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { briefAnswer, briefStatus } from "../../../src/hosts/cli/brief-status.ts";
import { receiptOf } from "../telegram/bot-lab.ts";
import { openClawHome } from "./cli-lab.ts";

const PLAIN = { colors: false };
/** Set, and the same as if it were not: the command line answers. */
const BY_COMMAND_LINE = { env: { CODEX_AUTH_AGENT: "main" } };

async function lab() {
  const { call, home, world } = await openClawHome();
  const environment = readEnvironment({ HOME: home });
  return { call, home, world, environment, brief: () => briefStatus(environment, PLAIN) };
}

/** Writes a file that is meant as a record. */
function furnish(folder: string, name: string, record: unknown): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name), typeof record === "string" ? record : JSON.stringify(record), { mode: 0o600 });
}

describe("briefStatus", () => {
  it("says what the command line says, of every kind and outcome, in the same order", async () => {
    const { brief, call, world } = await lab();
    expect(brief()).toBe((await call(["status"], BY_COMMAND_LINE)).stdout);
    const notes: readonly Partial<Receipt>[] = [{ note: "the same" }, { how: "only" }, { how: "exactly" }, {}];
    const all = JOB_KINDS.flatMap((kind) => END_STATES.map((outcome) => ({ kind, outcome })));
    for (const [index, about] of all.entries()) {
      const id = `job-${String(index).padStart(2, "0")}`;
      // Old enough that a second between the two calls changes no word.
      const endedAt = Date.now() - (60 + index) * 60_000;
      await world.receipts.put({
        ...receiptOf(id, `openai-codex:n${index}`),
        ...about,
        ...notes[index % notes.length],
        endedAt,
      });
      if (index % 5 !== 4) continue;
      const said = brief();
      expect(said).toMatch(/^Done\n/);
      expect(said).toBe((await call(["status"], BY_COMMAND_LINE)).stdout);
      for (let gone = index - 4; gone <= index; gone += 1)
        await world.receipts.put({
          ...receiptOf(`job-${String(gone).padStart(2, "0")}`, "openai-codex:x"),
          endedAt: 1,
        });
    }
  });

  it("is coloured where that is wanted", async () => {
    const { environment, world } = await lab();
    await world.receipts.put(receiptOf("job-1", "openai-codex:work"));
    expect(briefStatus(environment, { colors: true })).toContain("\u001B[1mDone\u001B[22m");
  });

  it.each<[string, unknown]>([
    ["of a newer version", { schemaVersion: 2 }],
    ["of another kind", { kind: "surprise" }],
    ["with another outcome", { outcome: "maybe" }],
    ["without a profile", { profileId: undefined }],
    ["whose end is no time", { endedAt: "now" }],
    ["whose end is no whole number", { endedAt: 1.5 }],
    ["with another order", { how: "last" }],
    ["whose note is no text", { note: 7 }],
    ["without an id", { id: undefined }],
    ["without its files", { files: undefined }],
    ["whose way to the gateway is no object", { activation: "x" }],
    ["whose times are none", { durations: null }],
    ["that is not JSON", "{"],
    ["that is a list", "[]"],
    ["that is null", "null"],
  ])("leaves a receipt %s to the command line", async (_what, change) => {
    const { brief, world } = await lab();
    await world.receipts.put(receiptOf("job-1", "openai-codex:work"));
    expect(brief()).toMatch(/^Done\nwork: ✅ saved /);
    const record =
      typeof change === "string" ? change : { ...receiptOf("job-2", "openai-codex:home"), ...(change as object) };
    furnish(world.paths.receipts, "job-2.json", record);
    expect(brief()).toBeUndefined();
  });

  it.each([
    ["a login that waits", "parked", "a.json"],
    ["a sign-in", "pending", "a.json"],
    ["a sign-in by code", "pending/device", "a.json"],
    ["a script's wish", "chat/invitations", "a.json"],
  ])("leaves %s to the command line, and not what only looks like it", async (_what, folder, name) => {
    const { brief, world } = await lab();
    furnish(join(world.paths.root, folder), `.${name}`, {});
    furnish(join(world.paths.root, folder), `${name}.lock`, {});
    expect(brief()).toContain("nothing was done yet");
    furnish(join(world.paths.root, folder), name, {});
    expect(brief()).toBeUndefined();
  });

  it("leaves a job to the command line unless it has plainly ended", async () => {
    const { brief, world } = await lab();
    const jobs = join(world.paths.queue, "jobs");
    furnish(jobs, "job-1.json", { schemaVersion: 1, state: "done" });
    expect(brief()).toContain("nothing was done yet");
    for (const state of ["queued", "written", "surprise", undefined]) {
      furnish(jobs, "job-2.json", { schemaVersion: 1, state });
      expect(brief()).toBeUndefined();
    }
    furnish(jobs, "job-2.json", { schemaVersion: 2, state: "done" });
    expect(brief()).toBeUndefined();
    furnish(jobs, "job-2.json", "{");
    expect(brief()).toBeUndefined();
  });

  it("leaves it to the command line where something cannot be looked at, or there is no OpenClaw", async () => {
    const { brief, environment, home, world } = await lab();
    symlinkSync(join(home, "openclaw.json"), world.paths.parked);
    expect(brief()).toContain("nothing was done yet");
    writeFileSync(join(home, "no-folder"), "");
    symlinkSync(join(home, "no-folder"), world.paths.receipts);
    expect(brief()).toBeUndefined();
    expect(briefStatus({ ...environment, home: join(home, "nobody") }, PLAIN)).toBeUndefined();
  });

  it("leaves it to the command line where a variable sets something, which that judges", async () => {
    const { home } = await lab();
    for (const name of ["CODEX_AUTH_ISSUER", "CODEX_AUTH_CONFIG", "AUTH_MANAGER_BASE_URL"])
      expect(briefStatus(readEnvironment({ HOME: home, [name]: "x" }), PLAIN)).toBeUndefined();
  });
});

describe("status", () => {
  it("has no use for the settings file, and says nothing of it where nothing runs; every other way of asking does", async () => {
    const { call, world } = await lab();
    furnish(world.paths.root, "config.json", '{"surprise": 1}');
    expect(await call(["status"])).toMatchObject({ code: 0, stderr: "" });
    expect((await call(["status", "--json"])).json()).toMatchObject({ error: { code: "ERR_CONFIG_INVALID" } });
    expect((await call(["status"], BY_COMMAND_LINE)).stderr).toContain("surprise");
    await world.receipts.put(receiptOf("job-1", "openai-codex:work"));
    furnish(join(world.paths.queue, "jobs"), "job-2.json", { schemaVersion: 1, state: "queued" });
    expect((await call(["status"])).stderr).toContain("surprise");
  });

  it("is left to the command line where a .env lies beside the program, which that reads first", async () => {
    const { environment, home } = await lab();
    expect(briefAnswer(home, false, environment)).toContain("nothing was done yet");
    writeFileSync(join(home, ".env"), "");
    expect(briefAnswer(home, false, environment)).toBeUndefined();
  });
});
