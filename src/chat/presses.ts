// What a press means now: its short ref is looked for among the things that exist, and what changed makes it stale.

import { jobSubject, saveLogin } from "./save.ts";
import type { Job } from "../apply/job.ts";
import type { ParkedLogin } from "../apply/parked.ts";
import { CODEX_PROVIDER } from "../profiles/profile-id.ts";
import { refOf, staleButton, type Press } from "./button.ts";
import { askToFree, pressFree } from "./bound-chats.ts";
import { decide, saveSubject, showDecision, suggestName, type Decision } from "./confirm.ts";
import { confirmChange, proposeChange, undoSubject } from "./change.ts";
import { requirePrivate, show, type Turn } from "./context.ts";
import { decline } from "./decline.ts";
import { askForNewName, manageSubject, showCard, showManage, verbSubject } from "./manage-card.ts";
import { attemptSubject, renewSubject, startSignIn, turnTo } from "./login-card.ts";
import { askToDiscard, discardNow, parkedSubject, showParked } from "./parked.ts";
import { isLeaseAction, pressLease } from "./lease.ts";
import { isUsageAction, pressUsage } from "./codex-usage.ts";
import { askForName, loginSubject, showPicker } from "./picker.ts";
import { nameFor } from "./profile-name.ts";
import { reloadGateway } from "./reload.ts";
import { bold } from "./reply.ts";
import { askToRevoke, pressRevoke } from "./revoke.ts";
import type { SignInAttempt } from "./services.ts";
import { cancelJob } from "./status.ts";

/** Does what a verified press asks for. @throws CodexAuthError `ERR_BUTTON_STALE` where its subject is gone or has changed. */
export async function press(turn: Turn, { action, ref }: Press): Promise<void> {
  requirePrivate(turn);
  if (isLeaseAction(action)) return pressLease(turn, action, ref);
  if (isUsageAction(action)) return pressUsage(turn, action, ref);
  switch (action) {
    case "codex_auth_menu":
      return showPicker(turn, await agentBy(turn, (agentId) => ["menu", agentId], ref));
    case "codex_auth_new":
      return askForName(turn, await agentBy(turn, (agentId) => ["new", agentId], ref));
    case "codex_auth_login":
    case "codex_auth_renew":
      return pressLogin(turn, action, ref);
    case "codex_auth_paste":
      return turnTo(turn, await attemptBy(turn, ref), "link");
    case "codex_auth_device":
      return turnTo(turn, await attemptBy(turn, ref), "code");
    case "codex_auth_stop":
      return pressStop(turn, ref);
    case "codex_auth_first":
      return pressSave(turn, ref, ["new", "same"], true);
    case "codex_auth_keep":
      return pressSave(turn, ref, ["new", "same"], false);
    case "codex_auth_replace":
      return pressSave(turn, ref, ["other", "unknown"], false);
    case "codex_auth_saveas":
      return pressSaveAs(turn, ref);
    case "codex_auth_parked":
      return showParked(turn);
    case "codex_auth_take":
      return showDecision(turn, await decide(turn, await parkedBy(turn, ref)));
    case "codex_auth_drop":
      return askToDiscard(turn, await parkedBy(turn, ref));
    case "codex_auth_dropyes":
      return discardNow(turn, await parkedBy(turn, ref));
    case "codex_auth_revoke":
      return askToRevoke(turn, await parkedBy(turn, ref));
    case "codex_auth_revokeyes":
      return pressRevoke(turn, ref);
    case "codex_auth_manage":
      return showManage(turn, await agentBy(turn, manageSubject, ref));
    case "codex_auth_show":
    case "codex_auth_use":
    case "codex_auth_only":
    case "codex_auth_reset":
    case "codex_auth_reload":
    case "codex_auth_free":
    case "codex_auth_refresh":
    case "codex_auth_rename":
    case "codex_auth_remove":
      return pressProfile(turn, action, ref);
    case "codex_auth_undo":
      return proposeChange(turn, { kind: "rollback", receiptId: await receiptBy(turn, ref) });
    case "codex_auth_useyes":
    case "codex_auth_onlyyes":
    case "codex_auth_resetyes":
    case "codex_auth_refreshyes":
    case "codex_auth_renameyes":
    case "codex_auth_removeyes":
    case "codex_auth_undoyes":
      return confirmChange(turn, ref);
    case "codex_auth_freeyes":
      return pressFree(turn, ref);
    case "codex_auth_no":
      return decline(turn, ref);
    case "codex_auth_cancel":
      return show(turn, { lines: [await cancelJob(turn, await jobBy(turn, ref))] }).then(() => undefined);
  }
}

async function agentBy(turn: Turn, subject: (agentId: string) => readonly string[], ref: string): Promise<string> {
  const agents = await turn.services.store.agents();
  return found(agents.find(({ agentId }) => refOf(...subject(agentId)) === ref)).agentId;
}

async function pressLogin(turn: Turn, action: "codex_auth_login" | "codex_auth_renew", ref: string): Promise<void> {
  const invitations = await turn.services.invitations.list();
  const wished = (agentId: string): readonly string[] =>
    invitations.filter((one) => one.agentId === agentId).map(({ profileId }) => profileId);
  for (const { agentId } of await turn.services.store.agents()) {
    const store = await turn.services.store.read(agentId);
    // A profile that was offered and does not exist yet can only be `default`, or what a script asked for.
    const ids = [
      ...store.summaries.map(({ id }) => id),
      `${store.provider ?? CODEX_PROVIDER}:default`,
      ...wished(agentId),
    ];
    for (const id of ids) {
      const subject = action === "codex_auth_login" ? loginSubject(agentId, id) : await renewSubject(turn, agentId, id);
      if (refOf(...subject) === ref) return startSignIn(turn, store, id);
    }
  }
  throw staleButton();
}

const VERBS = {
  codex_auth_show: "show",
  codex_auth_use: "use",
  codex_auth_only: "only",
  codex_auth_reset: "reset",
  codex_auth_reload: "reload",
  codex_auth_free: "free",
  codex_auth_refresh: "refresh",
  codex_auth_rename: "rename",
  codex_auth_remove: "remove",
} as const;

async function pressProfile(turn: Turn, action: keyof typeof VERBS, ref: string): Promise<void> {
  const kind = VERBS[action];
  for (const { agentId } of await turn.services.store.agents()) {
    const { summaries } = await turn.services.store.read(agentId);
    const profile = summaries.find(({ id }) => refOf(...verbSubject(kind, agentId, id)) === ref);
    if (profile === undefined) continue;
    if (kind === "show") return showCard(turn, agentId, profile.id);
    if (kind === "rename") return askForNewName(turn, agentId, profile.id);
    if (kind === "free") return askToFree(turn, agentId);
    if (kind === "reload") return reloadGateway(turn, { agentId, profileId: profile.id });
    return proposeChange(turn, { kind, agentId, profileId: profile.id });
  }
  throw staleButton();
}

async function receiptBy(turn: Turn, ref: string): Promise<string> {
  const receipts = await turn.services.engine.receipts.list(Number.POSITIVE_INFINITY);
  return found(receipts.find(({ id }) => refOf(...undoSubject(id)) === ref)).id;
}

async function attemptBy(turn: Turn, ref: string): Promise<SignInAttempt> {
  const waiting = await turn.services.signIns.waiting(turn.asker);
  return found(waiting.find((candidate) => refOf(...attemptSubject(candidate)) === ref));
}

async function pressStop(turn: Turn, ref: string): Promise<void> {
  const { signIns } = turn.services;
  const attempt = await attemptBy(turn, ref);
  if (!(await signIns.cancel(turn.asker, attempt.id))) throw staleButton();
  const name = bold(nameFor(turn.asker, attempt.profileId));
  await show(turn, { lines: [["The sign-in for ", name, " is given up; its link is of no use any more."]] });
}

/** Finds the login, target and stored value that a saving button was made for; anything else today is stale. */
async function pressSave(
  turn: Turn,
  ref: string,
  relations: readonly Decision["relation"][],
  makeFirst: boolean,
): Promise<void> {
  for (const parked of await turn.services.engine.parked.list()) {
    for (const profileId of await targets(turn, parked)) {
      const decision = await decide(turn, parked, profileId);
      if (refOf(...saveSubject(decision)) !== ref) continue;
      if (!relations.includes(decision.relation)) throw staleButton();
      return saveLogin(turn, decision, makeFirst);
    }
  }
  throw staleButton();
}

/** The profiles that a card may have been about: the one that was meant, the existing ones, and the suggested name. */
async function targets(turn: Turn, parked: ParkedLogin): Promise<readonly string[]> {
  const store = await turn.services.store.read(parked.agentId);
  return [...new Set([parked.profileId, ...store.summaries.map(({ id }) => id)])];
}

async function pressSaveAs(turn: Turn, ref: string): Promise<void> {
  for (const parked of await turn.services.engine.parked.list()) {
    const asked = await decide(turn, parked);
    const name = suggestName(asked);
    if (refOf("saveas", parked.id, parked.agentId, name) !== ref) continue;
    const decision = await decide(turn, parked, `${asked.store.provider ?? CODEX_PROVIDER}:${name}`);
    // Free when it was suggested; if somebody took it since, the next suggestion has another ref.
    if (decision.relation !== "new") throw staleButton();
    return saveLogin(turn, decision, false);
  }
  throw staleButton();
}

async function parkedBy(turn: Turn, ref: string): Promise<ParkedLogin> {
  const waiting = await turn.services.engine.parked.list();
  return found(waiting.find(({ id }) => refOf(...parkedSubject(id)) === ref));
}

async function jobBy(turn: Turn, ref: string): Promise<Job> {
  const jobs = await turn.services.engine.queue.open();
  return found(jobs.find((job) => refOf(...jobSubject(job)) === ref));
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw staleButton();
  return value;
}
