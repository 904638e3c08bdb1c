// Finishing a sign-in: the address leaves the chat first, the received login is on disk before anything else may fail.

import { hasEnded } from "../apply/job.ts";
import { jobIdOf } from "../apply/new-job.ts";
import type { ParkedLogin } from "../apply/parked.ts";
import { isCodexAuthError, toCodexAuthError } from "../errors.ts";
import { isSameProfile } from "../profiles/profile-id.ts";
import { resolveSelector } from "../profiles/selector.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import { askForApproval } from "./approval.ts";
import { decide, relationOf, showDecision, type Relation } from "./confirm.ts";
import { show, storedFingerprint, type Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Reply } from "./reply.ts";
import { saveLogin } from "./save.ts";
import type { ClaimedSignIn, SignedIn } from "./services.ts";
import { couldNotDeleteReply, errorReply, notTakenReply, problemLines, seenByOthersReply } from "./wording.ts";

/** `/codex_auth finish …`, or an address pasted alone. The person's message is removed before anything is looked at. */
export async function finish(turn: Turn, pasted: string, selector?: string): Promise<void> {
  const deleted = await removeMessage(turn);
  if (!turn.asker.private) {
    const burnt = await turn.services.signIns.burn(pasted);
    await turn.out.send(seenByOthersReply({ burnt, deleted }));
    return;
  }
  if (turn.services.codesOnly?.(turn.asker) === true) {
    const burnt = await turn.services.signIns.burn(pasted);
    await turn.out.send(notTakenReply({ burnt, deleted }));
    return;
  }
  if (!deleted) await turn.out.send(couldNotDeleteReply);
  await turn.services.engine.parked.assertRoom();
  const claimed = await turn.services.signIns.claim(turn.asker, pasted, await profileOf(turn, selector));
  const name = nameFor(turn.asker, claimed.attempt.profileId);
  // A chat that cannot be written to now does not cost the code: the attempt is taken, and the login is kept whatever is shown.
  const messageId = await turn.out
    .send({ lines: [[bold(name), ": the address is right, getting the login …"]] })
    .catch((error: unknown) => turn.services.log.error("chat.finish.step", error));
  const answer: Turn = messageId === undefined ? turn : { ...turn, pressed: messageId };
  let received: Received;
  try {
    received = await receive(answer, claimed);
  } catch (error) {
    turn.services.log.error("chat.finish", error);
    await show(answer, errorReply(error));
    return;
  }
  await tellReceived(answer, received).catch((error: unknown) => tellKept(answer, received, error));
}

/** A login that is on disk, and why it cannot go further where it cannot. */
export interface Received {
  readonly parked: ParkedLogin;
  readonly obstacle?: { readonly error: unknown };
}

/** Exchanges the code of a claimed sign-in and parks the login: nothing is shown and nobody is waited for in between. */
export async function receive(turn: Pick<Turn, "services" | "asker">, claimed: ClaimedSignIn): Promise<Received> {
  const { agentId, profileId } = claimed.attempt;
  // Before the exchange, so that nothing but one write stands between the issuer's answer and the disk.
  const before = await lookAt(turn, agentId, profileId);
  const login = await claimed.exchange();
  const record = parkedRecord(turn, claimed, login, before);
  const parked = await turn.services.engine.parked.put(record, login.tokens, claimed.parkedId);
  return "error" in before ? { parked, obstacle: before } : { parked };
}

/** Says in place of the message `turn.pressed` what has come, and asks or saves. */
async function tellReceived(turn: Turn, { parked, obstacle }: Received): Promise<void> {
  const { services } = turn;
  if (obstacle !== undefined) {
    await show(turn, keptReply(obstacle.error));
    return;
  }
  const decision = await decide(turn, parked);
  // A script's login is decided on in the chat, whatever it is; it must not need a second call to get the question there.
  if (services.approvers !== undefined) await askForApproval(turn, decision, services.approvers);
  else if (decision.relation === "same") await saveLogin(turn, decision, false);
  else await showDecision(turn, decision);
}

/** The same, where an earlier try may have failed at any line: what was taken or thrown away meanwhile is not asked about. */
export async function tellAgain(turn: Turn, received: Received): Promise<void> {
  const { engine } = turn.services;
  const { id } = received.parked;
  const job = await engine.queue.get(jobIdOf(id));
  if (job === undefined && (await engine.parked.get(id)) !== undefined) return tellReceived(turn, received);
  if (job !== undefined && !hasEnded(job)) await engine.kick();
  // A job that answers in this message has the last word in it.
  if (turn.pressed === undefined || job?.requestedBy?.messageId === turn.pressed) return;
  await turn.out.edit(turn.pressed, { lines: [["That login is already taken care of."]] });
}

/** Leaves word of a login that could not be shown: the outbox tries for days. */
export async function remindLater(turn: Pick<Turn, "services" | "asker">, { parked }: Received): Promise<void> {
  const { host, chatId, personId } = turn.asker;
  await turn.services.engine.outbox.put({
    id: `kept-${parked.id}`,
    address: { host, chatId, personId },
    content: { kind: "reminder", parkedId: parked.id },
  });
}

/** The login came and telling failed: once more in a new message, else the words that it is kept, else the outbox. */
async function tellKept(turn: Turn, received: Received, error: unknown): Promise<void> {
  const { services, out } = turn;
  const { parked } = received;
  services.log.error("chat.finish.tell", error);
  const isJob = (await services.engine.queue.get(jobIdOf(parked.id)).catch(() => undefined)) !== undefined;
  try {
    // A renewal becomes a job whatever the chat does: where it did not, a second message would not help.
    if (!isJob && !isCodexAuthError(error) && parked.reason !== "same-identity") {
      const { pressed: _old, ...anew } = turn;
      return await tellReceived(anew, received);
    }
  } catch (again) {
    services.log.error("chat.finish.tell", again);
  }
  const reply = isJob ? errorReply(error) : keptReply(error);
  try {
    await show(turn, reply).catch(() => out.send(reply));
  } catch (unshown) {
    services.log.error("chat.finish.tell", unshown);
    // A job has its own answer in the outbox.
    if (!isJob) await remindLater(turn, received);
  }
}

type Before = { readonly store: StoreSnapshot; readonly fingerprint: string } | { readonly error: unknown };

/** What the profile holds now. A store that cannot be read does not cost the login: it is kept with the reason. */
async function lookAt(turn: Pick<Turn, "services">, agentId: string, profileId: string): Promise<Before> {
  try {
    const store = await turn.services.store.read(agentId);
    return { store, fingerprint: await storedFingerprint(turn, agentId, profileId) };
  } catch (error) {
    return { error };
  }
}

function parkedRecord(
  turn: Pick<Turn, "asker">,
  claimed: ClaimedSignIn,
  login: SignedIn,
  before: Before,
): Omit<ParkedLogin, "id" | "createdAt" | "schemaVersion"> {
  const { agentId, profileId } = claimed.attempt;
  const { asker } = turn;
  const current = "error" in before ? undefined : before.store.summaries.find(({ id }) => id === profileId);
  return {
    agentId,
    profileId,
    reason: "error" in before ? "store-failed" : REASONS[relationOf(login, current)],
    expiresAtMs: login.tokens.expiresAtMs,
    email: login.email,
    planType: login.planType,
    identity: login.identity,
    ...(current === undefined || "error" in before
      ? {}
      : { previous: { email: current.email, planType: current.planType, fingerprint: before.fingerprint } }),
    requestedBy: { host: asker.host, chatId: asker.chatId, personId: asker.personId },
    ...("error" in before ? { problem: problemOf(before.error) } : {}),
  };
}

const REASONS: Record<Relation, ParkedLogin["reason"]> = {
  new: "first-login",
  same: "same-identity",
  other: "other-identity",
  unknown: "unknown-identity",
};

function problemOf(error: unknown): NonNullable<ParkedLogin["problem"]> {
  const { code: name, message, next } = toCodexAuthError(error);
  return { code: name, message, next };
}

function keptReply(error: unknown): Reply {
  if (!isCodexAuthError(error)) {
    return {
      lines: [
        ["⚠️ The login was received and is kept, but it could not be shown or saved just now."],
        ["→ Take it with ", code("/codex_auth parked"), "."],
      ],
    };
  }
  return {
    lines: [
      ...problemLines(error),
      ["The login was received and is kept: when that is mended, take it with /codex_auth parked."],
    ],
  };
}

/** The profile that was named with `finish`, or undefined: then the state alone tells. */
async function profileOf(turn: Turn, selector: string | undefined): Promise<string | undefined> {
  if (selector === undefined) return undefined;
  const waiting = await turn.services.signIns.waiting(turn.asker);
  const ids = [...new Set(waiting.map(({ profileId }) => profileId))];
  const { profileId } = resolveSelector(selector, ids, turn.services.store.provider);
  return ids.find((id) => isSameProfile(id, profileId)) ?? profileId;
}

/** Removes the person's message with the address; a host that fails at it is a host that could not. */
async function removeMessage(turn: Turn): Promise<boolean> {
  try {
    return await turn.out.deleteIncoming();
  } catch (error) {
    turn.services.log.error("chat.delete", error);
    return false;
  }
}
