// One turn of a conversation inside OpenClaw: a command with its one answer, or a press; nothing that happens here is thrown.

import { setTimeout as delay } from "node:timers/promises";
import type { ApplyEngine } from "../../apply/engine.ts";
import type { Asker, CommandName, Incoming, Outgoing } from "../../chat/conversation.ts";
import { code, type Reply } from "../../chat/reply.ts";
import type { ChatRouter } from "../../chat/router.ts";
import { errorReply } from "../../chat/wording.ts";
import { PLUGIN } from "../../config/defaults.ts";
import type { Log } from "../../secrets/log.ts";
import type { ChatQueues } from "../telegram/chat-queues.ts";
import type { Abilities } from "./abilities.ts";
import type { CommandContext, PressContext, ReplyPayload } from "./api.ts";
import type { Collector } from "./collector.ts";
import type { PluginDelivery, Told } from "./deliver.ts";
import { isTelegram, type OpenClawMessages } from "./messages.ts";
import { askerOfCommand, askerOfPress } from "./place.ts";
import { renderPayload, renderRaw, type Surface } from "./render.ts";
import type { UnderWay } from "./under-way.ts";

/** What {@link Turns} are made of. */
export interface TurnsParts {
  readonly router: Pick<ChatRouter, "handle">;
  readonly messages: OpenClawMessages;
  readonly delivery: Pick<PluginDelivery, "showWaiting">;
  readonly queue: Pick<ApplyEngine["queue"], "list">;
  readonly abilities: Abilities;
  /** Those who own this OpenClaw, each as `<channel>:<id>`. */
  readonly owners: () => readonly string[];
  readonly log: Log;
  readonly queues: ChatQueues;
  readonly underWay: UnderWay;
  /** How long a command waits for its job, in milliseconds. Default `PLUGIN.answerWithinMs`. */
  readonly answerWithinMs?: number;
}

/** Commands and presses, one after another in each chat. */
export class Turns {
  readonly #parts: TurnsParts;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** The answer to a typed command. OpenClaw may hand the same one over twice, so nothing here counts on once. */
  async command(name: CommandName, context: CommandContext): Promise<ReplyPayload> {
    return await this.#parts.underWay.run(() => this.#command(name, context));
  }

  async #command(name: CommandName, context: CommandContext): Promise<ReplyPayload> {
    const { abilities, log } = this.#parts;
    const asker = askerOfCommand(context, abilities);
    if (asker === undefined) return renderPayload(nobodyReply, "text");
    try {
      const incoming = { kind: "command", name, args: context.args ?? "" } as const;
      const { reply = this.refusal(asker), told } = await this.collected(asker, incoming);
      const payload = renderPayload(reply, this.#surfaceOf(asker));
      told();
      return payload;
    } catch (error) {
      log.error("plugin.command", error);
      return renderPayload(errorReply(error), this.#surfaceOf(asker));
    }
  }

  /** Answers a press under the message it was made on; whoever does not own this OpenClaw is not answered. */
  async press(context: PressContext): Promise<void> {
    await this.#parts.underWay.run(() => this.#press(context));
  }

  async #press(context: PressContext): Promise<void> {
    const { abilities, log, messages, queues, router } = this.#parts;
    const asker = askerOfPress(context, abilities);
    if (asker === undefined) return;
    const { callback, respond } = context;
    try {
      const press = { chatId: asker.chatId, data: callback.data, messageId: String(callback.messageId ?? ""), respond };
      await queues.run(asker.chatId, async () => {
        const { messageId, out } = messages.pressed(press);
        await router.handle(asker, { kind: "press", data: callback.data, messageId }, out);
      });
    } catch (error) {
      // A throw would have OpenClaw press again, for ever (docs/openclaw-generations.md, c).
      log.error("plugin.press", error);
      await respond.reply(renderRaw(errorReply(error))).catch(() => undefined);
    }
  }

  /** What is said in this turn, as one reply; none where the chat stays silent. Whoever has shown it calls `told`. */
  async collected(
    asker: Asker,
    incoming: Incoming,
    place: Partial<Pick<Outgoing, "deleteIncoming">> = {},
  ): Promise<{ readonly reply: Reply | undefined; readonly told: Told }> {
    const { messages, queues, router, log, delivery } = this.#parts;
    const collector = messages.collect(asker.chatId);
    const out = { ...collector.out(messages.at(asker.chatId)), ...place };
    let isHeard = false;
    let said: Reply | undefined;
    let told: Told = nothingTold;
    try {
      isHeard = (await queues.run(asker.chatId, () => router.handle(asker, incoming, out))) === "handled";
      if (isHeard) {
        await this.#awaitJobs(collector);
        told = await delivery.showWaiting(asker, collector, this.#surfaceOf(asker)).catch((error: unknown) => {
          log.error("plugin.waiting", error);
          return told;
        });
      }
    } finally {
      // Whatever happens, nobody waits for this answer any longer.
      said = collector.close();
    }
    return { reply: isHeard ? (said ?? { lines: [["Done."]] }) : undefined, told };
  }

  /** A job that this command made is over within a moment as a rule: then its outcome is the answer. */
  async #awaitJobs(collector: Collector): Promise<void> {
    const names = new Set([...collector.named].map(([name]) => name));
    const jobs = (await this.#parts.queue.list()).map(({ requestedBy }) => requestedBy?.messageId ?? "");
    const waiting = jobs.filter((name) => names.has(name));
    if (waiting.length === 0) return;
    const { closing } = this.#parts.underWay;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    // Nobody executes anything any more once the plugin is being stopped: the outcome comes after the next start.
    if (closing.aborted) return;
    closing.addEventListener("abort", end, { once: true });
    void delay(this.#parts.answerWithinMs ?? PLUGIN.answerWithinMs, undefined, { signal: ending.signal })
      .catch(() => undefined)
      .finally(end);
    await collector.settled(waiting, ending.signal);
    closing.removeEventListener("abort", end);
    end();
  }

  #surfaceOf({ chatId }: Pick<Asker, "chatId">): Surface {
    if (isTelegram(chatId)) return "telegram";
    return this.#parts.abilities.presentation ? "presentation" : "text";
  }

  /** OpenClaw wants a text for every command, so here even a stranger gets words; they say nothing of the logins. */
  refusal({ personId }: Pick<Asker, "personId">): Reply {
    const isOwned = this.#parts.owners().length > 0;
    return {
      lines: [
        [
          isOwned
            ? "Only the owners of this OpenClaw may use this."
            : "Nobody may use this yet: this OpenClaw names no owner.",
        ],
        ["→ Whoever runs it adds ", code(personId), " to ", code("commands.ownerAllowFrom"), " in openclaw.json."],
      ],
    };
  }
}

/** Where nothing waited. */
function nothingTold(): void {}

const nobodyReply: Reply = { lines: [["This channel does not say who writes, so nothing is shown here."]] };
