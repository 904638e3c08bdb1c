// `--help` and `--version` by themselves: said from the table alone, because commander takes longer to load than this to be read.

import { COMMANDS } from "./commands.ts";

const OPTIONS: readonly (readonly [string, string])[] = [
  ["-V, --version", "print the version"],
  ["--profile <name>", "the profile, the same as the word behind the command"],
  ["--agent <id>", "the OpenClaw agent whose store is meant"],
  ["--json", "print exactly one JSON document"],
  ["-h, --help", "print this help"],
];

/** What the only word of a call asks for if that is the help or the version; undefined: the command line must look at it. */
export async function briefAnswer(word: string, columns: number | undefined): Promise<string | undefined> {
  if (word === "--help" || word === "-h") return helpText(columns);
  if (word === "--version" || word === "-V") return `${(await import("../../version.ts")).VERSION}\n`;
  return undefined;
}

/** The help as commander prints it for the program, letter by letter (a test compares them). */
function helpText(columns = 80): string {
  const commands = COMMANDS.map(({ name, summary, words }): readonly [string, string] => [
    [name, "[options]", ...(words ?? []).map((word) => word.name)].join(" "),
    summary,
  ]);
  const width = Math.max(...[...OPTIONS, ...commands].map(([term]) => term.length));
  const list = (rows: readonly (readonly [string, string])[]): string[] =>
    rows.map(([term, summary]) => item(term.padEnd(width), summary, columns));
  return [
    "Usage: codex-auth-skill [options] [command]",
    "",
    ...wrapped("See, renew and add the Codex logins of an OpenClaw gateway.", columns),
    "",
    "Options:",
    ...list(OPTIONS),
    "",
    "Commands:",
    ...list(commands),
    "",
  ].join("\n");
}

function item(term: string, summary: string, columns: number): string {
  const start = term.length + 4;
  return `  ${term}  ${wrapped(summary, columns - start).join(`\n${" ".repeat(start)}`)}`;
}

function wrapped(text: string, room: number): string[] {
  // As commander does: where there is no room for a column, its lines are left to the terminal.
  if (room < 40) return [text];
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
