// The settings of the lease, under the names that the Auth Manager plugin gave them, so that its users can move.

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { readTextFile } from "../storage/json-file.ts";
import { LEASE, LEASE_LIMITS } from "./defaults.ts";
import { assertOursAlone } from "./file-access.ts";
import { expandUserPath } from "./paths.ts";

const whole = ([min, max]: readonly [number, number]): z.ZodNumber => z.number().int().min(min).max(max);
const idText = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}]*$/u);

/** The `lease` part of the settings file. */
export const leaseFileSchema = z.strictObject({
  /** Where the broker answers: https, or http on this machine. */
  baseUrl: z.url().optional(),
  /** Older name of `baseUrl`. */
  brokerAddress: z.url().optional(),
  /** The broker's token; a file of mode 0600 named by `internalApiTokenFile` is the better place. */
  internalApiToken: z.string().min(1).optional(),
  internalApiTokenFile: z.string().min(1).optional(),
  /** Older name of `internalApiToken`. */
  apiKey: z.string().min(1).optional(),
  /** Default: the host name. */
  machineId: idText.optional(),
  /** `main` is told to the broker as `openclaw:main`. */
  agentId: idText.default(LEASE.agentId),
  /** A lease to adopt, if it is ours. */
  leaseId: idText.optional(),
  autoRenew: z.boolean().default(true),
  autoRotate: z.boolean().default(false),
  releaseLeaseOnShutdown: z.boolean().default(false),
  rotationPolicy: z.enum(["replacement_required_only", "recommended_or_required"]).default("replacement_required_only"),
  requestedTtlSeconds: whole(LEASE_LIMITS.requestedTtlSeconds).default(LEASE.requestedTtlSeconds),
  refreshIntervalMs: whole(LEASE_LIMITS.refreshIntervalMs).default(LEASE.refreshIntervalMs),
  flushIntervalMs: whole(LEASE_LIMITS.flushIntervalMs).default(LEASE.flushIntervalMs),
  flushEveryRequests: whole(LEASE_LIMITS.flushEveryRequests).default(LEASE.flushEveryRequests),
  /** As either generation of OpenClaw writes it: both mean the same profile. */
  leaseProfileId: z
    .string()
    .regex(/^openai(-codex)?:[A-Za-z0-9._@+-]{1,64}$/)
    .default(LEASE.profileId),
  /** The Codex CLI's login file; written only with `writeAuthFile`. */
  authFilePath: z.string().min(1).default(LEASE.authFilePath),
  /** Whether the leased login is written to `authFilePath` too, refresh token and all: it then has a second owner. */
  writeAuthFile: z.boolean().default(false),
  /** Whether tokens that the Codex CLI renewed in that file are pushed back to the broker. */
  reconcileAuth: z.boolean().default(false),
  enforceLeaseAsActiveAuth: z.boolean().default(true),
  allowInsecureLocalhost: z.boolean().default(true),
  usageExportJsonPath: z.string().min(1).optional(),
  usageExportDays: whole(LEASE_LIMITS.usageExportDays).default(LEASE.usageExportDays),
  /** False: no telemetry, no lease, no broker; off means off. */
  enabled: z.boolean().default(true),
});

/** Where the broker is and what opens it. */
export interface BrokerSettings {
  readonly baseUrl: string;
  readonly allowInsecureLocalhost: boolean;
  readonly token: Secret | undefined;
  /** Absolute; read where the broker is called, see {@link brokerToken}. */
  readonly tokenFile: string | undefined;
}

/** How far the lease may go, checked and complete; `broker` is absent where none is set or the lease is off. */
export interface LeaseSettings {
  readonly enabled: boolean;
  readonly broker: BrokerSettings | undefined;
  /** As they are sent: `openclaw:main` for the agent `main`. */
  readonly machineId: string;
  readonly agentId: string;
  readonly leaseId: string | undefined;
  readonly autoRenew: boolean;
  readonly autoRotate: boolean;
  readonly releaseLeaseOnShutdown: boolean;
  readonly rotationPolicy: "replacement_required_only" | "recommended_or_required";
  readonly requestedTtlSeconds: number;
  readonly refreshIntervalMs: number;
  readonly flushIntervalMs: number;
  readonly flushEveryRequests: number;
  /** In the older form, `openai-codex:x`: stores and jobs turn it into that of their generation. */
  readonly leaseProfileId: string;
  /** Absolute. */
  readonly authFilePath: string;
  readonly writeAuthFile: boolean;
  readonly reconcileAuth: boolean;
  readonly enforceLeaseAsActiveAuth: boolean;
  /** Absolute. */
  readonly usageExportJsonPath: string | undefined;
  readonly usageExportDays: number;
}

/** What {@link leaseSettings} needs to know besides the file. */
export interface LeaseSurroundings {
  readonly home: string;
  readonly hostname: string;
  /** The settings file, which relative paths are relative to. */
  readonly configPath: string;
}

/**
 * The settings in use, from the checked `lease` part of the file.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` where the broker's address must not be used.
 */
export function leaseSettings(file: z.infer<typeof leaseFileSchema>, around: LeaseSurroundings): LeaseSettings {
  const { baseUrl, brokerAddress, internalApiToken, internalApiTokenFile, apiKey, allowInsecureLocalhost, ...rest } =
    file;
  const key = baseUrl === undefined ? "lease.brokerAddress" : "lease.baseUrl";
  const address = baseUrl ?? brokerAddress;
  const token = internalApiToken ?? apiKey;
  const path = (text: string): string => pathFrom(text, around);
  return {
    ...rest,
    broker:
      address === undefined || !rest.enabled
        ? undefined
        : {
            baseUrl: checkedAddress(address, key, allowInsecureLocalhost),
            allowInsecureLocalhost,
            token: token === undefined ? undefined : Secret.of(token),
            tokenFile: internalApiTokenFile === undefined ? undefined : path(internalApiTokenFile),
          },
    machineId: rest.machineId ?? around.hostname,
    // OpenClaw's `main` would be every machine's agent in the manager's lists: the plugin sends it with the product's name.
    agentId: rest.agentId === "main" ? `${LEASE.agentId}:main` : rest.agentId,
    leaseId: rest.leaseId,
    leaseProfileId: rest.leaseProfileId.replace(/^openai:/, "openai-codex:"),
    authFilePath: path(rest.authFilePath),
    usageExportJsonPath: rest.usageExportJsonPath === undefined ? undefined : path(rest.usageExportJsonPath),
  };
}

/**
 * The broker's token, from the settings or from the file that they name.
 *
 * @param uid Ours; a file that another user could have written is not taken.
 * @throws CodexAuthError `ERR_BROKER_NOT_SET` where there is none, `ERR_CONFIG_INVALID`, and what reading the file throws.
 */
export async function brokerToken(broker: BrokerSettings, uid: number | undefined): Promise<Secret> {
  if (broker.token !== undefined) return broker.token;
  if (broker.tokenFile !== undefined) await assertOursAlone(broker.tokenFile, uid);
  const text = broker.tokenFile === undefined ? "" : ((await readTextFile(broker.tokenFile, 4_096)) ?? "").trim();
  if (text !== "") return Secret.of(text);
  throw new CodexAuthError("ERR_BROKER_NOT_SET", {
    message:
      broker.tokenFile === undefined
        ? "There is no token for the lease broker."
        : "The file that lease.internalApiTokenFile names is missing or empty.",
    next: "Put the broker's INTERNAL_API_TOKEN into a file of mode 0600 and name it as lease.internalApiTokenFile.",
  });
}

function pathFrom(text: string, { home, configPath }: LeaseSurroundings): string {
  return text.startsWith("~") ? expandUserPath(text, home) : resolve(dirname(configPath), text);
}

/** The token goes to this address: only https, or this machine where that is allowed. */
function checkedAddress(address: string, key: string, allowInsecureLocalhost: boolean): string {
  const url = new URL(address);
  const isLoopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback && allowInsecureLocalhost);
  if (isSafe && url.username === "" && url.password === "" && url.search === "" && url.hash === "") {
    return address.replace(/\/+$/, "");
  }
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message: `The setting ${key} must be an https address (or http on this machine) without a name, query or anchor in it.`,
    next: "Correct it; the broker's token is sent there.",
  });
}
