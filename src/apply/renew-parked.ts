// Renews a login that waits, before it is handed to another program: by the same journal as one in the store, and under a lock of ours.

import { join } from "node:path";
import { RENEWAL } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { decodeAccessToken, identityOf, sameIdentity } from "../profiles/claims.ts";
import type { RenewedTokens } from "../profiles/renewal.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import type { LoginTokens, ParkedLogin, ParkedLogins } from "./parked.ts";
import { noteSpent, presentOnce } from "./present-once.ts";
import type { RenewalPort } from "./renewal.ts";
import { hasSecondOwner, notRenewable, otherAccount } from "./steps/renewal-errors.ts";
import { otherOwners, type TokenPlaces } from "./token-owners.ts";

/** What {@link renewParked} works with. */
export interface RenewParkedParts {
  readonly places: TokenPlaces & { readonly parked: ParkedLogins };
  readonly renewal: RenewalPort;
  /** Where the lock lies (0700). */
  readonly folder: string;
  readonly now: () => number;
}

/** True where another program could not begin with the login as it is: it has run out, or lacks the id token that the Codex CLI wants. */
export function wantsRenewal({ id, expiresAtMs }: LoginTokens, now: number): boolean {
  return id === undefined || expiresAtMs - now < RENEWAL.freshForMs;
}

/**
 * Renews the waiting login `parkedId`; what comes takes its place before anything else may fail.
 *
 * @throws CodexAuthError `ERR_PARKED_UNKNOWN`, `ERR_TOKEN_SHARED`, `ERR_RENEWAL_*`, `ERR_TOKEN_UNREACHABLE`: the login is as it was then,
 *   or what came waits beside it.
 */
export async function renewParked(parkedId: string, parts: RenewParkedParts): Promise<void> {
  const { folder, places, renewal } = parts;
  await ensurePrivateFolder(folder);
  await withProcessLock(join(folder, `renew-${parkedId}`), async () => {
    const [login, tokens] = [await places.parked.get(parkedId), await places.parked.tokens(parkedId)];
    if (login === undefined || tokens === undefined) throw unknownLogin();
    if (tokens.refresh.expose() === "") throw notRenewable();
    const assertAlone = async (): Promise<void> => {
      const { holders, unreadable } = await otherOwners(places, login, tokens.refresh);
      if (holders.length + unreadable.length > 0) throw hasSecondOwner([...holders, ...unreadable]);
    };
    await assertAlone();
    await places.parked.assertRoom();
    const presenter = { agentId: login.agentId, profileId: login.profileId, jobId: parkedId };
    // Once more behind the note: whoever takes the login over at this moment sees that, or is seen here.
    const fresh = await presentOnce(renewal, tokens.refresh, presenter, { lastLook: assertAlone });
    const kept = await keep(login, tokens, fresh, places.parked);
    await noteSpent(renewal, fingerprint(tokens.refresh), fresh.refresh ?? tokens.refresh, presenter);
    if (kept === "beside") throw otherAccount();
  });
}

/** Keeps what came. Another account's login does not take this one's place: it waits beside it. */
async function keep(
  { id, schemaVersion: _version, createdAt: _at, ...login }: ParkedLogin,
  tokens: LoginTokens,
  fresh: RenewedTokens,
  parked: ParkedLogins,
): Promise<"instead" | "beside"> {
  const identity = identityOf(decodeAccessToken(tokens.access) ?? {}) ?? login.identity;
  const isOther = identity !== undefined && fresh.identity !== undefined && !sameIdentity(identity, fresh.identity);
  const expiresAtMs = fresh.expiresAtMs ?? tokens.expiresAtMs;
  // The entry of a removed profile holds the tokens of before: it would bring them back.
  const renewed: LoginTokens = {
    access: fresh.access ?? tokens.access,
    refresh: fresh.refresh ?? tokens.refresh,
    ...((fresh.id ?? tokens.id) === undefined ? {} : { id: fresh.id ?? tokens.id }),
    expiresAtMs,
  };
  const facts = {
    ...login,
    expiresAtMs,
    ...(fresh.email === undefined ? {} : { email: fresh.email }),
    ...(fresh.planType === undefined ? {} : { planType: fresh.planType }),
    ...(fresh.identity === undefined ? {} : { identity: fresh.identity }),
  };
  if (isOther) await parked.put({ ...facts, reason: "other-identity" }, renewed);
  else await parked.put(facts, renewed, id);
  return isOther ? "beside" : "instead";
}

function unknownLogin(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "That login is not waiting here any more.",
    next: "See what waits with `codex-auth-skill parked`.",
  });
}
