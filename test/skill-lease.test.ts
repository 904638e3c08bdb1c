// lease/SKILL.md as registries and agents read it: one SKILL.md is one slash command.

import { describe, expect, it } from "vitest";
import { LEASE } from "../src/config/defaults.ts";
import { readFile } from "./support/repo-files.ts";

const SKILL = readFile("lease/SKILL.md");
const [, HEAD = "", BODY = ""] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(SKILL) ?? [];
const FRONT: Readonly<Record<string, string>> = Object.fromEntries(
  HEAD.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
);
const MAIN = /^metadata: (.*)$/m.exec(readFile("SKILL.md"))?.[1] ?? "";

function requires(metadata: string): unknown {
  return (JSON.parse(metadata) as { openclaw: { requires: unknown } }).openclaw.requires;
}

describe("the lease's skill", () => {
  it("is the command `/lease`, for a person alone, and ships with the package", () => {
    expect(FRONT).toMatchObject({ name: "lease", "user-invocable": "true", "disable-model-invocation": "true" });
    expect(FRONT["description"]).toMatch(/^Use when /);
    expect(FRONT["description"]?.length).toBeLessThanOrEqual(160);
    expect(FRONT["description"]).not.toMatch(/[<>]|: |\n/);
    expect(SKILL.length).toBeLessThanOrEqual(6_000);
    expect((JSON.parse(readFile("package.json")) as { files: string[] }).files).toContain("lease");
  });

  it("needs the same program as the other skill", () => {
    expect(requires(FRONT["metadata"] ?? "")).toEqual(requires(MAIN));
  });

  it("tells an agent only what looks, and what a person may undo", () => {
    const commands = [...BODY.matchAll(/codex-auth-skill ([^`\n]*)/g)].map(([, line]) => line ?? "");
    expect(commands).toEqual(["lease --json", "lease refresh --json", "lease flush --json", "doctor --json"]);
    expect(BODY).toMatch(/is for a person/);
  });

  it("has a unit on its page that keeps the lease", () => {
    const page = readFile("docs/lease.md");
    expect(page).toContain("codex-auth-skill lease keep\nRestart=on-failure");
    // It must have time to end: the step under way, and giving the lease back where that is set.
    expect(2 * LEASE.stopWithinMs).toBeLessThan(90_000);
  });
});
