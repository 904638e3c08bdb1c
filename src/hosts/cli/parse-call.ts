// The command line as commander reads it: help, suggestions, and every call that is not plainly right.

import { Command, CommanderError, Option } from "commander";
import { CodexAuthError } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { loadCommand } from "./command-code.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT, type CliHost, type Output, type Result } from "./io.ts";

/** Runs one command: its name, and what it does. */
type Run = (command: string, start: () => Promise<Result>) => Promise<void>;

/**
 * Reads the words and has `run` run what they mean; gives the exit code where help or the version was asked for.
 *
 * @throws CodexAuthError `ERR_UNKNOWN_COMMAND` or `ERR_USAGE` for a wrong call, and what the command throws.
 */
export async function parseCall(host: CliHost, output: Output, run: Run): Promise<number | undefined> {
  try {
    await programFor(host, output, run).parseAsync([...host.argv], { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for and are written; everything else of commander's is a wrong call.
    if (error.exitCode === 0) return EXIT.done;
    throw wrongCall(error);
  }
}

function programFor(host: CliHost, output: Output, run: Run): Command {
  const program = new Command("codex-auth-skill")
    .description("See, renew and add the Codex logins of an OpenClaw gateway.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      getOutHelpWidth: () => host.stdout.columns,
      // The message comes back as an error and is put out in our own form.
      writeErr: () => undefined,
    });
  common(program);
  // With an action of its own commander would take a misspelt command for a word of it and suggest nothing.
  if (host.argv.every((word) => word.startsWith("-"))) {
    program.action(async () => {
      const { startDefault } = await import("./start-default.ts");
      await run("chat", () => startDefault({ host, output, options: program.opts(), words: [] }));
    });
  }
  for (const { name, summary, words, options } of COMMANDS) {
    const command = common(program.command(name).description(summary).exitOverride());
    for (const word of words ?? []) command.argument(word.name, word.summary);
    for (const option of options ?? []) command.option(option.flags, option.summary);
    command.action(async (...parsed: unknown[]) => {
      const given = parsed.slice(0, words?.length ?? 0).filter((word) => typeof word === "string");
      const start = await loadCommand(name);
      await run(name, () => start({ host, output, options: command.optsWithGlobals(), words: given }));
    });
  }
  return program;
}

function common(command: Command): Command {
  return command
    .option("--profile <name>", "the profile, the same as the word behind the command")
    .option("--agent <id>", "the OpenClaw agent whose store is meant")
    .option("--json", "print exactly one JSON document")
    .addOption(
      new Option("--queue-apply", "accepted for compatibility: changes always go through the queue").hideHelp(),
    )
    .addOption(new Option("--callback-url <address>", "refused: a command line can be read by others").hideHelp());
}

function wrongCall(error: CommanderError): CodexAuthError {
  // commander quotes what was typed; only its suggestion, which is a word of ours, is passed on.
  const suggestion = /\(Did you mean (.+?)\?\)/s.exec(error.message)?.[1];
  const next = suggestion === undefined ? "See `codex-auth-skill --help`." : `Did you mean \`${suggestion}\`?`;
  switch (error.code) {
    case "commander.unknownCommand":
    case "commander.excessArguments":
      return new CodexAuthError("ERR_UNKNOWN_COMMAND", {
        message: "There is no such command, or it takes fewer words.",
        next,
      });
    case "commander.unknownOption":
      return new CodexAuthError("ERR_USAGE", { message: "There is no such option.", next });
    default:
      return new CodexAuthError("ERR_USAGE", { message: "That call is not complete.", next });
  }
}
