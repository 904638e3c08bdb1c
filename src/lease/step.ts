// One step of the keeper: look, decide, act until there is nothing to do but stay in contact.

import type { LeaseSettings } from "../config/lease-settings.ts";
import { toCodexAuthError } from "../errors.ts";
import type { CallContext } from "./desk-parts.ts";
import type { LeaseDesk } from "./desk.ts";
import { decide, remainingMs, type LeaseAction } from "./policy.ts";
import { LEASE, SECOND } from "../config/defaults.ts";
import { hasOrphans, policyOf, situationOf } from "./situation.ts";
import type { LeaseRecord, Turn } from "./sticky.ts";

/** What a step works with. */
export interface StepParts {
  readonly desk: LeaseDesk;
  readonly settings: LeaseSettings;
  readonly now: () => number;
}

/** How a step is taken. */
export interface StepOptions extends CallContext {
  /** Look at the lease even if another process has just done so. Default false. */
  readonly isForced?: boolean;
}

/** Acquire, look, renew, rotate, materialize: more than these in one step would be a circle. */
const MAX_ACTIONS = 5;

/**
 * One step. What fails is left in the record as its problem and thrown; what was done before stays done.
 *
 * @returns When the next step is due, in milliseconds from now.
 */
export async function takeStep(turn: Turn, parts: StepParts, options: StepOptions = {}): Promise<number> {
  const { desk, settings, now } = parts;
  try {
    await desk.removals.tend(turn);
    if (options.isForced === true || !isRecent(turn.record, settings, now())) await desk.look(turn, options);
    if (settings.leaseId !== undefined && !wasAdopted(turn.record, settings)) {
      await desk.adopt(turn, settings.leaseId, options);
      await turn.change({ adoptedLeaseId: settings.leaseId });
    }
    await fetchNewer(turn, parts, options);
    const action = await actUntilSettled(turn, parts, options);
    await turn.change({ note: action.kind === "wait" ? action.note : undefined, problem: problemAfter(turn.record) });
    return nextStepMs(turn.record, settings, now());
  } catch (error) {
    const { code, message, next } = toCodexAuthError(error);
    await turn.change({ problem: { code, message, next, atMs: now() } }).catch(() => undefined);
    throw error;
  }
}

async function actUntilSettled(
  turn: Turn,
  { desk, settings, now }: StepParts,
  context: CallContext,
): Promise<LeaseAction> {
  let action: LeaseAction = { kind: "wait" };
  for (let count = 0; count < MAX_ACTIONS; count += 1) {
    context.signal?.throwIfAborted();
    await noteOrphans(turn, now());
    const isInPlace = await desk.tokens.isInPlace(turn);
    action = decide(situationOf(turn.record, isInPlace, now()), policyOf(settings, turn.record), now());
    if (action.kind === "wait") return action;
    await act(turn, desk, action, context);
    if (action.kind === "release" && turn.record.release !== undefined)
      return { kind: "wait", note: "released-by-person" };
  }
  return action;
}

async function act(turn: Turn, desk: LeaseDesk, action: LeaseAction, context: CallContext): Promise<void> {
  switch (action.kind) {
    case "acquire":
      await desk.acquire(turn, action.why, context);
      if (action.giveBack !== undefined && action.giveBack !== turn.record.status?.leaseId)
        await desk.giveBack(action.giveBack, context);
      return;
    case "renew":
      return desk.renew(turn, context);
    case "rotate":
      return desk.rotate(turn, action.reason, context);
    case "materialize":
      await desk.tokens.materialize(turn, context, { isMissing: action.why === "missing" });
      return;
    case "remove-tokens":
      return desk.removals.remove(turn, context.requestedBy);
    case "release":
      return desk.release(turn, turn.record.release ?? "for-good", context);
    case "wait":
      return;
  }
}

/** Tokens that the manager has renewed since; that they cannot be had is the next look's business, never this one's end. */
async function fetchNewer(turn: Turn, { desk, now }: StepParts, context: CallContext): Promise<void> {
  const { materializeNotBeforeMs } = situationOf(turn.record, true, now());
  if (now() < materializeNotBeforeMs || !(await desk.tokens.pushRenewed(turn, context))) return;
  try {
    await desk.tokens.materialize(turn, context);
  } catch (error) {
    desk.note("lease.fetch-newer", error);
  }
}

/** Since when tokens are here whose lease is over. */
async function noteOrphans(turn: Turn, now: number): Promise<void> {
  const { orphanSinceMs } = turn.record;
  if (!hasOrphans(turn.record)) {
    if (orphanSinceMs !== undefined) await turn.change({ orphanSinceMs: undefined });
  } else if (orphanSinceMs === undefined) await turn.change({ orphanSinceMs: now });
}

/**
 * Whether another process of this machine has looked for us: the broker is slow and answers one at a time. Another agent's
 * lease is looked at more seldom than it lives without contact.
 */
function isRecent(
  { lookedAtMs, note }: LeaseRecord,
  settings: Pick<LeaseSettings, "refreshIntervalMs">,
  now: number,
): boolean {
  const everyMs = note === "other-agent" ? LEASE.otherAgentLookMs : settings.refreshIntervalMs / 2;
  return lookedAtMs <= now && now - lookedAtMs < everyMs;
}

/** A problem of the store stays until its next try is over; one of the broker is over with a step that went well. */
function problemAfter(record: LeaseRecord): LeaseRecord["problem"] {
  return record.materialFailures > 0 ? record.problem : undefined;
}

/** The next look is due in time for the heartbeat, and earlier where something is known to be due. */
function nextStepMs(record: LeaseRecord, settings: Pick<LeaseSettings, "refreshIntervalMs">, now: number): number {
  const due: number[] = [record.note === "other-agent" ? LEASE.otherAgentLookMs : settings.refreshIntervalMs];
  const { status } = record;
  if (status?.state === "active") {
    const beforeRenewal = remainingMs(status, record.lookedAtMs, now) - LEASE.renewWithinMs;
    if (beforeRenewal > 0) due.push(beforeRenewal);
  }
  if (record.note === "backing-off" && record.acquireNotBeforeMs > now) due.push(record.acquireNotBeforeMs - now);
  return Math.max(SECOND, Math.min(...due));
}

function wasAdopted(record: LeaseRecord, settings: LeaseSettings): boolean {
  return record.adoptedLeaseId === settings.leaseId;
}
