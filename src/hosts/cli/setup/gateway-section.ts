// The section of the gateway: which OpenClaw was found, how it is, and how it is going to hear of a change.

import { ACTIVATIONS, type Activation } from "../../../apply/job.ts";
import { pluginAtWork } from "../../../apply/presence.ts";
import { toCodexAuthError } from "../../../errors.ts";
import type { Parts } from "../../services.ts";
import type { Finding } from "../finding.ts";
import { gatewayFindings, generationFindings } from "../gateway-checks.ts";
import { activationWords, type ActivationNow } from "./activation-words.ts";
import type { SetupFrame } from "./frame.ts";

interface Found {
  readonly findings: readonly Finding[];
  readonly now: Omit<ActivationNow, "asked">;
}

/** Shows what is there and asks; undefined where the activation stays as it is. */
export async function askGateway({ ui, parts }: SetupFrame): Promise<Activation | undefined> {
  ui.heading("3 of 4 · The gateway");
  const found = await ui.working({ label: "Looking at OpenClaw", run: () => lookAt(parts) });
  if (found === undefined) return undefined;
  ui.tell(found.findings);
  const before = parts.config.activation;
  const others = ACTIVATIONS.filter((one) => one !== before);
  const asked = await ui.choose(
    "How shall a running gateway hear of a change?",
    [before, ...others].map((value) => ({
      value,
      label: value === before ? `${value} (as now)` : value,
      hint: HINTS[value],
    })),
  );
  ui.note(activationWords({ ...found.now, asked }));
  return asked === before ? undefined : asked;
}

const HINTS = {
  auto: "reload; restart only where that fails",
  reload: "never restart",
  restart: "always restart",
  none: "write only; you restart it",
} as const satisfies Record<Activation, string>;

async function lookAt(parts: Parts): Promise<Found> {
  const { openClaw, gateway, generation, own, now } = parts;
  const findings: Finding[] = [{ what: "OpenClaw", state: "ok", text: openClaw.stateDir }];
  for (const check of [generationFindings, agents, gatewayFindings]) {
    try {
      findings.push(...(await check(parts)));
    } catch (error) {
      const { message, next } = toCodexAuthError(error);
      findings.push({ what: check === agents ? "agents" : "gateway", state: "fail", text: message, next });
    }
  }
  const location = await gateway.locate();
  return {
    findings,
    now: {
      gateway: location,
      restart: location.kind === "running" ? await gateway.planRestart(location.instance) : undefined,
      generation: await generation(),
      hasPlugin: (await pluginAtWork(own, now)) !== undefined,
    },
  };
}

async function agents({ store, config }: Parts): Promise<readonly Finding[]> {
  const names = (await store.agents()).map(({ agentId }) => agentId);
  const text = `${names.join(", ")}${names.length > 1 ? `; ${config.agentId} is meant where none is named` : ""}`;
  return [{ what: "agents", state: "ok", text }];
}
