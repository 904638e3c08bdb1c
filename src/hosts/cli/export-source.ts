// Which login `export` hands to the Codex CLI: a waiting one, or a profile's where the CLI's file can lend its id token.

import type { LoginTokens, ParkedLogin } from "../../apply/parked.ts";
import { CodexAuthError } from "../../errors.ts";
import { decodeAccessToken, identityOf, sameIdentity, type Identity } from "../../profiles/claims.ts";
import type { CodexLogin, WritableCodexTokens } from "../../profiles/codex-home.ts";
import { accessTokenOf, openCredential, refreshTokenOf } from "../../profiles/profile.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import { shortName } from "../../profiles/profile-id.ts";
import type { Secret } from "../../secrets/secret.ts";
import type { Parts } from "../services.ts";
import { atNumber } from "./open.ts";

/** A login that can be written for the Codex CLI. */
export interface ExportSource {
  /** `parked`: it leaves our keeping with the export; `profile`: it stays in OpenClaw's store, too. */
  readonly from:
    | { readonly kind: "parked"; readonly id: string; readonly mayBeRevoked: boolean }
    | { readonly kind: "profile"; readonly id: string };
  readonly tokens: WritableCodexTokens;
  readonly identity: Identity;
  readonly email: string | undefined;
  readonly planType: string | undefined;
  readonly expiresAtMs: number;
}

/** Gives a waiting login's tokens, renewed where the CLI could not begin with them as they are. */
export type Freshen = (login: ParkedLogin, tokens: LoginTokens | undefined) => Promise<LoginTokens | undefined>;

/**
 * What `word` (a profile, a number of `list`, or the id of a waiting login) can be exported as, with `there` in the file already.
 *
 * @throws CodexAuthError `ERR_PROFILE_UNKNOWN`, `ERR_PARKED_UNKNOWN`, `ERR_CODEX_LOGIN_KIND`, `ERR_EXPORT_NO_ID_TOKEN`; and as a selector does.
 */
export async function exportSource(
  parts: Parts,
  word: string,
  there: CodexLogin | undefined,
  now: number,
  freshen: Freshen,
): Promise<ExportSource> {
  const { parked } = parts.engine;
  const waiting = await parked.list();
  if (/^p-[0-9a-f]{16}$/.test(word)) {
    const named = waiting.find(({ id }) => id === word);
    if (named === undefined) throw unknownParked();
    return fromParked(named, await freshen(named, await parked.tokens(named.id)), now);
  }
  const { agentId } = parts.config;
  const { provider, summaries } = await parts.store.read(agentId);
  const ids = summaries.map(({ id }) => id);
  const { profileId, exists } = resolveSelector(atNumber(word, ids, "list"), ids, provider);
  const held = summaries.find(({ id }) => id === profileId)?.identity;
  // A waiting login of another account than the profile's has to be named by itself.
  const meant = waiting.filter(
    (login) =>
      login.agentId === agentId && login.profileId === profileId && (!exists || sameIdentity(login.identity, held)),
  );
  const latest = meant.at(-1);
  if (latest !== undefined) return fromParked(latest, await freshen(latest, await parked.tokens(latest.id)), now);
  if (!exists) throw unknownProfile();
  return fromProfile(parts, profileId, there, now);
}

function fromParked(
  { id, profileId, email, planType, revokingAt }: ParkedLogin,
  login: LoginTokens | undefined,
  now: number,
): ExportSource {
  if (login === undefined) throw unknownParked();
  return {
    ...writable(profileId, login.access, login.refresh, login.id, now),
    from: { kind: "parked", id, mayBeRevoked: revokingAt !== undefined },
    email,
    planType,
  };
}

async function fromProfile(
  { store, config }: Parts,
  profileId: string,
  there: CodexLogin | undefined,
  now: number,
): Promise<ExportSource> {
  const stored = await store.readCredential(profileId, config.agentId);
  if (stored === undefined) throw unknownProfile();
  const credential = openCredential(stored.credential);
  const access = accessTokenOf(credential);
  const refresh = refreshTokenOf(credential);
  if (access === undefined || refresh === undefined) throw cannotRenew(profileId);
  const claims = decodeAccessToken(access);
  // OpenClaw keeps no id token; one of the same account in the file is as good: the CLI keeps it too when it renews.
  const isSameAccount = sameIdentity(claims === undefined ? undefined : identityOf(claims), there?.whose.identity);
  const id = isSameAccount ? there?.tokens?.idToken : undefined;
  const source = writable(profileId, access, refresh, id, now);
  return { ...source, from: { kind: "profile", id: profileId }, email: claims?.email, planType: claims?.planType };
}

function writable(
  profileId: string,
  access: Secret,
  refresh: Secret,
  idToken: Secret | undefined,
  now: number,
): Pick<ExportSource, "tokens" | "identity" | "expiresAtMs"> {
  const claims = decodeAccessToken(access);
  const identity = claims === undefined ? undefined : identityOf(claims);
  if (identity === undefined || claims?.expiresAtMs === undefined) throw cannotRenew(profileId);
  // 0.169 refuses the whole file where the id token is missing or no JWT (test/e2e/codex-cli.test.ts).
  if (idToken === undefined || decodeAccessToken(idToken) === undefined) throw noIdToken(profileId);
  return {
    identity,
    expiresAtMs: claims.expiresAtMs,
    tokens: {
      accessToken: access,
      refreshToken: refresh,
      idToken,
      accountId: identity.accountId,
      lastRefresh: new Date(now).toISOString(),
    },
  };
}

function noIdToken(profileId: string): CodexAuthError {
  const name = shortName(profileId);
  return new CodexAuthError("ERR_EXPORT_NO_ID_TOKEN", {
    message: `The Codex CLI takes no login without an id token, and OpenClaw keeps none of ${name}. Nothing was written.`,
    next: "Make a login for the CLI alone: `codex-auth-skill start codex-cli`, choose *Decide later* when it has come, then `codex-auth-skill export codex-cli`.",
  });
}

function cannotRenew(profileId: string): CodexAuthError {
  return new CodexAuthError("ERR_CODEX_LOGIN_KIND", {
    message: `${shortName(profileId)} holds no ChatGPT login that could renew itself, or does not say whose it is.`,
    next: "Nothing was written. `codex-auth-skill list` shows what each profile holds.",
  });
}

function unknownProfile(): CodexAuthError {
  return new CodexAuthError("ERR_PROFILE_UNKNOWN", {
    message: "There is no such profile, and no login waits for it.",
    next: "See `codex-auth-skill list` and `codex-auth-skill parked`.",
  });
}

function unknownParked(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "No such login waits here.",
    next: "See what waits with `codex-auth-skill parked`.",
  });
}
