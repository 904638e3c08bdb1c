// Runs the real program as a process, in a HOME of its own with or without an OpenClaw in it.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { applyWorld } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));

/** How one call ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON document on standard output. */
  readonly json: () => {
    schemaVersion: number;
    ok: boolean;
    command: string;
    error?: { code: string; next: string };
  } & Record<string, unknown>;
}

/** A HOME to call the program in. */
export interface CliHome {
  readonly home: string;
  call(
    args: readonly string[],
    options?: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv },
  ): Promise<Ended>;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
}

/** A HOME without anything in it. */
export async function emptyHome(): Promise<CliHome> {
  return homeAt(await temporaryFolder());
}

/** A HOME with an OpenClaw that has two Codex logins, and no gateway running. */
export async function openClawHome(): Promise<CliHome & { readonly world: ReturnType<typeof applyWorld> }> {
  const home = await temporaryFolder();
  const world = applyWorld(home);
  writeFileSync(
    join(home, ".openclaw", "openclaw.json"),
    JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }),
    { mode: 0o600 },
  );
  mkdirSync(world.paths.root, { recursive: true, mode: 0o700 });
  return { ...homeAt(home), world };
}

/** A HOME that somebody else has furnished. */
export function homeAt(home: string): CliHome {
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, [PROGRAM, ...args], {
      cwd: home,
      env: { PATH: process.env["PATH"], HOME: home, TMPDIR: home, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
  return {
    home,
    start,
    call: async (args, { stdin = "", env } = {}) => {
      const child = start(args, env);
      child.stdin?.end(stdin);
      if (child.stdout === null || child.stderr === null) throw new Error("a program without output");
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close") as Promise<[number | null]>,
      ]);
      return { code, stdout, stderr, json: () => JSON.parse(stdout) as ReturnType<Ended["json"]> };
    },
  };
}
