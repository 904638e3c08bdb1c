// The gateway as it is seen from inside itself: it runs, a change through its own code is in force at once, and it restarts nothing.

import { CodexAuthError } from "../../errors.ts";
import type { IdentifyingGateway } from "../../gateway/gateway.ts";
import type { GatewayInstance } from "../../gateway/instance.ts";
import type { OpenClawProfileStore } from "../../profiles/openclaw-store.ts";
import type { SdkShape } from "../../profiles/openclaw-sdk.ts";
import { processStartTime } from "../../storage/openclaw-lock-holder.ts";

/** What {@link inProcessGateway} is made from. */
export interface InProcessOptions {
  readonly store: Pick<OpenClawProfileStore, "agents" | "loaded">;
  readonly shape: SdkShape;
  /** Where this gateway listens; 0 where nobody has said it yet. */
  readonly port: number;
  readonly stateDir: string;
  readonly configPath: string;
  readonly version?: string | undefined;
  /**
   * The same gateway over its own network door. To 2026.5 each agent beside main has a copy of main's profiles in memory, which only
   * `secrets.reload` renews; without this door other agents use what they had until then. Not needed from 2026.6 on.
   */
  readonly door?: Pick<IdentifyingGateway, "locate" | "reload">;
}

/** The {@link IdentifyingGateway} of the process that we run in. */
export function inProcessGateway(options: InProcessOptions): IdentifyingGateway {
  const { store, shape, port, stateDir, configPath, version, door } = options;
  const instance: GatewayInstance = {
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? 0,
    port,
    stateDir,
    configPath,
    ...(version === undefined ? {} : { version }),
  };
  return {
    isInside: true,
    locate: () => Promise.resolve({ kind: "running", instance }),
    identify: () => Promise.resolve(instance),
    health: () =>
      Promise.resolve({ live: true, ready: true, uptimeMs: Math.round(process.uptime() * 1_000), failing: [] }),
    reload: async (_instance, signal) => {
      const isSettled = shape === "sqlite" || (await store.agents()).length < 2;
      const location = isSettled ? undefined : await door?.locate();
      if (location?.kind === "refused") throw location.error;
      // Nothing that is not this very process is told: another gateway's memory is none of our business.
      if (location?.kind !== "running" || location.instance.pid !== process.pid)
        return { durationMs: 0, warningCount: 0 };
      return (await door?.reload(location.instance, signal)) ?? { durationMs: 0, warningCount: 0 };
    },
    profiles: (_instance, agentId) => store.loaded(agentId),
    planRestart: () => Promise.resolve({ kind: "impossible", error: noRestart("ERR_RESTART_IMPOSSIBLE") }),
    restart: () => Promise.reject(noRestart("ERR_RESTART_REFUSED")),
  };
}

function noRestart(code: "ERR_RESTART_IMPOSSIBLE" | "ERR_RESTART_REFUSED"): CodexAuthError {
  return new CodexAuthError(code, {
    message:
      "Inside the gateway nothing is restarted: it would end the one who waits for it, and a change is in force at once.",
    next: "Set `activation` to `auto`, or restart the gateway yourself.",
  });
}
