// One step of the keeper: look, decide, act until there is nothing to do but stay in contact.

import type { LeaseSettings } from "../config/lease-settings.ts";
import { toCodexAuthError } from "../errors.ts";
import type { CallContext } from "./desk-parts.ts";
import type { LeaseDesk } from "./desk.ts";
import { decide, remainingMs, type LeaseAction } from "./policy.ts";
import { LEASE, SECOND } from "../config/defaults.ts";
import { policyOf, situationOf } from "./situation.ts";
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
    // Another process of this machine has looked for us: the broker is slow and answers one at a time.
    const isRecent = now() - turn.record.lookedAtMs < settings.refreshIntervalMs / 2 && turn.record.lookedAtMs <= now();
    if (options.isForced === true || !isRecent) await desk.look(turn, options);
    if (turn.record.status === undefined && settings.leaseId !== undefined && !wasAdopted(turn.record, settings)) {
      await desk.adopt(turn, settings.leaseId, options);
      await turn.change({ adoptedLeaseId: settings.leaseId });
    }
    if (await desk.tokens.pushRenewed(turn, options)) await desk.tokens.materialize(turn, options);
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
    const isInPlace = await desk.tokens.isInPlace(turn);
    action = decide(situationOf(turn.record, isInPlace), policyOf(settings, turn.record), now());
    if (action.kind === "wait") return action;
    await act(turn, desk, action, context);
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
      await desk.tokens.materialize(turn, context);
      return;
    case "release":
      return desk.release(turn, context);
    case "wait":
      return;
  }
}

/** A problem of the store stays until its next try is over; one of the broker is over with a step that went well. */
function problemAfter(record: LeaseRecord): LeaseRecord["problem"] {
  return record.materialFailures > 0 ? record.problem : undefined;
}

/** The next look is due in time for the heartbeat, and earlier where something is known to be due. */
export function nextStepMs(
  record: LeaseRecord,
  settings: Pick<LeaseSettings, "refreshIntervalMs">,
  now: number,
): number {
  const due = [settings.refreshIntervalMs];
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
