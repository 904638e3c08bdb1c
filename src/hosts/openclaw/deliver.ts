// Answers out of the outbox: sent by themselves where OpenClaw has a way to, else shown with the person's next command.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ApplyEngine } from "../../apply/engine.ts";
import type { OutboxMessage } from "../../apply/outbox.ts";
import type { Asker, Outgoing } from "../../chat/conversation.ts";
import { Delivery, type DeliveryOptions } from "../../chat/delivery.ts";
import { withoutRepeats } from "../../secrets/log.ts";
import type { Abilities } from "./abilities.ts";
import type { Collector } from "./collector.ts";
import type { OpenClawMessages } from "./messages.ts";
import { askerAtAddress } from "./place.ts";
import { fitsOneMessage, type Surface } from "./render.ts";

/** What a {@link PluginDelivery} is made of. */
export interface PluginDeliveryParts extends Pick<DeliveryOptions, "router" | "retryMs"> {
  readonly services: DeliveryOptions["services"] & { readonly engine: Pick<ApplyEngine, "outbox"> };
  readonly messages: OpenClawMessages;
  readonly abilities: Abilities;
}

/** Says that OpenClaw has the answer: what waited and stands in it was told. */
export type Told = () => void;

/** Delivers for the host `openclaw`; no answer is shown by two at once. */
export class PluginDelivery {
  readonly #parts: PluginDeliveryParts;
  readonly #delivery: Delivery;
  /** Messages that somebody is showing right now. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  /** Messages that stand in an answer which OpenClaw does not have yet. */
  readonly #held = new Set<string>();
  readonly #marking = new Set<Promise<void>>();

  constructor(parts: PluginDeliveryParts) {
    this.#parts = parts;
    this.#delivery = this.#deliveryTo((chatId) => parts.messages.at(chatId));
  }

  /** Delivers until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#delivery.run(signal);
  }

  /** Tries at once what waits for this person. */
  heardFrom(asker: Asker): void {
    this.#delivery.heardFrom(asker);
  }

  /**
   * Puts into `answer` what waits for this person in this chat, as far as it fits: the way for an OpenClaw that cannot send by itself.
   * It counts as told once the given function says that the answer was handed over; without that it waits for the next process.
   */
  async showWaiting(asker: Asker, answer: Collector, surface: Surface): Promise<Told> {
    const { outbox } = this.#parts.services.engine;
    this.heardFrom(asker);
    await Promise.all(this.#marking);
    let isFull = false;
    const send: Outgoing["send"] = async (reply) => {
      // One that is too long for any message is shown as far as it goes, once nothing else is cut with it.
      isFull = !answer.fits(reply, surface) && fitsOneMessage(reply, surface);
      return isFull ? "" : answer.add(reply);
    };
    const shown: string[] = [];
    const here = this.#deliveryTo(() => ({ send, edit: (_messageId, reply) => send(reply) }));
    for (const message of await outbox.list("openclaw")) {
      const { personId, chatId, messageId } = message.address;
      if (personId !== asker.personId || chatId !== asker.chatId) continue;
      // What belongs to a message of an answer that is being made, this one or another, comes by the usual way, which waits for its end.
      if (messageId !== undefined && this.#parts.messages.isInAnswer(chatId, messageId)) continue;
      const isShown = await this.#underWay.get(message.id);
      if (isShown === true || this.#underWay.has(message.id) || this.#held.has(message.id)) continue;
      this.#held.add(message.id);
      if ((await here.deliver(message)) && !isFull) shown.push(message.id);
      else this.#held.delete(message.id);
      if (isFull) break;
    }
    return () => {
      const marking = this.#mark(shown).finally(() => this.#marking.delete(marking));
      this.#marking.add(marking);
    };
  }

  /** In the turn after this one: OpenClaw has the answer by then. */
  async #mark(ids: readonly string[]): Promise<void> {
    const { log, engine } = this.#parts.services;
    await nextTurn();
    for (const id of ids) {
      await engine.outbox.delivered(id).catch((error: unknown) => log.error("plugin.told", error));
      this.#held.delete(id);
    }
  }

  #deliveryTo(outOf: (chatId: string) => Pick<Outgoing, "send" | "edit">): Delivery {
    const { router, services, abilities, retryMs } = this.#parts;
    const { outbox } = services.engine;
    return new Delivery({
      host: "openclaw",
      outbox: {
        watch: (host, deliver, signal) =>
          outbox.watch(host, (message) => this.#alone(message, () => deliver(message)), signal),
      },
      router,
      // An OpenClaw that cannot send fails each time: once in the log is enough.
      services: { ...services, log: withoutRepeats(services.log, services.now) },
      port: {
        asker: (address) => askerAtAddress(address, abilities),
        out: ({ chatId }) => outOf(chatId),
      },
      ...(retryMs === undefined ? {} : { retryMs }),
    });
  }

  async #alone(message: OutboxMessage, deliver: () => Promise<boolean>): Promise<boolean> {
    if (this.#underWay.has(message.id) || this.#held.has(message.id)) return false;
    const delivering = deliver();
    this.#underWay.set(message.id, delivering);
    try {
      return await delivering;
    } finally {
      this.#underWay.delete(message.id);
    }
  }
}
