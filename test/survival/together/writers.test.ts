// Sixteen processes on one store, OpenClaw's own lock among them: no update is lost and no reader ever sees half a file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { login, openClawState } from "../../support/openclaw-state.ts";
import { tellFigure, times } from "../lab/run.ts";

const PATCHER = fileURLToPath(new URL("../lab/patcher.mjs", import.meta.url));
// The suite moves HOME away; the cache of real OpenClaws is the person's.
const CACHE = join(userInfo().homedir, ".cache", "codex-auth-e2e");
const LOCK = join(CACHE, "openclaw-2026.5.28/node_modules/openclaw/dist/plugin-sdk/file-lock.js");
const NODE = join(CACHE, "node-24.21.0/node_modules/node/bin/node");

async function run(node: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(node, [PATCHER, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

describe("sixteen writers at once", () => {
  it("lose nothing and tear nothing", async (context) => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { "openai-codex:old": login("old") }, kept: { deep: [1] } });
    const path = state.path("main");
    const count = times(50);
    const isReal = existsSync(LOCK) && existsSync(NODE);
    const theirs = isReal ? 4 : 0;
    const names = Array.from({ length: 16 }, (_, index) => `w${index}`);
    const isOver = new AbortController();
    let looks = 0;
    const reader = (async () => {
      while (!isOver.signal.aborted) {
        const { profiles } = JSON.parse(readFileSync(path, "utf8")) as { profiles: object };
        expect(Object.keys(profiles)).toContain("openai-codex:old");
        looks += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const began = performance.now();
    const codes = await Promise.all(
      names.map((name, index) =>
        index < theirs
          ? run(NODE, ["theirs", LOCK, path, name, String(count)])
          : run(process.execPath, ["ours", state.root, name, String(count)]),
      ),
    );
    isOver.abort();
    await reader;
    expect(codes).toEqual(names.map(() => 0));
    const { profiles, ...rest } = await state.get("main");
    const all = names.flatMap((name) => Array.from({ length: count }, (_, number) => `openai-codex:${name}-${number}`));
    expect(Object.keys(profiles as object).toSorted()).toEqual(["openai-codex:old", ...all].toSorted());
    expect(rest).toEqual({ version: 1, kept: { deep: [1] } });
    expect((await readdir(dirname(path))).toSorted()).toEqual(["auth-profiles.json"]);
    expect(looks).toBeGreaterThan(10);
    tellFigure(`together, 16 writers (${theirs} OpenClaw's own)`, all.length, "patches");
    tellFigure("together, time", Math.round((performance.now() - began) / 1_000), "seconds of patches");
    if (!isReal) await context.annotate("OpenClaw 2026.5.28 is not in the cache: all writers were ours");
  });
});
