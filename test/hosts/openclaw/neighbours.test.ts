// What is in the plugin's way on a machine: earlier plugins, stale copies and skills, each with the step that removes it.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasEarlierKeeper, neighbourFindings } from "../../../src/hosts/openclaw/neighbours.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

/** Writes a file and gives its folder. */
async function put(path: string, text: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  return join(path, "..");
}

async function machine(settings: unknown = {}) {
  const home = await temporaryFolder();
  const stateDir = join(home, ".openclaw");
  return {
    home,
    stateDir,
    plugin: (folder: string, id: string) =>
      put(join(folder, "openclaw.plugin.json"), JSON.stringify({ id, configSchema: {} })),
    skill: (folder: string, head: string) => put(join(folder, "SKILL.md"), `---\n${head}\n---\n\n# A skill\n`),
    look: (more: unknown = settings, hasPlugin = true) =>
      neighbourFindings({ stateDir, home, settings: more, hasPlugin }),
  };
}

describe("neighbourFindings", () => {
  it("finds nothing on a machine where ours is installed where it belongs", async () => {
    const { look, plugin, stateDir } = await machine();
    await plugin(join(stateDir, "extensions", "codex-auth"), "codex-auth");
    expect(await look({ plugins: { entries: { "codex-auth": { enabled: true } } } })).toEqual([]);
  });

  it.each(["auth-manager-lease-telemetry", "openclaw-auth-manager-plugin"])(
    "calls %s a second keeper while it is on, whether it is named in the settings or only lies there",
    async (id) => {
      const { look, plugin, stateDir } = await machine();
      const named = await look({ plugins: { entries: { [id]: {} } } });
      expect(named).toMatchObject([
        { what: "earlier plugin", state: "fail", next: expect.stringContaining(`openclaw plugins uninstall ${id}`) },
      ]);
      expect(hasEarlierKeeper(named)).toBe(true);
      const folder = await plugin(join(stateDir, "extensions", id), id);
      expect(await look()).toMatchObject([{ state: "fail", text: expect.stringContaining(folder) }]);
      const off = await look({ plugins: { entries: { [id]: { enabled: false } } } });
      expect(off).toMatchObject([{ state: "warn" }]);
      expect(hasEarlierKeeper(off)).toBe(false);
    },
  );

  it("names a copy of ours under another name, and a linked one beside the installed one", async () => {
    const { look, plugin, stateDir, home } = await machine();
    const old = await plugin(join(stateDir, "extensions", "codex-auth.old"), "codex-auth");
    expect(await look()).toMatchObject([{ what: "stale copy", next: expect.stringContaining(`Remove ${old}`) }]);
    await plugin(join(stateDir, "extensions", "codex-auth"), "codex-auth");
    await plugin(join(home, "work", "plugin"), "codex-auth");
    const found = await look({ plugins: { load: { paths: ["~/work/plugin"] } } });
    expect(new Set(found.map(({ text }) => text.split(" ")[0]))).toEqual(new Set([old, join(home, "work", "plugin")]));
  });

  it("names skills that take a command of ours on Telegram, by the name that OpenClaw makes of theirs", async () => {
    const { look, skill, stateDir, home } = await machine();
    const one = await skill(join(stateDir, "skills", "codex-auth"), "name: codex-auth\nuser-invocable: true");
    const two = await skill(join(home, "desk", "skills", "any"), 'name: "Codex Usage"');
    await skill(join(stateDir, "skills", "lease"), "name: lease\nuser-invocable: false");
    await skill(join(stateDir, "skills", "other"), "name: weather");
    const found = await look({ agents: { defaults: { workspace: "~/desk" } } });
    expect(found.map(({ state }) => state)).toEqual(["warn", "warn"]);
    const texts = found.map(({ text }) => text).join("\n");
    expect(texts).toMatch(/Codex Usage in .*as \/codex_usage too[\s\S]*codex-auth in .*as \/codex_auth too/);
    for (const folder of [one, two]) expect(texts).toContain(folder);
    const steps = found.map(({ next }) => next).join("\n");
    expect(steps).toContain("skills.entries.codex-auth.enabled");
    // As OpenClaw's own setting switches it off.
    const off = { skills: { entries: { "codex-auth": { enabled: false }, "Codex Usage": { enabled: true } } } };
    expect(await look({ ...off, agents: { defaults: { workspace: "~/desk" } } })).toMatchObject([
      { text: expect.stringContaining("Codex Usage") },
    ]);
    // Without the plugin the skill is the one that is meant.
    expect(await look({ agents: { defaults: { workspace: "~/desk" } } }, false)).toEqual([]);
  });

  it("names codex-profiler, whatever its command is", async () => {
    const { look, skill, stateDir } = await machine();
    const folder = await skill(join(stateDir, "skills", "codex-profiler"), "name: codex-profiler");
    expect(await look()).toMatchObject([{ what: "skill", state: "warn", next: expect.stringContaining(folder) }]);
  });

  it("is not led astray by settings and files of an unexpected shape", async () => {
    const { look, skill, stateDir } = await machine();
    await mkdir(join(stateDir, "extensions", "broken"), { recursive: true });
    await writeFile(join(stateDir, "extensions", "broken", "openclaw.plugin.json"), "{");
    await skill(join(stateDir, "skills", "odd"), "no name here");
    for (const settings of [
      undefined,
      [],
      { plugins: 1, agents: "x" },
      { plugins: { entries: [], load: { paths: {} } } },
    ])
      expect(await look(settings)).toEqual([]);
  });
});
