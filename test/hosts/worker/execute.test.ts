// The worker's loop: it stays while a job is open, whoever executes now, and gives up on what cannot be ended.

import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { withReign } from "../../../src/apply/reign.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { buildParts } from "../../../src/hosts/services.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

async function machine(variables: Record<string, string> = { CODEX_AUTH_ALLOW_FROM: "4242" }) {
  const folder = await temporaryFolder();
  const world = applyWorld(folder);
  const stateDir = dirname(world.paths.root);
  const settings = { meta: { lastTouchedVersion: "2026.4.5" }, gateway: { port: 9 } };
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(settings));
  const environment = readEnvironment({ HOME: folder, OPENCLAW_STATE_DIR: stateDir, ...variables });
  const config = await loadConfig(world.paths.config, environment);
  const logged: string[] = [];
  const log = createLog((line) => logged.push(line), Date.now);
  const parts = buildParts({ environment, config, log, launch: () => Promise.resolve() });
  const reign = { paths: world.paths, kind: "foreground", version: "test", now: Date.now, waitMs: 0 } as const;
  return { world, parts, logged, reign };
}

describe("executeOpenJobs", () => {
  it("stays as long as another executor reigns that has not seen the job, then ends it", async () => {
    const { world, parts, reign } = await machine();
    let ended: number | undefined;
    let working: Promise<void> | undefined;
    await withReign(reign, async () => {
      expect(await parts.engine.queue.open()).toEqual([]);
      await world.enqueue(receivedTokens("carol"));
      working = executeOpenJobs(parts, "worker").then((count) => void (ended = count));
      // Others ask for the lock and are sent away; it asked among them, and waits.
      for (let turn = 0; turn < 25; turn += 1)
        await expect(withReign(reign, async () => undefined)).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
      expect(ended).toBeUndefined();
      expect(await parts.engine.queue.open()).toMatchObject([{ state: "queued" }]);
    });
    await working;
    expect(ended).toBe(1);
    expect(await parts.engine.queue.list()).toMatchObject([{ state: "done", proven: "not-running" }]);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
  });

  it("begins nothing any more once it is told to stop while another executor reigns", async () => {
    const { world, parts, reign } = await machine();
    const stop = new AbortController();
    let working: Promise<number> | undefined;
    await withReign(reign, async () => {
      await world.enqueue(receivedTokens("carol"));
      working = executeOpenJobs(parts, "worker", { signal: stop.signal });
      for (let turn = 0; turn < 25; turn += 1)
        await expect(withReign(reign, async () => undefined)).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
      stop.abort();
    });
    expect(await working).toBe(0);
    expect(await parts.engine.queue.open()).toMatchObject([{ state: "queued" }]);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeUndefined();
  });

  it("does nothing where nothing is open: it does not even ask to reign", async () => {
    const { parts, reign } = await machine();
    await withReign(reign, async () => {
      expect(await executeOpenJobs(parts, "worker")).toBe(0);
    });
  });

  it("keeps the login apart of somebody who was taken off the settings file's list after the press", async () => {
    const { world, parts } = await machine({});
    const allow = (...ids: readonly number[]): void =>
      writeFileSync(world.paths.config, JSON.stringify({ telegram: { allowFrom: ids } }), { mode: 0o600 });
    mkdirSync(world.paths.root, { recursive: true, mode: 0o700 });
    allow(4242, 1);
    await world.enqueue(receivedTokens("carol"));
    allow(1);
    const before = world.readStore();
    expect(await executeOpenJobs(parts, "worker")).toBe(1);
    expect(world.readStore()).toEqual(before);
    const problem = { code: "ERR_NOT_ALLOWED" };
    expect(await parts.engine.receipts.list()).toMatchObject([{ outcome: "parked", problem }]);
    expect(await parts.engine.parked.list()).toMatchObject([{ profileId: "openai-codex:carol", problem }]);
  });

  it("leaves the job to another executor where nothing tells it who may: an unset variable is not an empty list", async () => {
    const { world, parts } = await machine({});
    const job = await world.enqueue(receivedTokens("carol"));
    const before = world.readStore();
    await expect(executeOpenJobs(parts, "worker")).rejects.toMatchObject({ code: "ERR_PERMISSION_UNKNOWN" });
    expect(await parts.engine.queue.get(job.id)).toMatchObject({ state: "queued" });
    expect(await parts.engine.queue.secrets.get(job.id)).toBeDefined();
    expect(world.readStore()).toEqual(before);
    const [environment, config] = [parts.environment, parts.config];
    const settings = { ...environment.settings, allowFrom: "4242" };
    const told = {
      environment: { ...environment, settings },
      config: { ...config, telegram: { ...config.telegram, allowFrom: ["4242"] } },
    };
    expect(
      await executeOpenJobs(buildParts({ ...told, log: parts.log, launch: () => Promise.resolve() }), "worker"),
    ).toBe(1);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
  });

  it("asks no list about somebody with a shell on this machine", async () => {
    const { world, parts } = await machine({});
    await world.enqueue(receivedTokens("carol"), { requestedBy: { host: "cli", chatId: "cli", personId: "1000" } });
    expect(await executeOpenJobs(parts, "worker")).toBe(1);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
  });

  it("gives up after a few attempts at what cannot be ended, and the next one ends it", async () => {
    const { world, parts, logged } = await machine();
    const job = await world.enqueue(receivedTokens("carol"));
    // The receipt cannot be written: a folder lies where its file belongs.
    const inTheWay = join(world.paths.receipts, `${job.id}.json`);
    mkdirSync(inTheWay, { recursive: true });
    await expect(executeOpenJobs(parts, "worker")).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_FILE_/) });
    expect(await parts.engine.queue.get(job.id)).toMatchObject({ state: "verified" });
    expect(await parts.engine.queue.secrets.get(job.id)).toBeDefined();
    expect(logged.join("\n")).toMatch(/"code":"ERR_FILE_/);

    rmdirSync(inTheWay);
    expect(await executeOpenJobs(parts, "worker")).toBe(1);
    expect(await parts.engine.queue.get(job.id)).toMatchObject({ state: "done", interrupted: true });
    expect(await parts.engine.receipts.list()).toMatchObject([{ id: job.id, outcome: "done" }]);
    expect(await parts.engine.queue.secrets.get(job.id)).toBeUndefined();
  });
});
