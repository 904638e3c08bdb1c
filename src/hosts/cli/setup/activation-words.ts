// How a change is going to be activated, in one sentence. Pure.

import { chooseActivation } from "../../../apply/activation.ts";
import type { Activation } from "../../../apply/job.ts";
import type { Generation } from "../../../gateway/generation.ts";
import type { GatewayLocation, RestartPlan } from "../../../gateway/gateway.ts";

/** What decides about it. */
export interface ActivationNow {
  readonly asked: Activation;
  readonly gateway: GatewayLocation;
  readonly restart: RestartPlan | undefined;
  readonly generation: Generation;
  readonly hasPlugin: boolean;
}

/** The sentence. */
export function activationWords({ asked, gateway, restart, generation, hasPlugin }: ActivationNow): string {
  if (hasPlugin)
    return "The plugin inside the gateway makes each change, in force at once: nothing is reloaded or restarted.";
  if (generation === "sqlite") return "Without the plugin no change can be made here, so none is activated.";
  const choice = chooseActivation({ asked, gateway, restart, isInside: false });
  if (choice.kind === "impossible") return `A change could not be activated now: ${choice.error.message}`;
  if (gateway.kind === "stopped") return "The gateway does not run now: it reads a change when it starts.";
  switch (choice.mode) {
    case "none":
      return "A change is only written: the gateway reads it when you restart it.";
    case "restart":
      return restart?.kind === "possible"
        ? `A change restarts the gateway: ${restart.describes}`
        : "A change restarts the gateway.";
    case "reload":
      return `A change makes the gateway read its logins again, which interrupts nobody${fallback(asked, restart)}`;
  }
}

function fallback(asked: Activation, restart: RestartPlan | undefined): string {
  if (asked !== "auto") return ".";
  return restart?.kind === "possible"
    ? `; where that fails it is restarted. ${restart.describes}`
    : "; a restart, should that fail, would be yours to make.";
}
