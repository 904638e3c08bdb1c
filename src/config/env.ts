// The only reader of process.env: turns it into a typed value that everything else is given.

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { homedir, hostname, tmpdir } from "node:os";
import { assertOurs } from "./file-access.ts";
import { readLeaseTexts, type LeaseTexts } from "./lease-variables.ts";

/** What the surroundings of this process say; absent means not set or empty. */
export interface Environment {
  readonly home: string;
  readonly tmp: string;
  readonly uid: number | undefined;
  readonly hostname: string;
  readonly openclaw: OpenClawEnvironment;
  readonly codexHome: string | undefined;
  /** Our own settings, `CODEX_AUTH_*`, still as text. */
  readonly settings: OwnSettings;
  /** The lease's settings, `AUTH_MANAGER_*`, still as text. */
  readonly lease: LeaseTexts;
  /** Needed by `systemd-run --user` to find the person's service manager. */
  readonly runtimeDir: string | undefined;
  readonly noColor: boolean;
  /** Whether this terminal is that of a person on another machine: their browser is over there. */
  readonly isSsh: boolean;
}

/** OpenClaw's own variables (facts/openclaw-json-generation.md §1 and §3). */
interface OpenClawEnvironment {
  readonly stateDir: string | undefined;
  readonly home: string | undefined;
  readonly agentDir: string | undefined;
  readonly configPath: string | undefined;
  readonly oauthDir: string | undefined;
  /** Of OpenClaw's own bot, for its default account. */
  readonly telegramToken: string | undefined;
  readonly gatewayPort: string | undefined;
  readonly gatewayToken: string | undefined;
}

/** Our variables by the name of the setting they override. */
interface OwnSettings {
  readonly configPath: string | undefined;
  readonly botToken: string | undefined;
  readonly allowFrom: string | undefined;
  readonly apiRoot: string | undefined;
  readonly issuer: string | undefined;
  readonly usageServer: string | undefined;
  readonly timeZone: string | undefined;
  readonly activation: string | undefined;
  readonly agentId: string | undefined;
}

/** Reads `source` (the process's own environment by default). */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env): Environment {
  const text = (name: string): string | undefined => {
    const value = source[name]?.trim();
    return value === undefined || value === "" ? undefined : value;
  };
  return {
    home: text("HOME") ?? homedir(),
    tmp: tmpdir(),
    uid: process.getuid?.(),
    hostname: hostname(),
    openclaw: {
      stateDir: text("OPENCLAW_STATE_DIR"),
      home: text("OPENCLAW_HOME"),
      agentDir: text("OPENCLAW_AGENT_DIR") ?? text("PI_CODING_AGENT_DIR"),
      configPath: text("OPENCLAW_CONFIG_PATH"),
      oauthDir: text("OPENCLAW_OAUTH_DIR"),
      telegramToken: text("TELEGRAM_BOT_TOKEN"),
      gatewayPort: text("OPENCLAW_GATEWAY_PORT"),
      gatewayToken: text("OPENCLAW_GATEWAY_TOKEN"),
    },
    codexHome: text("CODEX_HOME"),
    settings: {
      configPath: text("CODEX_AUTH_CONFIG"),
      botToken: text("CODEX_AUTH_BOT_TOKEN"),
      allowFrom: text("CODEX_AUTH_ALLOW_FROM"),
      apiRoot: text("CODEX_AUTH_API_ROOT"),
      issuer: text("CODEX_AUTH_ISSUER"),
      usageServer: text("CODEX_AUTH_USAGE_SERVER"),
      timeZone: text("CODEX_AUTH_TIME_ZONE"),
      activation: text("CODEX_AUTH_ACTIVATION"),
      agentId: text("CODEX_AUTH_AGENT"),
    },
    lease: readLeaseTexts(text),
    runtimeDir: text("XDG_RUNTIME_DIR"),
    noColor: text("NO_COLOR") !== undefined,
    isSsh: text("SSH_CONNECTION") !== undefined || text("SSH_TTY") !== undefined,
  };
}

/**
 * Adds the variables of a `.env` file to this process's own, which win; nothing where there is no such file. It can name the
 * bot's token and who may use it, so it is treated as the settings file is.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` where somebody else could have written it.
 */
export function loadSettingsFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  assertOurs(found, path, process.getuid?.());
  process.loadEnvFile(path);
}

const WORKER_VARIABLES =
  /^(?:HOME|PATH|TMPDIR|LANG|LC_ALL|TZ|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|PI_CODING_AGENT_DIR|CODEX_HOME|OPENCLAW_(?:STATE_DIR|HOME|AGENT_DIR|CONFIG_PATH|OAUTH_DIR|GATEWAY_PORT|GATEWAY_TOKEN)|CODEX_AUTH_(?:CONFIG|ACTIVATION|AGENT|ISSUER|ALLOW_FROM))$/;

function isPath(name: string, value: string): boolean {
  return value !== "" && !value.startsWith("~") && /(?:^HOME|_DIR|_HOME|TMPDIR|_CONFIG|_CONFIG_PATH)$/.test(name);
}

/** The variables a worker is given: what it needs to find OpenClaw and to know who still may, and not the bot's token. */
export function workerVariables(source: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    // The worker stands in another folder, so a path that is relative to ours is made absolute.
    if (value !== undefined && WORKER_VARIABLES.test(name)) kept[name] = isPath(name, value) ? resolve(value) : value;
  }
  return kept;
}
