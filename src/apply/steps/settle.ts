// Ends a job: receipt, then the answer for the chat, then the end state, then its secret goes; each may be done twice without harm.

import { createHash } from "node:crypto";
import { decodeAccessToken, identityOf } from "../../profiles/claims.ts";
import type { FileChange } from "../../profiles/store.ts";
import { canonicalJson } from "../../secrets/fingerprint.ts";
import {
  bringsLogin,
  hasEnded,
  isManaged,
  loginFactsOf,
  type Job,
  type JobState,
  type LoginJob,
  type Problem,
  type RenewJob,
} from "../job.ts";
import type { JobRun } from "../job-run.ts";
import { loadTokens, type ParkedLogin, type StoredTokens } from "../parked.ts";
import type { Receipt } from "../receipt.ts";
import type { ExecutorServices } from "../services.ts";
import { parkRemoved } from "./park-removed.ts";

/** How a job ends. */
export interface Ending {
  readonly outcome: Receipt["outcome"];
  readonly problem?: Problem;
  /** Why its login goes back to the parked ones; absent where the login is in the store. A leased credential is never parked. */
  readonly park?: ParkedLogin["reason"];
}

/** Ends the job of `run`. */
export async function settle(run: JobRun, ending: Ending, services: ExecutorServices): Promise<void> {
  const { job } = run;
  const parkedId = await park(job, ending, services);
  const receipt = receiptOf(job, ending, parkedId, services.now());
  await services.receipts.put(receipt);
  if (job.requestedBy !== undefined) {
    const content = { kind: "receipt", receiptId: job.id } as const;
    await services.outbox.put({ id: job.id, address: job.requestedBy, content });
  }
  await run.advance(ending.outcome, ending.problem === undefined ? {} : { problem: ending.problem });
  await services.queue.secrets.remove(run.job.id);
}

async function park(job: Job, ending: Ending, services: ExecutorServices): Promise<string | undefined> {
  if (bringsLogin(job) && ending.park !== undefined) return parkAgain(job, ending.park, ending.problem, services);
  const isGone = ending.outcome === "done" || ending.park === "removed";
  return job.kind === "remove-profile" && isGone ? parkRemoved(job, services) : undefined;
}

/** A received login is never dropped: it is parked under an id of its own, the same one if we are killed and come here again. */
async function parkAgain(
  job: LoginJob | RenewJob,
  reason: ParkedLogin["reason"],
  problem: Problem | undefined,
  services: ExecutorServices,
): Promise<string | undefined> {
  const login = (await services.queue.secrets.get(job.id))?.login;
  // Where the disk was too full for the secret of a renewal, it was parked at once.
  if (login === undefined) return (await services.parked.get(againId(job)))?.id;
  return parkLogin(job, login, { reason, problem }, services);
}

/** Parks `login`, which came for `job`. */
export async function parkLogin(
  job: LoginJob | RenewJob,
  login: StoredTokens,
  { reason, problem }: { readonly reason: ParkedLogin["reason"]; readonly problem: Problem | undefined },
  services: ExecutorServices,
): Promise<string> {
  const id = againId(job);
  const { entry, ...rest } = loadTokens(login);
  // The entry of a renewal was made of what the store held: it is not what came, and goes into no other profile.
  const tokens = job.kind === "renew-login" || entry === undefined ? rest : { ...rest, entry };
  const { email, planType, expiresAtMs } = loginFactsOf(job) ?? { expiresAtMs: rest.expiresAtMs };
  // Without it the person would be asked whether this is the same account, which the token itself can say.
  const claims = decodeAccessToken(tokens.access);
  const identity = claims === undefined ? undefined : identityOf(claims);
  await services.parked.put(
    {
      agentId: job.agentId,
      profileId: job.profileId,
      reason,
      expiresAtMs,
      requestedBy: job.requestedBy,
      ...(email === undefined ? {} : { email }),
      ...(planType === undefined ? {} : { planType }),
      ...(identity === undefined ? {} : { identity }),
      ...(problem === undefined ? {} : { problem }),
    },
    tokens,
    id,
  );
  return id;
}

/** The id under which a job's login is parked. */
export function againId(job: Job): string {
  return `p-${createHash("sha256").update(`again\0${job.id}`).digest("hex").slice(0, 16)}`;
}

/** The receipt of a job that ends now. */
function receiptOf(job: Job, ending: Ending, parkedId: string | undefined, endedAt: number): Receipt {
  return {
    schemaVersion: 1,
    id: job.id,
    kind: job.kind,
    agentId: job.agentId,
    profileId: job.profileId,
    outcome: ending.outcome,
    startedAt: job.createdAt,
    endedAt,
    durations: durationsOf(job, endedAt),
    files: (job.plan?.files ?? []).map(fileOf),
    activation: {
      asked: job.activation,
      used: job.mode ?? "none",
      proven: job.proven ?? "unproven",
      ...(job.healthyAfterMs === undefined ? {} : { healthyAfterMs: job.healthyAfterMs }),
      ...(job.gatewayAfter === undefined ? {} : { gatewayAfter: job.gatewayAfter }),
      ...(job.isRestartOwed === true ? { isRestartOwed: true } : {}),
    },
    ...(job.order === undefined ? {} : { order: job.order }),
    ...(job.kind === "rename-profile" ? { renamedTo: job.to } : {}),
    ...(job.kind === "order" ? { how: job.how } : {}),
    ...("undoes" in job && job.undoes !== undefined ? { undoes: job.undoes } : {}),
    ...(job.removedCopies === undefined ? {} : { removedCopies: job.removedCopies }),
    ...credentialFacts(job),
    ...(ending.problem === undefined ? {} : { problem: ending.problem }),
    ...(parkedId === undefined ? {} : { parkedId }),
    ...(job.note === undefined ? {} : { note: job.note }),
    ...(job.requestedBy === undefined ? {} : { requestedBy: job.requestedBy }),
    ...(job.interrupted ? { interrupted: true } : {}),
  };
}

/** What an undo needs to know of a file: structure and fingerprints, never a token. */
function fileOf({ path, before, after, orderBefore, orderAfter, notes }: FileChange): Receipt["files"][number] {
  const isOrderKept = canonicalJson(orderBefore) === canonicalJson(orderAfter);
  return {
    path,
    before,
    after,
    ...(isOrderKept ? {} : { orderBefore, orderAfter }),
    ...(notes === undefined ? {} : { notes }),
  };
}

/** Whose credential it is about, as far as anybody may know. */
function credentialFacts(job: Job): Pick<Receipt, "email" | "planType" | "expiresAtMs" | "leaseId" | "label"> {
  if (bringsLogin(job)) return loginFactsOf(job) ?? {};
  if (isManaged(job)) return {};
  if (job.kind === "remove-lease") return job.lease.leaseId === undefined ? {} : { leaseId: job.lease.leaseId };
  const { accountId: _unsaid, ...facts } = job.lease;
  return facts;
}

/** How long the job stayed in each state, from its journal. */
function durationsOf(job: Job, endedAt: number): Record<string, number> {
  const durations: Partial<Record<JobState, number>> = {};
  for (const [index, entry] of job.journal.entries()) {
    if (hasEnded(entry)) continue;
    const until = job.journal[index + 1]?.at ?? endedAt;
    durations[entry.state] = (durations[entry.state] ?? 0) + Math.max(0, until - entry.at);
  }
  return durations;
}
