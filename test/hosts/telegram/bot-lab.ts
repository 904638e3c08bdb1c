// The Telegram host between the fake server and a scripted chat, with real outbox, receipts and parked logins.

import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { type Receipt, Receipts } from "../../../src/apply/receipt.ts";
import type { Asker, Incoming, Outgoing } from "../../../src/chat/conversation.ts";
import type { InvitationSubject } from "../../../src/chat/invitations.ts";
import type { Reply } from "../../../src/chat/reply.ts";
import type { TelegramLimits } from "../../../src/hosts/telegram/limits.ts";
import {
  type BotRouter,
  type RunningBot,
  runTelegramBot,
  type TelegramBotParts,
} from "../../../src/hosts/telegram/run.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { FakeTelegram, type FakeTelegramOptions } from "../../support/fake-telegram/fake-telegram.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

/** The person on the allow-list. */
export const OWNER = 4242;
/** A second person on the allow-list. */
export const PARTNER = 4343;
/** Somebody who is not. */
export const STRANGER = 6666;

/** What a scripted chat does with one update. */
type Script = (asker: Asker, incoming: Incoming, out: Outgoing) => Promise<void>;

/** A reply of one line of data. */
export function line(text: string): Reply {
  return { lines: [[text]] };
}

/** A chat that does what its script says, and keeps what it was given. */
class ScriptedRouter implements BotRouter {
  script: Script = () => Promise.resolve();
  readonly heard: { readonly asker: Asker; readonly incoming: Incoming }[] = [];
  readonly #events = new EventEmitter();
  /** The last step of progress that is still on its way to the chat. */
  progress: Promise<void> = Promise.resolve();
  /** Where the progress message went, if it could not be edited. */
  moved: string | undefined;
  closed = 0;
  resumed: string[] = [];

  async handle(asker: Asker, incoming: Incoming, out: Outgoing): Promise<"handled" | "ignored"> {
    this.heard.push({ asker, incoming });
    this.#events.emit("heard");
    await this.script(asker, incoming, out);
    return "handled";
  }

  /** Resolves when `count` updates have reached the chat. */
  async hears(count: number): Promise<void> {
    while (this.heard.length < count) await once(this.#events, "heard");
  }

  async renderReceipt(receipt: Receipt): Promise<Reply> {
    return line(`receipt ${receipt.profileId} ${receipt.outcome}`);
  }

  async renderApproval(): Promise<Reply> {
    return line("approve?");
  }

  async renderReminder(): Promise<Reply> {
    return line("still there");
  }

  async renderChange(): Promise<Reply> {
    return { lines: [["A script asks for a change."]] };
  }

  async renderInvitation({ profileId }: InvitationSubject): Promise<Reply> {
    return line(`a script asks for ${profileId}`);
  }

  async settled(): Promise<string | undefined> {
    this.#events.emit("settled");
    await this.progress;
    return this.moved;
  }

  /** Resolves when a delivery asks whether progress has settled. */
  async isAskedToSettle(): Promise<void> {
    await once(this.#events, "settled");
  }

  async resume(host: string): Promise<number> {
    this.resumed.push(host);
    return 0;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

/** The host with everything around it; each test has its own. */
export class BotLab {
  readonly telegram: FakeTelegram;
  readonly router = new ScriptedRouter();
  readonly allowed = new Set<string>([String(OWNER), String(PARTNER)]);
  readonly printed: string[] = [];
  readonly logged: string[] = [];
  readonly outbox: Outbox;
  readonly receipts: Receipts;
  readonly parked: ParkedLogins;

  private constructor(telegram: FakeTelegram, folder: string) {
    const now = Date.now;
    this.telegram = telegram;
    this.outbox = new Outbox({ folder: join(folder, "outbox"), now });
    this.receipts = new Receipts({ folder: join(folder, "receipts"), now });
    this.parked = new ParkedLogins({
      folder: join(folder, "parked"),
      now,
      randomBytes: (size) => Buffer.alloc(size, 7),
    });
  }

  /** A lab whose parts go with the running test. */
  static async open(options?: FakeTelegramOptions): Promise<BotLab> {
    const folder = await temporaryFolder();
    const telegram = await FakeTelegram.start(options);
    onTestFinished(() => telegram.close());
    return new BotLab(telegram, folder);
  }

  /** Starts a bot; it stops with the test. */
  async start(changes: Partial<TelegramBotParts> = {}, limits: Partial<TelegramLimits> = {}): Promise<RunningBot> {
    const bot = await runTelegramBot({
      token: Secret.of(this.telegram.token),
      apiRoot: this.telegram.url,
      router: this.router,
      engine: { outbox: this.outbox, receipts: this.receipts, parked: this.parked },
      allow: (asker) => this.allowed.has(asker.personId),
      approvers: () => [...this.allowed].map((id) => ({ host: "telegram", chatId: id, personId: id })),
      settingsPath: "/settings/config.json",
      now: Date.now,
      log: createLog((entry) => this.logged.push(entry), Date.now),
      print: (text) => this.printed.push(text),
      limits: { ...QUICK, ...limits },
      deliveryRetryMs: 5,
      ...changes,
    });
    onTestFinished(() => bot.stop());
    return bot;
  }

  /** Everything that left the program anywhere: chats, terminal, log. */
  get output(): string {
    return [this.telegram.botOutput(), ...this.printed, ...this.logged].join("\n");
  }
}

/** Waits of a length that a test can bear; what they are for stays the same. */
const QUICK: Partial<TelegramLimits> = {
  repollMs: 500,
  backoffMinMs: 5,
  backoffMaxMs: 20,
  conflictPauseMs: 5,
  retryFirstMs: 2,
  ackAfterMs: 60_000,
};

/** A receipt of a job that went well. */
export function receiptOf(id: string, profileId = "openai-codex:work"): Receipt {
  return {
    schemaVersion: 1,
    id,
    kind: "save-login",
    agentId: "main",
    profileId,
    outcome: "done",
    startedAt: 1,
    endedAt: 2,
    durations: {},
    files: [],
    activation: { asked: "auto", used: "reload", proven: "reloaded" },
    requestedBy: { host: "telegram", chatId: String(OWNER), personId: String(OWNER) },
  };
}
