// The set-up over real files, a fake Telegram and a sandbox broker, with a person whose answers are scripted.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { onTestFinished } from "vitest";
import { readEnvironment } from "../../../../src/config/env.ts";
import type { Call } from "../../../../src/hosts/cli/call.ts";
import { findingText } from "../../../../src/hosts/cli/finding.ts";
import { Output, type Result } from "../../../../src/hosts/cli/io.ts";
import { runSetup } from "../../../../src/hosts/cli/setup.ts";
import { stopped, type SetupUi, type TypedQuestion, type Work } from "../../../../src/hosts/cli/setup/ui.ts";
import type { Choice } from "../../../../src/hosts/terminal/ui.ts";
import { startSandboxBroker, type SandboxBroker } from "../../../../src/sandbox/broker.ts";
import { applyWorld } from "../../../support/apply-world.ts";
import { FakeTelegram } from "../../../support/fake-telegram/fake-telegram.ts";
import { temporaryFolder } from "../../../support/temp-folder.ts";
import { tree } from "../../../support/tree.ts";

/** The person who sets it up. */
export const OWNER = 4242;

/** One answer: which question it is for, and what is chosen, typed, or (`y`, `n`) said; "" is Enter. */
export type Answer = readonly [question: RegExp, answer: string];

/** Ctrl-C at a question. */
export const CTRL_C = "\u0003";
/** The number that this person is asked to write to the bot. */
const WORD = "500000";

/** A person who answers by a script, and is asked nothing else. */
class ScriptedPerson implements SetupUi {
  /** Everything on the screen; what was typed without echo is not. */
  screen = "";
  /** What this person does while something is worked on; "skip" is Escape. */
  meanwhile: (label: string) => Promise<"skip" | undefined> = () => Promise.resolve(undefined);
  readonly #answers: Answer[];

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  /** The answers that nobody asked for. */
  get left(): readonly Answer[] {
    return this.#answers;
  }

  heading(text: string): void {
    this.#show(text);
  }

  note(text: string): void {
    this.#show(text);
  }

  tell(findings: Parameters<SetupUi["tell"]>[0]): void {
    for (const one of findings) this.#show(findingText(one));
  }

  async choose<T>(question: string, choices: readonly Choice<T>[]): Promise<T> {
    const answer = this.#next(question);
    const labels = choices.map(({ label }) => label);
    const found = answer === "" ? choices[0] : choices.find(({ label }) => label.startsWith(answer));
    if (found === undefined) throw new Error(`no "${answer}" among ${labels.join(" | ")}`);
    this.#show(`${question} ${labels.join(" | ")}`);
    return found.value;
  }

  async type({ question, initial = "", judge }: TypedQuestion): Promise<string> {
    for (;;) {
      const answer = this.#next(question);
      const given = answer === "" ? initial : answer;
      const problem = judge?.(given);
      this.#show(problem === undefined ? `${question} ${given}` : `refused: ${problem}`);
      if (problem === undefined) return given;
    }
  }

  async typeHidden({ question, judge }: TypedQuestion): Promise<string> {
    for (;;) {
      const answer = this.#next(question);
      const problem = judge?.(answer);
      this.#show(problem === undefined ? question : `refused: ${problem}`);
      if (problem === undefined) return answer;
    }
  }

  async agree(question: string, initial: boolean): Promise<boolean> {
    const answer = this.#next(question);
    this.#show(question);
    return answer === "" ? initial : answer === "y";
  }

  async working<T>({ label, run }: Work<T>): Promise<T | undefined> {
    const ending = new AbortController();
    const running = run(ending.signal, (line) => this.#show(line));
    const ended = this.meanwhile(label).then((key) => {
      if (key === "skip") ending.abort();
      return key;
    });
    const result = await running;
    return (await ended) === "skip" ? undefined : result;
  }

  #next(question: string): string {
    const next = this.#answers.shift();
    if (next === undefined) throw new Error(`asked besides: ${question}\n${this.screen}`);
    const [pattern, answer] = next;
    if (!pattern.test(question))
      throw new Error(`asked ${question} where ${String(pattern)} was expected\n${this.screen}`);
    if (answer === CTRL_C) throw stopped();
    return answer;
  }

  #show(text: string): void {
    this.screen += `${text}\n`;
  }
}

/** What a set-up is tried on. */
export interface SetupLab {
  readonly telegram: FakeTelegram;
  readonly home: string;
  readonly paths: { readonly root: string; readonly config: string; readonly chat: string };
  readonly call: Call;
  /** Writes settings as somebody had them before. */
  had(settings: unknown): void;
  settings(): Record<string, unknown>;
  /** Everything below HOME with its modes and bytes. */
  everything(): string;
  run(answers: readonly Answer[], meanwhile?: ScriptedPerson["meanwhile"]): Promise<{ result: Result; screen: string }>;
}

/** A HOME with an OpenClaw and no settings of ours, and its Telegram. */
export async function setupLab(variables: Readonly<Record<string, string>> = {}): Promise<SetupLab> {
  const home = await temporaryFolder();
  const { paths } = applyWorld(home);
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }));
  const telegram = await FakeTelegram.start();
  onTestFinished(() => telegram.close().catch(() => undefined));
  const environment = {
    ...readEnvironment({ HOME: home, CODEX_AUTH_API_ROOT: telegram.url, ...variables }),
    tmp: home,
  };
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() } as unknown as Pick<
    Call["host"],
    "stdin" | "stdout" | "stderr"
  >;
  const host = { argv: ["setup"], environment, signals: process, ...streams };
  const call: Call = { host, output: new Output(host, false), options: {}, words: [] };
  return {
    telegram,
    home,
    paths,
    call,
    had: (settings) => {
      mkdirSync(dirname(paths.config), { recursive: true, mode: 0o700 });
      writeFileSync(paths.config, JSON.stringify(settings), { mode: 0o600 });
    },
    settings: () => JSON.parse(readFileSync(paths.config, "utf8")) as Record<string, unknown>,
    everything: () =>
      tree(home)
        .map(
          ({ path, mode, absolute, isFolder }) => `${path} ${mode} ${isFolder ? "" : readFileSync(absolute, "utf8")}`,
        )
        .join("\n"),
    run: async (answers, meanwhile) => {
      const person = new ScriptedPerson(answers);
      if (meanwhile !== undefined) person.meanwhile = meanwhile;
      const result = await runSetup(call, person, () => Number(WORD) - 100_000);
      if (person.left.length > 0) throw new Error(`never asked: ${String(person.left[0]?.[0])}\n${person.screen}`);
      return { result, screen: person.screen };
    },
  };
}

/** The answers of somebody who enters a token and changes nothing else; `people` is asked about in between. */
export function withToken(token: string, people: readonly Answer[] = [[/Nobody may/, "Nobody"]]): readonly Answer[] {
  return [[/bot's token/, "Enter it"], [/bot's token from/, token], ...people, [/gateway hear/, ""], [/leased/, ""]];
}

/** The owner writes the number as soon as it is waited for, after `stranger` has written something else. */
export function writesTheNumber({ telegram }: SetupLab, stranger?: number) {
  return async (label: string): Promise<undefined> => {
    if (!label.startsWith("Waiting")) return;
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length > 1);
    if (stranger !== undefined) telegram.person(stranger).sends("let me in");
    telegram.person(OWNER).sends(`it is ${WORD}`);
  };
}

/** A broker that goes with the running test. */
export async function setupBroker(): Promise<SandboxBroker> {
  const broker = await startSandboxBroker();
  onTestFinished(() => broker.close());
  return broker;
}
