// The logins that wait for a decision: the list, taking one, throwing one away.

import { hasEnded, type Job } from "../apply/job.ts";
import type { ParkedLogin } from "../apply/parked.ts";
import { CodexAuthError } from "../errors.ts";
import { resolveSelector } from "../profiles/selector.ts";
import { shortName } from "../profiles/profile-id.ts";
import { refOf } from "./button.ts";
import type { CodexAuthCommand } from "./command.ts";
import { decide, saveSubject, showDecision } from "./confirm.ts";
import { requirePerson } from "./approval.ts";
import { button, requirePrivate, show, type Turn } from "./context.ts";
import { otherHolders } from "./owners.ts";
import { accountSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { doubtOfParked } from "./renewal-doubt.ts";
import { canCancel } from "./progress.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";
import { saveLogin } from "./save.ts";
import { when } from "./time-words.ts";

/** `/codex_auth parked`: the waiting logins as a numbered list. */
export async function showParked(turn: Turn): Promise<void> {
  const { services, asker } = turn;
  const waiting = await services.engine.parked.list();
  if (waiting.length === 0) {
    await show(turn, { lines: [["No login waits for a decision."]] });
    return;
  }
  if (!asker.private) {
    await show(turn, {
      lines: [
        [
          `${waiting.length === 1 ? "1 login waits" : `${waiting.length} logins wait`} for a decision; look in a private chat with me.`,
        ],
      ],
    });
    return;
  }
  await services.lists.show(asker, { kind: "parked", agentId: services.agentId, entries: waiting.map(({ id }) => id) });
  await show(turn, {
    lines: [[bold("Received logins that wait")], ...waiting.map((login, index) => parkedLine(turn, login, index + 1))],
    buttons: waiting.map((login, index) => [
      button(turn, "codex_auth_take", parkedSubject(login.id), {
        label: `${index + 1}. ${nameFor(asker, login.profileId)}`,
        typed: `/codex_auth parked`,
        inList: true,
      }),
    ]),
    choices: waiting.map(({ id }) => id),
    choiceCommand: "/codex_auth take",
  });
}

/** What the ref of a button on a waiting login covers. */
export function parkedSubject(id: string): readonly string[] {
  return ["parked", id];
}

/** `/codex_auth take …`: saves where nothing is replaced, shows what would be replaced otherwise. */
export async function take(turn: Turn, command: Extract<CodexAuthCommand, { kind: "take" }>): Promise<void> {
  requirePrivate(turn);
  const parked = await findParked(turn, command.which);
  const decision = await decide(turn, parked, await targetOf(turn, parked, command.as));
  const isPlain =
    (decision.relation === "new" || decision.relation === "same") &&
    decision.parked.revokingAt === undefined &&
    (await otherHolders(turn, parked)).length === 0 &&
    (await doubtOfParked(turn, parked.id)) === undefined;
  const isConfirmed =
    isPlain ||
    (command.replace && (await turn.services.lists.hasPreviewed(turn.asker, refOf(...saveSubject(decision)))));
  if (isConfirmed) await saveLogin(turn, decision, command.makeFirst);
  else await showDecision(turn, decision);
}

/** `/codex_auth discard …`: asks, then throws the login away. */
export async function discard(turn: Turn, command: Extract<CodexAuthCommand, { kind: "discard" }>): Promise<void> {
  requirePrivate(turn);
  const parked = await findParked(turn, command.which);
  if (command.sure) await discardNow(turn, parked);
  else await askToDiscard(turn, parked);
}

/** Asks before a login is thrown away. */
export async function askToDiscard(turn: Turn, parked: ParkedLogin): Promise<void> {
  const yes = button(turn, "codex_auth_dropyes", parkedSubject(parked.id), {
    label: "Throw it away",
    typed: `/codex_auth discard ${parked.id} yes`,
    style: "danger",
  });
  const back = button(turn, "codex_auth_take", parkedSubject(parked.id), {
    label: "Keep it",
    typed: "/codex_auth parked",
  });
  await show(turn, {
    lines: [
      [
        "Throw this login away? ",
        ...accountSpans(turn.asker, parked),
        `, meant for ${nameFor(turn.asker, parked.profileId)}.`,
      ],
      ["Its tokens are removed here; saved profiles stay as they are."],
      [
        "The sign-in server does not hear of it: ",
        code(`/codex_auth revoke ${parked.id}`),
        " ends the login there too.",
      ],
    ],
    buttons: [[yes], [back]],
  });
}

/** Throws a waiting login away; where somebody has taken it in the same moment, says what has become of it instead. */
export async function discardNow(turn: Turn, parked: ParkedLogin): Promise<void> {
  requirePerson(turn);
  const { isDiscarded, job } = await turn.services.engine.queue.discardLogin(parked.id);
  if (job !== undefined) return void (await show(turn, takenReply(turn, job)));
  if (!isDiscarded) throw unknownLogin();
  await show(turn, { lines: [["The login was thrown away; no profile was changed."]] });
}

/** Somebody's *Save* was first. */
function takenReply({ asker }: Turn, job: Job): Reply {
  const name = bold(nameFor(asker, job.profileId));
  if (job.state === "done")
    return { lines: [["Nothing was thrown away: somebody has saved this login to ", name, "."]] };
  if (hasEnded(job))
    return {
      lines: [
        ["Nothing was thrown away: somebody had this login saved to ", name, ", and that did not come to its end."],
        ["→ See what waits now with ", code("/codex_auth parked"), "."],
      ],
    };
  return {
    lines: [
      ["Nothing was thrown away: this login is being saved to ", name, ", somebody was first."],
      canCancel(job)
        ? ["→ Give that up with ", code("/codex_auth cancel"), ", or see ", code("/codex_auth status"), "."]
        : ["→ See ", code("/codex_auth status"), "."],
    ],
  };
}

/** A waiting login by its number in the list last shown, or by its id. @throws CodexAuthError `ERR_PARKED_UNKNOWN`, `ERR_LIST_EXPIRED`. */
export async function findParked(turn: Turn, which: string): Promise<ParkedLogin> {
  const { lists, engine } = turn.services;
  const id = /^\d{1,4}$/.test(which)
    ? (await lists.pick(turn.asker, "parked", Number(which))).entry
    : which.toLowerCase();
  const parked = await engine.parked.get(id);
  if (parked !== undefined) return parked;
  throw unknownLogin();
}

function unknownLogin(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "No such login waits here.",
    next: "See what waits with `/codex_auth parked`.",
  });
}

/** The profile that `as` names; `default` must not land on somebody's profile by a detour. */
async function targetOf(turn: Turn, parked: ParkedLogin, as: string | undefined): Promise<string> {
  if (as === undefined) return parked.profileId;
  const store = await turn.services.store.read(parked.agentId);
  const selection = resolveSelector(
    as,
    store.summaries.map(({ id }) => id),
    store.provider,
  );
  if (!selection.viaDefault) return selection.profileId;
  throw new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: "There is no profile called `default`: here it would mean the first profile, which is somebody's.",
    next: `Name the profile itself, such as \`/codex_auth take ${parked.id} as ${shortName(selection.profileId)}\`, or a new one.`,
  });
}

function parkedLine(turn: Turn, login: ParkedLogin, number: number): Line {
  const { asker, services } = turn;
  const why: Record<ParkedLogin["reason"], string> = {
    "first-login": "a new profile, not confirmed yet",
    "same-identity": "not saved yet",
    "other-identity": "another account than the profile holds",
    "unknown-identity": "the profile's account cannot be read",
    "approval-needed": "a script asks for it",
    "store-failed": "it could not be saved",
    "rolled-back": "it was saved and taken back",
    cancelled: "saving it was given up",
    "put-aside": "it was the Codex CLI's own, until another took its place",
    removed: "you removed it; take it and it is back",
  };
  return [
    `${number}. `,
    ...accountSpans(asker, login),
    " for ",
    code(nameFor(asker, login.profileId)),
    `: ${why[login.reason]}, ${when(login.createdAt, services.now())}`,
    ...(login.revokingAt === undefined ? [] : [", may be revoked already"]),
  ];
}
