// The main flows on a sandbox machine by the programs that a person starts: the bot as a process, its workers, calls of the command line.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { openSandboxWorld, type SandboxWorld } from "../../../src/sandbox/world.ts";
import { homeAt } from "../../hosts/cli/cli-lab.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import type { HistoryEntry } from "../../support/fake-telegram/chat-book.ts";
import { LeakWatch, type Canary } from "./leak-watch.ts";
import { openWireTap, type WireTap } from "./wire-tap.ts";

const OWNER = 4242;
const SOON_MS = 30_000;
const PENDING = /^\.openclaw\/codex-auth\/pending\//;
/** Where RISK.md has tokens lie. */
const TOKENS =
  /^(?:\.openclaw\/agents\/main\/agent\/\.?auth-profiles\.json|\.openclaw\/codex-auth\/(?:parked|queue\/secrets|corrupt)\/|\.codex\/\.?auth\.json)/;
interface StoredLogin {
  readonly access: string;
  readonly refresh: string;
}
const NOWHERE = /(?!)/;

/** One machine with everything on it, and a watch over all of it. */
export class LeakRun {
  readonly world: SandboxWorld;
  readonly telegram: FakeTelegram;
  readonly watch: LeakWatch;
  readonly #tap: WireTap;
  readonly #variables: NodeJS.ProcessEnv;
  readonly #states: string[] = [];
  readonly #links: string[] = [];
  /** Of the logins that OpenClaw had before. */
  readonly #stored: readonly string[];
  #heard = 0;

  private constructor(world: SandboxWorld, telegram: FakeTelegram, tap: WireTap) {
    this.world = world;
    this.telegram = telegram;
    this.#tap = tap;
    this.watch = new LeakWatch(world.folder);
    const store = JSON.parse(readFileSync(world.storePath, "utf8")) as { profiles: Record<string, StoredLogin> };
    this.#stored = Object.values(store.profiles).flatMap(({ access, refresh }) => [access, refresh]);
    this.#variables = {
      ...world.variables,
      CODEX_AUTH_ISSUER: tap.origin,
      CODEX_AUTH_API_ROOT: telegram.url,
      CODEX_AUTH_BOT_TOKEN: telegram.token,
      CODEX_AUTH_ALLOW_FROM: String(OWNER),
      AUTH_MANAGER_WRITE_AUTH_FILE: "true",
    };
  }

  /** A machine with the bot running as a process; all of it goes with the test. */
  static async open(): Promise<LeakRun> {
    // What a careless umask would let through is seen.
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const world = await openSandboxWorld();
    onTestFinished(() => world.close());
    // Long enough to be a secret that is not found by chance.
    const token = ["700000001", `bot-token-${world.broker.token.expose().length}-of-the-leaks-test`].join(":");
    const telegram = await FakeTelegram.start({ token });
    onTestFinished(() => telegram.close());
    const run = new LeakRun(world, telegram, await openWireTap(world.issuer.origin));
    // The shortest that a server may ask for.
    world.issuer.device.interval = 1;
    await run.#startBot();
    return run;
  }

  /** Calls the command line as a script does; what it prints is kept. */
  async call(args: readonly string[], stdin = ""): Promise<string> {
    const env = { ...this.#variables, CODEX_AUTH_BOT_TOKEN: this.telegram.token };
    const { stdout, stderr } = await homeAt(this.world.folder).call(args, { stdin, env });
    this.watch.note(`output of ${args.join(" ")}`, stdout + stderr);
    return stdout;
  }

  /** Writes to the bot and waits for an answer that matches. */
  async say(text: string, pattern: RegExp): Promise<HistoryEntry> {
    this.#heard = this.telegram.everything(OWNER).length;
    this.telegram.person(OWNER).sends(text);
    return this.hear(pattern);
  }

  /** Presses a button of `message` whose label begins so, and waits for an answer that matches. */
  async press(message: HistoryEntry, label: string, pattern: RegExp): Promise<HistoryEntry> {
    const found = message.buttons.find((button) => button.text.startsWith(label));
    if (found === undefined) throw new Error(`no ${label} among ${message.buttons.map(({ text }) => text).join(", ")}`);
    this.#heard = this.telegram.everything(OWNER).length;
    this.telegram.person(OWNER).presses(message.messageId, found.text);
    return this.hear(pattern);
  }

  /** Waits for what the bot shows from the last word or press on. */
  hear(pattern: RegExp): Promise<HistoryEntry> {
    const news = (): readonly HistoryEntry[] =>
      this.telegram
        .everything(OWNER)
        .slice(this.#heard)
        .filter(({ from, kind }) => from === "bot" && kind !== "deleted");
    return this.telegram.waitFor(
      () => news().findLast(({ text }) => pattern.test(text)),
      () => `${String(pattern)}; it shows ${JSON.stringify(news().map(({ text }) => text))}`,
      SOON_MS,
    );
  }

  /** Signs somebody in on the page behind a link; gives the address on which the browser ends. */
  approve({ buttons }: Pick<HistoryEntry, "buttons">, email: string, account?: string): string {
    const link = buttons.find(({ url }) => url?.includes("authorize"))?.url ?? "";
    this.#links.push(link);
    this.#states.push(new URL(link).searchParams.get("state") ?? "");
    const address = this.world.issuer.approve(link, email, account);
    return address;
  }

  /** Everything secret of this run, with where it may be. */
  canaries(): readonly Canary[] {
    const { world, telegram } = this;
    const canaries: Canary[] = [];
    const add = (name: string, secret: string | undefined, allowed: RegExp): void => {
      if (secret === undefined || secret.length <= 20) throw new Error(`${name} is no secret`);
      canaries.push({ name: `${name} ${canaries.length}`, secret, allowed });
    };
    const fields: Readonly<Record<string, readonly [string, RegExp]>> = {
      access_token: ["access token", TOKENS],
      refresh_token: ["refresh token", TOKENS],
      // What is revoked is a refresh token.
      token: ["refresh token", TOKENS],
      id_token: ["id token", TOKENS],
      // What a device code gave lies with its attempt until it is exchanged; what an address brought lies nowhere.
      authorization_code: ["code of a device code", PENDING],
      code: ["code", NOWHERE],
      // The server makes that of a device code, ours waits with its attempt.
      code_verifier: ["verifier", PENDING],
      device_auth_id: ["device id", PENDING],
    };
    const known = new Set<string>();
    for (const [field, [name, allowed]] of Object.entries(fields)) {
      for (const secret of this.#tap.secrets.get(field) ?? []) {
        if (!known.has(secret)) add(name, secret, allowed);
        known.add(secret);
      }
    }
    for (const secret of this.#stored) add("stored token", secret, TOKENS);
    for (const state of this.#states) add("state", state, PENDING);
    for (const label of ["alpha", "bravo"]) {
      const { accessToken, refreshToken } = world.broker.tokens(label);
      add("leased access token", accessToken.expose(), TOKENS);
      // The Codex CLI's file alone has it: the entry of a lease in the store is an access token.
      if (refreshToken !== undefined) add("leased refresh token", refreshToken.expose(), /^\.codex\/\.?auth\.json/);
    }
    add("broker's token", world.broker.token.expose(), /^\.openclaw\/codex-auth\/broker-token$/);
    const config = JSON.parse(readFileSync(join(world.stateDir, "openclaw.json"), "utf8")) as {
      gateway: { auth: { token: string } };
    };
    add("gateway's token", config.gateway.auth.token, /^\.openclaw\/openclaw\.json$/);
    add("bot's token", telegram.token, /^process \S*node \S*codex-auth-skill\.js/);
    const key = readFileSync(join(world.stateDir, "codex-auth/chat/button.key"), "utf8").trim();
    add("key of the buttons", key, /^\.openclaw\/codex-auth\/chat\/\.?button\.key/);
    return canaries;
  }

  /** Keeps what the chats show and what the bot sent anywhere; a sign-in link, which carries its state, is left out. */
  noteChats(): void {
    const sent = this.telegram.calls.map((call) => JSON.stringify(call));
    const text = [this.telegram.botOutput(), ...sent, JSON.stringify(this.telegram.visible(OWNER))].join("\n");
    const links = this.#links.flatMap((link) => [link, JSON.stringify(link).slice(1, -1)]);
    this.watch.note(
      "the chats",
      links.reduce((left, link) => left.replaceAll(link, "<link>"), text),
    );
  }

  async #startBot(): Promise<void> {
    const child = homeAt(this.world.folder).start(["bot"], this.#variables);
    const ended = once(child, "close");
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString("latin1");
        this.watch.note("the bot's output", chunk.toString("latin1"));
      });
    }
    onTestFinished(async () => {
      child.kill("SIGTERM");
      await ended;
    });
    await expect.poll(() => output, { timeout: SOON_MS }).toContain("listens");
  }
}
