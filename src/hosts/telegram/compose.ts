// The composition root of the Telegram host: settings, domains, chat and bot are put together here and nowhere else.

import { ChatRouter } from "../../chat/router.ts";
import { loadConfig, readBotToken } from "../../config/config.ts";
import type { Environment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { CodexAuthError, toCodexAuthError } from "../../errors.ts";
import type { Log } from "../../secrets/log.ts";
import { LeaseHost } from "../lease.ts";
import { approversOf, buildChatServices, buildParts, mayAsk, type ChatOptions, type Parts } from "../services.ts";
import { launchWorkerFor } from "../worker/launch.ts";
import { keepExecuting } from "./rescue.ts";
import { type RunningBot, runTelegramBot } from "./run.ts";
import { signBot } from "./running-sign.ts";

/** What {@link startTelegramBot} is given. */
export interface TelegramHostOptions {
  readonly environment: Environment;
  readonly log: Log;
  /** One sentence for the operator's terminal. */
  readonly print: (line: string) => void;
  /** Ends a start that waits for a network, and the bot. */
  readonly signal?: AbortSignal;
  readonly now?: () => number;
  /** How a sign-in by device code waits between two looks. Default: the system's timer. */
  readonly wait?: ChatOptions["wait"];
  /** Starts an executor. Default: a worker process that outlives the bot. */
  readonly launch?: (parts: Parts) => Promise<void>;
}

/**
 * Starts the bot of this machine's settings and takes up the work that an earlier process left.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID`, `ERR_ISSUER_FORBIDDEN`, `ERR_TELEGRAM_TOKEN`, `ERR_TELEGRAM_CONFLICT`, `ERR_CANCELLED`, `ERR_FILE_*`.
 */
export async function startTelegramBot(options: TelegramHostOptions): Promise<RunningBot> {
  const { environment, log, print } = options;
  const now = options.now ?? Date.now;
  const settingsPath = environment.settings.configPath ?? ownPaths(openClawPaths(environment).stateDir).config;
  const config = await loadConfig(settingsPath, environment);
  const { apiRoot, allowFrom } = config.telegram;
  const token = await readBotToken(config, environment.uid);
  if (token === undefined) throw noToken(settingsPath);
  const parts = buildParts({ environment, config, log, now, launch: options.launch ?? launchWorkerFor });
  const lease = config.lease.broker === undefined ? undefined : new LeaseHost(parts);
  const { wait } = options;
  const chat = { ...(lease === undefined ? {} : { lease }), ...(wait === undefined ? {} : { wait }) };
  const router = new ChatRouter(await buildChatServices(parts, chat));
  // No executor now is no reason for no bot: the jobs are on disk, and the next one that is enqueued starts an executor.
  await parts.engine.resume().catch((error: unknown) => log.error("telegram.resume-jobs", error));
  const bot = await runTelegramBot({
    token,
    apiRoot,
    router,
    engine: parts.engine,
    allow: (asker) => mayAsk(parts, asker),
    approvers: () => approversOf(parts),
    settingsPath,
    now,
    log,
    print,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const ended = new AbortController();
  void bot.finished.catch(() => undefined).finally(() => ended.abort());
  void keepExecuting(parts.engine, log, ended.signal);
  const signing = signBot(parts.own, bot.botId, { now, signal: ended.signal });
  const keeping = lease === undefined ? Promise.resolve() : keepLease(lease, options, ended.signal);
  if (allowFrom.length === 0) {
    print(`Nobody may use this bot yet. Write to @${bot.username} in Telegram: your id then appears here.`);
  }
  const finished = async (): Promise<void> => {
    try {
      await bot.finished;
    } finally {
      await Promise.all([keeping, signing]);
    }
  };
  const isOver = finished();
  // Whoever only calls stop() must not meet an unhandled rejection.
  isOver.catch(() => undefined);
  const stop = async (): Promise<void> => {
    await bot.stop();
    await signing;
  };
  return { ...bot, finished: isOver, stop };
}

/** Keeps the lease for as long as the bot runs: one service less for the person to set up. */
async function keepLease(lease: LeaseHost, { log, print }: TelegramHostOptions, signal: AbortSignal): Promise<void> {
  try {
    await lease.keep(signal);
  } catch (error) {
    // A token file that is missing: the bot is of use all the same.
    const { message, next } = toCodexAuthError(error);
    log.error("telegram.lease", error);
    print(`The lease is not kept: ${message} ${next}`);
  } finally {
    await lease.close().catch((error: unknown) => log.error("telegram.lease-close", error));
  }
}

function noToken(settingsPath: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIG_INVALID", {
    message: "There is no token for a Telegram bot.",
    next: `Make a bot at @BotFather and name the file with its token as telegram.botTokenFile in ${settingsPath}, or set CODEX_AUTH_BOT_TOKEN.`,
  });
}
