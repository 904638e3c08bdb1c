// Profiles and people in words: what a chat may show of a name, an account and a credential's state.

import { CHAT } from "../config/defaults.ts";
import { cleanText } from "../clean-text.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { Asker } from "./conversation.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Line, type Span } from "./reply.ts";
import { when } from "./time-words.ts";

/** What is known about an account. */
export interface Account {
  readonly email?: string | undefined;
  readonly planType?: string | undefined;
}

/** How old the words are where they are the plugin's: other hosts cannot look into OpenClaw's database themselves. */
export function seenLines({ seenAtMs }: Pick<StoreSnapshot, "seenAtMs">, now: number): readonly Line[] {
  return seenAtMs === undefined ? [] : [[`As OpenClaw's plugin told it ${when(seenAtMs, now)}.`]];
}

/** "bob@example.com (plus)" as data; in a group only the plan. */
export function accountSpans(asker: Pick<Asker, "private">, account: Account): readonly Span[] {
  const plan = account.planType === undefined ? "" : ` (${cleanText(account.planType, 24)})`;
  if (!asker.private) return [`an account${plan}`];
  if (account.email === undefined) return [`an account that gives no e-mail address${plan}`];
  return [bold(cleanText(account.email, CHAT.maxLabelChars)), plan];
}

/** State of a profile in a few words, the worst first. */
function stateWords(profile: ProfileSummary, now: number): string {
  const words: string[] = [];
  if (profile.renewal === "failed") words.push("its renewal by OpenClaw failed: sign in again");
  else if (profile.renewal === "under-way") words.push("OpenClaw is renewing it; if that stays so, sign in again");
  else if (profile.state === "unreadable") words.push("cannot be read");
  if (profile.cooldownUntilMs !== undefined) {
    const reason = profile.cooldownReason === undefined ? "" : ` (${cleanText(profile.cooldownReason, 40)})`;
    const what = profile.state === "disabled" ? "put aside by OpenClaw" : "cooling down";
    words.push(`${what}${reason}, back ${when(profile.cooldownUntilMs, now)}`);
  }
  if (profile.expiresAtMs !== undefined) {
    const isExpired = profile.expiresAtMs <= now;
    const renews = isExpired && profile.renewsItself ? " (OpenClaw renews it at its next use)" : "";
    words.push(`${expiryWords(profile.expiresAtMs, now)}${renews}`);
  }
  if (profile.position === 0) words.push("first in the order");
  if (profile.position === undefined) words.push("not in the order");
  return words.join(", ");
}

/** "expires in 3 days", "expired 2 hours ago". */
export function expiryWords(expiresAtMs: number, now: number): string {
  return `${expiresAtMs > now ? "expires" : "expired"} ${when(expiresAtMs, now)}`;
}

/** What is stored now: account and state, for the picker and for previews. */
export function profileSpans(asker: Pick<Asker, "private">, profile: ProfileSummary, now: number): readonly Span[] {
  const state = stateWords(profile, now);
  const inherited = profile.inherited ? ", kept in main" : "";
  const isNamed = profile.email !== undefined || profile.planType !== undefined;
  if (!isNamed || !asker.private) {
    const plan = profile.planType === undefined ? "" : `${cleanText(profile.planType, 24)}, `;
    return [`${plan}${state}${inherited}`];
  }
  return [...accountSpans(asker, profile), `, ${state}${inherited}`];
}

/** One line of the picker: number, name, account and state. */
export function profileLine(asker: Asker, profile: ProfileSummary, number: number, now: number): Line {
  return [`${number}. `, bold(nameFor(asker, profile.id)), ": ", ...profileSpans(asker, profile, now)];
}

/** A profile's full id, to be copied. */
export function idSpan(asker: Pick<Asker, "private">, profileId: string): Span {
  return code(asker.private ? cleanText(profileId, CHAT.maxLabelChars * 2) : nameFor(asker, profileId));
}

/** The state that fits on a button. */
export function stateLabel(profile: ProfileSummary, now: number): string {
  if (profile.state === "unreadable") return "cannot be read";
  if (profile.state === "disabled") return "put aside";
  if (profile.state === "cooldown" && profile.cooldownUntilMs !== undefined) {
    return `cooldown, back ${when(profile.cooldownUntilMs, now)}`;
  }
  return profile.expiresAtMs === undefined ? "ready" : expiryWords(profile.expiresAtMs, now);
}
