// What a command is called with and what it gives back.

import type { CliHost, Output, Result } from "./io.ts";

/** What a command is called with. */
export interface Call {
  readonly host: CliHost;
  readonly output: Output;
  readonly options: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
}

/** A command. */
export type CommandRun = (call: Call) => Promise<Result>;
