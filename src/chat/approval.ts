// What a script without a terminal may not decide: its changes wait for a person in the chat (design, decision 12).

import type { Address } from "../apply/job.ts";
import { CodexAuthError } from "../errors.ts";
import type { Decision } from "./confirm.ts";
import { show, type Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code } from "./reply.ts";

/**
 * Puts the question whether a login may be saved before `approvers`; the login stays parked until one of them presses.
 *
 * @throws CodexAuthError `ERR_CONFIRMATION_NEEDED` where there is nobody to ask.
 */
export async function askForApproval(turn: Turn, decision: Decision, approvers: readonly Address[]): Promise<void> {
  const { engine } = turn.services;
  const { parked, profileId } = decision;
  if (approvers.length === 0)
    throw nobodyToAsk(
      "Save it from a terminal of your own (`codex-auth-skill parked`), or set the bot up. Where the plugin runs inside OpenClaw, name its owners (`commands.ownerAllowFrom`).",
    );
  await engine.parked.update(parked.id, { reason: "approval-needed", profileId });
  for (const [index, address] of approvers.entries()) {
    const id = `approval-${parked.id}-${index}`;
    await engine.outbox.put({ id, address, content: { kind: "approval", parkedId: parked.id } });
  }
  await show(turn, {
    lines: [
      ["The login for ", bold(nameFor(turn.asker, profileId)), " is kept, and nothing is changed yet."],
      [`A person must allow it: ${askingWords(approvers)}. See `, code("/codex_auth status"), "."],
    ],
  });
}

/** Who puts a script's question to whom. */
export function askingWords(approvers: readonly Address[]): string {
  return approvers.some(({ host }) => host === "openclaw")
    ? "OpenClaw's own bot puts the question to its owners"
    : "the bot puts the question to those on the allow-list";
}

/** Refuses what only a person may decide at once; `what` ends "A script may not". @throws CodexAuthError `ERR_CONFIRMATION_NEEDED`. */
export function requirePerson(turn: Turn, what = "throw a login away"): void {
  if (turn.services.approvers === undefined) return;
  throw new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: `A script may not ${what}.`,
    next: "Do it in the chat, or in a terminal of your own.",
  });
}

/** The error of a script's change that nobody can allow. */
export function nobodyToAsk(next: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message:
      "A script may not change a profile by itself, and no chat is set up in which a person could allow it. Nothing is lost.",
    next,
  });
}
