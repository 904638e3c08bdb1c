// What `/proc` tells of one process, read fresh each time; absent where it is gone, foreign or there is no `/proc`.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** A process as far as its identity goes. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly uid: number;
  readonly parentPid: number;
  readonly startTime: number | string;
  readonly commandLine: readonly string[];
}

/** One living process. */
export interface ProcessFacts {
  readonly pid: number;
  readonly uid: number;
  readonly parentPid: number;
  /** Field 22 of its `stat`: clock ticks from boot to its start. */
  readonly startTime: number;
  /** Its command line; OpenClaw overwrites it with its title. */
  readonly commandLine: readonly string[];
}

/** The variables of a gateway that decide how it can be restarted; everything else in its environment is skipped. */
export type GatewayVariables = Readonly<Partial<Record<GatewayVariable, string>>>;

const GATEWAY_VARIABLES = [
  "OPENCLAW_SYSTEMD_UNIT",
  "INVOCATION_ID",
  "SYSTEMD_EXEC_PID",
  "JOURNAL_STREAM",
  "OPENCLAW_NO_RESPAWN",
  "OPENCLAW_GATEWAY_PORT",
  "TMPDIR",
] as const;
type GatewayVariable = (typeof GATEWAY_VARIABLES)[number];

/** Where the facts are read from; tests give another folder. */
export const PROC = "/proc";

/** The facts of `pid`, or undefined where there is no such living process to see. */
export async function readProcess(pid: number, proc = PROC): Promise<ProcessFacts | undefined> {
  try {
    const folder = join(proc, String(pid));
    const [{ uid }, statLine, commandLine] = await Promise.all([
      stat(folder),
      readFile(join(folder, "stat"), "utf8"),
      readFile(join(folder, "cmdline"), "utf8"),
    ]);
    const fields = parseStat(statLine);
    if (fields === undefined) return undefined;
    return { pid, uid, ...fields, commandLine: commandLine.split("\0").filter((word) => word !== "") };
  } catch {
    return undefined;
  }
}

/** The few named variables of `pid`, or undefined where its environment cannot be read. */
export async function readGatewayVariables(pid: number, proc = PROC): Promise<GatewayVariables | undefined> {
  try {
    return pickVariables(await readFile(join(proc, String(pid), "environ"), "utf8"));
  } catch {
    return undefined;
  }
}

/** Parent and start time of a `stat` line; undefined for a zombie, which does nothing any more. */
export function parseStat(line: string): { readonly parentPid: number; readonly startTime: number } | undefined {
  // The name stands in brackets and may itself hold brackets and blanks: count from the last one.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, parent, start] = [fields[0], Number(fields[1]), Number(fields[19])];
  if (state === "Z" || state === "X" || !Number.isFinite(parent) || !Number.isFinite(start)) return undefined;
  return { parentPid: parent, startTime: start };
}

/** The variables of {@link GatewayVariables} that are set and not blank in a block of `NAME=value\0`. */
export function pickVariables(block: string): GatewayVariables {
  const found: Partial<Record<GatewayVariable, string>> = {};
  for (const entry of block.split("\0")) {
    const split = entry.indexOf("=");
    const name = GATEWAY_VARIABLES.find((wanted) => wanted === entry.slice(0, split));
    const value = entry.slice(split + 1).trim();
    if (name !== undefined && value !== "") found[name] = value;
  }
  return found;
}

/**
 * Whether a command line may be that of a gateway: the title `openclaw-gateway` (2026.4.5) or a bare `openclaw`
 * (2026.5.28 measured; also other commands of it, so the port must agree as well), or `openclaw … gateway …` while it starts.
 * As the service that `openclaw gateway install` makes, 2026.5.28 keeps its whole command line: `node …/openclaw/dist/index.js gateway …`.
 */
export function looksLikeGateway(commandLine: readonly string[]): boolean {
  const words = commandLine.flatMap((word) => word.split(" "));
  if (words[0] === "openclaw-gateway" || (words[0] === "openclaw" && words.length === 1)) return true;
  const entry = words.findIndex((word) => /(^|\/)openclaw(\.m?js|\/dist\/(index|entry)\.m?js)?$/.test(word));
  return entry !== -1 && words.indexOf("gateway", entry) !== -1;
}
