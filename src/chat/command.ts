// Reads what stands behind `/codex_auth`: a subcommand with its words, or a profile to sign in.

import { CHAT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { looksLikeCallbackUrl } from "../oauth/callback-text.ts";
import { shortName } from "../profiles/profile-id.ts";

/** What a person asked for by typing. Words are still as typed: nothing here is checked against a store. */
export type CodexAuthCommand = { readonly agentId?: string } & (
  | { readonly kind: "menu" | "help" | "new" | "cancel" | "parked" | "doctor" | "reload" }
  | { readonly kind: "status"; readonly selector?: string }
  | { readonly kind: "login"; readonly selector: string }
  /** A sign-in by one way: a device code, or a link whose last address is pasted. */
  | { readonly kind: "device" | "paste"; readonly selector: string }
  | { readonly kind: "finish"; readonly selector?: string; readonly pasted: string }
  | {
      readonly kind: "take";
      readonly which: string;
      readonly as?: string;
      readonly makeFirst: boolean;
      readonly replace: boolean;
    }
  | { readonly kind: "discard"; readonly which: string; readonly sure: boolean }
  | { readonly kind: "revoke"; readonly which: string; readonly sure: boolean }
  /** The card of one profile; without a name, the list of those there are. */
  | { readonly kind: "show"; readonly selector?: string }
  | {
      readonly kind: "use" | "only" | "remove" | "reset" | "refresh";
      readonly selector: string;
      readonly sure: boolean;
    }
  | { readonly kind: "free"; readonly sure: boolean }
  | { readonly kind: "rename"; readonly selector: string; readonly to: string; readonly sure: boolean }
  | { readonly kind: "rollback"; readonly which?: string; readonly sure: boolean }
);

/** The words that `/codex_auth` knows besides a profile's name. */
export const SUBCOMMANDS = [
  "new",
  "finish",
  "status",
  "cancel",
  "parked",
  "take",
  "discard",
  "revoke",
  "device",
  "paste",
  "show",
  "use",
  "only",
  "refresh",
  "reset",
  "reload",
  "free",
  "rename",
  "remove",
  "rollback",
  "doctor",
  "help",
] as const;
/** One of {@link SUBCOMMANDS}. */
export type Subcommand = (typeof SUBCOMMANDS)[number];

// Each delimiter as it is or percent-encoded, once or more often.
const CALLBACK_HINT =
  /https?(?::|%(?:25)*3a)(?:\/|%(?:25)*2f){2}|(?:[?&#]|%(?:25)*(?:3f|26|23))(?:code|state|error)(?:=|%(?:25)*3d)/i;

/**
 * The command in `args`.
 *
 * @throws CodexAuthError `ERR_USAGE`, `ERR_UNKNOWN_COMMAND`; neither quotes the words.
 */
export function parseCodexAuth(args: string): CodexAuthCommand {
  if (args.length > CHAT.maxArgumentChars) throw usage("That is longer than any command of ours.", "/codex_auth help");
  const { words, agentId } = takeAgent(args.split(/\s+/u).filter((word) => word !== ""));
  return { ...parseWords(words), ...(agentId === undefined ? {} : { agentId }) };
}

/** True where `text` holds something that looks like an address with a code: it must not stay visible. */
export function mayHoldCallback(text: string): boolean {
  return CALLBACK_HINT.test(text) || looksLikeCallbackUrl(text);
}

/** A lone word as long as a code, or anything with a code or state in it: where a sign-in waits, a part of its address. */
export function isPartOfCallback(text: string): boolean {
  return /^[\w.~%-]{20,}$/.test(text) || /(?:^|[?&#\s])(?:code|state)=\S/.test(text);
}

function parseWords(words: readonly string[]): CodexAuthCommand {
  const [first, ...rest] = words;
  if (first === undefined) return { kind: "menu" };
  const word = first.toLowerCase();
  switch (word) {
    case "new":
    case "cancel":
    case "parked":
    case "doctor":
    case "reload":
    case "help":
      if (rest.length > 0) throw usage(`\`${word}\` takes nothing behind it.`, `/codex_auth ${word}`);
      return { kind: word };
    case "status":
      return status(rest);
    case "device":
    case "paste":
      return signInBy(word, rest);
    case "finish":
      return finish(rest);
    case "show":
      return showOne(rest);
    case "use":
    case "only":
    case "remove":
    case "reset":
    case "refresh":
      return changeOne(word, rest);
    case "free":
      return free(rest);
    case "rename":
      return rename(rest);
    case "rollback":
      return rollback(rest);
    case "take":
      return take(rest);
    case "discard":
    case "revoke":
      return discard(word, rest);
    default:
      return login(first, rest);
  }
}

/** `--agent <id>` (also `--agent=<id>`) may stand anywhere; `--profile` is what the command line calls the selector. */
function takeAgent(words: readonly string[]): { words: readonly string[]; agentId?: string } {
  const kept: string[] = [];
  let agentId: string | undefined;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "--agent") agentId = words[++index] ?? "";
    else if (word.startsWith("--agent=")) agentId = word.slice("--agent=".length);
    else if (word !== "--profile") kept.push(word);
  }
  if (agentId === undefined) return { words: kept };
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(agentId))
    throw usage("`--agent` needs the name of an agent.", "/codex_auth --agent main");
  return { words: kept, agentId };
}

function login(first: string, rest: readonly string[]): CodexAuthCommand {
  if (mayHoldCallback(first)) return finish([first, ...rest]);
  if (rest.some(mayHoldCallback)) return finish([first, ...rest]);
  const near = nearestSubcommand(first);
  if (rest.length > 0) {
    throw new CodexAuthError("ERR_UNKNOWN_COMMAND", {
      message: "That is not a command of ours.",
      next: near === undefined ? "See them all with `/codex_auth help`." : `Did you mean \`/codex_auth ${near}\`?`,
    });
  }
  return { kind: "login", selector: first };
}

function finish(words: readonly string[]): CodexAuthCommand {
  const example = "/codex_auth finish work <the address your browser ended on>";
  if (words.length === 0) throw usage("`finish` needs the address that your browser ended on.", example);
  const [first = "", ...rest] = words;
  // A copied address may arrive broken over lines: what is behind the name belongs together.
  if (mayHoldCallback(first) || rest.length === 0) return { kind: "finish", pasted: words.join("") };
  return { kind: "finish", selector: first, pasted: rest.join("") };
}

function take(words: readonly string[]): CodexAuthCommand {
  const example = "/codex_auth take 1 as work";
  const [which, ...rest] = words;
  if (which === undefined) throw usage("`take` needs the number or id of a waiting login.", example);
  let as: string | undefined;
  const flags = new Set<string>();
  for (let index = 0; index < rest.length; index += 1) {
    const word = (rest[index] ?? "").toLowerCase();
    if (word === "as") as = rest[++index] ?? "";
    else if (word === "first" || word === "replace") flags.add(word);
    else throw usage("`take` does not know one of the words behind it.", example);
  }
  if (as === "") throw usage("`as` needs a name.", example);
  const flagged = { makeFirst: flags.has("first"), replace: flags.has("replace") };
  return { kind: "take", which, ...flagged, ...(as === undefined ? {} : { as }) };
}

function discard(kind: "discard" | "revoke", words: readonly string[]): CodexAuthCommand {
  const [which, sure, ...rest] = words;
  if (which === undefined || rest.length > 0 || (sure !== undefined && sure.toLowerCase() !== "yes")) {
    throw usage(`\`${kind}\` needs the number or id of a waiting login.`, `/codex_auth ${kind} 1`);
  }
  return { kind, which, sure: sure !== undefined };
}

function signInBy(kind: "device" | "paste", words: readonly string[]): CodexAuthCommand {
  const [selector, ...rest] = words;
  if (selector === undefined || rest.length > 0)
    throw usage(`\`${kind}\` needs the name of one profile.`, `/codex_auth ${kind} work`);
  return { kind, selector };
}

function showOne(words: readonly string[]): CodexAuthCommand {
  const [selector, ...rest] = words;
  if (rest.length > 0) throw usage("`show` needs the name of one profile.", "/codex_auth show work");
  return { kind: "show", ...(selector === undefined ? {} : { selector }) };
}

function changeOne(kind: "use" | "only" | "remove" | "reset" | "refresh", words: readonly string[]): CodexAuthCommand {
  const { names, sure } = takeYes(words, 1);
  const [selector, ...rest] = names;
  if (selector === undefined || rest.length > 0)
    throw usage(`\`${kind}\` needs the name of one profile.`, `/codex_auth ${kind} work`);
  return { kind, selector, sure };
}

function free(rest: readonly string[]): CodexAuthCommand {
  const [yes, ...more] = rest.map((word) => word.toLowerCase());
  if (more.length > 0 || (yes !== undefined && yes !== "yes"))
    throw usage("`free` takes nothing behind it.", "/codex_auth free");
  return { kind: "free", sure: yes === "yes" };
}

function rename(words: readonly string[]): CodexAuthCommand {
  const { names, sure } = takeYes(words, 2);
  const [selector, to, ...rest] = names;
  if (selector === undefined || to === undefined || rest.length > 0)
    throw usage("`rename` needs the profile and its new name.", "/codex_auth rename work office");
  return { kind: "rename", selector, to, sure };
}

function rollback(words: readonly string[]): CodexAuthCommand {
  const { names, sure } = takeYes(words, 1);
  const [which, ...rest] = names;
  if (rest.length > 0) throw usage("`rollback` needs the id of one receipt.", "/codex_auth rollback");
  return { kind: "rollback", sure, ...(which === undefined ? {} : { which: which.toLowerCase() }) };
}

/** A `yes` behind `count` names confirms; one among them is a name. */
function takeYes(words: readonly string[], count: number): { names: readonly string[]; sure: boolean } {
  const sure = words.length === count + 1 && words.at(-1)?.toLowerCase() === "yes";
  return { names: sure ? words.slice(0, -1) : words, sure };
}

function status(words: readonly string[]): CodexAuthCommand {
  const [selector, ...rest] = words;
  if (rest.length > 0) throw usage("That is one word too many.", "/codex_auth status work");
  return { kind: "status", ...(selector === undefined ? {} : { selector }) };
}

function usage(message: string, example: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: `For example: \`${example}\`.` });
}

/** A profile as it is typed behind `/codex_auth`: by its full id where its name is one of our own words. */
export function typedName(profileId: string): string {
  const name = shortName(profileId);
  return SUBCOMMANDS.some((word) => word === name.toLowerCase()) ? profileId : name;
}

/** The subcommand that `word` is a slip of the finger away from. */
export function nearestSubcommand(word: string): Subcommand | undefined {
  const lower = word.toLowerCase();
  if (lower.length < 3 || lower.length > 9) return undefined;
  return SUBCOMMANDS.find((candidate) => candidate !== "new" && isOneSlipAway(lower, candidate));
}

/** One letter added, left out, changed, or two neighbours swapped. */
function isOneSlipAway(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const restA = a.slice(start);
  const restB = b.slice(start);
  const isChanged = restA.slice(1) === restB.slice(1);
  const isAdded = restA.slice(1) === restB || restA === restB.slice(1);
  const isSwapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return isChanged || isAdded || isSwapped;
}
