// What a chat may see of a profile: no token, only what it is, whose it is and how it is.

import { PROFILES } from "../config/defaults.ts";
import type { Secret } from "../secrets/secret.ts";
import { decodeAccessToken, identityOf, type Identity } from "./claims.ts";
import { accessTokenOf, parseCredential, refreshFenceOf, refreshTokenOf, type Credential } from "./profile.ts";
import { unusableWindow, type UsageStats } from "./usage-stats.ts";

/** How a profile is. `expired` with {@link ProfileSummary.renewsItself} is renewed by OpenClaw at its next use. */
type ProfileState = "ok" | "expiring" | "expired" | "cooldown" | "disabled" | "unreadable";

/** One profile, secret-free. Texts come from outside as they are: whoever shows them cleans and caps them. */
export interface ProfileSummary {
  readonly id: string;
  readonly provider: string;
  readonly type: Credential["type"] | "unknown";
  readonly state: ProfileState;
  readonly email?: string;
  readonly planType?: string;
  readonly identity?: Identity;
  readonly expiresAtMs?: number;
  /** Set where OpenClaw has put its own marker in place of the tokens: its renewal is under way, or has failed and needs a new sign-in. */
  readonly renewal?: "under-way" | "failed";
  /** Whether it has a refresh token. */
  readonly renewsItself: boolean;
  /** Until when OpenClaw does not try it, for the states `cooldown` and `disabled`. */
  readonly cooldownUntilMs?: number;
  readonly cooldownReason?: string;
  /** Its place in the effective order, 0 = tried first; absent = never tried. */
  readonly position?: number;
  /** Another program that keeps this credential. */
  readonly managedBy?: string;
  /** True where the agent that was asked for has it from the main store. */
  readonly inherited: boolean;
}

/** What {@link summarize} looks at. */
export interface ProfileFacts {
  readonly id: string;
  readonly provider: string;
  /** The entry as it lies in the store. */
  readonly entry: unknown;
  readonly usage: UsageStats | undefined;
  /** Its place in the effective order, 0 = tried first; undefined = never tried. */
  readonly position: number | undefined;
  readonly inherited: boolean;
  readonly now: number;
}

/** A summary that is being put together, field by field: ten thousand are, for one list, and spreads took a third of its time. */
type Draft = { -readonly [Field in keyof ProfileSummary]: ProfileSummary[Field] };

/** The summary of one profile. */
export function summarize(facts: ProfileFacts): ProfileSummary {
  const { id, provider, inherited, position, usage, now } = facts;
  const summary: Draft = { id, provider, inherited, type: "unknown", state: "unreadable", renewsItself: false };
  if (position !== undefined) summary.position = position;
  const credential = parseCredential(facts.entry);
  if (credential === undefined) return summary;
  summary.type = credential.type;
  const access = accessTokenOf(credential);
  const expiresAtMs = tellLogin(summary, credential, access);
  summary.renewsItself = refreshTokenOf(credential) !== undefined;
  const renewal = refreshFenceOf(credential);
  if (renewal !== undefined) summary.renewal = renewal;
  // Beside OpenClaw's marker the expiry is no date (1 ms after 1970).
  else if (expiresAtMs !== undefined) summary.expiresAtMs = expiresAtMs;
  if (credential.managedBy !== undefined) summary.managedBy = credential.managedBy;
  const isEmpty = credential.type !== "api_key" && access === undefined && !summary.renewsItself;
  if (!isEmpty) Object.assign(summary, stateOf(expiresAtMs, usage, now));
  return summary;
}

/** Whose login a credential is, from the access token first and the stored fields second; gives until when it holds. */
function tellLogin(summary: Draft, credential: Credential, access: Secret | undefined): number | undefined {
  const claims = access === undefined ? undefined : decodeAccessToken(access);
  const identity = claims === undefined ? undefined : identityOf(claims);
  const email = claims?.email ?? credential.email;
  const planType = claims?.planType ?? (credential.type === "oauth" ? credential.chatgptPlanType : undefined);
  if (email !== undefined) summary.email = email;
  if (planType !== undefined) summary.planType = planType;
  if (identity !== undefined) summary.identity = identity;
  return claims?.expiresAtMs ?? (credential.type === "api_key" ? undefined : credential.expires);
}

function stateOf(
  expiresAtMs: number | undefined,
  usage: UsageStats | undefined,
  now: number,
): Pick<ProfileSummary, "state" | "cooldownUntilMs" | "cooldownReason"> {
  const unusable = usage === undefined ? undefined : unusableWindow(usage, now);
  if (unusable !== undefined) {
    const { state, untilMs, reason } = unusable;
    return { state, cooldownUntilMs: untilMs, ...(reason === undefined ? {} : { cooldownReason: reason }) };
  }
  if (expiresAtMs === undefined) return { state: "ok" };
  if (expiresAtMs <= now) return { state: "expired" };
  return { state: expiresAtMs - now <= PROFILES.expiringWithinMs ? "expiring" : "ok" };
}
