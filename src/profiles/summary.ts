// What a chat may see of a profile: no token, only what it is, whose it is and how it is.

import { PROFILES } from "../config/defaults.ts";
import { decodeAccessToken, identityOf, type Identity } from "./claims.ts";
import { present } from "./present.ts";
import { accessTokenOf, refreshFenceOf, refreshTokenOf, type Credential } from "./profile.ts";
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
  /** The entry of the store; undefined where it is one that OpenClaw would not take. */
  readonly credential: Credential | undefined;
  readonly usage: UsageStats | undefined;
  /** Its place in the effective order, 0 = tried first; undefined = never tried. */
  readonly position: number | undefined;
  readonly inherited: boolean;
  readonly now: number;
}

/** The summary of one profile. */
export function summarize(facts: ProfileFacts): ProfileSummary {
  const { id, provider, credential, inherited, position } = facts;
  if (credential === undefined) {
    return present({ id, provider, inherited, position, type: "unknown", state: "unreadable", renewsItself: false });
  }
  const { email, planType, identity, expiresAtMs } = loginFacts(credential);
  const renewsItself = refreshTokenOf(credential) !== undefined;
  const renewal = refreshFenceOf(credential);
  const isEmpty = credential.type !== "api_key" && accessTokenOf(credential) === undefined && !renewsItself;
  const { state, untilMs, reason }: Condition = isEmpty
    ? { state: "unreadable" }
    : conditionOf(expiresAtMs, facts.usage, facts.now);
  return present({
    id,
    provider,
    inherited,
    position,
    type: credential.type,
    renewsItself,
    email,
    planType,
    identity,
    // Beside OpenClaw's marker the expiry is no date (1 ms after 1970).
    expiresAtMs: renewal === undefined ? expiresAtMs : undefined,
    renewal,
    managedBy: credential.managedBy,
    state,
    cooldownUntilMs: untilMs,
    cooldownReason: reason,
  });
}

/** What is known of a login, each undefined where it is not. */
interface LoginFacts {
  readonly email: string | undefined;
  readonly planType: string | undefined;
  readonly identity: Identity | undefined;
  readonly expiresAtMs: number | undefined;
}

/** Whose login a credential is and until when it holds, from the access token first and the stored fields second. */
function loginFacts(credential: Credential): LoginFacts {
  const access = accessTokenOf(credential);
  const claims = access === undefined ? undefined : decodeAccessToken(access);
  const stored = credential.type === "api_key" ? undefined : credential.expires;
  return {
    email: claims?.email ?? credential.email,
    planType: claims?.planType ?? (credential.type === "oauth" ? credential.chatgptPlanType : undefined),
    identity: claims === undefined ? undefined : identityOf(claims),
    expiresAtMs: claims?.expiresAtMs ?? stored,
  };
}

/** How a login is, and until when and why OpenClaw does not try it. */
interface Condition {
  readonly state: ProfileState;
  readonly untilMs?: number | undefined;
  readonly reason?: string | undefined;
}

function conditionOf(expiresAtMs: number | undefined, usage: UsageStats | undefined, now: number): Condition {
  const unusable = usage === undefined ? undefined : unusableWindow(usage, now);
  if (unusable !== undefined) return unusable;
  if (expiresAtMs === undefined) return { state: "ok" };
  if (expiresAtMs <= now) return { state: "expired" };
  return { state: expiresAtMs - now <= PROFILES.expiringWithinMs ? "expiring" : "ok" };
}
