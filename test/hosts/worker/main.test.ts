// The worker as it is started: a process of its own, whose only voice is its log file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOG_FILE } from "../../../src/config/defaults.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const FSYNC_TALLY = new URL("../../support/fsync-tally.mjs", import.meta.url).href;
const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));
const ENTRY = fileURLToPath(new URL("../../../dist/hosts/worker/main.js", import.meta.url));

/** A machine with an OpenClaw that is not running, and a way to run the worker on it; gives the worker's exit code. */
async function machine() {
  const home = await temporaryFolder();
  const world = applyWorld(home);
  await writeFile(
    join(home, ".openclaw", "openclaw.json"),
    JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }),
  );
  const logFile = join(world.paths.log, "worker.log");
  const run = async (program: readonly string[] = [ENTRY]): Promise<unknown> => {
    const env = {
      HOME: home,
      PATH: process.env["PATH"] ?? "",
      CODEX_AUTH_ALLOW_FROM: "4242",
      FSYNC_TALLY: join(home, "tally.json"),
    };
    const child = spawn(process.execPath, program, { env, stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [code] = (await once(child, "exit")) as unknown[];
    return code;
  };
  const breakSettings = () => writeFile(world.paths.config, JSON.stringify({ activation: "sometimes" }));
  const mendSettings = () => writeFile(world.paths.config, "{}");
  const tally = async () =>
    JSON.parse(await readFile(join(home, "tally.json"), "utf8")) as { inPlace: number; elsewhere: number };
  return { world, logFile, run, tally, breakSettings, mendSettings };
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("the worker", () => {
  it("whose settings do not load says why in its log and leaves the job and the store; mended, it ends the job", async () => {
    const { world, logFile, run, breakSettings, mendSettings } = await machine();
    const job = await world.enqueue(receivedTokens("carol"), {}, {});
    const before = await readFile(world.storePath, "utf8");
    await breakSettings();
    expect(await run()).toBe(1);
    expect(await world.queue.get(job.id)).toEqual(job);
    expect(await readFile(world.storePath, "utf8")).toBe(before);
    expect(await world.outbox.list("telegram")).toEqual([]);
    const log = await readFile(logFile, "utf8");
    expect(log).toContain("ERR_CONFIG_INVALID");
    expect(log).toContain("activation");

    await mendSettings();
    expect(await run()).toBe(0);
    expect(await world.queue.get(job.id)).toMatchObject({ state: "done" });
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expect(await world.outbox.list("telegram")).toHaveLength(1);
  });

  it("waits for the disk in place, which a program beside which a person sits does not", async () => {
    const { world, run, tally } = await machine();
    await world.enqueue(receivedTokens("carol"), {}, {});
    expect(await run(["--import", FSYNC_TALLY, ENTRY])).toBe(0);
    const { inPlace, elsewhere } = await tally();
    expect(inPlace + elsewhere).toBeGreaterThan(10);
    // A disk that was slow once is left to the thread pool from then on.
    expect(inPlace).toBeGreaterThan(0);
    await world.enqueue(receivedTokens("dave"), {}, {});
    expect(await run(["--import", FSYNC_TALLY, PROGRAM, "apply"])).toBe(0);
    expect(await tally()).toMatchObject({ inPlace: 0 });
  });

  it("has no use for the bot's token: a token file that is missing does not stop it", async () => {
    const { world, run } = await machine();
    const job = await world.enqueue(receivedTokens("carol"), {}, {});
    await writeFile(world.paths.config, JSON.stringify({ telegram: { botTokenFile: "none" } }));
    expect(await run()).toBe(0);
    expect(await world.queue.get(job.id)).toMatchObject({ state: "done" });
  });

  it("keeps one full log beside the current one, and both to their owner", async () => {
    const { world, logFile, run, breakSettings } = await machine();
    await mkdir(world.paths.log, { recursive: true, mode: 0o700 });
    const full = `${"x".repeat(LOG_FILE.maxBytes)}\n`;
    await writeFile(logFile, full, { mode: 0o600 });
    await writeFile(`${logFile}.1`, "the one before", { mode: 0o600 });
    await breakSettings();
    await run();
    expect(await readFile(`${logFile}.1`, "utf8")).toBe(full);
    const first = await readFile(logFile, "utf8");
    expect(first.split("\n")).toHaveLength(2);
    // Not full: the next worker goes on in it.
    await run();
    expect((await readFile(logFile, "utf8")).split("\n")).toHaveLength(3);
    expect((await readFile(logFile, "utf8")).startsWith(first)).toBe(true);
    expect(await readFile(`${logFile}.1`, "utf8")).toBe(full);
    expect([await modeOf(logFile), await modeOf(`${logFile}.1`)]).toEqual([0o600, 0o600]);
    expect(await modeOf(world.paths.log)).toBe(0o700);
  });
});
