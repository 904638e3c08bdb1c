// The variables that stand above what the set-up asks for, and those that a service would not have. Pure.

import type { Environment } from "../../../config/env.ts";
import { variableOf } from "../../../config/lease-variables.ts";

/** The one that holds the bot's token. */
export const TOKEN_VARIABLE = "CODEX_AUTH_BOT_TOKEN";

/** The one that holds the allow-list. */
export const LIST_VARIABLE = "CODEX_AUTH_ALLOW_FROM";

/** Their names, where they are set. */
export function shadowedBy({ settings, lease }: Pick<Environment, "settings" | "lease">): readonly string[] {
  const own = {
    [TOKEN_VARIABLE]: settings.botToken,
    [LIST_VARIABLE]: settings.allowFrom,
    CODEX_AUTH_ACTIVATION: settings.activation,
  };
  const ofLease = ["baseUrl", "brokerAddress", "internalApiToken", "internalApiTokenFile", "apiKey", "machineId"];
  return [
    ...Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    ...ofLease.flatMap((setting) => variableOf(setting, lease) ?? []),
  ];
}

/** Names of the variables that are set here and that the bot's unit does not carry; `kept` are those that the program finds by itself. */
export function notInUnit(
  { settings, lease, openclaw }: Pick<Environment, "settings" | "lease" | "openclaw">,
  kept: readonly string[],
): readonly string[] {
  const own = {
    [TOKEN_VARIABLE]: settings.botToken,
    [LIST_VARIABLE]: settings.allowFrom,
    CODEX_AUTH_ACTIVATION: settings.activation,
    CODEX_AUTH_AGENT: settings.agentId,
    CODEX_AUTH_API_ROOT: settings.apiRoot,
    CODEX_AUTH_ISSUER: settings.issuer,
    CODEX_AUTH_TIME_ZONE: settings.timeZone,
    CODEX_AUTH_USAGE_SERVER: settings.usageServer,
    OPENCLAW_GATEWAY_TOKEN: openclaw.gatewayToken,
  };
  const names = [
    ...Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    ...Object.keys(lease).flatMap((setting) => variableOf(setting, lease) ?? []),
  ];
  return names.filter((name) => !kept.includes(name));
}
