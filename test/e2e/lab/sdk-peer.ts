// Starts `sdk-peer.mjs`: our store over a real OpenClaw's SDK, in a process and a home of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openClawEnvironment, type InstalledOpenClaw } from "./install.ts";

const PEER = fileURLToPath(new URL("sdk-peer.mjs", import.meta.url));

/** What the peer answered. */
export interface PeerAnswer {
  readonly ok?: unknown;
  readonly code?: string;
  readonly message?: string;
}

/** One process with OpenClaw's code in it. */
export interface SdkPeer {
  readonly stateDir: string;
  agentDir(agent: string): string;
  /** Gives the answer's value. Throws where it was an error. */
  ask<T>(command: Readonly<Record<string, unknown>>): Promise<T>;
  /** Gives the answer, an error included. */
  answer(command: Readonly<Record<string, unknown>>): Promise<PeerAnswer>;
  stop(): Promise<void>;
}

/** Starts it on `stateDir`, or on a new one; agents are folders there before it starts. */
export async function startSdkPeer(
  openclaw: InstalledOpenClaw,
  seed: (stateDir: string) => Promise<void>,
): Promise<SdkPeer> {
  const stateDir = await mkdtemp(join(tmpdir(), "codex-auth-sdk-"));
  for (const agent of ["main", "ops"])
    await mkdir(join(stateDir, "agents", agent, "agent"), { recursive: true, mode: 0o700 });
  await seed(stateDir);
  const env = { ...openClawEnvironment(openclaw), HOME: stateDir, OPENCLAW_STATE_DIR: stateDir, TMPDIR: stateDir };
  const child = spawn(openclaw.node, [PEER, openclaw.folder, stateDir], { env, stdio: ["pipe", "pipe", "pipe"] });
  let noise = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (noise = `${noise}${text}`.slice(-4_000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<PeerAnswer> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the peer is gone: ${noise}`);
      // OpenClaw logs to the same stream.
      if (value.startsWith('{"ok":') || value.startsWith('{"code":')) return JSON.parse(value) as PeerAnswer;
    }
  };
  const answer: SdkPeer["answer"] = async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return next();
  };
  await next();
  return {
    stateDir,
    agentDir: (agent) => join(stateDir, "agents", agent, "agent"),
    answer,
    ask: async <T>(command: Readonly<Record<string, unknown>>) => {
      const { ok, code, message } = await answer(command);
      if (code !== undefined) throw new Error(`${code}: ${message ?? ""}`);
      return ok as T;
    },
    stop: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
