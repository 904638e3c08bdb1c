// The plugin as OpenClaw loads it: register() only names what there is, over and over; the first use or the service puts it together.

import { setTimeout as delay } from "node:timers/promises";
import { ACTIONS } from "../../chat/button.ts";
import type { CommandName } from "../../chat/conversation.ts";
import { code, type Reply } from "../../chat/reply.ts";
import { PLUGIN } from "../../config/defaults.ts";
import { PLUGIN_ID, PLUGIN_NAME } from "../../config/openclaw-owners.ts";
import { CodexAuthError, toCodexAuthError } from "../../errors.ts";
import { looksLikeCallbackUrl } from "../../oauth/callback-text.ts";
import { redact } from "../../secrets/redact.ts";
import { abilitiesOf } from "./abilities.ts";
import type { CommandContext, PluginApi, PluginRuntime, PressContext, ReplyPayload, ServiceContext } from "./api.ts";
import { announceAtWork, counterAtWork } from "./at-work.ts";
import { addCli, CLI } from "./cli.ts";
import type { PluginHost } from "./compose.ts";
import { PastedMessages } from "./pastes.ts";
import { keepRegistered, openTables, type ImportTables, type PutBack, type Registrations } from "./registrations.ts";
import { renderPayload, renderRaw } from "./render.ts";
import { commandIn, isPress } from "./shadowed.ts";
import type { PasteAnswer } from "./plain-turns.ts";
import { openUntil, workUntil } from "./work.ts";

/** What a plugin is made of. */
export interface PluginParts {
  /** Puts the plugin together on what the gateway offers now. */
  readonly compose: (runtime: () => PluginRuntime | undefined) => Promise<PluginHost>;
  /** How long a stop waits for what is under way, in milliseconds. Default `PLUGIN.stopWithinMs`. */
  readonly stopWithinMs?: number;
  /** OpenClaw's tables of commands and buttons. Default: those of the gateway that this runs in. */
  readonly tables?: ImportTables;
}

/** What OpenClaw takes as a plugin: the result of its own `definePluginEntry`, which adds nothing that we need. */
export interface PluginEntry {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly register: (api: PluginApi) => void;
}

const COMMANDS: readonly { readonly name: CommandName; readonly description: string }[] = [
  { name: "codex_auth", description: "See, renew and switch Codex logins" },
  { name: "lease", description: "See and control this machine's Codex lease" },
  { name: "codex_usage", description: "See how much of the Codex limits is used" },
];

/** A plugin of its own; OpenClaw calls `register` several times in one process, also in those of its command line. */
export function createPlugin(parts: PluginParts): PluginEntry {
  const shared = new Shared(parts);
  return {
    id: PLUGIN_ID,
    name: PLUGIN_NAME,
    description: "See, renew and switch the Codex (ChatGPT) logins of this OpenClaw from the chat.",
    register: (api) => {
      api.registerCli?.(({ program }) => addCli(program, () => parts.compose(() => api.runtime)), CLI);
      if (api.registrationMode === "cli-metadata") return;
      shared.runtime = api.runtime;
      const { commands, handlers } = registrationsOf(shared, api.runtime?.version);
      for (const command of commands) api.registerCommand(command);
      for (const handler of handlers) api.registerInteractiveHandler(handler);
      // Each time: OpenClaw may call only the hooks of the newest registration (docs/openclaw-generations.md, e).
      api.on?.("message_received", (event, context) => shared.received(event, context));
      api.on?.("before_dispatch", (event, context) => shared.pasted(event, context));
      // In a turn of the model, after 2026.5.28 has emptied its tables and before anybody can have noticed.
      if (abilitiesOf(api.runtime?.version).losesCommands) api.on?.("before_prompt_build", () => shared.putBack());
      // From 2026.5 on only with `hooks.allowConversationAccess`.
      api.on?.("llm_output", (event, context) => shared.countUsage(event, context));
      api.registerService({ id: PLUGIN_ID, start: (context) => shared.start(context), stop: () => shared.stop() });
    },
  };
}

function registrationsOf(shared: Shared, version: string | undefined): Registrations {
  const { scopes } = abilitiesOf(version);
  return {
    commands: COMMANDS.map(({ name, description }) => ({
      name,
      description,
      acceptsArgs: true,
      requireAuth: true,
      ...(scopes ? { requiredScopes: ["operator.admin"] } : {}),
      handler: (context) => shared.command(name, context),
    })),
    handlers: Object.keys(ACTIONS).map((action) => ({
      channel: "telegram",
      namespace: action,
      handler: async (context) => {
        await shared.press(context);
        // Anything else would hand the button's data to the model as if the person had said it.
        return { handled: true };
      },
    })),
  };
}

const notOpenReply: Reply = {
  lines: [
    ["⚠️ This plugin could not be started: its settings do not load."],
    [
      "→ Whoever runs this OpenClaw finds the reason with ",
      code("codex-auth-skill doctor"),
      " or in the gateway's log.",
    ],
  ],
};

/** The service between a start and its stop. */
interface Working {
  readonly stop: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
  readonly leave: () => void;
  readonly tell: (error: unknown) => void;
}

/** What the calls of one process share. */
class Shared {
  /** Of the last registration: after a reload the earlier one is of no use. */
  runtime: PluginRuntime | undefined;
  /** Names commands and buttons again where OpenClaw has lost them. */
  putBack: PutBack = nothingIsBack;
  readonly #parts: PluginParts;
  readonly #pastes = new PastedMessages();
  #host: Promise<PluginHost> | undefined;
  #working: Working | undefined;
  /** The newest stop: no work begins before it is over. */
  #stopped: Promise<void> = Promise.resolve();

  constructor(parts: PluginParts) {
    this.#parts = parts;
  }

  async command(name: CommandName, context: CommandContext): Promise<ReplyPayload> {
    try {
      return await (await this.#open()).turns.command(name, context);
    } catch {
      // Whether this is an owner cannot be told either, so the reason is not said here.
      return renderPayload(notOpenReply, "text");
    }
  }

  async press(context: PressContext): Promise<void> {
    try {
      await (await this.#open()).turns.press(context);
    } catch {
      await context.respond.reply(renderRaw(notOpenReply)).catch(() => undefined);
    }
  }

  received(event: unknown, context: unknown): void {
    this.#pastes.received(event, context);
  }

  /** Undefined lets the message go on to the model. */
  async pasted(event: unknown, context: unknown): Promise<PasteAnswer | undefined> {
    const pasted = this.#pastes.read(event, context);
    if (pasted === undefined) return undefined;
    const isBack = isPress(pasted.text) && this.putBack("press");
    try {
      return await (await this.#open()).plainTurns.pasted(pasted, isBack);
    } catch {
      if (isPress(pasted.text)) return { handled: true };
      // Not put together: what is a key for certain stays here all the same.
      if (commandIn(pasted.text) === undefined && !looksLikeCallbackUrl(pasted.text)) return undefined;
      return { handled: true, text: renderPayload(notOpenReply, "text").text };
    }
  }

  /** Counts where the service is at work, in whichever instance; a call of the command line runs models too, and counts nothing. */
  async countUsage(event: unknown, context: unknown): Promise<void> {
    if (this.#working === undefined) return counterAtWork()?.(event, context);
    const host = await this.#open().catch(() => undefined);
    await host?.countUsage(event, context).catch((error: unknown) => host.log.error("plugin.usage", error));
  }

  /** Returns at once: a gateway does not wait for us to be ready. */
  async start({ logger }: ServiceContext): Promise<void> {
    if (this.#working !== undefined) return;
    const stop = new AbortController();
    const tell = (error: unknown): void => {
      const { code: name, message, next } = toCodexAuthError(error);
      logger?.error(redact(`${PLUGIN_ID}: ${name}: ${message} ${next}`));
    };
    const leave = announceAtWork((event, context) => this.countUsage(event, context));
    const done = this.#stopped.then(() => this.#work(stop.signal, tell)).catch(tell);
    this.#working = { stop, done, leave, tell };
  }

  /** A gateway that goes down does not wait for us for ever: what is not over by then ends by itself. */
  async stop(): Promise<void> {
    const working = this.#working;
    if (working !== undefined) {
      this.#working = undefined;
      working.leave();
      working.stop.abort();
      this.#stopped = this.#ended(working);
    }
    await this.#stopped;
  }

  async #ended({ done, tell }: Working): Promise<void> {
    const over = new AbortController();
    const late = delay(this.#parts.stopWithinMs ?? PLUGIN.stopWithinMs, "late", { signal: over.signal });
    const outcome = await Promise.race([done, late.catch(() => undefined)]);
    over.abort();
    if (outcome !== "late") return;
    // It closes itself at its end; whoever comes next needs another one.
    this.#host = undefined;
    tell(slowStop());
  }

  async #work(signal: AbortSignal, tell: (error: unknown) => void): Promise<void> {
    const { version } = this.runtime ?? {};
    const registered = abilitiesOf(version).losesCommands
      ? this.#keepRegistered(version, signal, tell).catch(tell)
      : undefined;
    let opened: Promise<PluginHost> | undefined;
    const host = await openUntil(() => (opened = this.#open()), tell, signal);
    if (host === undefined) return;
    try {
      await workUntil(host, signal);
    } finally {
      // After a stop that did not wait, there may be another one by now.
      if (this.#host === opened) this.#host = undefined;
      await registered;
      await host.close();
    }
  }

  async #keepRegistered(
    version: string | undefined,
    signal: AbortSignal,
    tell: (error: unknown) => void,
  ): Promise<void> {
    const name = await openTables(() => registrationsOf(this, version), this.#parts.tables);
    let isTold = false;
    const putBack: PutBack = (press) => {
      try {
        // After a stop they would begin what nobody ends.
        return !signal.aborted && name(press);
      } catch (error) {
        if (!isTold) tell(error);
        isTold = true;
        return false;
      }
    };
    this.putBack = putBack;
    await keepRegistered(putBack, signal);
    if (this.putBack === putBack) this.putBack = nothingIsBack;
  }

  #open(): Promise<PluginHost> {
    this.#host ??= this.#parts
      .compose(() => this.runtime)
      .catch((error: unknown) => {
        // Settings that did not load may be mended at the next try.
        this.#host = undefined;
        throw error;
      });
    return this.#host;
  }
}

function nothingIsBack(): boolean {
  return false;
}

function slowStop(): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_TIMEOUT", {
    message: "The plugin was stopped while it was at work, and what it was doing was not waited for.",
    next: "What is open in the queue goes on when the gateway runs again; a command that was not answered has to be sent again.",
    retryable: true,
  });
}
