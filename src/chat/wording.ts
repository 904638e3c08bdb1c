// Sentences that more than one part of the chat says: errors, the list of commands, short notes.

import { CHAT } from "../config/defaults.ts";
import { cleanText } from "../clean-text.ts";
import { toCodexAuthError, type CodexAuthError } from "../errors.ts";
import type { Problem } from "../apply/job.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";

/** An error as a person sees it: what it was, and what to do. */
export function errorReply(error: unknown): Reply {
  const { code: name, message, next } = toCodexAuthError(error);
  return { lines: problemLines({ code: name, message, next }), problem: { code: name, message, next } };
}

/** Cause and next step, cleaned; a kept {@link Problem} and a thrown error read alike. */
export function problemLines(problem: Pick<CodexAuthError, "message" | "next"> | Problem): readonly Line[] {
  return [
    ["⚠️ ", cleanText(problem.message, CHAT.maxProblemChars)],
    ["→ ", ...withCode(cleanText(problem.next, CHAT.maxProblemChars))],
  ];
}

/** Our sentences set what can be typed between backticks; here that becomes a style, so no host needs markup inside data. */
function withCode(text: string): Line {
  return text.split(/`([^`]+)`/u).flatMap((part, index) => (part === "" ? [] : [index % 2 === 1 ? code(part) : part]));
}

function command(typed: string, what: string): Line {
  return [code(`/codex_auth${typed}`), ` — ${what}`];
}

/** What a chat can do that others cannot; each is false where it is not said. */
export interface WhatWorks {
  /** Sign-ins by a code alone. */
  readonly codesOnly?: boolean;
  readonly canReload?: boolean;
  readonly canFree?: boolean;
}

/** What can be asked for. */
export function helpReply({ codesOnly = false, canReload = false, canFree = false }: WhatWorks = {}): Reply {
  return {
    lines: [
      [bold("Codex logins of this OpenClaw")],
      command("", "the profiles and how they are"),
      command(" <profile>", "sign in: renews that profile, or makes a new one"),
      command(" device <profile>", "the same by a code that you enter on a page"),
      ...(codesOnly
        ? []
        : [
            command(" paste <profile>", "the same by a link, and the address that it ends on"),
            command(
              " finish <profile> <address>",
              "the address your browser ended on; in a private chat the address alone will do",
            ),
          ]),
      command(" status [profile]", "what is running and what was done"),
      command(" cancel", "gives up your waiting sign-ins, and what is not yet being written"),
      command(" show [profile]", "one profile in full, and what can be done about it"),
      command(" use <profile>", "first in the order, the others behind it"),
      command(" only <profile>", "nothing else is tried"),
      command(" refresh <profile>", "asks the sign-in server for fresh tokens now"),
      command(" reset <profile>", "OpenClaw forgets its cooldown and failures"),
      ...(canReload ? [command(" reload", "has the gateway read its logins again")] : []),
      ...(canFree ? [command(" free", "chats that are bound to a profile go by the order again")] : []),
      command(" rename <profile> <new name>", "its login and its place go with it"),
      command(" remove <profile>", "out of OpenClaw; its login is kept until you throw it away"),
      command(" rollback [receipt]", "takes one of these changes back"),
      command(" parked", "logins that wait for a decision"),
      command(" take <number> [as <profile>] [first]", "saves one of them"),
      command(" discard <number>", "throws one of them away"),
      command(" doctor", "what a login depends on here, and what is in its way"),
      command(" revoke <number>", "has the sign-in server end one of them everywhere, for good"),
      [code("/codex_usage"), " — how much of their limits is used"],
      ["A profile is ", code("default"), ", a word such as ", code("work"), ", or a number of the list last shown."],
    ],
  };
}

/** A message with a sign-in's address that we could not remove. */
export const couldNotDeleteReply: Reply = {
  lines: [["⚠️ I could not remove your message with the address: please delete it yourself."]],
};

/** What became of an address that is no way to finish a sign-in where it was written. */
interface LostAddress {
  readonly burnt: boolean;
  readonly deleted: boolean;
}

/** A sign-in's address that others could read. */
export function seenByOthersReply(lost: LostAddress): Reply {
  const again: Line = ["→ Start again with ", code("/codex_auth"), " in a private chat with me."];
  return { lines: [["⚠️ That address is a key, and everybody here could read it."], ...lostLines(lost), again] };
}

/** A sign-in's address where sign-ins go by codes alone. */
export function notTakenReply(lost: LostAddress): Reply {
  const again: Line = ["→ Start again with ", code("/codex_auth"), ": sign-ins go by a code here."];
  return { lines: [["⚠️ That address is a key, and the model could read it here."], ...lostLines(lost), again] };
}

function lostLines({ burnt, deleted }: LostAddress): readonly Line[] {
  return [
    [
      burnt
        ? "The sign-in it belongs to is ended and cannot be used any more."
        : "No sign-in of ours is waiting for it.",
    ],
    ...(deleted ? [] : couldNotDeleteReply.lines),
  ];
}
