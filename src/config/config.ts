// Our settings: the config file under the OpenClaw state folder, overridden by CODEX_AUTH_* variables.

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { parseJson, readTextFile } from "../storage/json-file.ts";
import type { Environment } from "./env.ts";

const personId = z.union([z.number().int().positive(), z.string().regex(/^[0-9]{1,20}$/)]).transform(String);

const fileSchema = z.strictObject({
  telegram: z
    .strictObject({
      /** The bot's token from @BotFather; a file of mode 0600 named by `botTokenFile` is the better place. */
      botToken: z.string().min(1).optional(),
      botTokenFile: z.string().min(1).optional(),
      /** Numeric Telegram ids of the people who may use the bot; empty means nobody. */
      allowFrom: z.array(personId).max(100).default([]),
      /** Root of the Bot API: https, or http on loopback. */
      apiRoot: z.url().default("https://api.telegram.org"),
    })
    .prefault({}),
  /** The agent whose store is meant where none is named. */
  agentId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .default("main"),
  /** How a running gateway is made to use a changed store. */
  activation: z.enum(["auto", "reload", "restart", "none"]).default("auto"),
  /** The command that restarts the gateway, where it is neither a systemd unit nor launchd's: program and arguments. */
  restartCommand: z.array(z.string().min(1)).min(1).max(16).optional(),
  /** Whether a script without a terminal may change a store without a person's press. */
  allowUnattended: z.boolean().default(false),
  /** Another OAuth issuer: loopback only, for the sandbox. */
  issuer: z.string().optional(),
});

/** Our settings, checked and complete. */
export interface Config {
  readonly telegram: {
    readonly botToken: Secret | undefined;
    readonly allowFrom: readonly string[];
    readonly apiRoot: string;
  };
  readonly agentId: string;
  readonly activation: "auto" | "reload" | "restart" | "none";
  readonly restartCommand: readonly string[] | undefined;
  readonly allowUnattended: boolean;
  readonly issuer: string | undefined;
}

/**
 * Reads the settings of `path` and lays the variables of `environment` over them. No file means all defaults.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` with the full path of the key, `ERR_FILE_NOT_JSON`, `ERR_FILE_UNREADABLE`.
 */
export async function loadConfig(path: string, environment: Environment): Promise<Config> {
  const text = await readTextFile(path);
  const file = text === undefined ? {} : parseJson(text, path);
  const merged = overlay(file, environment.settings);
  const result = fileSchema.safeParse(merged);
  if (!result.success) throw invalid(path, result.error.issues[0]);
  const { telegram, ...rest } = result.data;
  assertApiRoot(telegram.apiRoot);
  const botToken = telegram.botToken ?? (await tokenFromFile(telegram.botTokenFile, dirname(path)));
  return {
    ...rest,
    restartCommand: rest.restartCommand,
    issuer: rest.issuer,
    telegram: {
      botToken: botToken === undefined ? undefined : Secret.of(botToken),
      allowFrom: telegram.allowFrom,
      apiRoot: telegram.apiRoot.replace(/\/+$/, ""),
    },
  };
}

const record = z.record(z.string(), z.unknown());

function overlay(file: unknown, settings: Environment["settings"]): unknown {
  const base = record.safeParse(file);
  // Not an object: the schema says so with the right path.
  if (!base.success) return file;
  const telegram = record.safeParse(base.data["telegram"] ?? {});
  if (!telegram.success) return file;
  const allowFrom = settings.allowFrom?.split(/[\s,]+/).filter((id) => id !== "");
  return {
    ...base.data,
    ...defined({ activation: settings.activation, agentId: settings.agentId, issuer: settings.issuer }),
    telegram: { ...telegram.data, ...defined({ botToken: settings.botToken, apiRoot: settings.apiRoot, allowFrom }) },
  };
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function invalid(path: string, issue: z.core.$ZodIssue | undefined): CodexAuthError {
  const inner = issue?.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : (issue?.path ?? []);
  const key = inner.join(".") || "(the whole file)";
  // An @name looks right to a newcomer, but names change hands: the reason belongs into the sentence.
  const isAllow = key.startsWith("telegram.allowFrom.");
  return new CodexAuthError("ERR_CONFIG_INVALID", {
    message: isAllow
      ? `The setting ${key} is not a numeric Telegram id (an @name can be given to somebody else, so names are refused).`
      : `The setting ${key} is ${issue?.code === "unrecognized_keys" ? "not known" : "not valid"} (in ${path} or a CODEX_AUTH_ variable).`,
    next: isAllow
      ? "Start the bot and write to it: it prints the ids of people it ignores on its terminal."
      : "Correct it; the README lists every setting.",
  });
}

async function tokenFromFile(name: string | undefined, folder: string): Promise<string | undefined> {
  if (name === undefined) return undefined;
  // Relative to the settings file that names it, wherever the program is started.
  const text = (await readTextFile(resolve(folder, name), 4_096))?.trim();
  if (text === undefined || text === "") {
    throw new CodexAuthError("ERR_CONFIG_INVALID", {
      message: "The file that telegram.botTokenFile names is missing or empty.",
      next: "Put the token from @BotFather into it, with mode 0600.",
    });
  }
  return text;
}

/** The root receives the bot's token in every address: only https, or this machine. */
function assertApiRoot(apiRoot: string): void {
  const url = new URL(apiRoot);
  const isLoopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback)) return;
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message: "The setting telegram.apiRoot must be https, or http on this machine: it receives the bot's token.",
    next: "Correct it or remove it to use api.telegram.org.",
  });
}
