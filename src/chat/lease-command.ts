// Reads what stands behind `/lease`.

import { CodexAuthError } from "../errors.ts";
import { CHAT } from "../config/defaults.ts";

/** What a person asked for by typing `/lease …`. */
export type LeaseCommand =
  | { readonly kind: "card" | "help" | "refresh" | "renew" | "materialize" | "flush" }
  /** `sure` = with `yes` behind it: without asking. */
  | { readonly kind: "rotate" | "release" | "reacquire" | "takefile"; readonly sure: boolean }
  | { readonly kind: "auto-renew" | "auto-rotate"; readonly on: boolean };

const PLAIN = ["refresh", "renew", "materialize", "flush", "help"] as const;
const ASKING = ["rotate", "release", "reacquire", "takefile"] as const;

/**
 * The command in `args`.
 *
 * @throws CodexAuthError `ERR_USAGE`, `ERR_UNKNOWN_COMMAND`; neither quotes the words.
 */
export function parseLease(args: string): LeaseCommand {
  if (args.length > CHAT.maxArgumentChars) throw usage("That is longer than any command of ours.");
  const [word = "", ...rest] = args
    .toLowerCase()
    .split(/\s+/u)
    .filter((part) => part !== "" && !part.startsWith("--"));
  if (word === "" || word === "status") return { kind: "card" };
  const plain = PLAIN.find((known) => known === word);
  if (plain !== undefined) {
    if (rest.length > 0) throw usage(`\`${plain}\` takes nothing behind it.`);
    return { kind: plain };
  }
  const asking = ASKING.find((known) => known === word);
  if (asking !== undefined) {
    if (rest.length > 1 || (rest[0] !== undefined && rest[0] !== "yes")) {
      throw usage(`Behind \`${asking}\` only \`yes\` may stand.`);
    }
    return { kind: asking, sure: rest[0] === "yes" };
  }
  return automatic([word, ...rest]);
}

/** `auto renew on`, `autorenew off`, `auto-rotate on`. */
function automatic(words: readonly string[]): LeaseCommand {
  const [, what, on] = /^auto[ -]?(renew|rotate) (on|off)$/.exec(words.join(" ")) ?? [];
  if (what !== undefined) return { kind: what === "renew" ? "auto-renew" : "auto-rotate", on: on === "on" };
  if (words[0]?.startsWith("auto") === true) throw usage("It is `auto renew` or `auto rotate`, and `on` or `off`.");
  throw new CodexAuthError("ERR_UNKNOWN_COMMAND", {
    message: "That is not a command of ours.",
    next: "See them all with `/lease help`.",
  });
}

function usage(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: "See the commands with `/lease help`." });
}
