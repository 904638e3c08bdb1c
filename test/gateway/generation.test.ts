// The table of signs by which the generations are told apart.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  detectGeneration,
  detectGenerationWith,
  judgeGeneration,
  type Generation,
  type GenerationSigns,
} from "../../src/gateway/generation.ts";
import { gatewayHome } from "./gateway-lab.ts";

const none: GenerationSigns = { hasSqlite: false, hasAuthState: false, storeVersion: 1, lastTouchedVersion: undefined };

describe("judgeGeneration", () => {
  test.each<[Generation, string, Partial<GenerationSigns>]>([
    ["json-single", "2026.4.5", { lastTouchedVersion: "2026.4.5" }],
    ["json-single", "2026.4.21", { lastTouchedVersion: "2026.4.21" }],
    ["json-single", "no store yet", { lastTouchedVersion: "2026.4.5", storeVersion: undefined }],
    ["json-split", "2026.4.22", { lastTouchedVersion: "2026.4.22" }],
    ["json-split", "a beta of it", { lastTouchedVersion: "v2026.4.22-beta.1" }],
    ["json-split", "2026.5.28", { lastTouchedVersion: "2026.5.28" }],
    ["json-split", "auth-state.json alone", { hasAuthState: true }],
    ["json-split", "auth-state.json outweighs an old version", { hasAuthState: true, lastTouchedVersion: "2026.4.5" }],
    [
      "json-split",
      "the running version outweighs the file",
      { runningVersion: "2026.5.28", lastTouchedVersion: "2026.4.5" },
    ],
    ["sqlite", "2026.6.0", { lastTouchedVersion: "2026.6.0" }],
    ["sqlite", "a later year", { lastTouchedVersion: "2027.1.1" }],
    ["sqlite", "a database, whatever else", { hasSqlite: true, hasAuthState: true, lastTouchedVersion: "2026.4.5" }],
    ["sqlite", "a running new version over old files", { runningVersion: "2026.9.6", hasAuthState: true }],
    ["json-single", "a store of version 1 and nothing else", {}],
    ["unknown", "nothing at all", { storeVersion: undefined }],
    ["unknown", "a version that is no date", { lastTouchedVersion: "9.1.0", storeVersion: undefined }],
    ["unknown", "a store of another version", { storeVersion: 2, lastTouchedVersion: "2026.4.5" }],
    ["json-split", "a damaged store of a known version", { storeVersion: "invalid", lastTouchedVersion: "2026.5.28" }],
  ])("%s: %s", (generation, _name, signs) => {
    expect(judgeGeneration({ ...none, ...signs })).toBe(generation);
  });
});

describe("detectGeneration", () => {
  test("reads the signs from the disk", async () => {
    const { stateDir, configPath } = await gatewayHome();
    const places = { stateDir, configPath, mainAgentDir: join(stateDir, "agent") };
    expect(await detectGeneration(places)).toMatchObject({
      generation: "json-single",
      signs: { storeVersion: undefined },
    });
    await mkdir(places.mainAgentDir);
    await writeFile(join(places.mainAgentDir, "auth-profiles.json"), JSON.stringify({ profiles: {} }));
    expect(await detectGeneration(places)).toMatchObject({ generation: "json-single", signs: { storeVersion: 1 } });
    await writeFile(join(places.mainAgentDir, "auth-state.json"), "{}");
    expect(await detectGeneration(places)).toMatchObject({ generation: "json-split" });
    await writeFile(join(places.mainAgentDir, "auth-profiles.json"), "[");
    expect(await detectGeneration(places)).toMatchObject({
      generation: "json-split",
      signs: { storeVersion: "invalid" },
    });
    await mkdir(join(stateDir, "state"));
    await writeFile(join(stateDir, "state", "openclaw.sqlite"), "");
    expect(await detectGeneration(places)).toMatchObject({ generation: "sqlite" });
  });

  test("a running gateway's own word decides, and its silence does not", async () => {
    const { stateDir, configPath } = await gatewayHome();
    const places = { stateDir, configPath, mainAgentDir: join(stateDir, "agent") };
    const instance = { pid: 1, startTime: 1, port: 1, stateDir, configPath };
    const locate = () => Promise.resolve({ kind: "running", instance } as const);
    const says = { locate, identify: () => Promise.resolve({ ...instance, version: "2026.5.28" }) };
    const silent = { locate, identify: () => Promise.reject(new Error("no")) };
    expect(await detectGenerationWith(says, places)).toMatchObject({ generation: "json-split" });
    expect(await detectGenerationWith(silent, places)).toMatchObject({ generation: "json-single" });
  });
});
