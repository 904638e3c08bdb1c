// Judges whether leased tokens can be the Codex CLI's login, and what is remembered of them. Pure.

import { LEASE } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { decodeAccessToken } from "../profiles/claims.ts";
import type { WritableCodexTokens } from "../profiles/codex-home.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { LeaseMaterial } from "./broker.ts";
import type { WrittenLogin } from "./auth-file-note.ts";

/** What chrono, with which the CLI reads its file, takes for a time. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** The tokens as the file needs them. @throws CodexAuthError `ERR_LEASE_NO_MATERIAL`, `ERR_LEASE_MATERIAL_EXPIRED`. */
export function writableTokens(material: LeaseMaterial, nowMs: number): WritableCodexTokens {
  const { accessToken, refreshToken, idToken, expiresAtMs, lastRefresh } = material;
  if (refreshToken === undefined) throw incomplete("a refresh token");
  if (idToken === undefined) throw incomplete("an id token");
  const claimed = decodeAccessToken(accessToken)?.accountId;
  const accountId = material.accountId ?? claimed;
  if (accountId === undefined) throw incomplete("an account");
  if (claimed !== undefined && claimed !== accountId) {
    throw new CodexAuthError("ERR_LEASE_NO_MATERIAL", {
      message: "The leased login is of another account than the broker says.",
      next: "Ask whoever runs the broker to look at this credential, or rotate the lease.",
    });
  }
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs + LEASE.materialMinLifeMs) {
    throw new CodexAuthError("ERR_LEASE_MATERIAL_EXPIRED", {
      message: "The leased login has expired.",
      next: "Rotate the lease, or wait until the broker has renewed the credential.",
      retryable: true,
    });
  }
  const isTime = lastRefresh !== undefined && RFC_3339.test(lastRefresh) && !Number.isNaN(Date.parse(lastRefresh));
  return {
    accessToken,
    refreshToken,
    idToken,
    accountId,
    lastRefresh: isTime ? lastRefresh : new Date(nowMs).toISOString(),
  };
}

/** What the note keeps of them. */
export function writtenLogin(leaseId: string, tokens: WritableCodexTokens, nowMs: number): WrittenLogin {
  const userId = decodeAccessToken(tokens.accessToken)?.userId;
  const signedInAtMs = decodeAccessToken(tokens.idToken)?.signedInAtMs;
  return {
    leaseId,
    accountId: tokens.accountId,
    ...(userId === undefined ? {} : { userId }),
    ...(signedInAtMs === undefined ? {} : { signedInAtMs }),
    refreshFingerprint: fingerprint(tokens.refreshToken),
    accessFingerprint: fingerprint(tokens.accessToken),
    writtenAt: nowMs,
  };
}

function incomplete(what: string): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_NO_MATERIAL", {
    message: `The broker leased this login without ${what}; the Codex CLI cannot use it.`,
    next: "The lease works for OpenClaw all the same. For the Codex CLI rotate the lease, or switch `writeAuthFile` off.",
  });
}
