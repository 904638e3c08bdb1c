// Everything that must hold before a refresh token may leave this machine; asked under the locks, and again by nobody.

import { CodexAuthError } from "../../errors.ts";
import { factsOf } from "../../profiles/credential-facts.ts";
import { openCredential, refreshTokenOf, type Credential } from "../../profiles/profile.ts";
import { CODEX_PROVIDER } from "../../profiles/profile-id.ts";
import { isSameLogin, loginPrint } from "../../profiles/same-login.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import type { Secret } from "../../secrets/secret.ts";
import type { RenewJob } from "../job.ts";
import type { JobRun } from "../job-run.ts";
import type { RenewalPort } from "../renewal.ts";
import type { ExecutorServices } from "../services.ts";
import { assertOwn, keeperOf } from "../whose.ts";
import { hasOtherGeneration, hasSecondOwner, needsReload, notRenewable } from "./renewal-errors.ts";
import { locateSettled } from "./settled.ts";

/** A login that may be renewed. */
export interface Renewable {
  readonly stored: Credential;
  readonly token: Secret;
}

/** The login of `job`. @throws CodexAuthError where there is none, others keep it, it is not the one that was shown, or has a second owner. */
export async function renewableOf(job: RenewJob, services: ExecutorServices, renewal: RenewalPort): Promise<Renewable> {
  const stored = await storedLogin(job, services);
  const token = refreshTokenOf(stored);
  // Another provider's token, or one that another program was given, is not for this sign-in server.
  const isOurs = stored.provider === CODEX_PROVIDER && (stored["clientId"] ?? renewal.clientId) === renewal.clientId;
  if (token === undefined || !isOurs) throw notRenewable();
  await assertOneGeneration(job, { stored, token }, services);
  await assertOneOwner(job, token, services, renewal);
  return { stored, token };
}

/** Whether the gateway can be told, seen before any lock is taken: it may just be starting, or its door may be shut. */
export async function assertGatewayHears(run: JobRun, job: RenewJob, services: ExecutorServices): Promise<void> {
  const location = await locateSettled(run, services);
  if (location.kind === "running") await services.gateway.profiles(location.instance, job.agentId);
  await assertGatewayTold(job, services);
}

/** Whether a gateway that runs by now will be told, asked once more under the lock: the wait for it may have been long. */
export async function assertGatewayTold({ activation }: RenewJob, { gateway }: ExecutorServices): Promise<void> {
  const location = await gateway.locate();
  if (location.kind === "refused") throw location.error;
  if (location.kind === "running" && activation !== "auto" && activation !== "reload") throw needsReload();
}

async function storedLogin(job: RenewJob, { store, receipts }: ExecutorServices): Promise<Credential> {
  const found = await store.readCredential(job.profileId, job.agentId);
  if (found === undefined) {
    throw new CodexAuthError("ERR_PROFILE_UNKNOWN", {
      message: "There is no such profile any more.",
      next: "Nothing was sent. See those there are with `/codex_auth`.",
    });
  }
  const stored = openCredential(found.credential);
  assertOwn(await keeperOf(factsOf(found), job.profileId, receipts));
  if (job.previewed === undefined || loginPrint(stored) === job.previewed) return stored;
  throw new CodexAuthError("ERR_IDENTITY_CHANGED", {
    message: "Another login came into this profile after you decided.",
    next: "Nothing was sent. Look at it and decide again: `/codex_auth`.",
  });
}

/**
 * 2026.4.5 saves what an agent has renewed in that agent's own store: main's token is a spent one then, and would end the agent's.
 * A store that cannot be read may hold it as well.
 */
async function assertOneGeneration(
  { profileId }: RenewJob,
  { stored, token }: Renewable,
  { store }: ExecutorServices,
): Promise<void> {
  for (const { agentId } of await store.agents()) {
    await store.read(agentId);
    const found = await store.readCredential(profileId, agentId);
    if (found === undefined || found.inherited) continue;
    const theirs = openCredential(found.credential);
    const theirToken = refreshTokenOf(theirs);
    const isSameToken = theirToken !== undefined && fingerprint(theirToken) === fingerprint(token);
    if (!isSameToken && isSameLogin(theirs, stored)) throw hasOtherGeneration(agentId);
  }
}

/** Copies of one profile in several agents' stores are one owner: all are held now, and become one with the renewal. */
async function assertOneOwner(
  job: RenewJob,
  token: Secret,
  { store }: ExecutorServices,
  renewal: RenewalPort,
): Promise<void> {
  const print = fingerprint(token);
  const shared = await store.sharedTokens(await renewal.elsewhere());
  const holders = shared.find((one) => one.fingerprint === print)?.holders ?? [];
  const agents = new Set((await store.agents()).map(({ agentId }) => agentId));
  const others = holders.filter(({ owner, profileId }) => !agents.has(owner) || profileId !== job.profileId);
  if (others.length > 0) throw hasSecondOwner(others.map(({ owner, profileId }) => `${owner}: ${profileId}`));
}
