// Which way of keeping logins this OpenClaw has: one table of signs, read from the disk, judged apart from it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseJson, readTextFile } from "../storage/json-file.ts";
import type { GatewayInstance, GatewayLocation } from "./instance.ts";
import { readGatewayConfig } from "./openclaw-config.ts";

/**
 * `json-single`: one `auth-profiles.json` (to 2026.4.21). `json-split`: `auth-state.json` beside it (to 2026.5).
 * `sqlite` (from 2026.6): that file must never be written. `unknown`: nothing is written either.
 */
export type Generation = "json-single" | "json-split" | "sqlite" | "unknown";

/** The signs, as they were found. */
export interface GenerationSigns {
  /** `state/openclaw.sqlite` in the state folder holds logins of its own, or the agent has `openclaw-agent.sqlite`. */
  readonly hasSqlite: boolean;
  readonly hasAuthState: boolean;
  /** `version` of `auth-profiles.json`; undefined where there is no store, `invalid` where it cannot be told. */
  readonly storeVersion: number | "invalid" | undefined;
  /** The version that a running gateway names itself, which outweighs what was written earlier. */
  readonly runningVersion?: string | undefined;
  /** `meta.lastTouchedVersion` of openclaw.json. */
  readonly lastTouchedVersion: string | undefined;
}

/** The generation together with what it was told by. */
export interface DetectedGeneration {
  readonly generation: Generation;
  readonly signs: GenerationSigns;
}

/** Where to look. */
export interface GenerationPlaces {
  readonly stateDir: string;
  readonly configPath: string;
  readonly mainAgentDir: string;
  readonly runningVersion?: string | undefined;
}

/** The files by which {@link detectGeneration} goes: where none of them has changed, neither has its answer. */
export function signPaths({ stateDir, configPath, mainAgentDir }: GenerationPlaces): readonly string[] {
  return [configPath, ...databasePaths(stateDir, mainAgentDir), ...jsonPaths(mainAgentDir)];
}

/** Reads the signs and judges them. */
export async function detectGeneration(places: GenerationPlaces): Promise<DetectedGeneration> {
  const signs = await readGenerationSigns(places);
  return { generation: judgeGeneration(signs), signs };
}

/** Reads the signs; writes and locks nothing. */
async function readGenerationSigns(places: GenerationPlaces): Promise<GenerationSigns> {
  const { stateDir, configPath, mainAgentDir, runningVersion } = places;
  const [storePath, authStatePath] = jsonPaths(mainAgentDir);
  const [storeVersion, { lastTouchedVersion }] = await Promise.all([
    readStoreVersion(storePath),
    readGatewayConfig(configPath),
  ]);
  // Synchronous: a promise of what is not there costs a thread and an error each, and this is asked before every call.
  const hasSqlite = databasePaths(stateDir, mainAgentDir).some((path) => existsSync(path));
  const hasAuthState = existsSync(authStatePath);
  return { hasSqlite, hasAuthState, storeVersion, runningVersion, lastTouchedVersion };
}

/** Where a generation with a database has it. */
function databasePaths(stateDir: string, mainAgentDir: string): readonly string[] {
  return [join(stateDir, "state", "openclaw.sqlite"), join(mainAgentDir, "openclaw-agent.sqlite")];
}

/** The main store, and what lies beside it in the split form. */
function jsonPaths(mainAgentDir: string): readonly [storePath: string, authStatePath: string] {
  return [join(mainAgentDir, "auth-profiles.json"), join(mainAgentDir, "auth-state.json")];
}

const FIRST_SPLIT = [2026, 4, 22] as const;
const FIRST_SQLITE = [2026, 6, 0] as const;

/** The table of signs; the first row that applies decides. */
export function judgeGeneration(signs: GenerationSigns): Generation {
  const version = parseVersion(signs.runningVersion) ?? parseVersion(signs.lastTouchedVersion);
  const rows: readonly (readonly [applies: boolean, generation: Generation])[] = [
    [signs.hasSqlite, "sqlite"],
    [version !== undefined && !isBefore(version, FIRST_SQLITE), "sqlite"],
    // A store that does not parse is no sign of another generation: whoever reads it says that it is damaged.
    [typeof signs.storeVersion === "number" && signs.storeVersion !== 1, "unknown"],
    [signs.hasAuthState, "json-split"],
    [version !== undefined && !isBefore(version, FIRST_SPLIT), "json-split"],
    [version !== undefined && isBefore(version, FIRST_SPLIT), "json-single"],
    // A fresh 2026.5.28 with a hand-written configuration leaves no version anywhere. Its store is there and no database is:
    // where an order is written then (in the store itself) both JSON shapes read it.
    [signs.storeVersion !== undefined, "json-single"],
  ];
  return rows.find(([applies]) => applies)?.[1] ?? "unknown";
}

type Version = readonly [number, number, number];

function parseVersion(text: string | undefined): Version | undefined {
  const match = /^v?(\d{4})\.(\d{1,2})\.(\d{1,3})(?![\d.])/.exec(text?.trim() ?? "");
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

function isBefore(version: Version, other: Version): boolean {
  const at = version.findIndex((part, index) => part !== other[index]);
  return at !== -1 && (version[at] ?? 0) < (other[at] ?? 0);
}

async function readStoreVersion(path: string): Promise<number | "invalid" | undefined> {
  try {
    const text = await readTextFile(path);
    if (text === undefined) return undefined;
    const value = parseJson(text, path);
    if (typeof value !== "object" || value === null) return "invalid";
    // OpenClaw takes a missing version for 1 and writes it at the next save.
    const version = "version" in value ? value.version : 1;
    return typeof version === "number" ? version : "invalid";
  } catch {
    return "invalid";
  }
}

/** Like {@link detectGeneration}, but a running gateway's own word on its version is asked for and outweighs the disk. */
export async function detectGenerationWith(
  gateway: {
    locate(): Promise<GatewayLocation>;
    identify(instance: GatewayInstance): Promise<GatewayInstance>;
  },
  places: GenerationPlaces,
): Promise<DetectedGeneration> {
  const location = await gateway.locate();
  // A gateway that does not let us in says nothing: then the disk alone decides, and may well not know.
  const instance =
    location.kind === "running" ? await gateway.identify(location.instance).catch(() => undefined) : undefined;
  return await detectGeneration({ ...places, runningVersion: instance?.version });
}
