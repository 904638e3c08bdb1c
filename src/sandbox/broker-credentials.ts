// The sandbox broker's credentials: made from the manager's logins at each call, judged, and ranked for the next lease (facts/lease-broker.md §3.1, §4).

import { DAY } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { newAuth, profileOf, type Profile, type SandboxLogin } from "./broker-profiles.ts";
import type { BrokerSettings, CredentialRow } from "./broker-rows.ts";

interface Usage {
  pct: number | null;
  quota: number | null;
  readonly weeklyResetAtMs: number;
}

/** What the credentials need of the rest of the broker. */
interface Surroundings {
  readonly settings: () => BrokerSettings;
  readonly now: () => number;
  readonly hasLiveLease: (credentialId: string) => boolean;
}

/** All credentials of one sandbox broker, and the logins behind them. */
export class BrokerCredentials {
  readonly #rows = new Map<string, CredentialRow>();
  readonly #profiles = new Map<string, Profile>();
  /** By account key: the manager's own figures, which win over telemetry at the next call (§3.5). */
  readonly #usage = new Map<string, Usage>();
  readonly #around: Surroundings;

  constructor(logins: readonly SandboxLogin[], around: Surroundings) {
    this.#around = around;
    const now = around.now();
    for (const login of logins) {
      const profile = profileOf(login.label, login, newAuth(login, now), now);
      this.#profiles.set(login.label, profile);
      this.#usage.set(profile.accountKey ?? "", {
        pct: login.utilizationPct === undefined ? 10 : login.utilizationPct,
        quota: login.quotaRemaining ?? null,
        weeklyResetAtMs: now + (login.weeklyResetInMs ?? 2 * DAY),
      });
    }
    this.sync();
  }

  /** By label. */
  rows(): readonly CredentialRow[] {
    return [...this.#rows.values()].toSorted((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
  }

  byId(id: string): CredentialRow | undefined {
    return this.#rows.get(id);
  }

  /** @throws CodexAuthError `ERR_USAGE` for a label that the sandbox does not know. */
  byLabel(label: string): CredentialRow {
    for (const row of this.#rows.values()) if (row.label === label) return row;
    throw unknownLabel();
  }

  /**
   * What the broker does first in nearly every call: takes over the manager's own figures, so that what telemetry or an
   * admin said of a credential is gone again (§3.5, §3.8). A deleted profile leaves its credential behind: a ghost (§3.4).
   */
  sync(): void {
    const now = this.#around.now();
    for (const profile of this.#profiles.values()) {
      const { accountKey, label } = profile;
      if (accountKey === undefined) continue;
      const usage = this.#usage.get(accountKey);
      const row = this.#rows.get(accountKey) ?? emptyRow(accountKey, label, now);
      this.#rows.set(accountKey, row);
      row.label = label;
      row.utilizationPct = usage?.pct ?? null;
      row.quotaRemaining = usage?.quota ?? null;
      row.healthScore = healthOf({ utilizationPct: row.utilizationPct });
      row.weeklyResetAtMs = usage?.weeklyResetAtMs ?? null;
      row.lastTelemetryAtMs = now;
      row.metadata = profile.metadata;
      this.settle(row);
    }
  }

  /** Works a credential's state out anew. */
  settle(row: CredentialRow): void {
    const settings = this.#around.settings();
    const now = this.#around.now();
    const used = row.utilizationPct ?? -1;
    const isExhausted = used >= settings.exhausted_utilization_percent;
    const isScarce =
      used >= settings.max_assignable_utilization_percent ||
      (row.quotaRemaining ?? Infinity) <= settings.min_quota_remaining;
    const isLive = this.#around.hasLiveLease(row.id);
    row.updatedAtMs = now;
    // Samples 96 and 103: set when it is exhausted, gone with the next figure that is good again.
    row.resetConfirmationDueAfterMs =
      isExhausted || isScarce ? (row.resetConfirmationDueAfterMs ?? row.weeklyResetAtMs) : null;
    if (row.revokedAtMs !== null) row.state = "revoked";
    else if (row.cooldownUntilMs !== null && row.cooldownUntilMs > now) row.state = "cooldown";
    else if (isExhausted) row.state = "exhausted";
    else if (isScarce) row.state = "unavailable_for_assignment";
    else if (isLive) row.state = "leased";
    else if (row.metadata["admin_assignment_disabled"] === true) row.state = "unavailable_for_assignment";
    else if (row.state !== "degraded") row.state = "available";
  }

  /** The one that the next lease gets: soonest weekly reset, lowest quota, highest use, best health, longest unused (§3.1). */
  best(exceptId?: string): CredentialRow | undefined {
    const rows = this.rows();
    for (const row of rows) this.settle(row);
    const now = this.#around.now();
    const free = rows.filter(({ id, state }) => id !== exceptId && state === "available");
    return free.toSorted((a, b) => compareRanks(rank(a, now), rank(b, now)))[0];
  }

  /** Whether a lease on it may be renewed, materialized and reused (§3.2, §3.4). */
  isUsable(row: CredentialRow): boolean {
    return !["exhausted", "revoked", "cooldown", "unavailable_for_assignment"].includes(row.state);
  }

  /** The login whose tokens are this credential's; undefined for a ghost (§3.4). */
  profileFor(credentialId: string): Profile | undefined {
    for (const profile of this.#profiles.values()) if (profile.accountKey === credentialId) return profile;
    return undefined;
  }

  /** @throws CodexAuthError `ERR_USAGE` for a label that the sandbox does not know. */
  profile(label: string): Profile {
    const profile = this.#profiles.get(label);
    if (profile === undefined) throw unknownLabel();
    return profile;
  }

  hasProfile(label: string): boolean {
    return this.#profiles.has(label);
  }

  /** Puts `auth` in the place of a login's tokens, whosever they are: nobody compares accounts (§3.6). */
  replaceAuth(label: string, auth: Readonly<Record<string, unknown>>): Profile {
    const profile = profileOf(label, this.profile(label).login, auth, this.#around.now());
    this.#profiles.set(label, profile);
    this.sync();
    return profile;
  }

  /** The manager refreshes a login: new access token, and the refresh token rotates. */
  refresh(label: string, expiresInMs?: number): void {
    const { login } = this.profile(label);
    if (login === undefined) throw unknownLabel();
    this.replaceAuth(label, newAuth(login, this.#around.now(), expiresInMs));
  }

  deleteProfile(label: string): void {
    if (!this.#profiles.delete(label)) throw unknownLabel();
  }

  /** The manager's own figures of a login's use. */
  setUsage(label: string, figures: { readonly pct?: number | null; readonly quota?: number | null }): void {
    const usage = this.#usage.get(this.byLabel(label).id);
    if (usage === undefined) throw unknownLabel();
    if (figures.pct !== undefined) usage.pct = figures.pct;
    if (figures.quota !== undefined) usage.quota = figures.quota;
  }
}

/** How healthy a credential is: 40 points less in full use, more for a large quota, less for errors (§3.5, and its source). */
export function healthOf(signs: {
  readonly utilizationPct: number | null;
  readonly quotaRemaining?: number | null;
  readonly errorRate1h?: number | null;
  readonly isFailing?: boolean;
}): number {
  const quota = signs.quotaRemaining ?? 0;
  const score =
    100 -
    between(signs.utilizationPct ?? 0, 0, 100) * 0.6 +
    (quota > 0 ? Math.min(quota / 100_000, 10) : 0) -
    between(signs.errorRate1h ?? 0, 0, 1) * 40 -
    (signs.isFailing === true ? 25 : 0);
  return Math.round(between(score, 0, 100) * 100) / 100;
}

function between(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function rank(row: CredentialRow, now: number): readonly number[] {
  const reset = row.weeklyResetAtMs ?? 0;
  return [
    reset > now ? reset : Infinity,
    row.quotaRemaining ?? Infinity,
    -(row.utilizationPct ?? 0),
    -(row.healthScore ?? 0),
    row.lastAssignedAtMs ?? 0,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

function emptyRow(id: string, label: string, now: number): CredentialRow {
  return {
    id,
    label,
    state: "available",
    utilizationPct: null,
    quotaRemaining: null,
    healthScore: null,
    weeklyResetAtMs: null,
    lastAssignedAtMs: null,
    exhaustedAtMs: null,
    revokedAtMs: null,
    cooldownUntilMs: null,
    metadata: {},
    resetConfirmationDueAfterMs: null,
    lastTelemetryAtMs: null,
    createdAtMs: now,
    updatedAtMs: now,
  };
}

function unknownLabel(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The sandbox broker has no such login.",
    next: "Name one of the logins that it was started with.",
  });
}
