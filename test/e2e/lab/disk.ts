// What of an OpenClaw's disk a change of a profile could touch: every agent's stores and openclaw.json, as bytes and as data.

import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { OpenClawHome } from "./home.ts";

/** The text of each file by its path below the state folder. */
export type Disk = ReadonlyMap<string, string>;

/** One agent's logins, order and notes, wherever this generation keeps them. */
export interface LoginData {
  readonly profiles: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly order?: Readonly<Record<string, readonly string[]>>;
  readonly usageStats?: Readonly<Record<string, unknown>>;
  readonly [other: string]: unknown;
}

/** Reads openclaw.json and all that lies in the agents' own folders; sessions and logs are the gateway's to write. */
export async function readDisk({ stateDir, configPath }: OpenClawHome): Promise<Disk> {
  const files = [configPath];
  const agents = join(stateDir, "agents");
  for (const agent of await readdir(agents)) {
    const folder = join(agents, agent, "agent");
    const names = await readdir(folder).catch(() => []);
    // Only what holds logins: the gateway writes its list of models beside them when it likes, and takes its own lock
    // for a moment (once between this listing and the reading).
    files.push(...names.filter((name) => /^auth.*(?<!\.lock|\.tmp)$/.test(name)).map((name) => join(folder, name)));
  }
  const texts = await Promise.all(files.map((path) => readFile(path, "utf8")));
  return new Map(files.map((path, index) => [relative(stateDir, path), texts[index] ?? ""]));
}

/** The files that are not the same in both, or only in one. */
export function changedFiles(before: Disk, after: Disk): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).toSorted();
}

/** Both files of one agent as one; keys stand in the order in which they are stored. */
export function loginData(disk: Disk, agent = "main"): LoginData {
  const of = (name: string): object => {
    const text = disk.get(join("agents", agent, "agent", name));
    return text === undefined ? {} : (JSON.parse(text) as object);
  };
  return { profiles: {}, ...of("auth-profiles.json"), ...of("auth-state.json") };
}
