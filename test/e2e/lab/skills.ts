// OpenClaw's `skills` commands in a lab's home, with a folder of programs of its own first on PATH.

import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { OpenClawHome } from "./home.ts";
import { openClawEnvironment, type InstalledOpenClaw } from "./install.ts";

const run = promisify(execFile);
const CLI_MS = 240_000;
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Our skills, whose names are those of two of our commands. */
const OWN_SKILLS = { "codex-auth": "SKILL.md", lease: "lease/SKILL.md" } as const;

/** Where OpenClaw looks for the skills of its workspace. */
export function skillFolder(home: OpenClawHome, name: string): string {
  return join(home.stateDir, "workspace", "skills", name);
}

/** Puts our own skills there, as if what they require were there: the program is not on that PATH, and they would not be offered. */
export async function placeOwnSkills(home: OpenClawHome): Promise<void> {
  for (const [name, file] of Object.entries(OWN_SKILLS)) {
    const text = (await readFile(join(ROOT, file), "utf8")).replace(/^metadata:.*\n/m, "");
    await mkdir(skillFolder(home, name), { recursive: true });
    await writeFile(join(skillFolder(home, name), "SKILL.md"), text);
  }
}

/** What OpenClaw says of a skill that it found. */
export interface SkillInfo {
  readonly name: string;
  readonly eligible: boolean;
  readonly filePath: string;
  readonly missing: { readonly bins: readonly string[] };
  readonly modelVisible?: boolean;
  readonly userInvocable?: boolean;
}

/** `skills install <source>`. @throws where OpenClaw refuses, with its words in `stdout` and `stderr`. */
export async function installSkill(openclaw: InstalledOpenClaw, home: OpenClawHome, source: string): Promise<void> {
  await skills(openclaw, home, ["install", source]);
}

/** `skills info <name> --json` where `programs` is on PATH; undefined where OpenClaw finds no such skill. */
export async function skillInfo(
  openclaw: InstalledOpenClaw,
  home: OpenClawHome,
  name: string,
  programs?: string,
): Promise<SkillInfo | undefined> {
  const text = await skills(openclaw, home, ["info", name, "--json"], programs).catch(notFound);
  // Notices may stand before the JSON.
  const info = JSON.parse(text.slice(Math.max(text.search(/^\{/m), 0))) as SkillInfo | { readonly error: unknown };
  return "error" in info ? undefined : info;
}

async function skills(
  openclaw: InstalledOpenClaw,
  home: OpenClawHome,
  args: readonly string[],
  programs?: string,
): Promise<string> {
  const env = openClawEnvironment(openclaw);
  const path = [programs, env["PATH"]].filter((part) => part !== undefined).join(delimiter);
  const { stdout } = await run(openclaw.node, [openclaw.entry, "skills", ...args], {
    env: {
      ...env,
      PATH: path,
      HOME: home.home,
      TMPDIR: home.tmp,
      OPENCLAW_STATE_DIR: home.stateDir,
      OPENCLAW_DISABLE_BONJOUR: "1",
    },
    cwd: home.home,
    timeout: CLI_MS,
  });
  return stdout;
}

// 2026.9.6 ends with 1 where there is no such skill, and says so as JSON.
function notFound(error: unknown): string {
  const { stdout } = error as { stdout?: string };
  if (stdout === undefined || !/"error"/.test(stdout)) throw error;
  return stdout;
}
