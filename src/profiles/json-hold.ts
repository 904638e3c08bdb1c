// Holds every lock that a renewal needs at once: OpenClaw's own refresh lock of the profile, then those of the stores that have it.

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { OPENCLAW_LOCK } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { openClawLockPath, withOpenClawLock, type OpenClawLockHold } from "../storage/openclaw-lock.ts";
import type { AgentPlace } from "./agents.ts";
import { CODEX_PROVIDER } from "./profile-id.ts";
import type { Hold, HoldOptions } from "./store.ts";

/** What {@link holdAll} locks. */
export interface HoldPlan {
  readonly profileId: string;
  /** OpenClaw's state folder, below which its refresh locks lie. */
  readonly stateDir: string;
  readonly stores: readonly AgentPlace[];
}

/**
 * Where OpenClaw 2026.5 locks the renewal of one profile (facts/openclaw-json-generation.md §8). 2026.4.5 knows no such lock: there
 * the store's own lock, which it holds across its request, does the same.
 */
export function refreshLockTarget(stateDir: string, profileId: string): string {
  const name = createHash("sha256").update(CODEX_PROVIDER).update("\0").update(profileId).digest("hex");
  return join(stateDir, "locks", "oauth-refresh", `sha256-${name}`);
}

/**
 * Runs `body` with all locks held: the refresh lock first, as OpenClaw does, then the stores in the order of their lock files. A store
 * that somebody holds is not waited for with the refresh lock in hand, or that would look stale to OpenClaw: all are let go and
 * taken anew.
 */
export async function holdAll<T>(
  { profileId, stateDir, stores }: HoldPlan,
  body: (holds: ReadonlyMap<string, OpenClawLockHold>, hold: Hold) => Promise<T>,
  options: HoldOptions,
): Promise<T> {
  const refresh = refreshLockTarget(stateDir, profileId);
  await ensurePrivateFolder(dirname(refresh));
  const paths = [refresh, ...(await inLockOrder(stores))];
  const waitMs = options.waitMs ?? OPENCLAW_LOCK.waitMs;
  const startedAt = performance.now();
  let hasBegun = false;
  const take = (held: readonly (readonly [string, OpenClawLockHold])[]): Promise<T> => {
    const path = paths[held.length];
    if (path === undefined) {
      hasBegun = true;
      return body(new Map(held.slice(1)), together(held.map(([, hold]) => hold)));
    }
    const waitedMs = performance.now() - startedAt;
    const left = Math.max(0, waitMs - waitedMs);
    return withOpenClawLock(path, (hold) => take([...held, [path, hold]]), {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onWait: (wait) => options.onWait?.({ ...wait, waitedMs: waitedMs + wait.waitedMs }),
      waitMs: held.length === 0 ? left : Math.min(left, OPENCLAW_LOCK.nestedWaitMs),
      maxHoldMs: OPENCLAW_LOCK.maxRenewalHoldMs,
    });
  };
  for (;;) {
    try {
      return await take([]);
    } catch (error) {
      const isOver = hasBegun || performance.now() - startedAt >= waitMs;
      if (isOver || !isCodexAuthError(error, "ERR_LOCK_TIMEOUT")) throw error;
    }
  }
}

/** The stores in the order in which every change of ours locks them. */
async function inLockOrder(stores: readonly AgentPlace[]): Promise<readonly string[]> {
  const places = await Promise.all(
    stores.map(async ({ storePath }) => ({ storePath, lockPath: await openClawLockPath(storePath) })),
  );
  return places.toSorted((a, b) => (a.lockPath < b.lockPath ? -1 : 1)).map(({ storePath }) => storePath);
}

/** Several locks as one: held while all are, for as long as the first of them may be. */
function together(holds: readonly OpenClawLockHold[]): Hold {
  return {
    assertStillOurs: () => {
      for (const hold of holds) hold.assertStillOurs();
    },
    remainingMs: () => Math.min(...holds.map((hold) => hold.remainingMs())),
  };
}
