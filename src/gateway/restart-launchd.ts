// Restarts a gateway that macOS's launchd runs as the person's agent, with one `kickstart -k`.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { GATEWAY } from "../config/defaults.ts";

const run = promisify(execFile);

// OpenClaw's own label (dist/constants: GATEWAY_LAUNCH_AGENT_LABEL).
const LABEL = "ai.openclaw.gateway";

/** The pid that launchd runs as OpenClaw's gateway for the user `uid`, or undefined. */
export async function readLaunchdPid(uid: number): Promise<number | undefined> {
  try {
    const { stdout } = await run("launchctl", ["print", `gui/${uid}/${LABEL}`], { timeout: GATEWAY.healthTimeoutMs });
    return parseLaunchdPid(stdout);
  } catch {
    return undefined;
  }
}

/** Ends and starts the agent in one step. */
export async function kickstartAgent(uid: number): Promise<void> {
  await run("launchctl", ["kickstart", "-k", `gui/${uid}/${LABEL}`], { timeout: GATEWAY.commandTimeoutMs });
}

/** The line `pid = 123` of `launchctl print`. */
export function parseLaunchdPid(output: string): number | undefined {
  const pid = output.match(/^\s*pid = (\d+)$/m)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
