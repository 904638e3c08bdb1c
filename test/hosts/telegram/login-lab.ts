// The whole way of a login through Telegram: fake server, the bot as it is composed, sandbox issuer, executor, profile store.

import { mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { startTelegramBot } from "../../../src/hosts/telegram/compose.ts";
import type { RunningBot } from "../../../src/hosts/telegram/run.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { type SandboxIssuer, startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import type { SandboxAccount } from "../../../src/sandbox/issuer-state.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { applyWorld } from "../../support/apply-world.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import type { VisibleMessage } from "../../support/fake-telegram/chat-book.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { homeAt, type CliHome } from "../cli/cli-lab.ts";
import { OWNER, PARTNER } from "./bot-lab.ts";

/** Who can sign in at the issuer; alice is who the store's profile `alice` belongs to. */
const ACCOUNTS: readonly SandboxAccount[] = ["alice", "carol"].map((name) => ({
  email: `${name}@example.com`,
  userId: `user-${name}`,
  accountId: `account-${name}`,
  planType: "plus",
}));
/** alice's other workspace. */
const TEAM: SandboxAccount = {
  email: "alice@example.com",
  userId: "user-alice",
  accountId: "account-team",
  planType: "team",
};

/** One machine with an OpenClaw, a bot and people. */
export class LoginLab {
  readonly telegram: FakeTelegram;
  readonly issuer: SandboxIssuer;
  readonly world: ReturnType<typeof applyWorld>;
  readonly printed: string[] = [];
  readonly logged: string[] = [];
  /** Who is asked for usage; nobody answers there. */
  usageServer = "http://127.0.0.1:9";
  /** Jobs wait while this is false: no executor is started. */
  works = true;
  /** Texts that were visible to the owner whenever the issuer was asked for tokens. */
  readonly seenAtExchange: string[][] = [];
  readonly #home: string;
  readonly #clock: ManualClock | undefined;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(home: string, telegram: FakeTelegram, issuer: SandboxIssuer, clock: ManualClock | undefined) {
    this.#home = home;
    this.#clock = clock;
    this.telegram = telegram;
    this.issuer = issuer;
    this.world = applyWorld(home);
    const take = issuer.faults.take.bind(issuer.faults);
    issuer.faults.take = () => {
      this.seenAtExchange.push(telegram.visible(OWNER).map(({ text }) => text));
      return take();
    };
  }

  /** Sets a machine up; everything goes with the running test. Bot and issuer go by `clock`, where there is one. */
  static async open(clock?: ManualClock): Promise<LoginLab> {
    const home = await temporaryFolder();
    const telegram = await FakeTelegram.start();
    onTestFinished(() => telegram.close());
    const issuer = await startSandboxIssuer({
      accounts: [...ACCOUNTS, TEAM],
      ...(clock === undefined ? {} : { now: clock.now }),
    });
    onTestFinished(() => issuer.close());
    const lab = new LoginLab(home, telegram, issuer, clock);
    onTestFinished(async () => void (await lab.#working));
    lab.allowOnly(OWNER, PARTNER);
    const settings = { meta: { lastTouchedVersion: "2026.4.5" } };
    await writeFile(join(home, ".openclaw", "openclaw.json"), JSON.stringify(settings));
    return lab;
  }

  /** Starts a bot, as after a restart of the machine: nothing but the disk connects it with an earlier one. */
  async start(): Promise<RunningBot> {
    const bot = await startTelegramBot({
      environment: readEnvironment({
        HOME: this.#home,
        CODEX_AUTH_API_ROOT: this.telegram.url,
        CODEX_AUTH_BOT_TOKEN: this.telegram.token,
        CODEX_AUTH_ISSUER: this.issuer.origin,
        CODEX_AUTH_USAGE_SERVER: this.usageServer,
      }),
      log: createLog((entry) => this.logged.push(entry), Date.now),
      print: (text) => this.printed.push(text),
      ...(this.#clock === undefined ? {} : { now: this.#clock.now, wait: this.#clock.wait }),
      launch: async (parts) => {
        if (this.works) this.#working = this.#working.then(() => executeOpenJobs(parts, "foreground"));
      },
    });
    onTestFinished(() => bot.stop());
    return bot;
  }

  /** Writes the allow-list of the settings file, as its owner would in an editor, whether a bot runs or not. */
  allowOnly(...ids: readonly number[]): void {
    mkdirSync(this.world.paths.root, { recursive: true, mode: 0o700 });
    writeFileSync(this.world.paths.config, JSON.stringify({ telegram: { allowFrom: ids } }), { mode: 0o600 });
  }

  /** Runs the program without a terminal, as an agent would, with the settings of the bot. */
  script(...args: readonly string[]): ReturnType<CliHome["call"]> {
    const env = { CODEX_AUTH_BOT_TOKEN: this.telegram.token, CODEX_AUTH_ISSUER: this.issuer.origin };
    return homeAt(this.#home).call([...args, "--json"], { env });
  }

  /** Asks for a sign-in of `profile` and gives the address of the sign-in page. */
  async startSignIn(profile: string, personId: number = OWNER): Promise<string> {
    this.telegram.person(personId).sends(`/codex_auth paste ${profile}`);
    const card = await this.telegram.shows(personId, /Open the sign-in page/);
    return this.buttonsOf(card).find(({ url }) => url !== undefined)?.url ?? "";
  }

  /** Signs `user` in for `profile`; gives the address on which their browser ends. */
  async signIn(profile: string, user = "carol"): Promise<string> {
    return this.issuer.approve(await this.startSignIn(profile), `${user}@example.com`);
  }

  /** The buttons of a message with what is behind them. */
  buttonsOf({ messageId }: Pick<VisibleMessage, "messageId">): readonly {
    readonly text: string;
    readonly url?: string;
    readonly callback_data?: string;
  }[] {
    const entries = this.telegram.everything(OWNER).filter((entry) => entry.messageId === messageId);
    return entries.findLast(({ kind }) => kind === "sent" || kind === "edited")?.buttons ?? [];
  }

  /** Everything the program ever put out: chats, terminal, log. */
  get output(): string {
    return [this.telegram.botOutput(), ...this.printed, ...this.logged].join("\n");
  }

  /** The texts that the owner sees. */
  get seen(): string {
    return this.telegram
      .visible(OWNER)
      .map(({ text }) => text)
      .join("\n");
  }

  /** Ids of the Codex profiles in the store. */
  get stored(): readonly string[] {
    return Object.keys(this.world.readStore().profiles).filter((id) => id.startsWith("openai-codex:"));
  }
}
