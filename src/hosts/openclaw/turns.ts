// One turn of a conversation inside OpenClaw: a command with its one answer, or a press; nothing that happens here is thrown.

import { setTimeout as delay } from "node:timers/promises";
import type { ApplyEngine } from "../../apply/engine.ts";
import type { Asker, CommandName, Incoming, Outgoing } from "../../chat/conversation.ts";
import { code, type Reply } from "../../chat/reply.ts";
import type { ChatRouter } from "../../chat/router.ts";
import { errorReply } from "../../chat/wording.ts";
import { PLUGIN } from "../../config/defaults.ts";
import { looksLikeCallbackUrl } from "../../oauth/callback-text.ts";
import type { Log } from "../../secrets/log.ts";
import { ChatQueues } from "../telegram/chat-queues.ts";
import type { Abilities } from "./abilities.ts";
import type { CommandContext, PressContext, ReplyPayload } from "./api.ts";
import type { Collector } from "./collector.ts";
import type { PluginDelivery, Told } from "./deliver.ts";
import { isTelegram, type OpenClawMessages } from "./messages.ts";
import { askerOfPaste, type DeleteMessage, type Pasted } from "./pastes.ts";
import { askerOfCommand, askerOfPress } from "./place.ts";
import { renderPayload, renderRaw, type Surface } from "./render.ts";
import { commandIn } from "./shadowed.ts";

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
  /** Takes a message out of a chat of Telegram. */
  readonly remove: DeleteMessage;
  /** Ends the attempts that a pasted text belongs to. */
  readonly burn: (pasted: string) => Promise<unknown>;
  /** Whether a message of its own can be sent into a channel. */
  readonly canSend: (channel: string) => Promise<boolean>;
  /** How long a command waits for its job, in milliseconds. Default `PLUGIN.answerWithinMs`. */
  readonly answerWithinMs?: number;
}

/** What a hook that has taken a message answers. */
export interface PasteAnswer {
  readonly handled: true;
  readonly text?: string;
}

/** Commands and presses, one after another in each chat. */
export class Turns {
  readonly #parts: TurnsParts;
  readonly #queues = new ChatQueues();
  /** Answers that no hook waits for. */
  readonly #later = new Set<Promise<unknown>>();

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** The answer to a typed command. OpenClaw may hand the same one over twice, so nothing here counts on once. */
  async command(name: CommandName, context: CommandContext): Promise<ReplyPayload> {
    const { abilities, log } = this.#parts;
    const asker = askerOfCommand(context, abilities);
    if (asker === undefined) return renderPayload(nobodyReply, "text");
    try {
      const incoming = { kind: "command", name, args: context.args ?? "" } as const;
      const { reply = this.#refusal(asker), told } = await this.#say(asker, incoming);
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
    const { abilities, log, messages, router } = this.#parts;
    const asker = askerOfPress(context, abilities);
    if (asker === undefined) return;
    const { callback, respond } = context;
    try {
      const press = { chatId: asker.chatId, data: callback.data, messageId: String(callback.messageId ?? ""), respond };
      await this.#queues.run(asker.chatId, async () => {
        const { messageId, out } = messages.pressed(press);
        await router.handle(asker, { kind: "press", data: callback.data, messageId }, out);
      });
    } catch (error) {
      // A throw would have OpenClaw press again, for ever (docs/openclaw-generations.md, c).
      log.error("plugin.press", error);
      await respond.reply(renderRaw(errorReply(error))).catch(() => undefined);
    }
  }

  /**
   * Takes a pasted address from the model and out of the chat, and answers it, or a command that a skill stands before; undefined where
   * the message is none of ours. What has been recognised never goes on, whatever fails.
   *
   * What is ours for certain is answered after the hook: 2026.9.6 ends a turn when the chat's next command comes in, and while our hook
   * is still at work, it drops that command too (docs/openclaw-generations.md, d).
   */
  async pasted(pasted: Pasted): Promise<PasteAnswer | undefined> {
    const isOurs = commandIn(pasted.text) !== undefined || looksLikeCallbackUrl(pasted.text);
    const isLater = isOurs && (await this.#parts.canSend(pasted.channel).catch(() => false));
    if (!isLater) return await this.#answerPasted(pasted, true);
    const answering: Promise<unknown> = this.#answerPasted(pasted, false).finally(() => this.#later.delete(answering));
    this.#later.add(answering);
    return { handled: true };
  }

  /** Resolves when nothing is being answered behind a hook's back. */
  async settled(): Promise<void> {
    while (this.#later.size > 0) await Promise.all(this.#later);
  }

  /** Never throws. */
  async #answerPasted(pasted: Pasted, isAwaited: boolean): Promise<PasteAnswer | undefined> {
    const { abilities, log, messages, remove } = this.#parts;
    const asker = askerOfPaste(pasted, abilities);
    const { channel, accountId, chat, messageId } = pasted;
    // Another channel's number could be that of any message of ours in Telegram.
    const deleteIncoming = async (): Promise<boolean> =>
      channel === "telegram" && chat !== "" && messageId !== undefined && (await remove(accountId, chat, messageId));
    if (asker === undefined) return await this.#pastedByNobody(pasted, deleteIncoming);
    const command = commandIn(pasted.text);
    let reply: Reply;
    let told: Told = nothingTold;
    try {
      const incoming = command ?? ({ kind: "text", text: pasted.text } as const);
      const heard = await this.#say(asker, incoming, { deleteIncoming });
      told = heard.told;
      const said = heard.reply ?? (command === undefined ? undefined : this.#refusal(asker));
      // One that belongs to nobody here is a key all the same.
      if (said === undefined) return looksLikeCallbackUrl(pasted.text) ? { handled: true } : undefined;
      reply = said;
    } catch (error) {
      log.error("plugin.paste", error);
      if (command === undefined && !looksLikeCallbackUrl(pasted.text)) return undefined;
      reply = errorReply(error);
    }
    const there = messages.at(asker.chatId);
    const failed = (error: unknown): void => log.error("plugin.paste-answer", error);
    // The hook's own text has no buttons, and once the hook is over it is read by nobody: then the words are sent alone.
    for (const shown of isAwaited ? [reply] : [reply, { lines: reply.lines }]) {
      const isSent = await there.send(shown).then(() => true, failed);
      if (isSent !== true) continue;
      told();
      return { handled: true };
    }
    if (!isAwaited) return { handled: true };
    const { text } = renderPayload(reply, this.#surfaceOf(asker));
    told();
    return { handled: true, text };
  }

  /** An address of which is not said who wrote it: its code may have been seen by anybody, so its attempt ends, without a word. */
  async #pastedByNobody({ text }: Pasted, deleteIncoming: () => Promise<boolean>): Promise<PasteAnswer> {
    const { burn, log } = this.#parts;
    const failed = (error: unknown): void => log.error("plugin.paste", error);
    await deleteIncoming().catch(failed);
    await burn(text).catch(failed);
    return { handled: true };
  }

  /** What is said in this turn, as one reply; none where the chat stays silent. */
  async #say(
    asker: Asker,
    incoming: Incoming,
    place: Partial<Pick<Outgoing, "deleteIncoming">> = {},
  ): Promise<{ readonly reply: Reply | undefined; readonly told: Told }> {
    const { messages, router, log, delivery } = this.#parts;
    const collector = messages.collect(asker.chatId);
    const out = { ...collector.out(messages.at(asker.chatId)), ...place };
    let isHeard = false;
    let said: Reply | undefined;
    let told: Told = nothingTold;
    try {
      isHeard = (await this.#queues.run(asker.chatId, () => router.handle(asker, incoming, out))) === "handled";
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
    const ending = new AbortController();
    void delay(this.#parts.answerWithinMs ?? PLUGIN.answerWithinMs, undefined, { signal: ending.signal })
      .catch(() => undefined)
      .finally(() => ending.abort());
    await collector.settled(waiting, ending.signal);
    ending.abort();
  }

  #surfaceOf({ chatId }: Pick<Asker, "chatId">): Surface {
    if (isTelegram(chatId)) return "telegram";
    return this.#parts.abilities.presentation ? "presentation" : "text";
  }

  /** OpenClaw wants a text for every command, so here even a stranger gets words; they say nothing of the logins. */
  #refusal({ personId }: Pick<Asker, "personId">): Reply {
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
