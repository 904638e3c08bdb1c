// The kinds and states of jobs, by themselves: what shows them needs no schema.

/** States a job passes through: each is on disk before the effect that follows it. */
export const OPEN_STATES = ["queued", "prepared", "written", "activated", "verified", "rolling-back"] as const;
/** States in which a job has ended. */
export const END_STATES = ["done", "rolled-back", "parked", "cancelled", "failed"] as const;

/** Kinds of jobs that change what is there, without a login of their own. */
export const MANAGED_KINDS = ["order", "remove-profile", "rename-profile", "reset-profile"] as const;
/** What jobs are for. */
export const JOB_KINDS = ["save-login", "renew-login", "save-lease", "remove-lease", ...MANAGED_KINDS] as const;

/** How an order is asked for. */
export const ORDER_WAYS = ["first", "only", "exactly"] as const;

/** True for the state of a job that has ended. */
export function isEndState(state: unknown): boolean {
  return END_STATES.some((one) => one === state);
}
