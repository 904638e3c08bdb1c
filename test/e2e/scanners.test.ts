// What OpenClaw's own scanners find in our packages: nothing in the skill and the plugin, and only what RISK.md explains in the npm package.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeIn, tableBelow } from "../support/repo-files.ts";
import { installOpenClaw, type InstalledOpenClaw, type InstallResult } from "./lab/install.ts";
import { packNpm, packSkill } from "./lab/packages.ts";
import { buildPlugin } from "./lab/plugin.ts";
import { bareEnvironment } from "./lab/surroundings.ts";

const run = promisify(execFile);
const PEER = fileURLToPath(new URL("lab/scan-peer.mjs", import.meta.url));

interface Scan {
  readonly scannedFiles: number;
  readonly scannedTexts: number;
  readonly found: readonly { readonly severity: string; readonly ruleId: string; readonly file: string }[];
}

/** Why each file of the npm package is found, by its file and rule; RISK.md says the same to people. */
const EXPLAINED: Readonly<Record<string, string>> = {
  "critical dangerous-exec dist/sandbox/world.js":
    "the demo starts a pretended gateway: this Node.js on a file of ours",
  "critical dangerous-exec dist/sandbox/gateway-main.js":
    "the demo's pretended gateway restarts itself, as a real one does",
};

let out: string;
const folders: Record<"skill" | "lease" | "plugin" | "npm" | "bad", string> = {
  skill: "",
  lease: "",
  plugin: "",
  npm: "",
  bad: "",
};

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-scan-"));
  const skill = await packSkill(join(out, "skill"));
  const tarball = await packNpm(join(out, "npm"));
  await run("tar", ["-xzf", tarball, "-C", join(out, "npm")]);
  const bad = join(out, "bad");
  await mkdir(bad);
  await writeFile(join(bad, "bad.js"), `import { execFile } from "node:child_process";\nexecFile("true", []);\n`);
  Object.assign(folders, {
    skill: skill["codex-auth"],
    lease: skill.lease,
    plugin: (await buildPlugin(join(out, "plugin"), "0.0.1")).folder,
    npm: join(out, "npm", "package"),
    bad,
  });
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("the scanner of OpenClaw %s", (version) => {
  let installed: InstallResult;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
  });

  test("finds a program that is started by `execFile`, with its name written out", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const [bad] = await scan(installed.openclaw, folders.bad);
    expect(bad?.found).toMatchObject([{ severity: "critical", ruleId: "dangerous-exec", file: "bad.js" }]);
  });

  test("finds nothing in the skill's folders, which hold no code", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const scans = await scan(installed.openclaw, folders.skill, folders.lease);
    expect(scans).toMatchObject([
      { scannedFiles: 0, found: [] },
      { scannedFiles: 0, found: [] },
    ]);
    // Its rules for texts came later.
    expect(scans.map(({ scannedTexts }) => scannedTexts)).toEqual(version === "2026.9.6" ? [5, 3] : [0, 0]);
  });

  test("finds nothing in the plugin, no warning either", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const [plugin] = await scan(installed.openclaw, folders.plugin);
    expect(plugin?.found).toEqual([]);
    expect(plugin?.scannedFiles).toBeGreaterThan(200);
  });

  test("finds in the npm package what RISK.md explains, and nothing else", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const [npm] = await scan(installed.openclaw, folders.npm);
    const found = npm?.found.map(({ severity, ruleId, file }) => `${severity} ${ruleId} ${file}`) ?? [];
    expect(found.toSorted()).toEqual(Object.keys(EXPLAINED).toSorted());
    expect(npm?.scannedFiles).toBeGreaterThan(500);
  });
});

test("RISK.md explains each finding, by its file and its rule", () => {
  const rows = tableBelow("RISK.md", "What scanners find").map(([file = "", rule = ""]) =>
    [...codeIn(rule), ...codeIn(file)].join(" "),
  );
  expect(rows.toSorted()).toEqual(Object.keys(EXPLAINED).toSorted());
});

async function scan(openclaw: InstalledOpenClaw, ...scanned: readonly string[]): Promise<readonly Scan[]> {
  const root = join(openclaw.folder, "node_modules", "openclaw");
  const { stdout } = await run(openclaw.node, [PEER, root, ...scanned], {
    env: { ...bareEnvironment(), HOME: out },
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as readonly Scan[];
}
