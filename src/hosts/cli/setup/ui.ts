// What the set-up needs of a terminal: say, ask, and work on something while the person may give it up.

import { CodexAuthError } from "../../../errors.ts";
import type { Finding } from "../finding.ts";
import type { Choice } from "../../terminal/ui.ts";

/** A question that is answered by typing. */
export interface TypedQuestion {
  readonly question: string;
  /** What stands there already; Enter keeps it. */
  readonly initial?: string;
  /** Shown in grey where nothing stands there. */
  readonly example?: string;
  /** Why an answer cannot be taken, or undefined; asked at each Enter. */
  readonly judge?: (answer: string) => string | undefined;
}

/** Something that takes time. */
export interface Work<T> {
  /** What is being done, in a few words. */
  readonly label: string;
  /** Whether Escape ends it, and only it. Default false. */
  readonly canSkip?: boolean;
  /** `say` puts a line above the label. */
  readonly run: (signal: AbortSignal, say: (line: string) => void) => Promise<T>;
}

/**
 * A terminal, or what a test puts in its place. Every question throws {@link stopped} where the person presses Ctrl-C: nothing is
 * written before all of them are answered.
 */
export interface SetupUi {
  heading(text: string): void;
  /** What was found, as `doctor` writes it. */
  tell(findings: readonly Finding[]): void;
  note(text: string): void;
  /** The first of `choices` is what Enter takes. */
  choose<T>(question: string, choices: readonly Choice<T>[]): Promise<T>;
  type(question: TypedQuestion): Promise<string>;
  /** Without echo; empty where the person only pressed Enter. */
  typeHidden(question: TypedQuestion): Promise<string>;
  agree(question: string, initial: boolean): Promise<boolean>;
  /** Undefined where the person ended it with Escape. */
  working<T>(work: Work<T>): Promise<T | undefined>;
}

/** The person gave the set-up up. */
export function stopped(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "Stopped; nothing was written.",
    next: "Run `codex-auth-skill setup` again when you like.",
  });
}
