// Restarts a gateway of the JSON generation by SIGUSR1, which it takes as "restart yourself"; refused wherever it would do anything else.

import { CodexAuthError } from "../errors.ts";
import type { Generation } from "./generation.ts";
import type { GatewayVariables } from "./process-facts.ts";

/** What decides whether the signal is safe. */
export interface SignalFacts {
  readonly generation: Generation;
  /** `commands.restart` of openclaw.json. */
  readonly restartAllowed: boolean;
  /** Undefined where they could not be read. */
  readonly variables: GatewayVariables | undefined;
  readonly isContainersMainProcess: boolean;
}

/** Whether the signal restarts it with a new pid or within its process, or why it must not be sent. */
export type SignalJudgement =
  | { readonly kind: "possible"; readonly inProcess: boolean }
  | { readonly kind: "impossible"; readonly error: CodexAuthError };

/** Judges the facts; the first objection decides. */
export function judgeSignal(facts: SignalFacts): SignalJudgement {
  const { generation, variables } = facts;
  if (generation !== "json-single" && generation !== "json-split") {
    // On the SQLite generation SIGUSR1 opens Node's debugger instead.
    return refuse("this OpenClaw does not restart on a signal", "Restart it with `openclaw gateway restart`.");
  }
  if (!facts.restartAllowed) {
    return refuse("`commands.restart` is false in openclaw.json", "Allow it there, or restart the gateway yourself.");
  }
  if (variables === undefined) {
    return refuse(
      "this system does not tell how the gateway was started",
      "Restart it yourself, or configure a restart command.",
    );
  }
  // Restarting in its own process comes first in OpenClaw as well: then nobody else has to start it again.
  const inProcess = isTruthy(variables.OPENCLAW_NO_RESPAWN);
  const marker = SUPERVISOR_MARKERS.find((name) => variables[name] !== undefined);
  if (marker !== undefined && !inProcess) {
    return refuse(
      `it was started with ${marker} set, so it would end and wait for a service manager to start it`,
      "Restart its service yourself, or configure a restart command.",
    );
  }
  if (facts.isContainersMainProcess && !inProcess) {
    return refuse("it is the main process of a container, which would end with it", "Restart the container.");
  }
  return { kind: "possible", inProcess };
}

/** Sends the signal. The caller has located this very process a moment ago. */
export function sendRestartSignal(pid: number): void {
  // 0, negative numbers and 1 would be a process group or init.
  if (!Number.isSafeInteger(pid) || pid <= 1)
    throw refusal("it has no process of its own", "Restart the gateway yourself.");
  try {
    process.kill(pid, "SIGUSR1");
  } catch (cause) {
    throw new CodexAuthError("ERR_RESTART_REFUSED", {
      message: "The gateway ended before it could be restarted, or belongs to somebody else.",
      next: "Check with `openclaw gateway status`, then start it.",
      cause,
    });
  }
}

const SUPERVISOR_MARKERS = ["OPENCLAW_SYSTEMD_UNIT", "INVOCATION_ID", "SYSTEMD_EXEC_PID", "JOURNAL_STREAM"] as const;

// The spellings that OpenClaw accepts.
function isTruthy(value: string | undefined): boolean {
  return ["1", "true", "yes", "on"].includes(value?.trim().toLowerCase() ?? "");
}

function refuse(reason: string, next: string): SignalJudgement {
  return { kind: "impossible", error: refusal(reason, next) };
}

function refusal(reason: string, next: string): CodexAuthError {
  return new CodexAuthError("ERR_RESTART_IMPOSSIBLE", {
    message: `The gateway cannot be restarted from here: ${reason}.`,
    next,
  });
}
