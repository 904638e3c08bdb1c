// What whoever looks from outside keeps from one look to the next: never seen in what they are shown, whatever changes meanwhile.

import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../src/config/defaults.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import { isCodexAuthError } from "../../src/errors.ts";
import { detectGeneration, signPaths } from "../../src/gateway/generation.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { OutsideStore } from "../../src/profiles/outside-store.ts";
import { PublishedStore } from "../../src/profiles/published-store.ts";
import { login, openClawState } from "../support/openclaw-state.ts";

/** Long after anything of this test was written. */
const LATER = Date.now() + 3_600_000;

/** Tests set it; every look of theirs goes by it. */
const clock = { nowMs: LATER };

async function lab(now: () => number = () => clock.nowMs, isTold = true) {
  clock.nowMs = LATER;
  const { root } = await openClawState();
  mkdirSync(join(root, "agents"));
  const paths = openClawPaths(readEnvironment({ HOME: root, OPENCLAW_STATE_DIR: root }));
  let asked = 0;
  const generation = async () => {
    asked += 1;
    return (await detectGeneration(paths)).generation;
  };
  const parts = {
    files: new JsonProfileStore({ paths, home: root, generation, now }),
    published: new PublishedStore({ path: join(root, "published.json"), configPath: paths.configPath }),
    generation,
  };
  const byFiles = async () => (isTold ? { generation: await generation(), paths: signPaths(paths) } : undefined);
  const keeping = new OutsideStore({ ...parts, byFiles, now });
  return { root, keeping, fresh: () => new OutsideStore(parts), asked: () => asked };
}

/** What `outside` shows of everything, or why not. */
async function seen(outside: OutsideStore): Promise<unknown> {
  const looks = [outside.agents(), outside.read(), outside.read("ops"), outside.read("far")];
  const shown = await Promise.all(
    looks.map((look) =>
      look.catch((error: unknown) => (isCodexAuthError(error) ? error.code : `not ours: ${String(error)}`)),
    ),
  );
  // Where nothing could be told, the name is still that of the call before.
  const provider = shown.every((one) => typeof one === "string") ? undefined : outside.provider;
  return JSON.parse(JSON.stringify([shown, provider])) as unknown;
}

let tick = 0;

/** Gives what lies at `path` a time that no other change has: a file of a real clock is not trusted that soon. */
function timed(path: string): void {
  tick += 1;
  utimesSync(path, 1_000_000 + tick + 0.5, 1_000_000 + tick + 0.5);
}

/** Every folder below `folder`, itself included, with its names. */
function foldersOf(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { withFileTypes: true });
  const below = entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [...foldersOf(join(folder, name))]);
  return new Map([[folder, entries.map(({ name }) => name).join("/")], ...below]);
}

/** One change of the folder at `root`. */
type Change = (root: string) => void;

/** What `change` changes has another time afterwards, and nothing else. */
const change =
  (body: Change): Change =>
  (root) => {
    const before = foldersOf(root);
    body(root);
    for (const [folder, names] of foldersOf(root)) if (before.get(folder) !== names) timed(folder);
  };
const put = (path: string, text: string): Change =>
  change((root) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    // In place where there is one, so that its folder stays as it is.
    writeFileSync(file, text, { mode: 0o600 });
    timed(file);
  });
const gone = (path: string): Change =>
  change((root) => {
    rmSync(join(root, path), { recursive: true, force: true });
  });
const linked = (path: string, target: string): Change =>
  change((root) => {
    const link = join(root, path);
    mkdirSync(dirname(link), { recursive: true });
    mkdirSync(join(root, target), { recursive: true });
    rmSync(link, { recursive: true, force: true });
    symlinkSync(join(root, target), link);
  });
const store = (...names: readonly string[]): string =>
  JSON.stringify({
    version: 1,
    profiles: Object.fromEntries(names.map((name) => [`openai-codex:${name}`, login(name)])),
  });
/** ada's ends `afterMs` from the beginning, bob's is not tried for as long. */
const passing = (afterMs: number): string => {
  const [ada, bob] = ["openai-codex:ada", "openai-codex:bob"];
  const profiles = {
    [ada]: { type: "token", provider: "openai-codex", token: "t", expires: LATER + afterMs },
    [bob]: login("bob"),
  };
  return JSON.stringify({ version: 1, profiles, usageStats: { [bob]: { cooldownUntil: LATER + afterMs } } });
};
const passes =
  (ms: number): Change =>
  () => {
    clock.nowMs += ms;
  };
const config = (value: unknown): Change => put("openclaw.json", JSON.stringify(value));

const changes = fc.constantFrom<readonly [string, Change]>(
  ["main has ada", put("agents/main/agent/auth-profiles.json", store("ada"))],
  ["main has bob", put("agents/main/agent/auth-profiles.json", store("bob"))],
  ["main has what ends in an hour", put("agents/main/agent/auth-profiles.json", passing(HOUR))],
  ["main has what ends in two", put("agents/main/agent/auth-profiles.json", passing(2 * HOUR))],
  ["an hour passes", passes(HOUR)],
  ["half an hour passes", passes(HOUR / 2)],
  ["the clock goes back by an hour", passes(-HOUR)],
  ["a month passes", passes(30 * DAY)],
  ["main is of a later version", put("agents/main/agent/auth-profiles.json", '{"version":2,"profiles":{}}')],
  ["main is damaged", put("agents/main/agent/auth-profiles.json", "{")],
  ["main has none", gone("agents/main/agent/auth-profiles.json")],
  ["ops has carol", put("agents/ops/agent/auth-profiles.json", store("carol"))],
  ["ops has both", put("agents/ops/agent/auth-profiles.json", store("carol", "ada"))],
  ["ops has nothing", gone("agents/ops/agent/auth-profiles.json")],
  ["ops is gone", gone("agents/ops")],
  ["ops is a link to main", linked("agents/ops/agent", "agents/main/agent")],
  ["ops is a link to elsewhere", linked("agents/ops/agent", "elsewhere")],
  ["ops as a whole is a link", linked("agents/ops", "another")],
  ["an order", put("agents/main/agent/auth-state.json", '{"version":1,"order":{"openai-codex":["openai-codex:bob"]}}')],
  ["no order", gone("agents/main/agent/auth-state.json")],
  ["a database", put("state/openclaw.sqlite", "")],
  ["no database", gone("state/openclaw.sqlite")],
  ["an agent's database", put("agents/main/agent/openclaw-agent.sqlite", "")],
  ["no agent's database", gone("agents/main/agent/openclaw-agent.sqlite")],
  ["no configuration", gone("openclaw.json")],
  ["a damaged configuration", put("openclaw.json", "{")],
  ["an old version", config({ meta: { lastTouchedVersion: "2026.4.5" } })],
  ["a split version", config({ meta: { lastTouchedVersion: "2026.5.28" } })],
  ["a late version", config({ meta: { lastTouchedVersion: "2026.9.6" } })],
  ["an agent elsewhere", config({ agents: { list: [{ id: "far", agentDir: "~/far" }] } })],
  ["that agent has dan", put("far/auth-profiles.json", store("dan"))],
  ["an order by configuration", config({ auth: { order: { "openai-codex": ["openai-codex:ada"] } } })],
);

describe("whoever looks from outside again and again", () => {
  it("is shown exactly what a first look shows, whatever was changed in between", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { root, keeping, fresh } = await lab();
        for (const [, step] of steps) {
          step(root);
          const expected = await seen(fresh());
          for (let look = 0; look < 3; look += 1) expect(await seen(keeping)).toEqual(expected);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("is shown the very same of main's logins while nothing changes, and reads an agent's own at every look", async () => {
    const { root, keeping } = await lab();
    put("agents/main/agent/auth-profiles.json", passing(HOUR))(root);
    put("agents/ops/agent/auth-profiles.json", store("carol"))(root);
    const first = await keeping.read();
    const own = await keeping.read("ops");
    const kept = await keeping.read();
    // The first look finds out what to mark, the second marks it.
    expect(kept).not.toBe(first);
    expect(kept).toEqual(first);
    expect(await keeping.read()).toBe(kept);
    expect(await keeping.read("ops")).toEqual(own);
    expect(await keeping.read("ops")).not.toBe(await keeping.read("ops"));
    expect(await keeping.read("MAIN")).toBe(kept);
    for (const options of [{ forChange: true }, { anew: true }]) {
      const read = await keeping.read(undefined, options);
      expect(read).toEqual(kept);
      expect(read).not.toBe(kept);
    }
    clock.nowMs += HOUR - 1;
    expect(await keeping.read()).toBe(kept);
    clock.nowMs += 1;
    const later = await keeping.read();
    expect(later).not.toEqual(kept);
    expect(await keeping.read()).toBe(later);
    clock.nowMs -= 1;
    expect(await keeping.read()).toEqual(kept);
  });

  it("asks which generation it is once while nothing changes", async () => {
    const { root, keeping, asked } = await lab();
    put("agents/main/agent/auth-profiles.json", store("ada"))(root);
    put("agents/ops/agent/auth-profiles.json", store("carol"))(root);
    for (let look = 0; look < 5; look += 1) await keeping.agents();
    // The first finds out what to mark, the second marks it.
    expect(asked()).toBe(2);
    put("agents/ops/agent/auth-profiles.json", store("carol", "dan"))(root);
    expect((await keeping.read("ops")).summaries.map(({ id }) => id)).toContain("openai-codex:dan");
  });

  it("asks every time where it is not the files that tell", async () => {
    const { root, keeping, asked } = await lab(undefined, false);
    put("agents/main/agent/auth-profiles.json", store("ada"))(root);
    for (let look = 0; look < 5; look += 1) await keeping.agents();
    expect(asked()).toBe(5);
  });

  it("asks every time while anything was written a moment ago", async () => {
    const { root, keeping, asked } = await lab(Date.now);
    const path = "agents/main/agent/auth-profiles.json";
    put(path, store("ada"))(root);
    utimesSync(join(root, path), new Date(), new Date(Date.now() + 60_000));
    for (let look = 0; look < 5; look += 1) await keeping.agents();
    expect(asked()).toBe(5);
  });
});
