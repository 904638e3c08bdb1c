// What `npm run release:check` calls right and wrong.

import { describe, expect, it } from "vitest";
import {
  licenceProblems,
  provenanceProblems,
  sizeProblems,
  tarballProblems,
  versionProblems,
  versionsIn,
} from "../../scripts/release-rules.mjs";

const skill = (version: string): string => `---\nname: x\nmetadata: {"version": "${version}", "openclaw": {}}\n---\n`;
const MANIFEST = {
  license: "MIT",
  repository: { type: "git", url: "git+https://example.com/someone/codex-auth.git" },
  publishConfig: { access: "public", provenance: true },
  bin: { "codex-auth-skill": "bin/codex-auth-skill.js" },
  engines: { node: ">=20.19" },
};

describe("the version", () => {
  const facts = {
    manifest: { version: "1.2.3" },
    lock: { version: "1.2.3", packages: { "": { version: "1.2.3" } } },
    changelog: "# Changelog\n\n## 1.2.3 - 2026-11-21\n\n## 1.2.2 - 2026-11-01\n",
    skills: { "SKILL.md": skill("1.2.3"), "lease/SKILL.md": skill("1.2.3") },
    plugin: { version: "1.2.3" },
  };

  it("is one in all places", () => {
    expect(versionProblems(versionsIn(facts))).toEqual([]);
    expect(versionProblems(versionsIn({ ...facts, changelog: "## [1.2.3] - 2026-11-21" }))).toEqual([]);
  });

  it("is asked for in each place by itself", () => {
    const others = [
      { lock: { version: "1.2.2", packages: { "": { version: "1.2.3" } } } },
      { lock: { version: "1.2.3", packages: { "": { version: "1.2.2" } } } },
      { changelog: "## Unreleased\n\n## 1.2.3\n" },
      { skills: { ...facts.skills, "SKILL.md": skill("1.2.2") } },
      { skills: { ...facts.skills, "lease/SKILL.md": "---\nname: x\n---\n" } },
      { plugin: { version: "1.2.2" } },
    ];
    const problems = others.flatMap((other) => versionProblems(versionsIn({ ...facts, ...other })));
    expect(problems).toEqual([
      "package-lock.json: 1.2.2 instead of 1.2.3",
      "package-lock.json, its own package: 1.2.2 instead of 1.2.3",
      "CHANGELOG.md, its newest heading: Unreleased instead of 1.2.3",
      "SKILL.md: 1.2.2 instead of 1.2.3",
      "lease/SKILL.md: no version instead of 1.2.3",
      "the plugin's package.json: 1.2.2 instead of 1.2.3",
    ]);
  });
});

describe("where a package comes from", () => {
  it("is said by its repository, its licence and npm's provenance", () => {
    expect(provenanceProblems(MANIFEST, "MIT License\n")).toEqual([]);
  });

  it.each([
    ["no repository", { repository: undefined }, /repository/],
    ["a repository that is only a name", { repository: "codex-auth" }, /repository/],
    ["no provenance", { publishConfig: { access: "public" } }, /provenance/],
    ["no public access", { publishConfig: { provenance: true } }, /access/],
    ["another licence than the file's", { license: "ISC" }, /ISC/],
    ["no licence", { license: undefined }, /names none/],
    ["no Node.js version", { engines: {} }, /engines/],
    ["a second program", { bin: { one: "a.js", two: "b.js" } }, /one program/],
  ])("is not, with %s", (_what, change, problem) => {
    const problems = provenanceProblems({ ...MANIFEST, ...change }, "MIT License\n");
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });
});

describe("the npm package", () => {
  it("may hold compiled code, its types, documents and the example of settings", () => {
    const files = ["dist/index.js", "dist/index.d.ts", "bin/codex-auth-skill.js", ".env.example", "lease/SKILL.md"];
    expect(tarballProblems(files)).toEqual([]);
  });

  it.each([
    "dist/index.js.map",
    "dist/index.d.ts.map",
    "src/index.ts",
    "dist/.tsbuildinfo",
    ".env",
    ".git/config",
    "test/leaks.js",
    "dist/test/lab.js",
    "dist/leaks.test.js",
    "dist/fixtures/store.json",
    "node_modules/zod/index.js",
  ])("may not hold %s", (file) => {
    expect(tarballProblems([file, "dist/index.js"])).toEqual([`the npm package holds ${file}`]);
  });

  it("may bring so many packages and so much, and no more", () => {
    expect(sizeProblems({ packages: 30, bytes: 20_000_000 })).toEqual([]);
    expect(sizeProblems({ packages: 31, bytes: 20_100_000 })).toEqual([
      "it brings 31 packages, more than 30",
      "it takes 20.1 MB, more than 20",
    ]);
  });
});

it("the plugin carries no package without the text of its licence", () => {
  const files = ["one/license", "two/LICENSE.md", "@a/three/LICENSE-MIT", "four/index.js", "four/lib/LICENSE"];
  expect(licenceProblems(files.map((file) => `node_modules/${file}`))).toEqual([
    "the plugin holds four without its licence",
  ]);
});
