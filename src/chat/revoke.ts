// Revoking a waiting login: asked for with what follows from it, confirmed for exactly that, and told as far as it is known.

import type { ParkedLogin } from "../apply/parked.ts";
import { CodexAuthError } from "../errors.ts";
import type { RevocationLook } from "./revocations.ts";
import type { RevokeOutcome } from "../oauth/revoke.ts";
import { requirePerson } from "./approval.ts";
import { refOf, staleButton } from "./button.ts";
import type { CodexAuthCommand } from "./command.ts";
import { button, requirePrivate, show, type Turn } from "./context.ts";
import { findParked, parkedSubject } from "./parked.ts";
import { accountSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, type Line } from "./reply.ts";
import { revokeButton, revokingLines } from "./revoke-words.ts";
import { errorReply } from "./wording.ts";

/** `/codex_auth revoke …`: asks, then has the sign-in server end the login. */
export async function revoke(turn: Turn, command: Extract<CodexAuthCommand, { kind: "revoke" }>): Promise<void> {
  requirePrivate(turn);
  const look = await turn.services.revocations.look((await findParked(turn, command.which)).id);
  const { asker, services } = turn;
  // Whoever sits at the machine may say yes at once; in a chat a yes is for what was shown there.
  const isConfirmed =
    command.sure && (asker.host === "cli" || (await services.lists.hasPreviewed(asker, refOf(...subjectOf(look)))));
  await (isConfirmed ? carryOut(turn, look) : showQuestion(turn, look));
}

/** Asks before a login is revoked. @throws CodexAuthError as {@link Revocations.look} does. */
export async function askToRevoke(turn: Turn, parked: ParkedLogin): Promise<void> {
  await showQuestion(turn, await turn.services.revocations.look(parked.id));
}

/** Revokes the login that the button was shown for. @throws CodexAuthError `ERR_BUTTON_STALE` where anything of it has changed. */
export async function pressRevoke(turn: Turn, ref: string): Promise<void> {
  const { engine, revocations } = turn.services;
  for (const { id } of await engine.parked.list()) {
    // One that may not be revoked has no such button today.
    const look = await revocations.look(id).catch(() => undefined);
    if (look !== undefined && refOf(...subjectOf(look)) === ref) return carryOut(turn, look);
  }
  throw staleButton();
}

/** What a confirmation covers: the login, and whom it concerns. */
function subjectOf({ parked, fingerprint, sameAccount }: RevocationLook): readonly string[] {
  return ["revoke", parked.id, fingerprint, String(parked.revokingAt ?? "-"), ...sameAccount];
}

async function showQuestion(turn: Turn, look: RevocationLook): Promise<void> {
  const { parked } = look;
  const subject = subjectOf(look);
  await turn.services.lists.previewed(turn.asker, refOf(...subject));
  const yes = button(turn, "codex_auth_revokeyes", subject, {
    label: "Revoke it for good",
    typed: `/codex_auth revoke ${parked.id} yes`,
    style: "danger",
  });
  const keep = button(turn, "codex_auth_take", parkedSubject(parked.id), {
    label: "Keep it",
    typed: "/codex_auth parked",
  });
  await show(turn, {
    lines: [
      [
        bold("Revoke this login? "),
        ...accountSpans(turn.asker, parked),
        `, kept for ${nameFor(turn.asker, parked.profileId)}.`,
      ],
      [
        "The sign-in server then ends it everywhere: no copy of it works any more. It is reported that the browser's own session ends too.",
      ],
      ["This cannot be undone: to use the account here again, somebody has to sign in again."],
      ...accountLines(look),
      ...revokingLines(turn, parked),
    ],
    buttons: [[yes], [keep]],
  });
}

function accountLines({ parked, sameAccount }: RevocationLook): readonly Line[] {
  if (parked.identity === undefined)
    return [["Whose account it is cannot be read, so another login of it could end too without being named here."]];
  if (sameAccount.length === 0) return [];
  return [["⚠️ Another login of the same account may end with it: ", bold(sameAccount.join(", ")), "."]];
}

async function carryOut(turn: Turn, look: RevocationLook): Promise<void> {
  requirePerson(turn, "revoke a login");
  const outcome = await turn.services.revocations.carryOut(look);
  const { parked } = look;
  if (outcome.kind === "revoked") {
    await show(turn, {
      lines: [
        ["✅ Revoked: ", ...accountSpans(turn.asker, parked), ". The sign-in server takes this login no more."],
        ["Its copy here is thrown away; no profile was changed."],
      ],
    });
    return;
  }
  const again = { ...revokeButton(turn, parked.id), label: "Ask again" };
  await show(turn, { ...errorReply(problemOf(outcome, parked.id)), buttons: [[again]] });
}

function problemOf(outcome: Exclude<RevokeOutcome, { kind: "revoked" }>, id: string): CodexAuthError {
  const again = `Try again later with \`/codex_auth revoke ${id}\`.`;
  switch (outcome.kind) {
    case "refused":
      return new CodexAuthError("ERR_REVOKE_REFUSED", {
        message: `The sign-in server refused to revoke it (${outcome.details}). The login waits here as before.`,
        next: again,
      });
    case "unknown": {
      const details = outcome.details === undefined ? "" : ` (${outcome.details})`;
      return new CodexAuthError("ERR_REVOKE_UNKNOWN", {
        message: `The sign-in server was asked, but no clear answer came${details}: the login may be revoked or not. It is kept here and marked.`,
        next: `Ask once more, which does no harm: \`/codex_auth revoke ${id}\`.`,
      });
    }
    case "unreachable":
      return new CodexAuthError("ERR_REVOKE_UNREACHABLE", {
        message:
          "The sign-in server cannot be reached from this machine; nothing was sent. The login waits here as before.",
        next: again,
        retryable: true,
      });
  }
}
