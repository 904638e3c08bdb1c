// Keeps what a removal takes out of the store: nobody's tokens go before the person throws them away.

import { createHash } from "node:crypto";
import { decodeAccessToken, identityOf } from "../../profiles/claims.ts";
import { accessTokenOf, parseCredential, refreshTokenOf, unsealEntry } from "../../profiles/profile.ts";
import { readValues } from "../../profiles/store.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import { Secret } from "../../secrets/secret.ts";
import type { RemoveJob } from "../job.ts";
import type { ExecutorServices } from "../services.ts";

/**
 * Parks each entry that the job removed, under the same ids however often it comes here; gives the id of the owner's. What OpenClaw
 * could not read is no login, and is not kept.
 */
export async function parkRemoved(job: RemoveJob, services: ExecutorServices): Promise<string | undefined> {
  const values = (await services.queue.secrets.get(job.id))?.values;
  if (values === undefined || job.plan === undefined) return undefined;
  const entries = readValues(values);
  // Two agents' copies are one login as a rule; where they are not, each is kept.
  const seen = new Set<string>();
  let ownerId: string | undefined;
  const owner = job.plan.files.filter(({ role }) => role === "owner");
  const copies = job.plan.files.filter(({ role }) => role === "copy");
  for (const [index, file] of [...owner, ...copies].entries()) {
    const sealed = entries.get(file.path)?.previous;
    if (sealed === undefined || sealed === null || file.after !== null) continue;
    const entry = sealed;
    const credential = parseCredential(unsealEntry(entry));
    if (credential === undefined) continue;
    const refresh = refreshTokenOf(credential);
    const access = accessTokenOf(credential);
    const print = fingerprint(refresh ?? access ?? entry);
    if (seen.has(print)) continue;
    seen.add(print);
    const id = `p-${createHash("sha256").update(`removed\0${job.id}\0${index}`).digest("hex").slice(0, 16)}`;
    const claims = access === undefined ? undefined : decodeAccessToken(access);
    const identity = claims === undefined ? undefined : identityOf(claims);
    const email = claims?.email ?? credential.email;
    const expiresAtMs = (credential.type === "api_key" ? undefined : credential.expires) ?? claims?.expiresAtMs ?? 0;
    await services.parked.put(
      {
        agentId: file.agentId,
        profileId: job.profileId,
        reason: "removed",
        expiresAtMs,
        requestedBy: job.requestedBy,
        ...(email === undefined ? {} : { email }),
        ...(claims?.planType === undefined ? {} : { planType: claims.planType }),
        ...(identity === undefined ? {} : { identity }),
      },
      { access: access ?? Secret.of(""), refresh: refresh ?? Secret.of(""), expiresAtMs, entry },
      id,
    );
    if (file.role === "owner") ownerId = id;
  }
  return ownerId;
}
