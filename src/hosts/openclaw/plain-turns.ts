// Plain messages that are ours, a pasted address or a command that a skill stands before: kept from the model, and answered after the hook.

import type { Asker, Incoming, Outgoing } from "../../chat/conversation.ts";
import type { Reply } from "../../chat/reply.ts";
import type { ChatRouter } from "../../chat/router.ts";
import { errorReply } from "../../chat/wording.ts";
import { looksLikeCallbackUrl } from "../../oauth/callback-text.ts";
import type { Log } from "../../secrets/log.ts";
import type { ChatQueues } from "../telegram/chat-queues.ts";
import type { Abilities } from "./abilities.ts";
import type { PluginDelivery } from "./deliver.ts";
import type { OpenClawMessages } from "./messages.ts";
import { askerOfPaste, type DeleteMessage, type Pasted } from "./pastes.ts";
import { inWords, renderPayload } from "./render.ts";
import { commandIn, isPress } from "./shadowed.ts";
import type { Turns } from "./turns.ts";
import type { UnderWay } from "./under-way.ts";

/** What {@link PlainTurns} are made of. */
export interface PlainTurnsParts {
  readonly router: Pick<ChatRouter, "allows" | "handle" | "takes">;
  readonly messages: OpenClawMessages;
  readonly delivery: Pick<PluginDelivery, "heardFrom">;
  readonly turns: Pick<Turns, "collected" | "refusal">;
  readonly queues: ChatQueues;
  readonly underWay: UnderWay;
  readonly abilities: Abilities;
  readonly log: Log;
  /** Takes a message out of a chat of Telegram. */
  readonly remove: DeleteMessage;
  /** Ends the attempts that a pasted text belongs to. */
  readonly burn: (pasted: string) => Promise<unknown>;
  /** Whether a message of its own can be sent into a channel. */
  readonly canSend: (channel: string) => Promise<boolean>;
}

/** What a hook that has taken a message answers. */
export interface PasteAnswer {
  readonly handled: true;
  readonly text?: string;
}

const lostReply: Reply = {
  lines: [["⚠️ OpenClaw had lost its buttons for a moment; nothing was done."], ["→ Press it once more."]],
};
const goneReply: Reply = {
  lines: [
    ["⚠️ OpenClaw does not know this button any more; nothing was done."],
    ["→ Send /codex_auth, /lease or /codex_usage for a new one."],
  ],
};

/** One plain message of ours on its way to its answer. */
interface Plain {
  readonly asker: Asker;
  readonly incoming: Extract<Incoming, { kind: "command" | "text" }>;
  readonly deleteIncoming: () => Promise<boolean>;
}

/** Plain messages, one after another in each chat. */
export class PlainTurns {
  readonly #parts: PlainTurnsParts;

  constructor(parts: PlainTurnsParts) {
    this.#parts = parts;
  }

  /**
   * Takes a message of ours from the model and answers it; undefined where it is none. What has been recognised never goes on, whatever fails.
   * `isBack`: it is a press that OpenClaw had no handler for, and has one now.
   *
   * The hook does not wait for the answer: OpenClaw 2026.9 ends a turn when the chat's next command comes in, and while a hook of that turn
   * is at work it drops that command too (docs/openclaw-generations.md, d).
   */
  async pasted(pasted: Pasted, isBack = false): Promise<PasteAnswer | undefined> {
    const { abilities, canSend, log, router, underWay } = this.#parts;
    const { channel, chat, text } = pasted;
    const asker = askerOfPaste(pasted, abilities);
    // Anybody may write what looks like one; only those who may press learn that anything is here.
    if (isPress(text) && (asker === undefined || !router.allows(asker))) return { handled: true };
    if (isPress(text)) return { handled: true, text: renderPayload(isBack ? lostReply : goneReply, "text").text };
    const incoming = commandIn(text) ?? ({ kind: "text", text } as const);
    const isKey = looksLikeCallbackUrl(text);
    if (asker === undefined) {
      void underWay.run(() => this.#pastedByNobody(pasted));
      return { handled: true };
    }
    const isTaken = async (): Promise<boolean> =>
      router.takes(asker, text).catch((error: unknown) => {
        log.error("plugin.paste", error);
        return false;
      });
    if (incoming.kind === "text" && !isKey && !(await isTaken())) return undefined;
    const plain = { asker, incoming, deleteIncoming: once(() => this.#remove(pasted)) };
    // Out of sight at once, also where something else of this chat is still being answered.
    if (isKey && router.allows(asker)) void underWay.run(plain.deleteIncoming).catch(() => undefined);
    if (chat === "" || !(await canSend(channel).catch(() => false))) return await this.#inHook(plain);
    void underWay.run(() => this.#answer(plain));
    return { handled: true };
  }

  /** Answers by messages of our own, as a bot does. Never throws. */
  async #answer({ asker, incoming, deleteIncoming }: Plain): Promise<void> {
    const { delivery, log, queues, router, turns, underWay } = this.#parts;
    const out = { ...this.#out(asker), deleteIncoming };
    try {
      await queues.run(asker.chatId, async () => {
        if (underWay.closing.aborted) {
          if (router.allows(asker)) await out.send(postponedReply);
          return;
        }
        const heard = await router.handle(asker, incoming, out);
        if (heard === "handled") delivery.heardFrom(asker);
        else if (incoming.kind === "command") await out.send(turns.refusal(asker));
      });
    } catch (error) {
      log.error("plugin.paste-answer", error);
    }
  }

  /** The way into the chat; where it does not take the buttons, everything stands in the words. */
  #out({ chatId }: Asker): Pick<Outgoing, "send" | "edit"> {
    const { log, messages } = this.#parts;
    const there = messages.at(chatId);
    const send: Outgoing["send"] = async (reply) => {
      try {
        return await there.send(reply);
      } catch (error) {
        if (reply.buttons === undefined) throw error;
        log.error("plugin.paste-answer", error);
        return await there.send(inWords(reply));
      }
    };
    return { send, edit: (messageId, reply) => there.edit(messageId, reply) };
  }

  /** Answers by the hook's own words, for an OpenClaw or a channel into which nothing can be sent. */
  async #inHook({ asker, incoming, deleteIncoming }: Plain): Promise<PasteAnswer> {
    const { log, turns, underWay } = this.#parts;
    try {
      const { reply, told } = await underWay.run(() => turns.collected(asker, incoming, { deleteIncoming }));
      const said = reply ?? (incoming.kind === "command" ? turns.refusal(asker) : undefined);
      // One that belongs to nobody here is a key all the same.
      if (said === undefined) return { handled: true };
      const { text } = renderPayload(said, "text");
      told();
      return { handled: true, text };
    } catch (error) {
      log.error("plugin.paste", error);
      return { handled: true, text: renderPayload(errorReply(error), "text").text };
    }
  }

  /** An address of which is not said who wrote it: its code may have been seen by anybody, so its attempt ends, without a word. */
  async #pastedByNobody(pasted: Pasted): Promise<void> {
    const { burn, log } = this.#parts;
    const failed = (error: unknown): void => log.error("plugin.paste", error);
    await this.#remove(pasted).catch(failed);
    await burn(pasted.text).catch(failed);
  }

  /** Another channel's number could be that of any message of ours in Telegram. */
  async #remove({ accountId, channel, chat, messageId }: Pasted): Promise<boolean> {
    if (channel !== "telegram" || chat === "" || messageId === undefined) return false;
    return await this.#parts.remove(accountId, chat, messageId);
  }
}

/** `work`, done once, whoever asks for it. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

const postponedReply: Reply = {
  lines: [
    ["The gateway is being stopped or restarted, so this was not begun."],
    ["→ Nothing was changed. Send it again in a moment."],
  ],
};
