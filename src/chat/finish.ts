// Finishing a sign-in: the address leaves the chat first, the received login is on disk before anything else may fail.

import type { ParkedLogin } from "../apply/parked.ts";
import { toCodexAuthError } from "../errors.ts";
import { resolveSelector } from "../profiles/selector.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import { askForApproval } from "./approval.ts";
import { decide, relationOf, showDecision, type Relation } from "./confirm.ts";
import { storedFingerprint, type Turn } from "./context.ts";
import { nameFor } from "./profile-words.ts";
import { bold, type Reply } from "./reply.ts";
import { saveLogin } from "./save.ts";
import type { ClaimedSignIn, SignedIn } from "./services.ts";
import { couldNotDeleteReply, errorReply, problemLines, seenByOthersReply } from "./wording.ts";

/** `/codex_auth finish …`, or an address pasted alone. The person's message is removed before anything is looked at. */
export async function finish(turn: Turn, pasted: string, selector?: string): Promise<void> {
  const deleted = await removeMessage(turn);
  if (!turn.asker.private) {
    const burnt = await turn.services.signIns.burn(pasted);
    await turn.out.send(seenByOthersReply({ burnt, deleted }));
    return;
  }
  if (!deleted) await turn.out.send(couldNotDeleteReply);
  await turn.services.engine.parked.assertRoom();
  const claimed = await turn.services.signIns.claim(turn.asker, pasted, await profileOf(turn, selector));
  const name = nameFor(turn.asker, claimed.attempt.profileId);
  const messageId = await turn.out.send({ lines: [[bold(name), ": the address is right, getting the login …"]] });
  const answer: Turn = { ...turn, pressed: messageId };
  try {
    await receive(answer, claimed);
  } catch (error) {
    turn.services.log.error("chat.finish", error);
    await turn.out.edit(messageId, errorReply(error));
  }
}

async function receive(turn: Turn, claimed: ClaimedSignIn): Promise<void> {
  const { services } = turn;
  const { agentId, profileId } = claimed.attempt;
  // Before the exchange, so that nothing but one write stands between the issuer's answer and the disk.
  const before = await lookAt(turn, agentId, profileId);
  const login = await claimed.exchange();
  const parked = await services.engine.parked.put(parkedRecord(turn, claimed, login, before), login.tokens);
  if ("error" in before) {
    await turn.out.edit(turn.pressed ?? "", keptReply(before.error));
    return;
  }
  const decision = await decide(turn, parked);
  // A script's login is decided on in the chat, whatever it is; it must not need a second call to get the question there.
  if (services.approvers !== undefined) await askForApproval(turn, decision, services.approvers);
  else if (decision.relation === "same") await saveLogin(turn, decision, false);
  else await showDecision(turn, decision);
}

type Before = { readonly store: StoreSnapshot; readonly fingerprint: string } | { readonly error: unknown };

/** What the profile holds now. A store that cannot be read does not cost the login: it is kept with the reason. */
async function lookAt(turn: Turn, agentId: string, profileId: string): Promise<Before> {
  try {
    const store = await turn.services.store.read(agentId);
    return { store, fingerprint: await storedFingerprint(turn, agentId, profileId) };
  } catch (error) {
    return { error };
  }
}

function parkedRecord(
  turn: Turn,
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
  const { code, message, next } = toCodexAuthError(error);
  return { code, message, next };
}

function keptReply(error: unknown): Reply {
  return {
    lines: [
      ...problemLines(toCodexAuthError(error)),
      ["The login was received and is kept: when that is mended, take it with /codex_auth parked."],
    ],
  };
}

/** The profile that was named with `finish`, or undefined: then the state alone tells. */
async function profileOf(turn: Turn, selector: string | undefined): Promise<string | undefined> {
  if (selector === undefined) return undefined;
  const waiting = await turn.services.signIns.waiting(turn.asker);
  const ids = [...new Set(waiting.map(({ profileId }) => profileId))];
  return resolveSelector(selector, ids).profileId;
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
