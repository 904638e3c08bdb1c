// What happens to a received login: the card that asks, with both accounts where two are concerned, and the saving.

import type { ParkedLogin } from "../apply/parked.ts";
import { CODEX_PROVIDER, profileIdFor, shortName } from "../profiles/profile-id.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import { button, show, storedFingerprint, type Turn } from "./context.ts";
import { refOf } from "./button.ts";
import { SUBCOMMANDS } from "./command.ts";
import { noButton } from "./decline.ts";
import { accountSpans, expiryWords, idSpan, profileSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type ActionButton, type Line, type Reply } from "./reply.ts";
import { otherHolders, secondOwnerLines } from "./owners.ts";
import { doubtLines, doubtOfParked } from "./renewal-doubt.ts";
import { revokeButton, revokingLines } from "./revoke-words.ts";
import { problemLines } from "./wording.ts";

/** How a received login stands to what its target holds now. */
export type Relation = "new" | "same" | "other" | "unknown";

/** A received login beside the profile it may become. */
export interface Decision {
  readonly parked: ParkedLogin;
  readonly profileId: string;
  readonly store: StoreSnapshot;
  readonly current: ProfileSummary | undefined;
  readonly relation: Relation;
  /** What the target holds now, as a fingerprint: a confirmation is for exactly this. */
  readonly fingerprint: string;
}

/** Compares a received login with what the profile `meant` (the intended one by default) holds now. */
export async function decide(
  turn: Pick<Turn, "services">,
  parked: ParkedLogin,
  meant: string = parked.profileId,
): Promise<Decision> {
  const store = await turn.services.store.read(parked.agentId, { anew: true });
  // It may have been parked before OpenClaw was updated to its database, where the same profile has another id.
  const profileId = profileIdFor(store.provider ?? CODEX_PROVIDER, meant);
  const current = store.summaries.find(({ id }) => id === profileId);
  const fingerprint = await storedFingerprint(turn, parked.agentId, profileId);
  return { parked, profileId, store, current, relation: relationOf(parked, current), fingerprint };
}

/** Whether a login belongs to the account of a profile (decision 9: the pair of user and account, nothing less). */
export function relationOf(login: Pick<ParkedLogin, "identity">, current: ProfileSummary | undefined): Relation {
  if (current === undefined) return "new";
  if (current.identity === undefined || login.identity === undefined) return "unknown";
  const { userId, accountId } = current.identity;
  return userId === login.identity.userId && accountId === login.identity.accountId ? "same" : "other";
}

/** What the ref of a saving button covers: the login, where it goes, and what is there now. */
export function saveSubject(decision: Decision): readonly string[] {
  return ["save", decision.parked.id, decision.parked.agentId, decision.profileId, decision.fingerprint];
}

/** Shows the card of a decision and remembers what was previewed, so that a typed `replace` can confirm it. */
export async function showDecision(turn: Turn, decision: Decision): Promise<void> {
  await turn.services.lists.previewed(turn.asker, refOf(...saveSubject(decision)));
  await show(turn, await decisionReply(turn, decision));
}

/** The card that asks what shall become of a received login. */
export async function decisionReply(turn: Pick<Turn, "services" | "asker">, decision: Decision): Promise<Reply> {
  const { parked, relation } = decision;
  const holders = await otherHolders(turn, parked);
  const doubt = await doubtOfParked(turn, parked.id);
  const lines: Line[] = [];
  lines.push(...revokingLines(turn, parked));
  if (parked.problem !== undefined) lines.push(...problemLines(parked.problem));
  if (parked.reason === "approval-needed")
    lines.push(["🔔 A script on this machine asks to save a login. Nothing is changed before you press."]);
  lines.push(
    ...(relation === "new" || relation === "same" ? plainQuestion(turn, decision) : replaceQuestion(turn, decision)),
    ...secondOwnerLines(holders),
    ...doubtLines(doubt),
  );
  const holder = holderOf(decision);
  const home = holder === undefined ? undefined : await decide(turn, parked, holder.id);
  const buttons = decisionButtons(turn, decision, { isDoubtful: holders.length > 0 || doubt !== undefined, home });
  // What a script asks for may simply be left; a person's own login has *Discard*.
  const no = parked.reason === "approval-needed" ? [[noButton(turn, { kind: "login", parkedId: parked.id })]] : [];
  return { lines, buttons: [...buttons, ...no] };
}

/** A name for the login that no profile has: from its e-mail address, else from the profile that was meant. */
export function suggestName(decision: Pick<Decision, "parked" | "store">): string {
  const taken = new Set(decision.store.summaries.map(({ id }) => id));
  const isFree = (name: string): boolean => !taken.has(`${decision.store.provider ?? CODEX_PROVIDER}:${name}`);
  const local =
    (decision.parked.email ?? "")
      .split("@")[0]
      ?.replaceAll(/[^A-Za-z0-9._+-]/g, "")
      .slice(0, 32) ?? "";
  const isUsable = /[A-Za-z]/.test(local) && !(SUBCOMMANDS as readonly string[]).includes(local.toLowerCase());
  const base = isUsable && local !== "default" ? local : `${shortName(decision.parked.profileId).slice(0, 32)}-2`;
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? base : `${base}-${count}`;
    if (isFree(name)) return name;
  }
}

function plainQuestion(turn: Pick<Turn, "services" | "asker">, decision: Decision): readonly Line[] {
  const { parked, current } = decision;
  const now = turn.services.now();
  const signedIn: Line = [
    "Signed in as ",
    ...accountSpans(turn.asker, parked),
    `, ${expiryWords(parked.expiresAtMs, now)}.`,
  ];
  if (current === undefined) return [signedIn, ["Save as ", idSpan(turn.asker, decision.profileId), "?"]];
  return [
    signedIn,
    [
      "Save it to ",
      idSpan(turn.asker, decision.profileId),
      "? It holds the same account: ",
      ...profileSpans(turn.asker, current, now),
    ],
  ];
}

function replaceQuestion(turn: Pick<Turn, "services" | "asker">, decision: Decision): readonly Line[] {
  const { parked, current, relation } = decision;
  const { asker } = turn;
  const now = turn.services.now();
  const held: Line = current === undefined ? [] : profileSpans(asker, current, now);
  return [
    [
      bold(relation === "other" ? "Another account signed in." : "I cannot tell whether this is the same account."),
      " Nothing was changed; the login is kept until you decide.",
    ],
    [idSpan(asker, decision.profileId), " holds: ", ...held],
    ["This login is: ", ...accountSpans(asker, parked), `, ${expiryWords(parked.expiresAtMs, now)}`],
    ["If you replace it, the login that it holds now is not kept."],
    ...(current?.managedBy === undefined
      ? []
      : [["⚠️ Another program manages what it holds now, and may write over this."]]),
    ...heldElsewhere(turn, decision),
    ["For another name send ", code(`/codex_auth take ${parked.id} as <name>`)],
  ];
}

/** A profile that holds this very account already is the likelier place than a further one. */
function heldElsewhere({ asker }: Pick<Turn, "asker">, decision: Decision): readonly Line[] {
  const holder = holderOf(decision);
  if (holder === undefined) return [];
  const name = bold(nameFor(asker, holder.id));
  return [[name, " holds the same account as this login already: saving it there renews that one."]];
}

/** The profile that this login would only renew, where another one was meant and no other program keeps it. */
function holderOf({ parked, profileId, store, relation }: Decision): ProfileSummary | undefined {
  if (relation === "new" || relation === "same") return undefined;
  return store.summaries.find(
    (one) => one.id !== profileId && one.managedBy === undefined && relationOf(parked, one) === "same",
  );
}

function decisionButtons(
  turn: Pick<Turn, "services" | "asker">,
  decision: Decision,
  { isDoubtful, home }: { readonly isDoubtful: boolean; readonly home: Decision | undefined },
): readonly (readonly ActionButton[])[] {
  const { parked, relation } = decision;
  const subject = saveSubject(decision);
  // One that may be over, or that somebody else has too, is saved only behind its card, as the word says.
  const isPlain = parked.revokingAt === undefined && !isDoubtful;
  const take = `${typedTake(decision)}${isPlain ? "" : " replace"}`;
  const discard = button(turn, "codex_auth_drop", ["parked", parked.id], {
    label: "Discard",
    typed: `/codex_auth discard ${parked.id}`,
  });
  const end = [discard, revokeButton(turn, parked.id)];
  if (relation === "same") {
    return [[button(turn, "codex_auth_keep", subject, { label: "Save", typed: take, style: "primary" })], end];
  }
  if (relation === "new") {
    const first = { label: "Save and use first", typed: `${take} first`, style: "primary" } as const;
    return [
      [button(turn, "codex_auth_first", subject, first)],
      [button(turn, "codex_auth_keep", subject, { label: "Save, keep the order", typed: take })],
      end,
    ];
  }
  const saveAs = home === undefined ? saveAsButton(turn, decision) : saveThereButton(turn, home, isPlain);
  const replaced = nameFor(turn.asker, decision.profileId);
  const replace = button(turn, "codex_auth_replace", subject, {
    label: `Replace what "${replaced}" holds`,
    typed: isPlain ? `${take} replace` : take,
    style: "danger",
  });
  return [[saveAs], [replace], end];
}

/** A profile of its own for an account that none holds yet. */
function saveAsButton(turn: Pick<Turn, "services" | "asker">, decision: Decision): ActionButton {
  const { parked } = decision;
  const name = suggestName(decision);
  return button(turn, "codex_auth_saveas", ["saveas", parked.id, parked.agentId, name], {
    label: `Save as new profile "${name}"`,
    typed: `/codex_auth take ${parked.id} as ${name}`,
    style: "primary",
  });
}

/** The profile that holds this very account: a further one of it would only be confused with that. */
function saveThereButton(turn: Pick<Turn, "services" | "asker">, home: Decision, isPlain: boolean): ActionButton {
  return button(turn, "codex_auth_keep", saveSubject(home), {
    label: `Save to "${nameFor(turn.asker, home.profileId)}"`,
    typed: `${typedTake(home)}${isPlain ? "" : " replace"}`,
    style: "primary",
  });
}

/** The typed command that takes this login to this target. */
function typedTake({ parked, profileId }: Decision): string {
  return `/codex_auth take ${parked.id}${profileId === parked.profileId ? "" : ` as ${shortName(profileId)}`}`;
}
