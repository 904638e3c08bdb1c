// Starts the worker that executes jobs, so that it outlives whoever started it.

import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { CodexAuthError } from "../errors.ts";

/**
 * Where a worker may live. `fork`: beside us, in a session of its own. `leave`: we are inside the gateway's service, whose
 * restart ends everything in its control group (`KillMode=control-group`), so systemd starts it elsewhere.
 */
export type Placement = "fork" | "leave";

/** What {@link launchWorker} starts. */
export interface LaunchOptions {
  /** Absolute path of the worker's compiled entry. */
  readonly entry: string;
  /** The worker's whole environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly placement: Placement;
}

/**
 * Starts a worker and returns as soon as it runs. Several at once do no harm: one of them gets to execute, the others wait
 * for it and then find nothing to do.
 *
 * @throws CodexAuthError `ERR_RESTART_IMPOSSIBLE` where we would have to leave the gateway's service and cannot.
 */
export async function launchWorker(options: LaunchOptions): Promise<void> {
  if (options.placement === "leave") await leaveBySystemd(options);
  else await forkDetached(options);
}

async function forkDetached(options: LaunchOptions): Promise<void> {
  const child = fork(options.entry, [], { detached: true, stdio: "ignore", env: { ...options.variables }, cwd: "/" });
  await once(child, "spawn");
  child.disconnect();
  child.unref();
}

async function leaveBySystemd(options: LaunchOptions): Promise<void> {
  // Names only: systemd-run takes the values from its own environment (`--setenv=NAME` in its manual) and hands them over
  // the person's own bus, so none of them stands on a command line, not the gateway's token either, which a reload needs.
  const settings = Object.keys(options.variables).map((name) => `--setenv=${name}`);
  try {
    await promisify(execFile)(
      "systemd-run",
      ["--user", "--collect", "--quiet", "--no-block", ...settings, "--", process.execPath, options.entry],
      { env: { ...options.variables }, timeout: 10_000 },
    );
  } catch (cause) {
    throw new CodexAuthError("ERR_RESTART_IMPOSSIBLE", {
      message:
        "This command runs inside the gateway's own service, and systemd would not start a worker outside of it.",
      next: "Run `codex-auth-skill resume` from a shell of your own, or start the bot outside the gateway: the job is kept.",
      retryable: true,
      cause,
    });
  }
}
