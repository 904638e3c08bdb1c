// The folders that ClawHub would get: their list, their names, and the words and sizes that its checks look at (facts/skill-ecosystem.md).

import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { agreedList, differences, filesBelow } from "../../scripts/pack-files.mjs";
import { ROOT } from "../support/repo-files.ts";

interface Packed {
  readonly path: string;
  readonly text: string;
  readonly isFile: boolean;
}

const NAMES = ["codex-auth", "lease"];
let packed: readonly Packed[] = [];

beforeAll(() => {
  const out = mkdtempSync(join(tmpdir(), "pack-skill-"));
  try {
    execFileSync(process.execPath, [join(ROOT, "scripts", "pack-skill.mjs"), "--out", out], { stdio: "ignore" });
    packed = filesBelow(out).map((path) => {
      const isFile = lstatSync(join(out, path)).isFile();
      return { path, isFile, text: readFileSync(join(out, path), "utf8") };
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

/** Which of the texts say something that `pattern` finds. */
function saying(pattern: RegExp): readonly string[] {
  return packed.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

describe("what npm run pack:skill makes", () => {
  it("is what was agreed on, plain files and nothing hidden", () => {
    const found = packed.map(({ path }) => path);
    expect(differences(agreedList(join(ROOT, "test", "pack", "golden"), "skill"), found)).toEqual([]);
    expect(packed.filter(({ isFile }) => !isFile)).toEqual([]);
    expect(found.filter((path) => path.split("/").some((part) => part.startsWith(".")))).toEqual([]);
  });

  it("refers to nothing that is not in the same folder", () => {
    const references = packed.flatMap(({ path, text }) => {
      const [folder = ""] = path.split("/");
      const targets = [...text.matchAll(/\]\(([^)\s#]+)\)|`\{baseDir\}\/([^`]+)`/g)];
      return targets
        .map(([, link, file]) => link ?? file ?? "")
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => posix.join(folder, target));
    });
    expect(references.length).toBeGreaterThanOrEqual(5);
    expect(references.filter((target) => !packed.some(({ path }) => path === target))).toEqual([]);
  });

  it("fits into what is read of it", () => {
    for (const name of NAMES) {
      const folder = packed.filter(({ path }) => path.startsWith(`${name}/`));
      expect(folder.length).toBeLessThanOrEqual(40);
      const sizes = folder.map(({ text }) => text.length);
      // The judge's first look is at 50,000 characters of a folder.
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(50_000);
    }
  });
});

describe("the names", () => {
  it("are what ClawHub takes for one: short, plain, and none that it keeps for itself", () => {
    const kept =
      /^(?:auth|oauth|login|status|system|admin|api|skills?)$|^(?:openclaw|clawhub|clawd|clawdbot|official|verified|admin|staff)-|-(?:openclaw|clawhub|clawd|clawdbot|official|verified|admin|staff)$/;
    for (const name of NAMES) {
      expect(name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
      expect(name.length).toBeGreaterThanOrEqual(3);
      expect(name.length).toBeLessThanOrEqual(96);
      expect(name).not.toMatch(kept);
      const skill = packed.find(({ path }) => path === `${name}/SKILL.md`);
      expect(skill?.text).toMatch(new RegExp(`^name: ${name}$`, "m"));
    }
  });

  it("come without a licence of their own: what is published there is MIT-0", () => {
    expect(saying(/^license:/im)).toEqual([]);
    expect(packed.filter(({ path }) => /licen[cs]e/i.test(path))).toEqual([]);
  });
});

describe("the words", () => {
  it.each([
    [
      "a value that looks like a secret",
      /(?:password|secret|token|api_?key)["']?\s*[:=]\s*["']?[A-Za-z0-9_./+=-]{16,}|Authorization:/i,
    ],
    [
      "a secret on a command line",
      /\b(?:node|npx|python3?|codex-auth-skill)\s[^\n`]*--(?:token|password|seed|callback-url)\b/i,
    ],
    ["an address with a bare number and no name in it", /https?:\/\/\d{1,3}(?:\.\d{1,3}){3}/],
    ["a command that deletes a folder", /\brm\s+-[a-z]*[rf]/],
    ["a download that is run", /(?:curl|wget)\b[^\n]*\|/i],
    ["a call for root", /\bsudo\s+\w/],
    ["a skill that is always on", /"?always"?\s*:\s*true/],
    ["what reads as more use than was paid for", /bypass|evad|circumvent|unlimited accounts|rate[- ]limit abuse/i],
    ["characters nobody sees", /[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]/],
    ["a long run without a space", /[A-Za-z0-9+/=_]{200,}/],
  ])("hold nothing that is taken for %s", (_what, pattern) => {
    expect(saying(pattern)).toEqual([]);
  });

  it("say of the accounts whose they are, and of limits that nothing acts on them", () => {
    const risk = packed.find(({ path }) => path === "codex-auth/RISK.md")?.text ?? "";
    expect(risk).toContain("No automatic switching between accounts and no help around usage limits");
    expect(risk).toContain("these are the person's own logins");
  });
});
