// Whether two stored entries are the same person's login, and what a new login keeps of the entry it replaces. Pure.

import { canonicalJson, fingerprintJson } from "../secrets/fingerprint.ts";
import { decodeAccessToken, identityOf, sameIdentity, type Identity } from "./claims.ts";
import { accessTokenOf, parseCredential, refreshTokenOf, type Credential } from "./profile.ts";

/** The fields that say what the login is or whose; a new login brings its own or has none. */
const LOGIN_FIELDS: ReadonlySet<string> = new Set(
  (
    "type mode provider access refresh expires idToken token tokenRef key apiKey keyRef oauthRef " +
    "clientId email displayName accountId chatgptPlanType enterpriseUrl projectId managedBy"
  ).split(" "),
);

/** Whose login `entry` is, or undefined where its access token does not say. */
export function identityOfEntry(entry: unknown): Identity | undefined {
  const credential = parseCredential(entry);
  const access = credential === undefined ? undefined : accessTokenOf(credential);
  const claims = access === undefined ? undefined : decodeAccessToken(access);
  return claims === undefined ? undefined : identityOf(claims);
}

/** True where `entry` is the login of `other`: the same entry, the same refresh token, or the same person in the same workspace. */
export function isSameLogin(entry: unknown, other: unknown): boolean {
  if (entry === undefined || other === undefined) return false;
  if (canonicalJson(entry) === canonicalJson(other)) return true;
  const [mine, theirs] = [refreshOf(entry), refreshOf(other)];
  if (mine !== undefined && mine === theirs) return true;
  const [me, them] = [identityOfEntry(entry), identityOfEntry(other)];
  return me !== undefined && them !== undefined && sameIdentity(me, them);
}

/**
 * The entry that `next` becomes where `existing` was: fields that we do not know survive, what belonged to the earlier login goes.
 * Where it is known to be somebody else's login nothing of it survives.
 */
export function mergeCredential(existing: unknown, next: Credential): Credential {
  // OpenClaw 2026.5.28 writes only the fields it knows of a token: one more would look like somebody else's change (measured).
  if (next.type === "token") return next;
  if (typeof existing !== "object" || existing === null || Array.isArray(existing)) return next;
  const [before, after] = [identityOfEntry(existing), identityOfEntry(next)];
  if (before !== undefined && after !== undefined && !sameIdentity(before, after)) return next;
  const kept = Object.entries(existing).filter(([name]) => !LOGIN_FIELDS.has(name));
  return { ...next, ...Object.fromEntries(kept), ...next };
}

/**
 * What a person is shown of a stored entry, as a fingerprint: whose login it is and of what kind. A renewal by OpenClaw between
 * a preview and its confirmation leaves it as it is; another login does not.
 */
export function loginPrint(entry: unknown): string {
  const credential = parseCredential(entry);
  if (credential === undefined) return fingerprintJson(entry);
  const identity = identityOfEntry(entry);
  const { type, managedBy = null } = credential;
  return fingerprintJson(identity === undefined ? entry : { type, managedBy, identity });
}

function refreshOf(entry: unknown): string | undefined {
  const credential = parseCredential(entry);
  return credential === undefined ? undefined : refreshTokenOf(credential)?.expose();
}
