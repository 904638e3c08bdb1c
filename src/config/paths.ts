// Where OpenClaw keeps its things and where we keep ours, worked out from the environment alone.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Environment } from "./env.ts";

/** OpenClaw's places (facts/openclaw-json-generation.md §1). */
export interface OpenClawPaths {
  readonly stateDir: string;
  readonly configPath: string;
  /** The agent folder of `main`, whose store the other agents inherit; literally `main`, whatever the default agent is. */
  readonly mainAgentDir: string;
  /** Where a legacy `oauth.json` would be. */
  readonly oauthDir: string;
}

/** Our own places, all below `<OpenClaw state>/codex-auth`, folders 0700 and files 0600. */
export interface OwnPaths {
  readonly root: string;
  readonly config: string;
  readonly pending: string;
  readonly queue: string;
  readonly receipts: string;
  readonly outbox: string;
  readonly parked: string;
  /** Which refresh tokens were presented to the sign-in server; fingerprints only. */
  readonly rotations: string;
  readonly chat: string;
  readonly lease: string;
  readonly corrupt: string;
  readonly usage: string;
  readonly log: string;
}

/** OpenClaw's places as its own rules give them; `exists` tells whether a path is there. */
export function openClawPaths(environment: Environment, exists: (path: string) => boolean = existsSync): OpenClawPaths {
  const { openclaw } = environment;
  const home = openclaw.home === undefined ? environment.home : expandUserPath(openclaw.home, environment.home);
  const stateDir =
    openclaw.stateDir === undefined ? defaultStateDir(home, exists) : expandUserPath(openclaw.stateDir, home);
  return {
    stateDir,
    configPath:
      openclaw.configPath === undefined
        ? defaultConfigPath(stateDir, exists)
        : expandUserPath(openclaw.configPath, home),
    mainAgentDir:
      openclaw.agentDir === undefined
        ? join(stateDir, "agents", "main", "agent")
        : expandUserPath(openclaw.agentDir, home),
    oauthDir: openclaw.oauthDir === undefined ? join(stateDir, "credentials") : expandUserPath(openclaw.oauthDir, home),
  };
}

/** Our places for an OpenClaw whose state folder is `stateDir`. */
export function ownPaths(stateDir: string): OwnPaths {
  const root = join(stateDir, "codex-auth");
  return {
    root,
    config: join(root, "config.json"),
    pending: join(root, "pending"),
    queue: join(root, "queue"),
    receipts: join(root, "receipts"),
    outbox: join(root, "outbox"),
    parked: join(root, "parked"),
    rotations: join(root, "rotations"),
    chat: join(root, "chat"),
    lease: join(root, "lease"),
    corrupt: join(root, "corrupt"),
    usage: join(root, "usage"),
    log: join(root, "log"),
  };
}

/** The login files of the Codex CLI for this person: of `$CODEX_HOME` first, where that is set, then of `~/.codex`. */
export function codexLoginPaths({
  home,
  codexHome,
}: Pick<Environment, "home" | "codexHome">): readonly [string, ...string[]] {
  const usual = join(home, ".codex", "auth.json");
  return codexHome === undefined ? [usual] : [join(resolve(codexHome), "auth.json"), usual];
}

function defaultStateDir(home: string, exists: (path: string) => boolean): string {
  const current = join(home, ".openclaw");
  const legacy = join(home, ".clawdbot");
  return !exists(current) && exists(legacy) ? legacy : current;
}

function defaultConfigPath(stateDir: string, exists: (path: string) => boolean): string {
  const current = join(stateDir, "openclaw.json");
  const legacy = join(stateDir, "clawdbot.json");
  return !exists(current) && exists(legacy) ? legacy : current;
}

/** `path` as OpenClaw reads a path that a person wrote: `~` is `home`, relative is from here. */
export function expandUserPath(path: string, home: string): string {
  if (path === "~") return home;
  return path.startsWith("~/") ? join(home, path.slice(2)) : resolve(path);
}
