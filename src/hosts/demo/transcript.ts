// The printed conversation of a demo that plays itself: who says what, in lines of at most 100 columns, and ticks.

import { lineText, type Reply } from "../../chat/reply.ts";

const WIDTH = 100;
const HARD_BLANK = "\u00a0";

/** Who a line is from. */
export type Speaker = "you" | "bot" | "page";

/** Prints a conversation and counts what was not as it should be. */
export class Transcript {
  readonly #write: (line: string) => void;
  #failures = 0;
  #scenes = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** How many checks failed. */
  get failures(): number {
    return this.#failures;
  }

  /** The head of a scene. */
  scene(title: string): void {
    if (this.#scenes > 0) this.#write("");
    this.#scenes += 1;
    this.#write(`── ${title} ${"─".repeat(Math.max(2, WIDTH - 4 - title.length))}`);
  }

  /** A sentence of the narrator. */
  tell(text: string): void {
    for (const line of wrap(text, WIDTH)) this.#write(line);
  }

  /** What somebody says or does. */
  say(who: Speaker, text: string): void {
    this.#block(who, [text]);
  }

  /** A reply with its buttons; `lines` shortens it to that many lines, and `…` says so. */
  reply(reply: Reply, lines = Infinity): void {
    const all = reply.lines.map(lineText).filter((line) => line !== "");
    const shown = all.length > lines ? [...all.slice(0, lines - 1), `${all[lines - 1] ?? ""} …`] : all;
    // A button is not broken in two.
    const labels = (reply.buttons ?? []).flat().map(({ label }) => `[ ${label} ]`.replaceAll(" ", HARD_BLANK));
    const buttons = labels.length === 0 ? [] : [labels.join(" ")];
    this.#block("bot", [...shown, ...buttons]);
  }

  /** What must be true now, and was or was not. */
  check(isTrue: boolean, sentence: string): void {
    if (!isTrue) this.#failures += 1;
    for (const [index, line] of wrap(sentence, WIDTH - 9).entries()) {
      this.#write(index === 0 ? `     ${isTrue ? "✔" : "✘"} ${line}` : `       ${line}`);
    }
  }

  #block(who: Speaker, texts: readonly string[]): void {
    const lines = texts.flatMap((text) => wrap(text, WIDTH - 7));
    for (const [index, line] of lines.entries())
      this.#write(`${(index === 0 ? who : "").padStart(4)} │ ${line.replaceAll(HARD_BLANK, " ")}`);
  }
}

/** `text` in lines of at most `width` columns, broken at blanks. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
