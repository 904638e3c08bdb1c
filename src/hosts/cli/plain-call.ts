// A call that is plainly right, read without commander: that takes longer to load than Node. Whatever else it is, commander judges it.

import { COMMANDS, type CommandEntry } from "./commands.ts";

/** A command with its words and switches. */
export interface PlainCall {
  readonly entry: CommandEntry;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** The call that `argv` is, a known command with as many words as it takes and switches of its own; undefined for all others. */
export function plainCall([name, ...rest]: readonly string[]): PlainCall | undefined {
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry === undefined) return undefined;
  const switches = [
    "--json",
    ...(entry.options ?? []).map(({ flags }) => flags).filter((flags) => /^--[a-z]+$/.test(flags)),
  ];
  const words = rest.filter((word) => !word.startsWith("-"));
  const given = rest.filter((word) => word.startsWith("-"));
  const taken = entry.words ?? [];
  const needed = taken.filter((word) => word.name.startsWith("<")).length;
  if (words.length < needed || words.length > taken.length || !given.every((word) => switches.includes(word)))
    return undefined;
  return { entry, words, options: Object.fromEntries(given.map((word) => [word.slice(2), true])) };
}
