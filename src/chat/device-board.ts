// The device codes that this process waits for: asks the sign-in server at its pace, keeps one message up to date, gets the login.

import { DEVICE } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import type { DeviceGrant, DevicePoll } from "../oauth/device-code.ts";
import { paceAfter } from "../oauth/device-pace.ts";
import type { Turn } from "./context.ts";
import type { Asker } from "./conversation.ts";
import { deviceCard, endedCard, movedCard } from "./device-card.ts";
import type { DeviceSignIn, DeviceSignIns } from "./device-sign-ins.ts";
import { isShownAs, newlyWatched, wake, type DeviceChat, type ShownPlace, type Watched } from "./device-watched.ts";
import { receive, remindLater, tellAgain, type Received } from "./finish.ts";
import type { Line, Reply } from "./reply.ts";
import { errorReply } from "./wording.ts";

/** Watches device codes; the records on disk survive this process, and the next one goes on. */
export class DeviceBoard {
  readonly #services: Turn["services"];
  readonly #progress: Turn["progress"];
  readonly #devices: DeviceSignIns;
  readonly #watched = new Map<string, Watched>();
  readonly #closing = new AbortController();

  constructor({ services, progress }: Pick<Turn, "services" | "progress">, devices: DeviceSignIns) {
    this.#services = services;
    this.#progress = progress;
    this.#devices = devices;
  }

  /** Shows the card of a sign-in, in place of `signIn.messageId` if it has one, and waits for its code; while closing it is only shown. */
  async watch(signIn: DeviceSignIn, chat: DeviceChat, head: readonly Line[]): Promise<void> {
    if (this.#watched.has(signIn.id)) return;
    const entry = newlyWatched({ signIn, chat, head, now: this.#services.now() });
    this.#watched.set(signIn.id, entry);
    // A chat that cannot be reached now is tried again at each look.
    const painted = this.#alone(entry, async () => {
      // One that ended while nobody ran has only that to show.
      if ((await this.#devices.endOf(entry.signIn)) === undefined) await this.#paint(entry);
    }).catch((error: unknown) => this.#log(entry, error));
    entry.done = painted.then(() => this.#run(entry)).finally(() => this.#watched.delete(signIn.id));
    await painted;
  }

  /**
   * Shows the code or the link of a sign-in that is waited for; false where it is not (any more). With `below` the card moves
   * to a new message there: the old one may have scrolled away.
   */
  async turnTo(id: string, view: DeviceSignIn["view"], below?: DeviceChat): Promise<boolean> {
    const entry = this.#watched.get(id);
    if (entry === undefined) return false;
    return this.#alone(entry, async () => {
      if (entry.isOver || (await this.#devices.endOf(entry.signIn)) !== undefined) return false;
      const { messageId: before, ...signIn } = entry.signIn;
      entry.signIn = await this.#devices.change(below === undefined ? entry.signIn : signIn, { view });
      // Something else may stand in the message by now.
      entry.shown = "";
      if (below === undefined) await this.#paint(entry);
      else {
        entry.chat = below;
        await this.#paint(entry);
        if (before !== undefined) await below.out.edit(before, movedCard).catch(() => undefined);
      }
      return true;
    });
  }

  /** The same for the sign-in of a profile whose card stands at `place`; false where there is none. */
  async turnToShown(place: ShownPlace, view: DeviceSignIn["view"]): Promise<boolean> {
    for (const { signIn } of this.#watched.values())
      if (isShownAs(signIn, place) && (await this.turnTo(signIn.id, view))) return true;
    return false;
  }

  /** Has every card of this person looked at again: what they just did may have ended a sign-in. */
  look(asker: Pick<Asker, "personId" | "chatId">): void {
    for (const entry of this.#watched.values()) {
      const { personId, chatId } = entry.signIn;
      if (personId === asker.personId && chatId === asker.chatId) wake(entry);
    }
  }

  /** Resolves when no code is waited for. */
  async idle(): Promise<void> {
    while (this.#watched.size > 0) await Promise.all([...this.#watched.values()].map(({ done }) => done));
  }

  /**
   * Stops waiting; what is on disk stays for the next process. A question under way is not cut off: its answer may hold the
   * login, and the server may give it only once.
   */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const entry of this.#watched.values()) wake(entry);
    await this.idle();
  }

  async #run(entry: Watched): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        if (await this.#step(entry)) return;
      } catch (error) {
        this.#log(entry, error);
        // What could not be told is tried again, at last by the outbox or the next process; a login that came is on the disk.
        if (this.#services.now() >= entry.signIn.expiresAtMs + DEVICE.ttlMs) return this.#giveUp(entry);
        await this.#rest(entry, DEVICE.maxBackoffMs);
      }
    }
  }

  /** Looks at the attempt, shows it, and waits or asks; true where it is over. */
  async #step(entry: Watched): Promise<boolean> {
    if (!this.#services.allow(entry.chat.asker)) return this.#drop(entry);
    if (entry.received !== undefined) return this.#tell(entry, entry.received);
    if (entry.ending !== undefined) return this.#end(entry, entry.ending);
    const reason = await this.#devices.endOf(entry.signIn);
    if (reason === "replaced" && (await this.#devices.isTakenOver(entry.signIn))) return this.#drop(entry);
    if (reason !== undefined) return this.#end(entry, endedCard(this.#turn(entry), entry.signIn, reason));
    // Entered, and the process before this one died before it took the attempt.
    if (entry.signIn.grant !== undefined) return this.#finish(entry, entry.signIn.grant);
    await this.#alone(entry, () => this.#paint(entry)).catch((error: unknown) => this.#log(entry, error));
    const now = this.#services.now();
    const until = Math.min(entry.dueAt, entry.signIn.expiresAtMs);
    if (until <= now) return this.#ask(entry);
    await this.#rest(entry, until - now);
    return false;
  }

  /** Asks once; true where that was the end. */
  async #ask(entry: Watched): Promise<boolean> {
    const poll = await this.#devices.poll(entry.signIn);
    switch (poll.kind) {
      case "authorised":
        return this.#finish(entry, poll.grant);
      case "denied":
        await this.#devices.end(entry.signIn, "denied");
        return false;
      case "expired":
        return this.#end(entry, endedCard(this.#turn(entry), entry.signIn, "expired"));
      case "failed":
        return this.#end(entry, errorReply(poll.error));
      case "pending":
      case "slow-down":
      case "trouble":
        await this.#goOn(entry, poll);
        return false;
    }
  }

  async #goOn(
    entry: Watched,
    poll: Extract<DevicePoll, { kind: "pending" | "slow-down" } | { kind: "trouble" }>,
  ): Promise<void> {
    const { intervalMs } = entry.signIn;
    const pace = paceAfter({ intervalMs, troubles: entry.troubles }, poll);
    entry.troubles = pace.troubles;
    entry.dueAt = this.#services.now() + pace.waitMs;
    entry.state = poll.kind === "trouble" ? poll.what : poll.kind === "slow-down" ? "slowed" : "waiting";
    if (pace.intervalMs !== intervalMs) {
      await this.#alone(entry, async () => {
        entry.signIn = await this.#devices.change(entry.signIn, { intervalMs: pace.intervalMs });
      });
    }
  }

  /** From the entered code to the parked login without waiting for the chat; then the chat is told. */
  async #finish(entry: Watched, grant: DeviceGrant): Promise<boolean> {
    entry.isOver = true;
    const turn = this.#turn(entry);
    if (!this.#services.allow(entry.chat.asker)) return this.#drop(entry);
    const told = { done: Promise.resolve() };
    try {
      await this.#services.engine.parked.assertRoom();
      await this.#alone(entry, async () => {
        entry.signIn = await this.#devices.change(entry.signIn, { grant });
      });
      const claimed = await this.#devices.claim(entry.signIn, grant);
      entry.state = "entered";
      told.done = this.#alone(entry, () => this.#paint(entry)).catch((error: unknown) => this.#log(entry, error));
      entry.received = await receive(turn, claimed);
    } catch (error) {
      await told.done;
      this.#log(entry, error);
      return this.#endAfter(entry, error);
    }
    await told.done;
    return this.#tell(entry, entry.received);
  }

  /** Asks or saves; the record goes only then: the login is on disk under the sign-in's own id. */
  async #tell(entry: Watched, received: Received): Promise<true> {
    const pressed = entry.signIn.messageId;
    await tellAgain({ ...this.#turn(entry), ...(pressed === undefined ? {} : { pressed }) }, received);
    await this.#devices.forget(entry.signIn);
    return true;
  }

  /** A chat that could not be reached for so long is left to the outbox; the code is of no use any more. */
  async #giveUp(entry: Watched): Promise<void> {
    if (entry.received === undefined) return;
    try {
      await remindLater(this.#turn(entry), entry.received);
      await this.#devices.forget(entry.signIn);
    } catch (error) {
      this.#log(entry, error);
    }
  }

  /** The code was entered, and nothing came of it: somebody pasted the address before, or it went wrong. */
  async #endAfter(entry: Watched, error: unknown): Promise<boolean> {
    const isOthers = isCodexAuthError(error, "ERR_LOGIN_BURNT", "ERR_LOGIN_EXPIRED");
    const reason = isOthers ? await this.#devices.endOf(entry.signIn) : undefined;
    const reply = reason === undefined ? errorReply(error) : endedCard(this.#turn(entry), entry.signIn, reason);
    return this.#end(entry, reply);
  }

  /** Ends the attempt where it has not ended, and shows how; the record goes only when that was shown. */
  async #end(entry: Watched, reply: Reply): Promise<true> {
    entry.isOver = true;
    entry.ending = reply;
    await this.#devices.end(entry.signIn, "cancelled");
    await this.#alone(entry, () => this.#show(entry, reply));
    await this.#devices.forget(entry.signIn);
    return true;
  }

  /** Whoever was taken off the list sees no further step, and nothing of theirs is finished. */
  async #drop(entry: Watched): Promise<true> {
    entry.isOver = true;
    await this.#devices.end(entry.signIn, "cancelled");
    await this.#devices.forget(entry.signIn);
    return true;
  }

  async #paint(entry: Watched): Promise<void> {
    const { signIn, head, state } = entry;
    const link = signIn.view === "link" ? await this.#devices.link(signIn) : undefined;
    const reply = deviceCard(this.#turn(entry), {
      signIn,
      head,
      page: this.#devices.page,
      link,
      state,
      now: this.#services.now(),
    });
    // The buttons are signed anew each time, which alone is nothing to show.
    const shown = JSON.stringify([reply.lines, (reply.buttons ?? []).flat().map(({ label }) => label)]);
    if (shown === entry.shown) return;
    await this.#show(entry, reply);
    entry.shown = shown;
  }

  async #show(entry: Watched, reply: Reply): Promise<void> {
    const { messageId } = entry.signIn;
    const { out } = entry.chat;
    const shownIn = messageId === undefined ? await out.send(reply) : await out.edit(messageId, reply);
    if (shownIn !== messageId) entry.signIn = await this.#devices.change(entry.signIn, { messageId: shownIn });
  }

  async #rest(entry: Watched, ms: number): Promise<void> {
    entry.resting = new AbortController();
    if (!entry.isWoken) await this.#devices.wait(ms, entry.resting.signal);
    entry.isWoken = false;
  }

  #turn({ chat }: Watched): Turn {
    return { services: this.#services, progress: this.#progress, asker: chat.asker, out: chat.out };
  }

  #log({ signIn }: Watched, error: unknown): void {
    this.#services.log.error("chat.device", error, { attempt: signIn.id });
  }

  /** One change of a card at a time: the person's presses and the server's answers come when they like. */
  async #alone<T>(entry: Watched, work: () => Promise<T>): Promise<T> {
    const done = entry.turn.then(work);
    entry.turn = done.catch(() => undefined);
    return done;
  }
}
