// The demo that plays itself: the main job, a replayed link, and a gateway that does not come back; each step is checked.

import { lineText, type Reply } from "../../chat/reply.ts";
import type { SandboxAccount } from "../../sandbox/issuer-state.ts";
import { approve, maskedAddress, signInLink } from "./browser.ts";
import type { Demo } from "./compose.ts";
import type { Transcript } from "./transcript.ts";

/** Plays the three scenes; `shown` grows with every reply of the chat. Rejects at the next step when `signal` aborts. */
export async function playDemo(
  demo: Demo,
  shown: readonly Reply[],
  out: Transcript,
  signal: AbortSignal,
): Promise<void> {
  const player = new Player(demo, shown, out, signal);
  out.scene("1 · /codex_auth signs a profile in, and the gateway runs on it");
  const address = await signInAndSave(player);
  out.scene("2 · The same link once more");
  await replay(player, address);
  out.scene("3 · A gateway that does not come back");
  await failedRestart(player);
}

async function signInAndSave(player: Player): Promise<string> {
  const { demo, out } = player;
  const before = await demo.world.usedProfile();
  await player.command("");
  await player.command("team", 2);
  const address = await player.signIn("grace@example.com");
  out.check(player.says("Signed in as grace@example.com"), "the chat says who signed in, before anything is saved");
  await player.press("Save and use first");
  const after = await demo.world.usedProfile();
  out.check(
    before?.profileId !== "openai-codex:team" && after?.profileId === "openai-codex:team",
    `the gateway's next model call uses ${after?.email ?? "nobody"} (before: ${before?.email ?? "nobody"}), without a restart`,
  );
  return address;
}

async function replay(player: Player, address: string): Promise<void> {
  const asked = player.demo.world.issuer.log.length;
  await player.paste(address);
  const isRefused = player.demo.session.last?.problem?.code === "ERR_LOGIN_BURNT";
  player.out.check(isRefused && player.demo.world.issuer.log.length === asked, "refused before anybody was asked");
}

async function failedRestart(player: Player): Promise<void> {
  const { demo, out } = player;
  const before = await demo.world.usedProfile();
  out.tell("This time the change is activated by a restart, and the gateway will hang as it starts.");
  await demo.setTrouble(true);
  await player.command("night", 1);
  await player.signIn("ada@example.com", "acct-team");
  await player.press("Save and use first");
  const after = await demo.world.usedProfile();
  const parked = await demo.parts.engine.parked.list();
  const stored = await demo.parts.store.read("main");
  out.check(demo.session.told.at(-1)?.outcome === "rolled-back", "rolled back: the store is as it was before");
  out.check(
    stored.summaries.every(({ id }) => id !== "openai-codex:night") && parked.length === 1,
    "the login is not lost: it waits, parked, for a decision",
  );
  out.check(
    after !== undefined && after.access === before?.access,
    `the gateway is up again and still uses ${after?.email ?? "nobody"}`,
  );
}

/** The person of the demo: does something, and has it and the answer printed. */
class Player {
  readonly demo: Demo;
  readonly out: Transcript;
  readonly #shown: readonly Reply[];
  readonly #signal: AbortSignal;

  constructor(demo: Demo, shown: readonly Reply[], out: Transcript, signal: AbortSignal) {
    this.demo = demo;
    this.out = out;
    this.#shown = shown;
    this.#signal = signal;
  }

  /** Whether the last answer says `text`. */
  says(text: string): boolean {
    return this.demo.session.last?.lines.some((line) => lineText(line).includes(text)) === true;
  }

  /** Types a command; `lines` shortens the printed answer. */
  async command(args: string, lines?: number): Promise<void> {
    this.out.say("you", `/codex_auth ${args}`.trim());
    await this.#hear(() => this.demo.session.take({ kind: "command", name: "codex_auth", args }), lines);
  }

  /** Presses a button of the last answer. */
  async press(label: string): Promise<void> {
    const button = this.#buttons().find((candidate) => candidate.kind === "action" && candidate.label === label);
    this.out.say("you", `press [ ${label} ]`);
    if (button?.kind !== "action") return this.out.check(false, `there is a button [ ${label} ]`);
    await this.#hear(() => this.demo.session.take({ kind: "press", data: button.data }));
  }

  /** Signs in on the page behind the last answer's link, and pastes where the browser ends; gives that address. */
  async signIn(email: string, accountId?: string): Promise<string> {
    const { issuer } = this.demo.world;
    const account = issuer.accounts.find((candidate) => isAccount(candidate, email, accountId));
    const link = signInLink(this.demo.session.last);
    if (link === undefined || account === undefined) {
      this.out.check(false, "there is a sign-in link");
      return "";
    }
    this.out.say("page", `${email} approves on the sign-in page of the sandbox`);
    const address = approve(issuer, link, account);
    await this.paste(address);
    return address;
  }

  /** Pastes an address; it is printed without its secrets. */
  async paste(address: string): Promise<void> {
    this.out.say("you", `${maskedAddress(address)}   (removed from the chat at once)`);
    await this.#hear(() => this.demo.session.take({ kind: "text", text: address }));
  }

  #buttons(): readonly NonNullable<Reply["buttons"]>[number][number][] {
    return (this.demo.session.last?.buttons ?? []).flat();
  }

  /** Prints the answers to `act`: of a message that was edited step by step only its longest trail and its end. */
  async #hear(act: () => Promise<unknown>, lines?: number): Promise<void> {
    this.#signal.throwIfAborted();
    const from = this.#shown.length;
    await act();
    this.#signal.throwIfAborted();
    const answers = this.#shown.slice(from);
    const trail = answers.findLast((reply) => lineText(reply.lines[0] ?? []).includes(" → "));
    if (trail !== undefined && trail !== answers.at(-1)) this.out.reply({ lines: trail.lines.slice(0, 1) });
    const last = answers.at(-1);
    if (last !== undefined) this.out.reply(last, lines);
  }
}

function isAccount(account: SandboxAccount, email: string, accountId: string | undefined): boolean {
  return account.email === email && (accountId === undefined || account.accountId === accountId);
}
