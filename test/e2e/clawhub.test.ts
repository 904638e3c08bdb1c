// What ClawHub's own command line says of the skill's folders and of the plugin, before anything is uploaded.

import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startClawHub, type ClawHubResult } from "./lab/clawhub.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { packSkill } from "./lab/packages.ts";
import { buildPlugin, type BuiltPlugin } from "./lab/plugin.ts";

const VERSION = "0.0.1";
const SOURCE = ["--source-repo", "example/codex-auth", "--source-commit", "0".repeat(40)];

let out: string;
let home: string;
let installed: InstallResult;
let clawhub: ClawHubResult;
let skill: Awaited<ReturnType<typeof packSkill>>;
let plugin: BuiltPlugin;

beforeAll(async () => {
  installed = await installOpenClaw("2026.9.6");
  if (!installed.ok) return;
  out = await mkdtemp(join(tmpdir(), "codex-auth-clawhub-"));
  home = join(out, "home");
  await mkdir(home);
  clawhub = await startClawHub(installed.openclaw);
  skill = await packSkill(join(out, "skill"));
  plugin = await buildPlugin(join(out, "plugin"), VERSION);
});

afterAll(async () => {
  if (clawhub?.ok) await clawhub.close();
  if (out !== undefined) await rm(out, { recursive: true, force: true });
});

/** The command line, or a skipped test. */
function cli(skip: (reason: string) => never): Extract<ClawHubResult, { ok: true }> {
  if (!installed.ok) skip(installed.reason);
  if (!clawhub.ok) skip(clawhub.reason);
  return clawhub;
}

describe("clawhub skill publish --dry-run", () => {
  test.for([
    ["codex-auth", 5],
    ["lease", 3],
  ] as const)(
    "would upload %s with every file of its folder, and asks the registry for its version alone",
    async ([name, fileCount], { skip }) => {
      const { call, asked } = cli(skip);
      const before = asked.length;
      const answer = await call(home, ["skill", "publish", skill[name], "--dry-run", "--json", "--version", VERSION]);
      expect(answer).toMatchObject({ code: 0 });
      expect(JSON.parse(answer.stdout)).toMatchObject({
        ok: true,
        status: "would-publish",
        slug: name,
        version: VERSION,
        latestVersion: null,
        fileCount,
      });
      expect(asked.slice(before).filter((line) => !line.startsWith("GET /api/v1/resolve?"))).toEqual([]);
      expect(await readdir(skill[name])).not.toContain(".clawhub");
    },
  );

  test("refuses the plugin's folder, which is no skill", async ({ skip }) => {
    const { call } = cli(skip);
    const { code, stderr } = await call(home, ["skill", "publish", plugin.folder, "--dry-run", "--json"]);
    expect(code).toBe(1);
    expect(stderr).toContain("looks like a plugin");
  });
});

describe("clawhub package", () => {
  test("validate passes the plugin against OpenClaw 2026.9.6, with nothing to say of it", async ({ skip }) => {
    const { call } = cli(skip);
    if (!installed.ok) return;
    const openclaw = join(installed.openclaw.folder, "node_modules", "openclaw");
    const reports = join(out, "reports");
    const answer = await call(home, [
      "package",
      "validate",
      plugin.folder,
      "--out",
      reports,
      "--openclaw",
      openclaw,
      "--json",
    ]);
    expect(answer.code).toBe(0);
    const report = JSON.parse(answer.stdout) as { readonly issues: readonly { readonly code: string }[] };
    expect(report).toMatchObject({ status: "pass", summary: { breakageCount: 0, deprecationWarningCount: 0 } });
    expect(report.issues.map(({ code }) => code)).toEqual([]);
  });

  test("validate is for plugins: of a skill's folder it says that it is none", async ({ skip }) => {
    const { call } = cli(skip);
    const { code, stderr, stdout } = await call(home, [
      "package",
      "validate",
      skill["codex-auth"],
      "--out",
      join(out, "r2"),
    ]);
    expect(code).toBe(1);
    expect(stderr + stdout).toContain("run from a plugin root");
  });

  test("publish --dry-run would take the plugin", async ({ skip }) => {
    const { call, asked } = cli(skip);
    const before = asked.length;
    const args = ["--family", "code-plugin", "--owner", "example", ...SOURCE, "--dry-run", "--json"];
    const answer = await call(home, ["package", "publish", plugin.folder, ...args]);
    expect(answer).toMatchObject({ code: 0 });
    expect(JSON.parse(answer.stdout)).toMatchObject({ version: VERSION });
    expect(asked.slice(before).filter((line) => !line.startsWith("GET "))).toEqual([]);
  });

  test("pack makes a tarball of it", async ({ skip }) => {
    const { call } = cli(skip);
    const packed = join(out, "packed");
    await mkdir(packed);
    const answer = await call(home, ["package", "pack", plugin.folder, "--pack-destination", packed, "--json"]);
    expect(answer).toMatchObject({ code: 0 });
    expect((await readdir(packed)).filter((name) => name.endsWith(".tgz"))).toHaveLength(1);
  });
});
