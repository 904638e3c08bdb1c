// `setup`: asks for the settings one by one, checks each, and writes them to a 0600 file.

import { existsSync } from "node:fs";
import { confirm, password, select, text } from "@clack/prompts";
import { z } from "zod";
import { ACTIVATIONS } from "../../apply/job.ts";
import { cleanText } from "../../clean-text.ts";
import { CodexAuthError } from "../../errors.ts";
import { ensurePrivateFolder } from "../../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../../storage/json-file.ts";
import type { CommandRun } from "./call.ts";
import { checkEverything } from "./doctor-checks.ts";
import { findingText } from "./finding.ts";
import { openPartsAnyhow } from "./open.ts";

/** Writes the settings file after asking; nothing is written where the person stops on the way. */
export const setup: CommandRun = async (call) => {
  const { stdin, stdout, environment } = call.host;
  if (!stdin.isTTY || !stdout.isTTY) throw needsTerminal();
  const { parts, problem } = await openPartsAnyhow(call);
  const path = environment.settings.configPath ?? parts.own.config;
  // Where a variable names a file that is not there yet, this is how it is made; anything else is the person's to mend.
  if (problem !== undefined && existsSync(path)) throw problem;
  const before = await existing(path);
  const token = answer<string>(
    await password({ message: "The bot's own token from @BotFather (not shown; empty keeps what there is)" }),
  );
  if (token !== "" && !/^\d{5,15}:[A-Za-z0-9_-]{20,}$/.test(token)) throw notAToken();
  const people = answer<string>(
    await text({
      message: "Numeric Telegram ids of the people who may use it, separated by commas",
      placeholder: "start the bot and write to it: it prints your id here",
      defaultValue: parts.config.telegram.allowFrom.join(","),
      validate: (value) =>
        /^[\d\s,]*$/.test(value ?? "") ? undefined : "Numbers only: an @name can be given to somebody else.",
    }),
  );
  const activation = answer(
    await select({
      message: "How shall a running gateway hear of a change?",
      initialValue: parts.config.activation,
      options: ACTIVATIONS.map((value) => ({ value, label: value, hint: HINTS[value] })),
    }),
  );
  if (!answer(await confirm({ message: `Write ${cleanText(path, 300)}?` }))) throw stopped();
  const telegram: Record<string, unknown> = {
    ...before.telegram,
    ...(token === "" ? {} : { botToken: token }),
    allowFrom: people.split(/[\s,]+/).filter((id) => id !== ""),
  };
  if (token !== "") delete telegram["botTokenFile"];
  await ensurePrivateFolder(parts.own.root);
  await writeJsonFile(path, { ...before.top, telegram, activation });
  const written = await openPartsAnyhow(call);
  const findings = await checkEverything(written.parts, written.problem);
  const open = findings.filter(({ state }) => state !== "ok").map(findingText);
  return {
    text: [
      `Written: ${path}`,
      ...open,
      people.trim() === ""
        ? "→ Start it with `codex-auth-skill bot` and write to it: it prints your id; then run this again."
        : "→ Start it: `codex-auth-skill`",
    ].join("\n"),
    data: { path },
  };
};

const HINTS = {
  auto: "reload; restart only where that fails",
  reload: "never restart",
  restart: "always restart",
  none: "write only; you restart it",
} as const;

interface Existing {
  readonly top: Readonly<Record<string, unknown>>;
  readonly telegram: Record<string, unknown>;
}

/** What the file says now; `openPartsAnyhow` has already checked it. */
async function existing(path: string): Promise<Existing> {
  const record = z.record(z.string(), z.unknown());
  const top = (await readJsonFile(path, record)) ?? {};
  return { top, telegram: record.safeParse(top["telegram"]).data ?? {} };
}

function answer<T extends string | boolean>(value: T | symbol): T {
  // clack answers with a mark of its own where the person pressed Ctrl-C or Escape.
  if (typeof value === "symbol") throw stopped();
  return value;
}

function stopped(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "Stopped; nothing was written.",
    next: "Run `codex-auth-skill setup` again when you like.",
  });
}

function notAToken(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "That does not look like a bot token; nothing was written.",
    next: "Copy the whole token from @BotFather: digits, a colon, and letters.",
  });
}

function needsTerminal(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The set-up asks questions and needs a terminal.",
    next: "Run it in a terminal, or write the settings file as the README shows.",
  });
}
