// The demo that plays itself: the main job, a look at usage, a replayed link, a gateway that does not come back, and a lease; each step is checked.

import type { Incoming } from "../../chat/conversation.ts";
import { lineText, type Reply } from "../../chat/reply.ts";
import { LEASE } from "../../config/defaults.ts";
import type { SandboxAccount } from "../../sandbox/issuer-state.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import { approve, maskedAddress, signInLink } from "./browser.ts";
import type { Demo } from "./compose.ts";
import type { Transcript } from "./transcript.ts";

/** A reply as the chat showed it; `isNews` is false where it took the place of the one before. */
export interface ShownReply {
  readonly reply: Reply;
  readonly isNews: boolean;
}

/** Plays the four scenes; `shown` grows with every reply of the chat. Rejects at the next step when `signal` aborts. */
export async function playDemo(
  demo: Demo,
  shown: readonly ShownReply[],
  out: Transcript,
  signal: AbortSignal,
): Promise<void> {
  const player = new Player(demo, shown, out, signal);
  out.scene("1 · /codex_auth signs a profile in, and the gateway runs on it");
  const address = await signInAndSave(player);
  await lookAtUsage(player);
  out.scene("2 · The same link once more");
  await replay(player, address);
  out.scene("3 · A restart that the gateway does not come back from");
  await failedRestart(player);
  out.scene("4 · /lease takes a login from the broker, and gives it back");
  await leaseAndRelease(player);
}

async function signInAndSave(player: Player): Promise<string> {
  const { demo, out } = player;
  const before = await demo.world.usedProfile();
  await player.command("codex_auth");
  await player.command("codex_auth team", 1);
  const address = await player.signIn("grace@example.com");
  out.check(player.says("Signed in as grace@example.com"), "the chat says who signed in, before anything is saved");
  await player.press("Save and use first", 3);
  const after = await demo.world.usedProfile();
  out.check(
    before?.profileId !== "openai-codex:team" && after?.profileId === "openai-codex:team",
    `the gateway's next model call uses ${after?.email ?? "nobody"} (before: ${before?.email ?? "nobody"}), no restart`,
  );
  return address;
}

async function lookAtUsage(player: Player): Promise<void> {
  const { demo, out } = player;
  const { world } = demo;
  await player.command("codex_usage team", 3);
  const used = await world.usedProfile();
  const [asked, ...more] = world.usage.log;
  out.check(
    player.says("32 % used") && asked?.presented === used?.access && asked?.method === "GET" && more.length === 0,
    "the provider was asked once, with that login; nothing was renewed and nothing spent",
  );
}

async function replay(player: Player, address: string): Promise<void> {
  const asked = player.demo.world.issuer.log.length;
  await player.paste(address, 1);
  const isRefused = player.demo.session.last?.problem?.code === "ERR_LOGIN_BURNT";
  player.out.check(isRefused && player.demo.world.issuer.log.length === asked, "refused before anybody was asked");
}

async function failedRestart(player: Player): Promise<void> {
  const { demo, out } = player;
  const before = await demo.world.usedProfile();
  await demo.setTrouble(true);
  await player.signInAsBefore("night", "ada@example.com", "acct-team", "Save and use first");
  const parked = await demo.parts.engine.parked.list();
  const stored = await demo.parts.store.read("main");
  const isRolledBack = demo.session.told.at(-1)?.outcome === "rolled-back";
  out.check(
    isRolledBack && stored.summaries.every(({ id }) => id !== "openai-codex:night") && parked.length === 1,
    "rolled back: the store is as it was before; the login is not lost: it waits, parked",
  );
  const isDown = (await demo.world.gatewayPid()) === undefined;
  out.check(isDown && player.says("The gateway does not run now"), "the gateway is down, and the answer says so");
  await demo.setTrouble(false);
  const after = await demo.world.usedProfile();
  out.check(
    after !== undefined && after.access === before?.access,
    `started again as the answer says, it uses what it used before: ${after?.email ?? "nobody"}`,
  );
}

async function leaseAndRelease(player: Player): Promise<void> {
  const { out } = player;
  const { world, parts } = player.demo;
  const before = await world.usedProfile();
  await player.command("lease reacquire", 3, 1);
  const leased = await world.usedProfile();
  const [alpha] = world.broker.leases();
  out.check(
    leased?.profileId === LEASE.profileId && leased.access === fingerprint(world.broker.tokens("alpha").accessToken),
    `the next model call uses the leased ${leased?.email ?? "nobody"} (before: ${before?.email ?? "nobody"})`,
  );
  await player.command("lease release yes", 0, 1);
  const after = await world.usedProfile();
  const { summaries } = await parts.store.read("main");
  out.check(
    before !== undefined &&
      after?.access === before.access &&
      summaries.every(({ id }) => id !== LEASE.profileId) &&
      world.broker.lease(alpha?.id ?? "")?.state === "released",
    `given back to the broker, gone from this machine; the gateway uses ${after?.email ?? "nobody"} again`,
  );
}

/** The person of the demo: does something, and has it and the answer printed. */
class Player {
  readonly demo: Demo;
  readonly out: Transcript;
  readonly #shown: readonly ShownReply[];
  readonly #signal: AbortSignal;

  constructor(demo: Demo, shown: readonly ShownReply[], out: Transcript, signal: AbortSignal) {
    this.demo = demo;
    this.out = out;
    this.#shown = shown;
    this.#signal = signal;
  }

  /** Whether the last answer says `text`. */
  says(text: string): boolean {
    return this.demo.session.last?.lines.some((line) => lineText(line).includes(text)) === true;
  }

  /** Types a command; `lines` shortens the printed answers, one after another; one of 0 lines is not printed. */
  async command(
    typed: `${"codex_auth" | "codex_usage" | "lease"}${string}`,
    ...lines: readonly number[]
  ): Promise<void> {
    this.out.say("you", `/${typed}`);
    await this.#hear(() => this.demo.session.take(commandOf(typed)), lines);
  }

  /** Presses a button of the last answer; `lines` shortens the printed one. */
  async press(label: string, lines?: number): Promise<void> {
    this.out.say("you", `press [ ${label} ]`);
    await this.#press(label, lines);
  }

  async #press(label: string, lines: number | undefined): Promise<void> {
    const button = this.#buttons().find((candidate) => candidate.kind === "action" && candidate.label === label);
    if (button?.kind !== "action") return this.out.check(false, `there is a button [ ${label} ]`);
    await this.#hear(() => this.demo.session.take({ kind: "press", data: button.data }), linesOf(lines));
  }

  /** Signs in on the page behind the last answer's link, and pastes where the browser ends; gives that address. */
  async signIn(email: string, accountId?: string): Promise<string> {
    this.out.say("page", `${email} approves on the sign-in page of the sandbox`);
    const address = this.#approve(email, accountId);
    if (address !== "") await this.paste(address);
    return address;
  }

  /** The same from the command to the press, none of which is printed again; of its answer the first lines are. */
  async signInAsBefore(profile: string, email: string, accountId: string, label: string): Promise<void> {
    const { session } = this.demo;
    this.out.say("you", `/codex_auth ${profile}, the sign-in as ${email} as above, and press [ ${label} ]`);
    await this.#hear(() => session.take(commandOf(`codex_auth ${profile}`)), [0]);
    const address = this.#approve(email, accountId);
    if (address === "") return;
    await this.#hear(() => session.take({ kind: "text", text: address }), [0]);
    await this.#press(label, 4);
  }

  /** Pastes an address; it is printed without its secrets. */
  async paste(address: string, lines?: number): Promise<void> {
    this.out.say("you", `${maskedAddress(address)}   (removed from the chat at once)`);
    await this.#hear(() => this.demo.session.take({ kind: "text", text: address }), linesOf(lines));
  }

  #approve(email: string, accountId: string | undefined): string {
    const { issuer } = this.demo.world;
    const account = issuer.accounts.find((candidate) => isAccount(candidate, email, accountId));
    const link = signInLink(this.demo.session.last);
    if (link !== undefined && account !== undefined) return approve(issuer, link, account);
    this.out.check(false, "there is a sign-in link");
    return "";
  }

  #buttons(): readonly NonNullable<Reply["buttons"]>[number][number][] {
    return (this.demo.session.last?.buttons ?? []).flat();
  }

  /** Prints the answers to `act`: of a message that was edited step by step only its longest trail and its end. */
  async #hear(act: () => Promise<unknown>, lines: readonly number[] = []): Promise<void> {
    this.#signal.throwIfAborted();
    const from = this.#shown.length;
    await act();
    this.#signal.throwIfAborted();
    const answers = this.#shown.slice(from);
    const trail = answers.findLast(({ reply }) => lineText(reply.lines[0] ?? []).includes(" → "));
    if (trail !== undefined && trail !== answers.at(-1)) this.out.reply({ lines: trail.reply.lines.slice(0, 1) });
    const ends = answers.filter((_, index) => answers[index + 1]?.isNews !== false);
    for (const [index, { reply }] of ends.entries()) if (lines[index] !== 0) this.out.reply(reply, lines[index]);
  }
}

function commandOf(typed: string): Incoming {
  const [name = "", ...words] = typed.split(" ");
  const known = (["codex_auth", "codex_usage", "lease"] as const).find((one) => one === name);
  return { kind: "command", name: known ?? "codex_auth", args: words.join(" ") };
}

/** Every answer of one act as long as that. */
function linesOf(lines: number | undefined): readonly number[] {
  return lines === undefined ? [] : [lines, lines];
}

function isAccount(account: SandboxAccount, email: string, accountId: string | undefined): boolean {
  return account.email === email && (accountId === undefined || account.accountId === accountId);
}
