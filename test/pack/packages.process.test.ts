// All three packages, really made, against their agreed lists.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesBelow, makePackages, tarballFiles, tarballIn } from "../../scripts/pack-files.mjs";
import { licenceProblems, tarballProblems } from "../../scripts/release-rules.mjs";
import { ROOT } from "../support/repo-files.ts";

const MINUTES = 60_000;
let made: string;

beforeAll(() => {
  made = mkdtempSync(join(tmpdir(), "packages-"));
  makePackages(made);
}, 5 * MINUTES);

afterAll(() => {
  rmSync(made, { recursive: true, force: true });
});

function check(golden: string): { readonly status: number | null; readonly stderr: string } {
  const script = join(ROOT, "scripts", "pack-lists.mjs");
  return spawnSync(process.execPath, [script, "--packages", made, "--golden", golden], { encoding: "utf8" });
}

describe("the packages", () => {
  it("hold what was agreed on: a change is meant, and shown by `npm run pack:lists`", () => {
    expect(check(join(ROOT, "test", "pack", "golden"))).toMatchObject({ status: 0, stderr: "" });
  });

  it("are found different where a file is too much or missing", () => {
    const golden = join(made, "golden");
    cpSync(join(ROOT, "test", "pack", "golden"), golden, { recursive: true });
    const list = join(golden, "npm.txt");
    writeFileSync(list, readFileSync(list, "utf8").replace("RISK.md\n", "NEWS.md\n"));
    writeFileSync(join(made, "skill", "codex-auth", "run.sh"), "#!/bin/sh\n");
    const { status, stderr } = check(golden);
    rmSync(join(made, "skill", "codex-auth", "run.sh"));
    expect(status).toBe(1);
    expect(stderr).toContain("  + RISK.md\n  - NEWS.md\n");
    expect(stderr).toContain("  + codex-auth/run.sh\n");
    expect(stderr).not.toContain("plugin holds");
  });

  it("as npm packs it: the compiled program with its types, no maps, sources or tests", () => {
    const files = tarballFiles(tarballIn(join(made, "npm")));
    expect(files).toEqual(
      expect.arrayContaining(["dist/cli.cjs", "dist/hosts/cli/main.js", "dist/index.d.ts", "bin/codex-auth-skill.js"]),
    );
    expect(tarballProblems(files)).toEqual([]);
    const listed = execFileSync("tar", ["-tvzf", tarballIn(join(made, "npm")), "package/bin/codex-auth-skill.js"], {
      encoding: "utf8",
    });
    expect(listed).toMatch(/^-rwxr-xr-x/);
  });

  it("the plugin's carries the licence of each package in it, and the range of OpenClaw that it was tried on", () => {
    const folder = join(made, "plugin", "codex-auth");
    expect(licenceProblems(filesBelow(folder))).toEqual([]);
    expect(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))).toMatchObject({
      openclaw: { compat: { pluginApi: ">=2026.4.5" }, build: { openclawVersion: "2026.9.6" } },
    });
  });
});
