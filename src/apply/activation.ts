// Decides how a running gateway is made to use a changed store, before anything is written.

import { CodexAuthError } from "../errors.ts";
import type { GatewayLocation, RestartPlan } from "../gateway/gateway.ts";
import type { Activation, Job } from "./job.ts";

/** What the decision rests on. */
export interface ActivationFacts {
  readonly asked: Activation;
  readonly gateway: GatewayLocation;
  /** Asked for only where a restart comes into question. */
  readonly restart: RestartPlan | undefined;
  /** True where the change is made in the gateway's own process. */
  readonly isInside: boolean;
}

/** The way to take, or why there is none. */
export type ActivationChoice =
  | { readonly kind: "chosen"; readonly mode: NonNullable<Job["mode"]> }
  | { readonly kind: "impossible"; readonly error: CodexAuthError };

/**
 * `auto` reloads: both JSON shapes take `secrets.reload` while we hold the store's lock
 * (facts/openclaw-json-generation.md §8), and nobody's conversation is interrupted. A stopped gateway reads the store when it starts.
 */
export function chooseActivation({ asked, gateway, restart, isInside }: ActivationFacts): ActivationChoice {
  // Whoever asked may have been outside: in here the change is in force with its write, whether that was wanted or a restart was.
  if (isInside && gateway.kind === "running") return { kind: "chosen", mode: "reload" };
  if (asked === "none" || gateway.kind === "stopped") return { kind: "chosen", mode: "none" };
  if (gateway.kind === "refused") return { kind: "impossible", error: gateway.error };
  if (asked !== "restart") return { kind: "chosen", mode: "reload" };
  return restartOr(restart);
}

/** What follows a reload that failed: under `auto` a restart where one is possible, else the error itself. */
export function chooseAfterFailedReload(
  facts: Pick<ActivationFacts, "asked" | "restart">,
  failure: CodexAuthError,
): ActivationChoice {
  if (facts.asked !== "auto") return { kind: "impossible", error: failure };
  const choice = restartOr(facts.restart);
  return choice.kind === "chosen" ? choice : { kind: "impossible", error: failure };
}

function restartOr(plan: RestartPlan | undefined): ActivationChoice {
  if (plan?.kind === "possible") return { kind: "chosen", mode: "restart" };
  const error =
    plan?.error ??
    new CodexAuthError("ERR_RESTART_IMPOSSIBLE", {
      message: "The gateway cannot be restarted from here.",
      next: "Restart it yourself, or set `activation` to `reload`.",
    });
  return { kind: "impossible", error };
}
