// A strict Telegram Bot API server on loopback, and the people who talk to the bot (facts/skill-ecosystem.md §4).

import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import type { ServerParts } from "./bot-methods.ts";
import { CallbackQueries } from "./callbacks.ts";
import { ChatBook, type HistoryEntry, type VisibleMessage } from "./chat-book.ts";
import { CommandMenu } from "./commands.ts";
import { Faults } from "./faults.ts";
import { type Call, startHttp } from "./http.ts";
import { Person } from "./person.ts";
import { type Group, Rooms } from "./rooms.ts";
import { UpdateQueue } from "./update-queue.ts";

/** How a fake is set up. */
export interface FakeTelegramOptions {
  /** The bot's token; made at run time by default. */
  readonly token?: string;
  readonly username?: string;
  /** The server's clock, in milliseconds. */
  readonly now?: () => number;
  /** How long it waits for the answer to a press, in milliseconds. Default 15,000, as the real one; a busy gateway may take longer. */
  readonly answerWithinMs?: number;
}

/** The server and everything in it. */
export class FakeTelegram {
  readonly token: string;
  readonly url: string;
  readonly username: string;
  readonly botId: number;
  readonly faults: Faults;
  /** Every call that passed the token check, oldest first. */
  readonly calls: readonly Call[];
  readonly #server: Server;
  readonly #parts: ServerParts;
  readonly #events: EventEmitter;

  private constructor(server: Server, url: string, token: string, parts: ServerParts, rest: Shared) {
    this.#server = server;
    this.url = url;
    this.token = token;
    this.botId = parts.bot.id;
    this.username = parts.bot.username;
    this.#parts = parts;
    this.faults = rest.faults;
    this.calls = rest.calls;
    this.#events = rest.events;
  }

  /** Starts a server; close it with {@link close}. */
  static async start(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
    const now = options.now ?? Date.now;
    const token = options.token ?? ["700000001", "fake-token-of-the-tests"].join(":");
    const bot = { id: Number(token.split(":")[0]), username: options.username ?? "fake_codex_auth_bot" };
    const book = new ChatBook({ botId: bot.id, now });
    const parts: ServerParts = {
      bot,
      book,
      rooms: new Rooms(),
      updates: new UpdateQueue({ now }),
      callbacks: new CallbackQueries({
        book,
        now,
        ...(options.answerWithinMs === undefined ? {} : { answerWithinMs: options.answerWithinMs }),
      }),
      menu: new CommandMenu(),
      now,
      webhookUrl: "",
    };
    const shared: Shared = { faults: new Faults(), calls: [], events: new EventEmitter().setMaxListeners(0) };
    const { server, url } = await startHttp({
      token,
      parts,
      faults: shared.faults,
      onCall: (call) => {
        shared.calls.push(call);
        shared.events.emit("change");
      },
      onChange: () => shared.events.emit("change"),
    });
    return new FakeTelegram(server, url, token, parts, shared);
  }

  /** The person with that Telegram id. */
  person(id: number): Person {
    return new Person(id, this.#parts, () => this.#events.emit("change"));
  }

  /** Makes a group with these people and the bot in it. */
  group(members: readonly number[], options: { botCanDelete?: boolean; privacyMode?: boolean } = {}): Group {
    return this.#parts.rooms.addGroup(members, options);
  }

  /** What can be seen in the chat now: deleted messages are gone, edits are applied. */
  visible(chatId: number): readonly VisibleMessage[] {
    return this.#parts.book.visible(chatId);
  }

  /** Everything that was ever shown in the chat, by anybody. */
  everything(chatId: number): readonly HistoryEntry[] {
    return this.#parts.book.everything(chatId);
  }

  /** Everything that the bot ever showed anywhere, as one text: what a leak would stand in. */
  botOutput(): string {
    const entries = this.#parts.book.chatIds().flatMap((chatId) => this.everything(chatId));
    return entries
      .filter((entry) => entry.from === "bot")
      .map((entry) => `${entry.text} ${JSON.stringify(entry.buttons)}`)
      .join("\n");
  }

  /** The queue of updates and the command menu, for assertions. */
  get updates(): UpdateQueue {
    return this.#parts.updates;
  }

  /** The command menu. */
  get menu(): CommandMenu {
    return this.#parts.menu;
  }

  /** Presses that still spin on a person's screen. */
  get spinning(): number {
    return this.#parts.callbacks.unanswered();
  }

  /** Sets a webhook, as another program would. */
  setWebhook(url: string): void {
    this.#parts.webhookUrl = url;
  }

  /** The webhook that is set; empty means none. */
  get webhookUrl(): string {
    return this.#parts.webhookUrl;
  }

  /** The calls of one method. */
  callsOf(method: string): readonly Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** The first value of `predicate` that is neither undefined nor false; looks again after each change, never by the clock. */
  async waitFor<T>(
    predicate: () => T | undefined | false,
    what: () => string = () => "what the test expects",
    withinMs = 20_000,
  ): Promise<T> {
    const found = predicate();
    if (found !== undefined && found !== false) return found;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const value = predicate();
        if (value === undefined || value === false) return;
        stop();
        resolve(value);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`Telegram never showed ${what()}. Calls: ${this.calls.map((call) => call.method).join(" ")}`));
      }, withinMs);
      const stop = (): void => {
        clearTimeout(timer);
        this.#events.off("change", check);
      };
      this.#events.on("change", check);
    });
  }

  /** The newest visible message of the bot in `chatId` whose text matches. */
  async shows(chatId: number, pattern: RegExp, withinMs?: number): Promise<VisibleMessage> {
    return this.waitFor(
      () => this.visible(chatId).findLast((message) => message.from === "bot" && pattern.test(message.text)),
      () => `${String(pattern)} in ${chatId}; it shows ${JSON.stringify(this.visible(chatId).map(({ text }) => text))}`,
      withinMs,
    );
  }

  /** Stops the server and hangs up on everybody. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

interface Shared {
  readonly faults: Faults;
  readonly calls: Call[];
  readonly events: EventEmitter;
}
