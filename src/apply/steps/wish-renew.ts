// What a renewal wants of the store as it is now: the login that came, in the place of the one that was presented, and nothing else.

import { sameIdentity } from "../../profiles/claims.ts";
import {
  openCredential,
  parseCredential,
  refreshTokenOf,
  unsealEntry,
  type Credential,
  type SealedCredential,
} from "../../profiles/profile.ts";
import { CODEX_PROVIDER } from "../../profiles/profile-id.ts";
import { identityOfEntry } from "../../profiles/same-login.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import type { RenewJob } from "../job.ts";
import { loadTokens } from "../parked.ts";
import { credentialFor } from "./credential.ts";
import { noSecret } from "./job-errors.ts";
import { otherAccount, overtaken } from "./renewal-errors.ts";
import { hasBegun, type Wish, type WishInput } from "./wish-kinds.ts";

/** @throws CodexAuthError `ERR_RENEWAL_OVERTAKEN` where somebody else's login came there meanwhile: a later one wins; `ERR_RENEWAL_OTHER_ACCOUNT`. */
export async function wishForRenewal({ job, secret, services }: WishInput<RenewJob>): Promise<Wish> {
  if (secret.login === undefined) throw noSecret();
  if (job.plan !== undefined && (await hasBegun(job, services))) return { kind: "as-planned" };
  const { profileId, agentId } = job;
  const stored = await services.store.readCredential(profileId, agentId);
  if (!isPresented(job, stored === undefined ? undefined : openCredential(stored.credential))) throw overtaken();
  const credential = credentialFor(loadTokens(secret.login));
  if (isOtherAccount(stored?.credential, credential)) throw otherAccount();
  // A cooldown is about the account's limits, which a renewal does not change.
  const planned = await services.store.plan({ profileId, provider: CODEX_PROVIDER, credential }, agentId);
  return { kind: "change", planned, order: undefined };
}

/** A token that does not say whose it is is judged by what the entry says; where nothing is said it speaks for nobody else. */
function isOtherAccount(stored: SealedCredential | undefined, fresh: SealedCredential): boolean {
  const entry = stored === undefined ? undefined : unsealEntry(stored);
  const [before, after] = [identityOfEntry(entry), identityOfEntry(unsealEntry(fresh))];
  if (after === undefined) return false;
  if (before !== undefined) return !sameIdentity(before, after);
  const credential = parseCredential(entry);
  const accountId = credential?.type === "oauth" ? credential.accountId : undefined;
  return accountId !== undefined && accountId !== after.accountId;
}

function isPresented({ renewal }: RenewJob, stored: Credential | undefined): boolean {
  const token = stored === undefined ? undefined : refreshTokenOf(stored);
  return token !== undefined && fingerprint(token) === renewal?.presented;
}
