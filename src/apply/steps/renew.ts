// queued, of a renewal: presents the refresh token once, under every lock there is, keeps what comes, then goes on as any change does.

import { RENEWAL } from "../../config/defaults.ts";
import { isCodexAuthError } from "../../errors.ts";
import { decodeAccessToken } from "../../profiles/claims.ts";
import { openCredential, refreshTokenOf } from "../../profiles/profile.ts";
import type { RenewedTokens } from "../../profiles/renewal.ts";
import type { Hold } from "../../profiles/store.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import type { Secret } from "../../secrets/secret.ts";
import type { Job, RenewJob } from "../job.ts";
import { problemOf, type JobRun } from "../job-run.ts";
import type { JobSecret } from "../job-secrets.ts";
import { loadTokens, storeTokens } from "../parked.ts";
import { noteSpent, presentOnce, type Presenter } from "../present-once.ts";
import type { RenewalPort } from "../renewal.ts";
import type { ExecutorServices } from "../services.ts";
import { noSecret } from "./job-errors.ts";
import { assertStillAllowed } from "./permission.ts";
import { prepare } from "./prepare.ts";
import { assertGatewayHears, assertGatewayTold, renewableOf, type Renewable } from "./renew-checks.ts";
import { notHere, tooLate } from "./renewal-errors.ts";
import { renewedLogin } from "./renewed-entry.ts";
import { parkLogin, settle } from "./settle.ts";
import { locateSettled } from "./settled.ts";
import { cancelled, watchCancel, write } from "./write.ts";

/**
 * Renews the login of `run` and writes it. From before the request until the gateway has reloaded nobody else may hold the store's lock:
 * the gateway would present the old token a second time, out of its memory, and the sign-in server then ends both
 * (facts/codex-oauth.md §0.3). A run whose tokens have come already only has to store them.
 *
 * @throws CodexAuthError `ERR_RENEWAL_*`, `ERR_TOKEN_*`, `ERR_PROFILE_MANAGED`, `ERR_IDENTITY_CHANGED`, and what locks and disk throw.
 */
export async function renew(run: JobRun, services: ExecutorServices): Promise<void> {
  const { job } = run;
  if (job.kind !== "renew-login") throw new TypeError("Expected a renewal.");
  const { renewal } = services;
  if (renewal === undefined || services.store.holding === undefined) throw notHere();
  if (!(await hasCome(job, services))) await assertGatewayHears(run, job, services);
  const cancel = watchCancel(run, services);
  try {
    await underLocks(
      run,
      services,
      async (inside, hold) => {
        // Read here: another executor may have asked while we waited.
        const received = await services.queue.secrets.get(job.id);
        if (received?.login !== undefined) return storeIt(run, inside, received, renewal);
        await assertStillAllowed(job, services);
        if (await services.queue.isCancelRequested(job.id)) throw cancelled(job);
        cancel.stop();
        await renewUnderLock(run, job, inside, { renewal, hold });
      },
      cancel.signal,
    );
  } finally {
    cancel.stop();
  }
}

/** Whether the answer is on disk: nobody else has it. */
export async function hasCome(job: Job, { queue }: ExecutorServices): Promise<boolean> {
  return job.kind === "renew-login" && (await queue.secrets.get(job.id))?.login !== undefined;
}

/** Writes a renewal that was interrupted, under the same locks. What was interrupted may have left them, and they are let go here. */
export async function writeRenewal(run: JobRun, services: ExecutorServices): Promise<void> {
  // A gateway that is just starting is waited for here, not with the locks in hand.
  await locateSettled(run, services);
  await underLocks(run, services, (inside) => write(run, inside, false));
}

async function underLocks(
  run: JobRun,
  services: ExecutorServices,
  work: (inside: ExecutorServices, hold: Hold) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { agentId, profileId } = run.job;
  if (services.store.holding === undefined) throw notHere();
  let waits: Promise<void> = Promise.resolve();
  await services.store.holding(
    { profileId, agentId },
    async (held, hold) => {
      await waits;
      await work({ ...services, store: held }, hold);
    },
    {
      ...(signal === undefined ? {} : { signal }),
      onWait: ({ waitedMs }) => {
        waits = waits.then(() => run.report("waiting-for-store", waitedMs)).catch(() => undefined);
      },
    },
  );
}

async function renewUnderLock(
  run: JobRun,
  job: RenewJob,
  services: ExecutorServices,
  { renewal, hold }: { readonly renewal: RenewalPort; readonly hold: Hold },
): Promise<void> {
  await assertGatewayTold(job, services);
  const { stored, token } = await renewableOf(job, services, renewal);
  // The answer may take its time, and must be in the store before OpenClaw may call us stale.
  if (hold.remainingMs() < RENEWAL.requestTimeoutMs + RENEWAL.writeReserveMs) throw tooLate();
  // What comes must have a place to lie.
  await services.parked.assertRoom();
  await run.report("renewing");
  let tokens: RenewedTokens;
  try {
    tokens = await presentOnce(renewal, token, presenterOf(job), { lastLook: () => hold.assertStillOurs() });
  } catch (error) {
    if (isCodexAuthError(error, "ERR_RENEWAL_DEAD") && (await isRenewedByOthers(job, token, services)))
      return adopt(run, services);
    throw error;
  }
  await keep(run, services, { job, stored, token, tokens }, renewal);
}

function presenterOf({ agentId, profileId, id: jobId }: Job): Presenter {
  return { agentId, profileId, jobId };
}

/** A token that the server will never take again may have been used by somebody who takes no lock: theirs is in the store then. */
async function isRenewedByOthers(job: RenewJob, token: Secret, { store }: ExecutorServices): Promise<boolean> {
  const now = await store.readCredential(job.profileId, job.agentId);
  const theirs = now === undefined ? undefined : refreshTokenOf(openCredential(now.credential));
  return theirs !== undefined && fingerprint(theirs) !== fingerprint(token);
}

async function adopt(run: JobRun, services: ExecutorServices): Promise<void> {
  await run.update({ note: "Somebody else has renewed it meanwhile; theirs was left as it is." });
  await settle(run, { outcome: "done" }, services);
}

/** What came is on disk before anything is judged; then it goes into the store, or waits for a person. */
async function keep(
  run: JobRun,
  services: ExecutorServices,
  { job, stored, token, tokens }: Renewable & { readonly job: RenewJob; readonly tokens: RenewedTokens },
  renewal: RenewalPort,
): Promise<void> {
  const login = storeTokens(renewedLogin(stored, tokens));
  const received: JobSecret = { login, presented: fingerprint(token) };
  try {
    await services.queue.secrets.put(job.id, received);
  } catch (error) {
    // The only copy there is: it is kept in the other place, rather than to fail with it.
    await parkLogin(job, login, { reason: "store-failed", problem: problemOf(error) }, services);
    throw error;
  }
  await storeIt(run, services, received, renewal);
}

async function storeIt(
  run: JobRun,
  services: ExecutorServices,
  received: JobSecret,
  renewal: RenewalPort,
): Promise<void> {
  await goOn(run, services, received, renewal);
  if (run.job.state === "prepared") await write(run, services, false);
}

/** Notes what has come, and plans it: from here on it is a change like any other. */
async function goOn(
  run: JobRun,
  services: ExecutorServices,
  { login, presented = "" }: JobSecret,
  renewal: RenewalPort,
): Promise<void> {
  if (login === undefined) throw noSecret();
  const { access, refresh, id, expiresAtMs } = loadTokens(login);
  const claims = decodeAccessToken(access);
  const email = claims?.email ?? (id === undefined ? undefined : decodeAccessToken(id)?.email);
  const planType = claims?.planType;
  const facts = { ...(email === undefined ? {} : { email }), ...(planType === undefined ? {} : { planType }) };
  await run.update({ renewal: { presented, expiresAtMs, ...facts } });
  await noteSpent(renewal, presented, refresh, presenterOf(run.job));
  await prepare(run, services);
}
