// What the command line is given by the process, and how it puts answers out: words, or exactly one JSON document.

import { cleanLines, cleanText } from "../../clean-text.ts";
import { toCodexAuthError, type CodexAuthError, type ErrorCode } from "../../errors.ts";
import type { Environment } from "../../config/env.ts";
import type { LoopbackOptions } from "../../oauth/loopback.ts";
import type { TerminalUi } from "../terminal/ui.ts";

/** The process as the command line sees it. */
export interface CliHost {
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signals: Pick<NodeJS.EventEmitter, "on" | "once" | "off">;
  /** The person at the terminal. Default: the keys of this process, and a browser that comes back to the registered ports. */
  readonly person?: { readonly ui: TerminalUi; readonly loopback: LoopbackOptions };
}

/** Exit codes of the program. */
export const EXIT = { done: 0, failed: 1, wrongCall: 2 } as const;

const WRONG_CALL: readonly ErrorCode[] = [
  "ERR_USAGE",
  "ERR_UNKNOWN_COMMAND",
  "ERR_SELECTOR_INVALID",
  "ERR_PROVIDER_OUT_OF_SCOPE",
  "ERR_PROFILE_UNKNOWN",
  "ERR_AGENT_UNKNOWN",
  "ERR_LIST_EXPIRED",
  "ERR_CALLBACK_ON_ARGV",
];

/** What a command has to say. */
export interface Result {
  /** For a person; undefined where it was already shown. */
  readonly text?: string;
  /** For a program, beside `schemaVersion`, `ok` and `command`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What failed, where the command as a whole did. */
  readonly problem?: { readonly code: string; readonly message: string; readonly next: string };
}

/** The exit code for a problem's code. */
function exitCodeFor(code: string): number {
  return WRONG_CALL.some((known) => known === code) ? EXIT.wrongCall : EXIT.failed;
}

/** Longer than any sentence of ours, with a path in it. */
const MAX_CHARS = 2_000;

/** Puts answers out. */
export class Output {
  readonly isJson: boolean;
  readonly #host: CliHost;

  constructor(host: CliHost, isJson: boolean) {
    this.#host = host;
    this.isJson = isJson;
  }

  /** Something on the way: for the person at the terminal; with `--json` beside the document, on standard error. */
  progress(text: string): void {
    this.rendered(cleanLines(text));
  }

  /** The same for a text whose outside parts are clean and whose styles are ours: an answer of the chat. */
  rendered(text: string): void {
    (this.isJson ? this.#host.stderr : this.#host.stdout).write(`${text}\n`);
  }

  /** The result of `command`; gives the exit code. */
  result(command: string, { text, data, problem }: Result): number {
    if (this.isJson)
      this.#document({
        ok: problem === undefined,
        command,
        ...data,
        ...(problem === undefined ? {} : { error: problem }),
      });
    // Profile ids, versions and paths come from files of others: none of them may move the cursor or forge a line.
    else if (text !== undefined && text !== "") this.#host.stdout.write(`${cleanLines(text)}\n`);
    return problem === undefined ? EXIT.done : exitCodeFor(problem.code);
  }

  /** The failure of `command`; gives the exit code. */
  failure(command: string, error: unknown): number {
    const { code, message, next } = this.#problem(error);
    if (this.isJson) this.#document({ ok: false, command, error: { code, message, next } });
    else this.#host.stderr.write(`${cleanText(message, MAX_CHARS)}\n→ ${cleanText(next, MAX_CHARS)}\n`);
    return exitCodeFor(code);
  }

  #problem(error: unknown): CodexAuthError {
    return toCodexAuthError(error);
  }

  #document(value: Record<string, unknown>): void {
    this.#host.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...value })}\n`);
  }
}
