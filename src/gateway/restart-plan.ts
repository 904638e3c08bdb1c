// Chooses the one way to restart this gateway, or says why there is none; all facts are given.

import { CodexAuthError, toCodexAuthError } from "../errors.ts";
import type { ServiceUnit, Surroundings } from "./cgroup.ts";
import type { RestartPlan } from "./instance.ts";
import { checkRestartCommand } from "./restart-command.ts";
import { judgeSignal, type SignalFacts } from "./restart-signal.ts";

/** Everything that the choice rests on. */
export interface RestartFacts extends SignalFacts {
  /** The person's own restart command, if one is configured. */
  readonly command: readonly string[] | undefined;
  /** The service that the gateway runs in, by its control group. */
  readonly service: ServiceUnit | undefined;
  /** True where systemd's user manager confirms that the unit is this gateway. */
  readonly isServiceConfirmed: boolean;
  /** True where launchd runs this very pid. */
  readonly isLaunchdAgent: boolean;
  /** Where we are ourselves. */
  readonly surroundings: Surroundings;
}

const INTERRUPTS = ["answers that are being written", "every chat for a moment"] as const;

/** The plan: from 2026.6 on none, for a change made through its own code is in force at once; else the configured command, else the service manager that really runs it, else the signal. */
export function judgeRestart(facts: RestartFacts): RestartPlan {
  if (facts.generation === "sqlite") return neverNeeded();
  if (facts.command !== undefined) return judgeCommand(facts.command, facts.surroundings);
  if (facts.service !== undefined && facts.isServiceConfirmed) return judgeService(facts.service, facts.surroundings);
  if (facts.isLaunchdAgent) return possible("launchd", "launchd starts the gateway anew.");
  if (facts.service !== undefined && isGatewaysOwn(facts.service)) return unreachableService(facts.service);
  const signal = judgeSignal(facts);
  if (signal.kind === "impossible") return signal;
  return possible(
    "signal",
    signal.inProcess
      ? "The gateway restarts within its process, after it has finished what it is doing (up to 90 seconds)."
      : "The gateway restarts itself, after it has finished what it is doing (up to 90 seconds).",
  );
}

function judgeCommand(command: readonly string[], surroundings: Surroundings): RestartPlan {
  try {
    checkRestartCommand(command);
  } catch (error) {
    return { kind: "impossible", error: toCodexAuthError(error) };
  }
  if (surroundings !== "outside") return inside(surroundings);
  return possible("command", `The configured command (${command[0] ?? ""}) restarts the gateway.`);
}

function judgeService(service: ServiceUnit, surroundings: Surroundings): RestartPlan {
  // KillMode=control-group: the restart would end us between its two halves and nobody would see whether it came back.
  if (surroundings !== "outside") return inside(surroundings);
  return possible("systemd-user", `systemd restarts ${service.unit} in one step.`);
}

// A gateway started by hand from within some other service (a CI runner, a remote shell) is not that service.
function isGatewaysOwn(service: ServiceUnit): boolean {
  return service.unit.includes("openclaw");
}

function unreachableService(service: ServiceUnit): RestartPlan {
  const how = service.managerUid === undefined ? "systemctl restart" : "systemctl --user restart";
  return impossible(
    `it runs as ${service.unit}, which this program may not restart`,
    `Run \`${how} ${service.unit}\` yourself, or configure a restart command.`,
  );
}

function inside(surroundings: Exclude<Surroundings, "outside">): RestartPlan {
  const where = surroundings === "same-service" ? "service" : "container";
  return impossible(
    `this program runs inside the gateway's own ${where}`,
    "Use `activation: reload`, or run this program outside it.",
  );
}

function possible(method: Extract<RestartPlan, { kind: "possible" }>["method"], describes: string): RestartPlan {
  return { kind: "possible", method, describes, interrupts: INTERRUPTS };
}

function neverNeeded(): RestartPlan {
  return impossible(
    "its logins are in a database, where a change counts at once",
    "Have the change made by the plugin inside OpenClaw; for a restart of your own use `openclaw gateway restart`.",
  );
}

function impossible(reason: string, next: string): RestartPlan {
  const message = `The gateway cannot be restarted from here: ${reason}.`;
  return { kind: "impossible", error: new CodexAuthError("ERR_RESTART_IMPOSSIBLE", { message, next }) };
}
