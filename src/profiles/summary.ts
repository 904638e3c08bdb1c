// What a chat may see of a profile: no token, only what it is, whose it is and how it is.

import { PROFILES } from "../config/defaults.ts";
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

/** The summary of one profile. */
export function summarize(facts: ProfileFacts): ProfileSummary {
  const { id, provider, inherited, position } = facts;
  const shared = { id, provider, inherited, ...(position === undefined ? {} : { position }) };
  const credential = parseCredential(facts.entry);
  if (credential === undefined) return { ...shared, type: "unknown", state: "unreadable", renewsItself: false };
  const login = loginFacts(credential);
  const renewsItself = refreshTokenOf(credential) !== undefined;
  const renewal = refreshFenceOf(credential);
  const isEmpty = credential.type !== "api_key" && accessTokenOf(credential) === undefined && !renewsItself;
  return {
    ...shared,
    type: credential.type,
    renewsItself,
    ...(renewal === undefined ? login : withoutExpiry(login)),
    ...(renewal === undefined ? {} : { renewal }),
    ...(credential.managedBy === undefined ? {} : { managedBy: credential.managedBy }),
    ...(isEmpty ? { state: "unreadable" } : stateOf(login.expiresAtMs, facts.usage, facts.now)),
  };
}

/** Beside OpenClaw's marker the expiry is no date (1 ms after 1970). */
function withoutExpiry({
  expiresAtMs: _unsaid,
  ...login
}: ReturnType<typeof loginFacts>): ReturnType<typeof loginFacts> {
  return login;
}

/** Whose login a credential is and until when it holds, from the access token first and the stored fields second. */
function loginFacts(credential: Credential): Pick<ProfileSummary, "email" | "planType" | "identity" | "expiresAtMs"> {
  const access = accessTokenOf(credential);
  const claims = access === undefined ? undefined : decodeAccessToken(access);
  const identity = claims === undefined ? undefined : identityOf(claims);
  const email = claims?.email ?? credential.email;
  const planType = claims?.planType ?? (credential.type === "oauth" ? credential.chatgptPlanType : undefined);
  const stored = credential.type === "api_key" ? undefined : credential.expires;
  const expiresAtMs = claims?.expiresAtMs ?? stored;
  return {
    ...(email === undefined ? {} : { email }),
    ...(planType === undefined ? {} : { planType }),
    ...(identity === undefined ? {} : { identity }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
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
