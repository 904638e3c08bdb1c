// Reads what stands behind `/codex_usage`.

import { CHAT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { shortName } from "../profiles/profile-id.ts";

/** What a person asked for by typing `/codex_usage …`. */
export type CodexUsageCommand = { readonly agentId?: string } & (
  | { readonly kind: "menu" | "all" | "help" }
  /** `selector` is still as typed: a profile, `default`, or a number of the list last shown. */
  | { readonly kind: "one"; readonly selector: string }
  /** By its id, which is taken as it is: nobody types this, a host that has found the profile itself says it. */
  | { readonly kind: "profile"; readonly profileId: string }
);

const WORDS = ["all", "help"] as const;

/** The command in `args`. @throws CodexAuthError `ERR_USAGE`, which does not quote the words. */
export function parseCodexUsage(args: string): CodexUsageCommand {
  if (args.length > CHAT.maxArgumentChars) throw wrong("That is longer than any command of ours.");
  const words = args.split(/\s+/u).filter((word) => word !== "" && word !== "--profile");
  const at = words.findIndex((word) => word === "--agent" || word.startsWith("--agent="));
  const agent = at === -1 ? {} : takeAgent(words, at);
  const [word, ...rest] = words;
  if (word === undefined) return { kind: "menu", ...agent };
  if (rest.length > 0) throw wrong("Behind `/codex_usage` stands one profile, or `all`.");
  const known = WORDS.find((one) => one === word.toLowerCase());
  return known === undefined ? { kind: "one", selector: word, ...agent } : { kind: known, ...agent };
}

/** A profile as it is typed behind `/codex_usage`: by its full id where its name is one of our words, or a number. */
export function typedForUsage(profileId: string): string {
  const name = shortName(profileId);
  const isTaken = /^\d+$/.test(name) || WORDS.some((word) => word === name.toLowerCase());
  return isTaken ? profileId : name;
}

/** Takes the agent out of `words`. */
function takeAgent(words: string[], at: number): { readonly agentId: string } {
  const [flag = "", next] = words.slice(at, at + 2);
  const isJoined = flag.includes("=");
  const agentId = isJoined ? flag.slice("--agent=".length) : (next ?? "");
  words.splice(at, isJoined ? 1 : 2);
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(agentId)) throw wrong("`--agent` needs the name of an agent.");
  return { agentId };
}

function wrong(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: "For example: `/codex_usage all`." });
}
