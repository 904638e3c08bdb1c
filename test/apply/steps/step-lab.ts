// A job in the hands of an executor that nobody replaces: what the tests of single steps start from.

import { JobRun } from "../../../src/apply/job-run.ts";
import type { Job } from "../../../src/apply/job.ts";
import type { JobQueue } from "../../../src/apply/queue.ts";
import type { Reign } from "../../../src/apply/reign.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { FileChange, ProfileStore, StorePlan } from "../../../src/profiles/store.ts";

/** The epoch of that executor. */
export const EPOCH = 7;

/** `job` in its hands. */
export function runOf({ queue }: { readonly queue: JobQueue }, job: Job, now: () => number = Date.now): JobRun {
  const reign: Reign = { epoch: EPOCH, signal: new AbortController().signal, assertMine: () => Promise.resolve() };
  return new JobRun(job, { queue, reign, now });
}

/** A file of a plan that changes nothing but what `rest` says. */
export function fileChange(rest: Partial<FileChange> = {}): FileChange {
  return {
    path: "/main/auth-profiles.json",
    agentId: "main",
    profileId: "openai-codex:bob",
    role: "owner",
    before: null,
    after: null,
    orderBefore: null,
    orderAfter: null,
    clearCooldown: false,
    creates: false,
    ...rest,
  };
}

/** A plan of `files`. */
export function planOf(files: FileChange[]): StorePlan {
  const { profileId = "openai-codex:bob", agentId = "main" } = files[0] ?? {};
  return { profileId, provider: "openai-codex", agentId, files, keptElsewhere: [], unreadable: [] };
}

/** `gateway` with other answers to some questions. */
export function gatewayWith(gateway: Gateway, answers: Partial<Gateway>): Gateway {
  return {
    locate: () => gateway.locate(),
    health: (...args) => gateway.health(...args),
    reload: (...args) => gateway.reload(...args),
    profiles: (...args) => gateway.profiles(...args),
    planRestart: (...args) => gateway.planRestart(...args),
    restart: (...args) => gateway.restart(...args),
    ...answers,
  };
}

/** `store`, which does some things otherwise. */
export function storeWith(store: ProfileStore, answers: Partial<ProfileStore>): ProfileStore {
  return {
    agents: () => store.agents(),
    read: (...args) => store.read(...args),
    readCredential: (...args) => store.readCredential(...args),
    plan: (...args) => store.plan(...args),
    apply: (...args) => store.apply(...args),
    undo: (...args) => store.undo(...args),
    check: (...args) => store.check(...args),
    namedInConfig: (...args) => store.namedInConfig(...args),
    sharedTokens: (...args) => store.sharedTokens(...args),
    ...answers,
  };
}
