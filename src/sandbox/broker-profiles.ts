// The manager behind the sandbox broker: whose logins it keeps, their tokens, and which of two versions is newer (facts/lease-broker.md §3.4, §3.6).

import { randomBytes } from "node:crypto";
import { DAY, MINUTE } from "../config/defaults.ts";
import { objectOf, isoTime } from "./broker-values.ts";
import { sandboxAccessToken, sandboxIdToken, type SandboxTokenClaims } from "./tokens.ts";

/** Somebody whose login the manager leases out. */
export interface SandboxLogin {
  /** Names it in the manager; its credential id is `sub:auth0|<label>`. */
  readonly label: string;
  /** Default `<label>@example.invalid`. */
  readonly email?: string;
  readonly name?: string;
  readonly accountId?: string;
  readonly userId?: string;
  /** Default `plus`. */
  readonly planType?: string;
  /** What the manager knows of its use, in percent; null: nothing. Default 10. */
  readonly utilizationPct?: number | null;
  /** Of its weekly window, in tokens. Default: the manager knows none. */
  readonly quotaRemaining?: number | null;
  /** Until its week starts anew, in milliseconds. Default 2 days; the soonest is leased first (§3.1). */
  readonly weeklyResetInMs?: number;
  /** Of the access token, in milliseconds; below 0: it has expired already (§3.4). Default 10 days. */
  readonly expiresInMs?: number;
  /** False: its material has no refresh token, and `openclaw` is null (§3.4). Default true. */
  readonly hasRefreshToken?: boolean;
}

type AuthJson = Readonly<Record<string, unknown>>;

/** A login as the manager keeps it. */
export interface Profile {
  readonly label: string;
  readonly login: SandboxLogin | undefined;
  readonly auth: AuthJson;
  /** Whose tokens these are: of the tokens, not of the label, which is what makes the hole of §3.6. */
  readonly accountKey: string | undefined;
  readonly email: string | null;
  readonly name: string | null;
  /** What the broker shows of it with each credential (§2). */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An auth.json with new tokens for `login`. */
export function newAuth(login: SandboxLogin, now: number, expiresInMs = login.expiresInMs ?? 10 * DAY): AuthJson {
  const { label, accountId = `acct-${label}`, userId = `user-${label}` } = login;
  const claims: SandboxTokenClaims = {
    email: login.email ?? `${label}@example.invalid`,
    userId,
    accountId,
    planType: login.planType ?? "plus",
    expiresInMs,
    now,
    subject: `auth0|${label}`,
    tokenId: randomBytes(9).toString("base64url"),
  };
  const tokens = {
    id_token: sandboxIdToken(claims),
    access_token: sandboxAccessToken(claims),
    account_id: accountId,
    // The key is missing, not null, where there is none (§3.4).
    ...(login.hasRefreshToken === false
      ? {}
      : { refresh_token: ["rt", randomBytes(32).toString("base64url")].join("_") }),
  };
  return { auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens, last_refresh: isoTime(Math.trunc(now / 1_000) * 1_000) };
}

/** `auth` as the profile `label`. */
export function profileOf(label: string, login: SandboxLogin | undefined, auth: AuthJson, now: number): Profile {
  const access = payloadOf(tokensOf(auth)["access_token"]);
  const subject = access["sub"];
  const email = textOrNull(objectOf(access["https://api.openai.com/profile"])?.["email"]);
  const plan = textOrNull(objectOf(access["https://api.openai.com/auth"])?.["chatgpt_plan_type"]);
  return {
    label,
    login,
    auth,
    accountKey: typeof subject === "string" ? `sub:${subject}` : undefined,
    email,
    name: textOrNull(payloadOf(tokensOf(auth)["id_token"])["name"]) ?? login?.name ?? null,
    metadata: {
      label,
      display_label: label,
      email,
      account_type: plan === null ? null : `ChatGPT ${plan.slice(0, 1).toUpperCase()}${plan.slice(1)}`,
      auth_updated_at: isoTime(now),
    },
  };
}

/** Positive where `incoming` is newer than what the manager has, negative where it is older, 0 where they are the same (§3.6). */
export function compareFreshness(current: AuthJson, incoming: AuthJson): number {
  const [ours, theirs] = [freshness(current), freshness(incoming)];
  for (const [index, value] of theirs.entries()) {
    const difference = value - (ours[index] ?? 0);
    if (difference !== 0) return difference;
  }
  const [ourToken, theirToken] = [current, incoming].map((auth) => textOrNull(tokensOf(auth)["access_token"]) ?? "");
  if (ourToken === theirToken) return 0;
  // A tie: the longer token, else the client wins.
  return (ourToken ?? "").length > (theirToken ?? "").length ? -1 : 1;
}

function freshness(auth: AuthJson): readonly number[] {
  const { iat, exp } = payloadOf(tokensOf(auth)["access_token"]);
  const lastRefresh = Date.parse(textOrNull(auth["last_refresh"]) ?? "");
  return [lastRefresh, iat, exp].map((value) => (typeof value === "number" && Number.isFinite(value) ? value : 0));
}

// The six models that the real answer lists (§3.4).
const MODELS = ["5.1", "5.1-codex-mini", "5.2", "5.2-codex", "5.3-codex", "5.4"];
const PROFILE_ID = "openai-codex:lease";

/** `credential_material` (§3.4). */
export function materialOf(profile: Profile, now: number): Readonly<Record<string, unknown>> {
  return {
    label: profile.label,
    account_key: profile.accountKey,
    email: profile.email,
    name: profile.name,
    provider_account_id: null,
    auth_json: profile.auth,
    openclaw: openclawOf(profile, now),
  };
}

function openclawOf(profile: Profile, now: number): Readonly<Record<string, unknown>> | null {
  const tokens = tokensOf(profile.auth);
  const { access_token: access, refresh_token: refresh, account_id: accountId } = tokens;
  if (!isText(access) || !isText(refresh) || !isText(accountId)) return null;
  const { exp } = payloadOf(access);
  return {
    profile_id: PROFILE_ID,
    openclaw_auth_json: {
      ...Object.fromEntries(MODELS.map((model) => [`agents.defaults.models.openai-codex/gpt-${model}`, {}])),
      "auth.order.openai-codex": [PROFILE_ID],
      [`auth.profiles.${PROFILE_ID}`]: { provider: "openai-codex", mode: "oauth" },
      openai_cid_tokens: {
        [PROFILE_ID]: {
          access_token: access,
          refresh_token: refresh,
          id_token: tokens["id_token"] ?? null,
          expires_at_ms: typeof exp === "number" ? exp * 1_000 : now + 30 * MINUTE,
          accountId,
          provider: "openai-codex",
          type: "oauth",
          decoded_access_jwt: { header: partOf(access, 0), payload: partOf(access, 1) },
          // Both keys may be absent (§3.4).
          ...(profile.email === null ? {} : { email: profile.email }),
          ...(profile.name === null ? {} : { displayName: profile.name }),
        },
      },
    },
  };
}

/** The tokens of an auth.json; none where it has none. */
export function tokensOf(auth: AuthJson): Readonly<Record<string, unknown>> {
  return objectOf(auth["tokens"]) ?? {};
}

function payloadOf(token: unknown): Readonly<Record<string, unknown>> {
  return typeof token === "string" ? partOf(token, 1) : {};
}

function partOf(token: string, index: number): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString("utf8"))) ?? {};
  } catch {
    return {};
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function textOrNull(value: unknown): string | null {
  return isText(value) ? value : null;
}
