// The composition root of the command line: the domains of this machine's OpenClaw, for one call.

import { existsSync } from "node:fs";
import { loadConfig } from "../../config/config.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { SUBCOMMANDS } from "../../chat/command.ts";
import { CodexAuthError } from "../../errors.ts";
import { silentLog, type Log } from "../../secrets/log.ts";
import { buildChatServices, buildParts, type Parts } from "../services.ts";
import { renderReply } from "../terminal/render.ts";
import { TerminalSession } from "../terminal/session.ts";
import { launchWorkerFor } from "../worker/launch.ts";
import type { Call } from "./call.ts";
import type { Result } from "./io.ts";

/**
 * The domains for this call. Creates nothing.
 *
 * @throws CodexAuthError `ERR_OPENCLAW_NOT_FOUND` where there is none on this machine, and what the settings throw.
 */
export async function openParts(
  { process, options }: Pick<Call, "process" | "options">,
  log: Log = silentLog,
): Promise<Parts> {
  const { environment } = process;
  const { stateDir } = openClawPaths(environment);
  if (!existsSync(stateDir)) throw notFound();
  const settings = await loadConfig(environment.settings.configPath ?? ownPaths(stateDir).config, environment);
  const agent = options["agent"];
  // A variable is set by whoever calls: a script must not allow itself, by naming a file of its own, what a person has to allow.
  const allowUnattended = settings.allowUnattended && environment.settings.configPath === undefined;
  const config = { ...settings, allowUnattended, ...(typeof agent === "string" ? { agentId: agent } : {}) };
  return buildParts({ environment, config, log, launch: launchWorkerFor });
}

/** The profile that was named, by a word or `--profile`. */
export function profileWord({ options, words }: Call): string | undefined {
  const [word] = words;
  const option = options["profile"];
  return word ?? (typeof option === "string" ? option : undefined);
}

/** A conversation with the chat whose answers are words of this command line. */
export interface CliSession {
  readonly session: TerminalSession;
  readonly parts: Parts;
  /** Whether a person sits at this terminal. */
  readonly isAttended: boolean;
  /** What was said, as this command's result. */
  readonly result: () => Result;
}

/**
 * Opens the chat for this call; `presses` where the buttons are offered with the arrow keys, so that their typed commands need
 * not be listed. Without a terminal nobody decides here: changes wait for a person (design, decision 12).
 */
export async function openSession(call: Call, { presses = false } = {}): Promise<CliSession> {
  const { process, output } = call;
  const parts = await openParts(call);
  const isAttended = process.stdin.isTTY && process.stdout.isTTY && !output.isJson;
  const style = {
    colors: isAttended && !process.environment.noColor,
    hasButtons: isAttended && presses,
    typed: asCommandLine,
  };
  const plain = { ...style, colors: false };
  const shown: string[] = [];
  const session = new TerminalSession({
    parts,
    services: await buildChatServices(parts, { unattended: !isAttended }),
    host: "cli",
    hasButtons: false,
    show: (reply, isNews) => {
      if (isNews) shown.push(renderReply(reply, plain));
      else shown.splice(-1, 1, renderReply(reply, plain));
      output.progress(renderReply(reply, style));
    },
  });
  await parts.engine.resume().catch(() => undefined);
  return {
    session,
    parts,
    isAttended,
    result: () => {
      const failed = session.told.find(({ outcome }) => outcome !== "done");
      const problem = session.last?.problem ?? failed?.problem ?? (failed === undefined ? undefined : endedOtherwise());
      return { data: { messages: shown, receipts: session.told }, ...(problem === undefined ? {} : { problem }) };
    },
  };
}

/** `/codex_auth` shows the list, `/codex_auth status` is a command, `/codex_auth work` starts a sign-in. */
function asCommandLine(command: string): string {
  const [, word, ...rest] = command.split(" ");
  if (word === undefined) return "codex-auth-skill list";
  const isCommand = SUBCOMMANDS.some((known) => known === word);
  // An address never stands on a command line: `finish` asks for it.
  if (word === "finish") return `codex-auth-skill finish ${rest[0] ?? ""}`.trim();
  const flags: Readonly<Record<string, string>> = { as: "--as", first: "--first", replace: "--replace", yes: "--sure" };
  const words = isCommand ? rest.map((part) => flags[part] ?? part) : rest;
  return ["codex-auth-skill", ...(isCommand ? [] : ["start"]), word, ...words].join(" ");
}

function endedOtherwise(): NonNullable<Result["problem"]> {
  return {
    code: "ERR_CANCELLED",
    message: "The change was given up.",
    next: "The login is kept: see `codex-auth-skill parked`.",
  };
}

function notFound(): CodexAuthError {
  return new CodexAuthError("ERR_OPENCLAW_NOT_FOUND", {
    message: "There is no OpenClaw on this machine, for this user. Nothing was created.",
    next: "Run this as the user that runs OpenClaw (or set OPENCLAW_STATE_DIR); to see what it does, run `codex-auth-skill demo`.",
  });
}
