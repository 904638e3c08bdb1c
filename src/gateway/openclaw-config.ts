// What openclaw.json says of the gateway: its port, its token and whether it may be restarted; the file is never edited by us.

import { z } from "zod";
import { GATEWAY } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { readJson5File } from "../storage/json5-file.ts";
import type { GatewayCredential } from "./handshake.ts";

/** The gateway's part of openclaw.json. */
export interface GatewayConfig {
  readonly port: number | undefined;
  /** Undefined where it is not written in the file as plain text. */
  readonly credential: GatewayCredential | undefined;
  /** `commands.restart`: false forbids restarts by signal. */
  readonly restartAllowed: boolean;
  /** `meta.lastTouchedVersion`: the OpenClaw that last wrote the file. */
  readonly lastTouchedVersion: string | undefined;
}

/** What the environment says beside the file. */
export interface GatewayEnvironment {
  readonly gatewayPort: string | undefined;
  readonly gatewayToken: string | undefined;
}

const text = z.string().min(1).optional().catch(undefined);
// A field of an unexpected shape counts as absent: OpenClaw, not we, says what is wrong with its file.
const configSchema = z.object({
  gateway: z
    .object({
      port: z.number().int().min(1).max(65_535).optional().catch(undefined),
      auth: z.object({ mode: text, token: text, password: text }).partial().catch({}),
    })
    .partial()
    .catch({}),
  commands: z
    .object({ restart: z.boolean().optional().catch(undefined) })
    .partial()
    .catch({}),
  meta: z.object({ lastTouchedVersion: text }).partial().catch({}),
});

/** Reads the gateway's part of openclaw.json; a missing file is an empty one. */
export async function readGatewayConfig(configPath: string): Promise<GatewayConfig> {
  return judgeGatewayConfig((await readJson5File(configPath)) ?? {});
}

/** Picks the gateway's part out of a parsed openclaw.json. */
export function judgeGatewayConfig(value: unknown): GatewayConfig {
  const parsed = configSchema.safeParse(
    typeof value === "object" && value !== null ? withDefaults(value) : withDefaults({}),
  );
  const { gateway = {}, commands = {}, meta = {} } = parsed.data ?? {};
  return {
    port: gateway.port,
    credential: credentialOf(gateway.auth ?? {}),
    restartAllowed: commands.restart !== false,
    lastTouchedVersion: meta.lastTouchedVersion,
  };
}

/** The port that OpenClaw itself would take: its variable (a number or `host:port`), the file, the default. */
export function configuredPort(config: GatewayConfig, environmentPort: string | undefined): number {
  const fromEnvironment = Number(environmentPort?.split(":").at(-1)?.trim());
  if (Number.isInteger(fromEnvironment) && fromEnvironment > 0 && fromEnvironment <= 65_535) return fromEnvironment;
  return config.port ?? GATEWAY.defaultPort;
}

/** What we connect with. @throws CodexAuthError `ERR_GATEWAY_AUTH` where the token is kept elsewhere. */
export function credentialFor(config: GatewayConfig, environmentToken: string | undefined): GatewayCredential {
  if (config.credential !== undefined) return config.credential;
  if (environmentToken !== undefined) return { kind: "token", secret: Secret.of(environmentToken) };
  throw new CodexAuthError("ERR_GATEWAY_AUTH", {
    message: "The gateway's token is not written in openclaw.json itself.",
    next: "Give it to this program in OPENCLAW_GATEWAY_TOKEN, or use `activation: restart`.",
  });
}

function credentialOf(auth: {
  mode?: string | undefined;
  token?: string | undefined;
  password?: string | undefined;
}): GatewayCredential | undefined {
  if (auth.mode === "none") return { kind: "none" };
  const kind =
    auth.mode === "password" || (auth.token === undefined && auth.password !== undefined) ? "password" : "token";
  const value = auth[kind];
  // `${NAME}` is filled in by OpenClaw from an environment that is not ours.
  return value === undefined || /\$\{[^}]+\}/.test(value) ? undefined : { kind, secret: Secret.of(value) };
}

function withDefaults(value: object): object {
  return { gateway: {}, commands: {}, meta: {}, ...value };
}
