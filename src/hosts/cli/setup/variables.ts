// The variables that stand above what the set-up asks for. Pure.

import type { Environment } from "../../../config/env.ts";
import { variableOf } from "../../../config/lease-variables.ts";

/** Their names, where they are set. */
export function shadowedBy({ settings, lease }: Pick<Environment, "settings" | "lease">): readonly string[] {
  const own = {
    CODEX_AUTH_BOT_TOKEN: settings.botToken,
    CODEX_AUTH_ALLOW_FROM: settings.allowFrom,
    CODEX_AUTH_ACTIVATION: settings.activation,
  };
  const ofLease = ["baseUrl", "brokerAddress", "internalApiToken", "internalApiTokenFile", "apiKey", "machineId"];
  return [
    ...Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    ...ofLease.flatMap((setting) => variableOf(setting, lease) ?? []),
  ];
}
