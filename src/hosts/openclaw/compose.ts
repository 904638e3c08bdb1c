// The composition root of the plugin: settings, domains and chat inside the gateway are put together here and nowhere else.

import type { Asker } from "../../chat/conversation.ts";
import { ChatRouter } from "../../chat/router.ts";
import type { ChatServices } from "../../chat/services.ts";
import { loadConfig, type Config } from "../../config/config.ts";
import { PLUGIN } from "../../config/defaults.ts";
import type { Environment } from "../../config/env.ts";
import { openClawSettingsFile } from "../../config/openclaw-owners.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import type { Log } from "../../secrets/log.ts";
import { buildChatServices, mayAsk, type ChatOptions } from "../chat-services.ts";
import { fileLog } from "../file-log.ts";
import { LeaseHost } from "../lease.ts";
import { assembleParts, type Parts, type Ports, type PortsFrame } from "../parts.ts";
import { ChatQueues } from "../telegram/chat-queues.ts";
import { abilitiesOf, type Abilities } from "./abilities.ts";
import type { PluginRuntime } from "./api.ts";
import { deleteTelegramMessage } from "./delete-message.ts";
import { PluginDelivery } from "./deliver.ts";
import { doctorReply, neighbours, type PluginDoctorParts } from "./doctor.ts";
import { isTelegram, OpenClawMessages } from "./messages.ts";
import { hasEarlierKeeper } from "./neighbours.ts";
import type { DeleteMessage } from "./pastes.ts";
import { askerAtAddress } from "./place.ts";
import { PlainTurns } from "./plain-turns.ts";
import { canSendTo, outboundSender } from "./send.ts";
import { telegramAccount, type TelegramAccount } from "./telegram-account.ts";
import { Turns } from "./turns.ts";
import { UnderWay } from "./under-way.ts";
import { countUsage } from "./usage.ts";

/** What {@link composePlugin} is given. */
export interface ComposeOptions {
  readonly environment: Environment;
  /** What the gateway offers now; another object after it was reloaded. */
  readonly runtime: () => PluginRuntime | undefined;
  /** How this OpenClaw's profiles are written and its process is asked. */
  readonly ports: (version: string | undefined) => Promise<(frame: PortsFrame) => Ports>;
  /** Publishes what other hosts may know of the profiles. Default: nothing is published. */
  readonly publish?: (parts: Parts) => Promise<void>;
  /** Default: a file in our own folder. */
  readonly log?: Log;
  readonly now?: () => number;
  /** How a sign-in by device code waits between two looks. Default: the system's timer. */
  readonly wait?: ChatOptions["wait"];
  readonly answerWithinMs?: number;
  /** How long the queue is left alone after the start, in milliseconds. Default: as long as this version needs. */
  readonly settlesMs?: number;
  /** How long after a failure the queue is looked at again, in milliseconds. Default `PLUGIN.retryMs`. */
  readonly retryMs?: number;
  /** How often the profiles are published, in milliseconds. Default `PLUGIN.publishEveryMs`. */
  readonly publishEveryMs?: number;
  /** The first wait before an answer that could not be sent is tried again, in milliseconds. Default `CHAT.deliveryRetryMs`. */
  readonly deliveryRetryMs?: number;
}

/** The plugin, put together; nothing runs yet. */
export interface PluginHost {
  readonly abilities: Abilities;
  readonly parts: Parts;
  readonly router: ChatRouter;
  readonly turns: Turns;
  readonly plainTurns: PlainTurns;
  readonly underWay: UnderWay;
  readonly delivery: PluginDelivery;
  readonly log: Log;
  /** How long the queue is left alone after the start, in milliseconds. */
  readonly settlesMs: number;
  /** How long after a failure the queue is looked at again, in milliseconds. */
  readonly retryMs: number;
  /** How often the profiles are published, in milliseconds. */
  readonly publishEveryMs: number;
  /** What `doctor` looks at. */
  readonly doctor: PluginDoctorParts;
  /** Absent where no broker is set. */
  readonly lease: LeaseHost | undefined;
  /** Keeps the lease until `signal` aborts; resolves at once where there is none to keep. */
  keepLease(signal: AbortSignal): Promise<void>;
  /** Counts what OpenClaw tells of a model call, where there is a lease to count for. */
  countUsage(event: unknown, context: unknown): Promise<void>;
  /** Shows what an earlier process of the gateway was showing. */
  resume(): Promise<void>;
  publish(): Promise<void>;
  /** Stops showing and closes connections and log. */
  close(): Promise<void>;
}

/**
 * Puts the plugin together for the OpenClaw in whose process it runs.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID`, `ERR_ISSUER_FORBIDDEN`, `ERR_GENERATION_UNKNOWN`, `ERR_FILE_*`.
 */
export async function composePlugin(options: ComposeOptions): Promise<PluginHost> {
  const { environment, runtime } = options;
  const openClaw = openClawPaths(environment);
  const own = ownPaths(openClaw.stateDir);
  const config = withoutRestart(await loadConfig(environment.settings.configPath ?? own.config, environment));
  const offered = abilitiesOf(runtime()?.version);
  const settings = settingsOf(runtime, openClawSettingsFile(openClaw.configPath));
  const account = (accountId: string): Promise<TelegramAccount | undefined> =>
    telegramAccount(accountId, { settings, variable: environment.openclaw.telegramToken });
  // Without the bot's own account a pasted address could be taken from the model, but not out of the chat.
  const abilities: Abilities = {
    ...offered,
    claimsPastes: offered.claimsPastes && (await account("default")) !== undefined,
  };
  const ports = await options.ports(abilities.version);
  const { log, close: closeLog } =
    options.log === undefined ? await fileLog(own.log, "plugin") : { log: options.log, close: async () => undefined };
  const now = options.now ?? Date.now;
  const parts = assembleParts({ environment, config, log, now, settings, launch: nobody }, ports);
  const lease = config.lease.broker === undefined ? undefined : new LeaseHost(parts);
  const doctor: PluginDoctorParts = { parts, abilities, settings, canSend: () => canSendTo("telegram", runtime()) };
  const services = { ...(await servicesOf(parts, options, abilities, lease)), doctor: () => doctorReply(doctor) };
  const router = new ChatRouter(services);
  const messages = new OpenClawMessages(outboundSender({ runtime, settings, abilities }));
  const remove: DeleteMessage = async (accountId, chatId, messageId) => {
    const bot = await account(accountId);
    return bot !== undefined && (await deleteTelegramMessage(bot, { chatId, messageId }));
  };
  const { deliveryRetryMs, answerWithinMs } = options;
  const delivery = new PluginDelivery({
    router,
    services: { allow: (asker) => mayAsk(parts, asker), now, log, engine: parts.engine },
    messages,
    abilities,
    ...(deliveryRetryMs === undefined ? {} : { retryMs: deliveryRetryMs }),
  });
  const [queues, underWay] = [new ChatQueues(), new UnderWay()];
  const turns = new Turns({
    router,
    messages,
    delivery,
    queue: parts.engine.queue,
    queues,
    underWay,
    abilities,
    owners: () => parts.owners.people(),
    log,
    ...(answerWithinMs === undefined ? {} : { answerWithinMs }),
  });
  const plainTurns = new PlainTurns({
    router,
    messages,
    delivery,
    turns,
    queues,
    underWay,
    abilities,
    log,
    remove,
    burn: (pasted) => services.signIns.burn(pasted),
    canSend: (channel) => canSendTo(channel, runtime()),
  });
  return {
    abilities,
    parts,
    router,
    turns,
    plainTurns,
    underWay,
    delivery,
    log,
    settlesMs: options.settlesMs ?? abilities.settlesMs,
    retryMs: options.retryMs ?? PLUGIN.retryMs,
    publishEveryMs: options.publishEveryMs ?? PLUGIN.publishEveryMs,
    doctor,
    lease,
    keepLease: async (signal) => {
      const found = await neighbours(doctor);
      for (const { what, text } of found) log.warn("plugin.neighbour", { what, text });
      // Two different keepers would undo each other's work; `doctor` says how to end the other one.
      if (lease !== undefined && !hasEarlierKeeper(found)) await lease.keep(signal);
    },
    countUsage: async (event, context) => {
      if (lease === undefined || hasEarlierKeeper(await neighbours(doctor))) return;
      await countUsage({ parts, lease, runtime }, event, context);
    },
    resume: async () => {
      await router.resume("openclaw", (address) => ({
        asker: askerAtAddress(address, abilities),
        out: messages.at(address.chatId),
      }));
    },
    publish: async () => options.publish?.(parts),
    close: async () => {
      // Together: a sign-in by code must have one watcher, also where a command keeps this from ending before the next start.
      await Promise.all([underWay.close(), router.close()]);
      await lease?.close();
      await closeLog();
    },
  };
}

async function servicesOf(
  parts: Parts,
  { wait }: Pick<ComposeOptions, "wait">,
  abilities: Abilities,
  lease: LeaseHost | undefined,
): Promise<ChatServices> {
  const chat = { ...(lease === undefined ? {} : { lease }), ...(wait === undefined ? {} : { wait }) };
  // Only Telegram's Bot API is asked to take a message back.
  const codesOnly = ({ chatId }: Asker): boolean => !abilities.claimsPastes || !isTelegram(chatId);
  return { ...(await buildChatServices(parts, chat)), codesOnly };
}

/** The plugin's own service looks at the queue. */
function nobody(): Promise<void> {
  return Promise.resolve();
}

/** Nothing in here restarts the gateway, and a change made here counts at once: only "none" is still another wish. */
function withoutRestart(config: Config): Config {
  return config.activation === "restart" ? { ...config, activation: "auto" } : config;
}

/** OpenClaw's settings as the running gateway has them; its file where it does not say. */
function settingsOf(runtime: ComposeOptions["runtime"], file: () => unknown): () => unknown {
  return () => {
    const config = runtime()?.config;
    const found = config?.current?.() ?? config?.loadConfig?.();
    const isThere = typeof found === "object" && found !== null && !("then" in found);
    return isThere ? found : file();
  };
}
