// The agreed lists of the three packages: how they are compared, and what may stand on them at all.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { agreedList, differences } from "../../scripts/pack-files.mjs";
import { tarballProblems } from "../../scripts/release-rules.mjs";
import { ROOT } from "../support/repo-files.ts";

const GOLDEN = join(ROOT, "test", "pack", "golden");

describe("a list", () => {
  it("says what is too much and what is missing", () => {
    expect(differences(["a", "b"], ["a", "b"])).toEqual([]);
    expect(differences(["a", "b"], ["b", "c"])).toEqual(["+ c", "- a"]);
  });

  it("that is not there is an empty one", () => {
    expect(agreedList(GOLDEN, "nothing")).toEqual([]);
  });
});

describe("the agreed lists", () => {
  const skill = agreedList(GOLDEN, "skill");
  const plugin = agreedList(GOLDEN, "plugin");
  const npm = agreedList(GOLDEN, "npm");

  it("of the skill name documents alone", () => {
    expect(skill).toEqual(expect.arrayContaining(["codex-auth/SKILL.md", "codex-auth/RISK.md", "lease/SKILL.md"]));
    expect(skill.filter((file) => !file.endsWith(".md"))).toEqual([]);
  });

  it("of the plugin name no part that starts programs, runs a bot of its own or plays OpenClaw", () => {
    expect(plugin).toContain("dist/hosts/openclaw/index.js");
    const elsewhere =
      /^dist\/(?:sandbox|hosts\/(?:cli|telegram|terminal|demo|worker))\/|launch\.js|restart-|process-commands/;
    // These three are words and order, shared with the other hosts.
    expect(plugin.filter((file) => elsewhere.test(file))).toEqual([
      "dist/hosts/cli/finding.js",
      "dist/hosts/telegram/chat-queues.js",
      "dist/hosts/worker/execute.js",
    ]);
    expect(tarballProblems(plugin.filter((file) => !file.startsWith("node_modules/")))).toEqual([]);
  });

  it("of the npm package name the program, the documents and what src/ compiles to", () => {
    expect(npm.filter((file) => file.startsWith("dist/"))).toEqual([
      "dist/ (each file of src/ as .js and .d.ts)",
      // What `--help` and a quiet `status` need, in one file.
      "dist/cli.cjs",
    ]);
    expect(npm).toEqual(expect.arrayContaining(["bin/codex-auth-skill.js", "SKILL.md", "RISK.md", "LICENSE"]));
    expect(tarballProblems(npm)).toEqual([]);
  });
});
