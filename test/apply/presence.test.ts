// The plugin's sign: there while it works, fresh, gone with it, and never believed of a process that is gone.

import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type timers from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { announcePlugin, pluginAtWork, readPresence, type PluginPresence } from "../../src/apply/presence.ts";
import { PLUGIN } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { processStartTime } from "../../src/storage/openclaw-lock-holder.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;
const US = { version: "1.2.3", openClawVersion: "2026.5.28", generation: "sqlite" } as const;
const startTime = processStartTime(process.pid);

async function setUp(record?: Partial<PluginPresence> | string) {
  const paths = ownPaths(await temporaryFolder());
  const file = join(paths.root, "plugin.json");
  if (record !== undefined) {
    await mkdir(paths.root, { recursive: true });
    const whole = { schemaVersion: 1, pid: process.pid, version: "1", generation: "sqlite", heartbeat: 5_000 };
    await writeFile(file, typeof record === "string" ? record : JSON.stringify({ ...whole, ...record }));
  }
  return { paths, file };
}

/** Lets `onPause` run in place of each pause between two beats; it is told how the pause was asked for. */
function atEachPause(onPause: (ms: number, options: unknown) => void | Promise<void>): void {
  const module = createRequire(import.meta.url)("node:timers/promises") as { setTimeout: typeof timers.setTimeout };
  const real = module.setTimeout;
  onTestFinished(() => {
    module.setTimeout = real;
    syncBuiltinESMExports();
  });
  module.setTimeout = async (ms, value, options) => {
    if (ms !== PLUGIN.beatMs) return real(ms, value, options);
    await onPause(ms, options);
    return value as never;
  };
  syncBuiltinESMExports();
}

describe("announcePlugin", () => {
  it("says who is at work, beats at every pause, and takes the sign away at its end", async () => {
    const { paths, file } = await setUp();
    const stop = new AbortController();
    const clock = { now: 1_000 };
    const seen: unknown[] = [];
    atEachPause(async (_ms, options) => {
      expect(options).toEqual({ signal: stop.signal, ref: false });
      seen.push(JSON.parse(await readFile(file, "utf8")));
      expect((await stat(paths.root)).mode & 0o777).toBe(0o700);
      clock.now += PLUGIN.beatMs;
      if (seen.length === 2) stop.abort();
    });
    await announcePlugin(paths, US, { now: () => clock.now, signal: stop.signal });
    const record = { schemaVersion: 1, pid: process.pid, ...(startTime === undefined ? {} : { startTime }), ...US };
    expect(seen).toEqual([
      { ...record, heartbeat: 1_000 },
      { ...record, heartbeat: 1_000 + PLUGIN.beatMs },
    ]);
    expect(await readdir(paths.root)).toEqual([]);
  });

  it("ends in the middle of a pause, without waiting for the next beat", async () => {
    const { paths } = await setUp();
    const stop = new AbortController();
    const announcing = announcePlugin(paths, US, { now: () => 1, signal: stop.signal });
    await expect.poll(() => readPresence(paths)).toMatchObject({ pid: process.pid });
    stop.abort();
    await announcing;
    expect(await readPresence(paths)).toBeUndefined();
  });

  it("leaves the sign of another process that has come after it", async () => {
    const { paths, file } = await setUp();
    const stop = new AbortController();
    atEachPause(async () => {
      const ours = JSON.parse(await readFile(file, "utf8")) as PluginPresence;
      await writeFile(file, JSON.stringify({ ...ours, pid: DEAD }));
      stop.abort();
    });
    await announcePlugin(paths, US, { now: () => 1, signal: stop.signal });
    expect(await readPresence(paths)).toMatchObject({ pid: DEAD, version: "1.2.3" });
  });

  it("goes on where a beat cannot be written, and has nothing to take away then", async () => {
    const { paths, file } = await setUp();
    await mkdir(join(file, "in-the-way"), { recursive: true });
    const stop = new AbortController();
    let pauses = 0;
    atEachPause(() => {
      pauses += 1;
      if (pauses === 2) stop.abort();
    });
    await announcePlugin(paths, US, { now: () => 1, signal: stop.signal });
    expect(pauses).toBe(2);
    expect(await readdir(file)).toEqual(["in-the-way"]);
  });

  it("says nothing where it is to end before it began", async () => {
    const { paths } = await setUp();
    await announcePlugin(paths, US, { now: () => 1, signal: AbortSignal.abort() });
    expect(await readdir(paths.root)).toEqual([]);
  });
});

describe("readPresence", () => {
  it("takes no file and a damaged one for no sign", async () => {
    expect(await readPresence((await setUp()).paths)).toBeUndefined();
    expect(await readPresence((await setUp("{")).paths)).toBeUndefined();
    expect(await readPresence((await setUp({ pid: -1 })).paths)).toBeUndefined();
  });
});

describe("pluginAtWork", () => {
  it("is the plugin whose process lives and that has beaten within its time, also by a clock that was set back", async () => {
    const { paths } = await setUp({ heartbeat: 100_000 });
    for (const now of [100_000, 100_000 + PLUGIN.silentMs, 100_000 - PLUGIN.silentMs]) {
      expect(await pluginAtWork(paths, () => now)).toMatchObject({ pid: process.pid, version: "1" });
    }
    for (const now of [100_000 + PLUGIN.silentMs + 1, 100_000 - PLUGIN.silentMs - 1]) {
      expect(await pluginAtWork(paths, () => now)).toBeUndefined();
    }
  });

  it("is nobody where there is no sign, or its process is gone, or its number was given to another", async () => {
    expect(await pluginAtWork((await setUp()).paths, () => 5_000)).toBeUndefined();
    expect(await pluginAtWork((await setUp({ pid: DEAD })).paths, () => 5_000)).toBeUndefined();
    if (startTime === undefined) return;
    expect(await pluginAtWork((await setUp({ startTime })).paths, () => 5_000)).toMatchObject({ startTime });
    expect(await pluginAtWork((await setUp({ startTime: startTime + 1 })).paths, () => 5_000)).toBeUndefined();
  });
});
