// Our settings: the config file under the OpenClaw state folder, overridden by CODEX_AUTH_* variables.

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { cleanText } from "../clean-text.ts";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { parseJson, readTextFile } from "../storage/json-file.ts";
import type { Environment } from "./env.ts";
import { assertOursAlone } from "./file-access.ts";
import { leaseFileSchema, leaseSettings, type LeaseSettings } from "./lease-settings.ts";
import { leaseValues, variableOf, type LeaseTexts } from "./lease-variables.ts";
import { expandUserPath } from "./paths.ts";

/** How much of an unknown key's name is shown: it is whatever stands in the file. */
const MAX_KEY_CHARS = 120;

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
  /** Another server to ask for usage: loopback only, for the sandbox. */
  usageServer: z.string().optional(),
  /** The time zone of the people who read the chat, by its IANA name; a chat does not tell it. */
  timeZone: z.string().refine(isTimeZone).optional(),
  /** This machine's lease with an Auth Manager broker. */
  lease: leaseFileSchema.prefault({}),
});

/** The file that holds the bot's token; absolute. */
interface BotTokenFile {
  readonly file: string;
}

/** Our settings, checked and complete. */
export interface Config {
  readonly telegram: {
    /** The bot's token or where it lies: only {@link readBotToken} reads that, and only where a bot is started. */
    readonly botToken: Secret | BotTokenFile | undefined;
    readonly allowFrom: readonly string[];
    readonly apiRoot: string;
  };
  readonly agentId: string;
  readonly activation: "auto" | "reload" | "restart" | "none";
  readonly restartCommand: readonly string[] | undefined;
  readonly allowUnattended: boolean;
  readonly issuer: string | undefined;
  readonly usageServer: string | undefined;
  /** An IANA name; undefined: times are shown in UTC. */
  readonly timeZone: string | undefined;
  readonly lease: LeaseSettings;
}

/**
 * Reads the settings of `path` and lays the variables of `environment` over them. No file means all defaults, but not where a
 * variable names it.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` with the full path of the key or for a file that others can write,
 *   `ERR_FILE_NOT_JSON`, `ERR_FILE_UNREADABLE`.
 */
export async function loadConfig(path: string, environment: Environment): Promise<Config> {
  await assertOursAlone(path, environment.uid);
  const text = await readTextFile(path);
  // A slip in its name must not become an empty allow-list and another store without a word.
  if (text === undefined && path === environment.settings.configPath) throw missing(path);
  return configOf(parseSettings(text, path, environment), path, environment);
}

/** The settings of somebody who has set nothing, neither in the file of `path` nor in variables: to look around with broken ones. */
export function defaultConfig(path: string, environment: Environment): Config {
  const { settings, ...rest } = environment;
  const unset = { ...settings, ...Object.fromEntries(Object.keys(settings).map((name) => [name, undefined])) };
  const bare: Environment = { ...rest, settings: unset, lease: {} };
  return configOf(parseSettings(undefined, path, bare), path, bare);
}

function configOf({ telegram, ...rest }: z.infer<typeof fileSchema>, path: string, environment: Environment): Config {
  return {
    ...rest,
    restartCommand: rest.restartCommand,
    issuer: rest.issuer,
    usageServer: rest.usageServer,
    timeZone: rest.timeZone,
    lease: leaseSettings(rest.lease, { home: environment.home, hostname: environment.hostname, configPath: path }),
    telegram: {
      botToken: botTokenOf(telegram, dirname(path), environment.home),
      allowFrom: telegram.allowFrom,
      apiRoot: telegram.apiRoot.replace(/\/+$/, ""),
    },
  };
}

/**
 * The settings in `text`, the text of the file at `path` (absent where there is none), with the variables laid over them.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID`, `ERR_FILE_NOT_JSON`.
 */
export function parseSettings(
  text: string | undefined,
  path: string,
  environment: Environment,
): z.infer<typeof fileSchema> {
  const file = text === undefined ? {} : parseJson(text, path);
  const result = fileSchema.safeParse(overlay(file, environment.settings, environment.lease));
  if (!result.success) throw invalid(path, result.error.issues[0], environment.lease);
  assertApiRoot(result.data.telegram.apiRoot);
  return result.data;
}

const record = z.record(z.string(), z.unknown());

function overlay(file: unknown, settings: Environment["settings"], leaseTexts: LeaseTexts): unknown {
  const base = record.safeParse(file);
  // Not an object: the schema says so with the right path.
  if (!base.success) return file;
  const telegram = record.safeParse(base.data["telegram"] ?? {});
  const lease = record.safeParse(base.data["lease"] ?? {});
  if (!telegram.success || !lease.success) return file;
  const allowFrom = settings.allowFrom?.split(/[\s,]+/).filter((id) => id !== "");
  return {
    ...base.data,
    ...defined({ activation: settings.activation, agentId: settings.agentId, issuer: settings.issuer }),
    ...defined({ usageServer: settings.usageServer, timeZone: settings.timeZone }),
    lease: { ...lease.data, ...leaseValues(leaseTexts) },
    telegram: { ...telegram.data, ...defined({ botToken: settings.botToken, apiRoot: settings.apiRoot, allowFrom }) },
  };
}

/** A name such as `Europe/Berlin` that this machine knows; no offset, which would be wrong for half of the year. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function invalid(path: string, issue: z.core.$ZodIssue | undefined, leaseTexts: LeaseTexts): CodexAuthError {
  const inner = issue?.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : (issue?.path ?? []);
  const key = cleanText(inner.join("."), MAX_KEY_CHARS) || "(the whole file)";
  // An @name looks right to a newcomer, but names change hands: the reason belongs into the sentence.
  const isAllow = key.startsWith("telegram.allowFrom.");
  const variable = key.startsWith("lease.") ? variableOf(key.slice("lease.".length), leaseTexts) : undefined;
  const where = variable === undefined ? `in ${path} or a CODEX_AUTH_ variable` : `in the variable ${variable}`;
  return new CodexAuthError("ERR_CONFIG_INVALID", {
    message: isAllow
      ? `The setting ${key} is not a numeric Telegram id (an @name can be given to somebody else, so names are refused).`
      : `The setting ${key} is ${issue?.code === "unrecognized_keys" ? "not known" : `not valid${boundWords(issue)}`} (${where}).`,
    next: isAllow
      ? "Start the bot and write to it: it prints the ids of people it ignores on its terminal."
      : "Correct it; docs/settings.md lists every setting.",
  });
}

/** The bound that a number missed. */
function boundWords(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "too_small" && issue.origin === "number") return `: at least ${String(issue.minimum)}`;
  if (issue?.code === "too_big" && issue.origin === "number") return `: at most ${String(issue.maximum)}`;
  return "";
}

function missing(path: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIG_INVALID", {
    message: `There is no settings file ${path}, which CODEX_AUTH_CONFIG names.`,
    next: "Correct CODEX_AUTH_CONFIG, or remove it to use the file in OpenClaw's state folder.",
  });
}

type TelegramFile = z.infer<typeof fileSchema>["telegram"];

function botTokenOf(
  { botToken, botTokenFile }: TelegramFile,
  folder: string,
  home: string,
): Config["telegram"]["botToken"] {
  if (botToken !== undefined) return Secret.of(botToken);
  if (botTokenFile === undefined) return undefined;
  // Relative to the settings file that names it, wherever the program is started.
  return { file: botTokenFile.startsWith("~") ? expandUserPath(botTokenFile, home) : resolve(folder, botTokenFile) };
}

/**
 * The bot's token, from the settings or from the file that they name; undefined where no bot is set up.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` where the file is missing, empty or writable by others, `ERR_FILE_UNREADABLE`.
 */
export async function readBotToken(
  { telegram }: Pick<Config, "telegram">,
  uid: number | undefined,
): Promise<Secret | undefined> {
  const { botToken } = telegram;
  if (botToken === undefined || botToken instanceof Secret) return botToken;
  await assertOursAlone(botToken.file, uid);
  const text = ((await readTextFile(botToken.file, 4_096)) ?? "").trim();
  if (text !== "") return Secret.of(text);
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message: `The file ${botToken.file}, which telegram.botTokenFile names, is missing or empty.`,
    next: "Put the token from @BotFather into it, with mode 0600.",
  });
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
