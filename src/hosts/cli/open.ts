// The composition root of the command line: the domains of this machine's OpenClaw, for one call.

import { stripVTControlCharacters } from "node:util";
import { defaultConfig, loadConfig, type Config } from "../../config/config.ts";
import { SUBCOMMANDS } from "../../chat/command.ts";
import { CodexAuthError, toCodexAuthError } from "../../errors.ts";
import { silentLog, type Log } from "../../secrets/log.ts";
import { buildChatServices, buildParts, type Parts } from "../services.ts";
import { hearBrowser, type BrowserReturn } from "../terminal/browser-return.ts";
import { machineTimeZone } from "../machine-time-zone.ts";
import { renderReply, typedHere } from "../terminal/render.ts";
import { TerminalSession } from "../terminal/session.ts";
import { launchWorkerFor } from "../worker/launch.ts";
import type { Call } from "./call.ts";
import type { Result } from "./io.ts";
import { settingsPath } from "./settings-path.ts";

/**
 * The domains for this call. Creates nothing.
 *
 * @throws CodexAuthError `ERR_OPENCLAW_NOT_FOUND` where there is none on this machine, and what the settings throw.
 */
export async function openParts({ host, options }: CallFrame, log: Log = silentLog): Promise<Parts> {
  const { environment } = host;
  const settings = await loadConfig(settingsPath(environment), environment);
  return partsWith({ host, options }, settings, log);
}

/** {@link openParts} for looking around: settings that do not load are told as `problem`, and the rest works on the defaults. */
export async function openPartsAnyhow(
  call: CallFrame,
): Promise<{ readonly parts: Parts; readonly problem?: CodexAuthError }> {
  try {
    return { parts: await openParts(call) };
  } catch (error) {
    const problem = toCodexAuthError(error);
    if (problem.code === "ERR_OPENCLAW_NOT_FOUND") throw problem;
    const { environment } = call.host;
    return { parts: partsWith(call, defaultConfig(settingsPath(environment), environment), silentLog), problem };
  }
}

type CallFrame = Pick<Call, "host" | "options">;

function partsWith({ host, options }: CallFrame, settings: Config, log: Log): Parts {
  const { environment } = host;
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

/**
 * The id that `word` stands for: a number counts in `ids` as they are now, because what `list` and `parked` only showed is not
 * remembered; anything else is left as it is.
 *
 * @throws CodexAuthError `ERR_LIST_EXPIRED` where there are not so many.
 */
export function atNumber(word: string, ids: readonly string[], command: "list" | "parked"): string {
  if (!/^\d{1,4}$/.test(word)) return word;
  const id = ids[Number(word) - 1];
  if (id !== undefined) return id;
  throw new CodexAuthError("ERR_LIST_EXPIRED", {
    message:
      ids.length === 0
        ? "That list is empty."
        : `That list has ${ids.length} ${ids.length === 1 ? "entry" : "entries"}.`,
    next: `See it with \`codex-auth-skill ${command}\` and choose again.`,
  });
}

/** A conversation with the chat whose answers are words of this command line. */
export interface CliSession {
  readonly session: TerminalSession;
  readonly parts: Parts;
  /** Whether a person sits at this terminal. */
  readonly isAttended: boolean;
  /** What hears the browser of a sign-in; undefined where nobody waits for one here. */
  readonly browser: BrowserReturn | undefined;
  /** What was said, as this command's result. */
  readonly result: () => Result;
}

interface SessionOptions {
  readonly presses?: boolean;
  readonly readOnly?: boolean;
  readonly hears?: boolean;
  /** Whose conversation it is: that of this call alone, or the one that `chat` goes on with. Default `cli`. */
  readonly host?: "cli" | "terminal";
}

/**
 * Opens the chat for this call; `presses` where the buttons are offered with the arrow keys, so that their typed commands need
 * not be listed; `hears` where a sign-in may be started, whose browser then comes back here (close it at the end). Without a
 * terminal nobody decides here: changes wait for a person (design, decision 12). With `readOnly` no file is touched and no work
 * is taken up: it also shows what is in a state folder that cannot be written.
 */
export async function openSession(
  call: Call,
  { presses = false, readOnly = false, hears = false, host: as = "cli" }: SessionOptions = {},
): Promise<CliSession> {
  const { host, output } = call;
  const parts = await openParts(call);
  const isAttended = host.stdin.isTTY && host.stdout.isTTY && !output.isJson;
  const style = {
    colors: isAttended && !host.environment.noColor,
    hasButtons: isAttended && presses,
    typed: asCommandLine,
  };
  const plain = { ...style, colors: false };
  const shown: string[] = [];
  const services = await buildChatServices(parts, {
    unattended: !isAttended,
    readOnly,
    timeZone: machineTimeZone(),
  });
  const browser = isAttended && hears ? hearBrowser(parts, services, host.person?.loopback) : undefined;
  const session = new TerminalSession({
    parts,
    services: browser?.services ?? services,
    host: as,
    readOnly,
    hasButtons: false,
    show: (reply, isNews) => {
      const before = isNews ? undefined : shown.pop();
      shown.push(renderReply(reply, plain));
      // Of a code that is waited for only what has changed is news.
      output.rendered(changedLines(renderReply(reply, style), as === "terminal" ? before : undefined));
    },
  });
  browser?.connect(session, (text) => output.progress(text));
  if (!readOnly) await parts.engine.resume().catch(() => undefined);
  return {
    session,
    parts,
    isAttended,
    browser,
    result: () => {
      const failed = session.told.find(({ outcome }) => outcome !== "done");
      const problem = session.last?.problem ?? failed?.problem ?? (failed === undefined ? undefined : endedOtherwise());
      const data = { messages: shown, receipts: session.told };
      if (problem === undefined) return { data };
      return { data, problem: { ...problem, next: typedHere(problem.next, asCommandLine) } };
    },
  };
}

function changedLines(text: string, before: string | undefined): string {
  if (before === undefined) return text;
  const old = new Set(stripVTControlCharacters(before).split("\n"));
  const lines = text.split("\n");
  const changed = lines.filter((line) => !old.has(stripVTControlCharacters(line)));
  return (changed.length === 0 ? lines : changed).join("\n");
}

/** `/codex_auth` shows the list, `/codex_auth status` is a command, `/codex_auth work` starts a sign-in. */
function asCommandLine(command: string): string {
  const [name, word, ...rest] = command.split(" ");
  if (name === "/codex_usage") return command.replace("/codex_usage", "codex-auth-skill usage");
  if (name === "/lease") return command.replace("/lease", "codex-auth-skill lease").replace(/ yes$/, " --sure");
  if (word === undefined) return "codex-auth-skill list";
  const isCommand = SUBCOMMANDS.some((known) => known === word);
  // An address never stands on a command line: `finish` asks for it.
  if (word === "finish") return `codex-auth-skill finish ${rest[0] ?? ""}`.trim();
  const flags: Readonly<Record<string, string>> = { as: "--as", first: "--first", replace: "--replace", yes: "--sure" };
  // Only `take` has words among its own; elsewhere they may be a profile's name, and a last `yes` confirms.
  const isFlagged = word === "take" || word === "discard";
  const words = rest.map((part, index) => {
    const isFlag = isCommand && (isFlagged || (part === "yes" && index > 0 && index === rest.length - 1));
    return isFlag ? (flags[part] ?? part) : part;
  });
  return ["codex-auth-skill", ...(isCommand ? [] : ["start"]), word, ...words].join(" ");
}

function endedOtherwise(): NonNullable<Result["problem"]> {
  return {
    code: "ERR_CANCELLED",
    message: "The change was given up.",
    next: "The login is kept: see `codex-auth-skill parked`.",
  };
}
