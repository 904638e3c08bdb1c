// Checks the usage of profiles: reads a token at the moment of the call, asks, judges, keeps the answer. It renews and spends nothing.

import { setTimeout as pause } from "node:timers/promises";
import PQueue from "p-queue";
import { USAGE_CHECK } from "../config/defaults.ts";
import { decodeAccessToken, identityOf } from "../profiles/claims.ts";
import { accessTokenOf, openCredential, refreshFenceOf, refreshTokenOf, type Credential } from "../profiles/profile.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { Log } from "../secrets/log.ts";
import type { UsageReport } from "./report.ts";
import { believable, isWithin, UsageMemory } from "./usage-memory.ts";
import { usageKey, type UsagePoint, type UsageRecord, type UsageRecords } from "./usage-records.ts";
import type { UsageServer } from "./usage-server.ts";
import { failureCode, judgeWhamAnswer, judgeWhamFailure, type AskedFor, type WhamVerdict } from "./wham-verdict.ts";
import { whamRequest, type WhamCall, type WhamOptions } from "./wham.ts";

/** How the check of one profile ended. */
export type UsageOutcome =
  | WhamVerdict
  /** Its access token is over: nobody was asked. */
  | { readonly kind: "expired"; readonly expiredAtMs: number }
  /** There is no access token to ask with, or it is being renewed right now. */
  | { readonly kind: "no-token" };

/** An earlier answer about the same account. */
export interface KeptUsage {
  readonly atMs: number;
  readonly report: UsageReport;
}

/** What is known of one profile's usage. */
export interface ProfileUsage {
  readonly profileId: string;
  readonly atMs: number;
  readonly outcome: UsageOutcome;
  /** The newest earlier answer, where this check brought none. */
  readonly kept?: KeptUsage;
  /** Whether OpenClaw renews the login by itself at its next use. */
  readonly renewsItself: boolean;
}

/** What the service is made of. */
export interface UsageServiceParts {
  readonly store: Pick<ProfileStore, "readCredential">;
  readonly server: UsageServer;
  readonly records: UsageRecords;
  readonly now: () => number;
  readonly log: Log;
  readonly request?: WhamOptions;
  /** Before the second try, in milliseconds. Default `USAGE_CHECK.retryWaitMs`. */
  readonly retryWaitMs?: number;
}

/** A profile, and whose login it holds. */
type Whose = Pick<ProfileSummary, "id" | "identity" | "renewal">;

/** What one call has met so far: after "too many requests" the rest of it is not asked. */
interface Run {
  holdUntilMs: number;
}

interface Running {
  readonly startedAtMs: number;
  readonly result: Promise<ProfileUsage>;
  isOver: boolean;
}

/** What a stored login is asked with; the token lives no longer than the call. */
interface Asking extends WhamCall, AskedFor {}

/** Usage checks of one process. */
export class UsageService {
  readonly #parts: UsageServiceParts;
  readonly #queue = new PQueue({ concurrency: USAGE_CHECK.concurrent });
  readonly #running = new Map<string, Running>();
  readonly #memory: UsageMemory;

  constructor(parts: UsageServiceParts) {
    this.#parts = parts;
    this.#memory = new UsageMemory(parts.now);
  }

  /** Checks these profiles of an agent, a few at a time; the answers are in the order of the ids. */
  async check(agentId: string, profileIds: readonly string[]): Promise<readonly ProfileUsage[]> {
    const run: Run = { holdUntilMs: 0 };
    return Promise.all(profileIds.map((profileId) => this.#shared(agentId, profileId, run)));
  }

  /** The newest kept answers about the accounts of these profiles, by profile id; asks nobody. */
  async known(agentId: string, profiles: readonly Whose[]): Promise<ReadonlyMap<string, KeptUsage>> {
    const found = new Map<string, KeptUsage>();
    const kept = this.#keys();
    // Most profiles of most lists have none, and to look for a file that is not there takes longer than to list those that are.
    if (kept.size === 0) return found;
    for (const profile of profiles) {
      const key = this.#keyOf(agentId, profile);
      const latest = kept.has(key) ? (await this.#record(key))?.latest : undefined;
      if (latest !== undefined) found.set(profile.id, latest);
    }
    return found;
  }

  /** The course of the last two weeks, the oldest first; asks nobody. */
  async history(agentId: string, profile: Whose): Promise<readonly UsagePoint[]> {
    return (await this.#record(this.#keyOf(agentId, profile)))?.points ?? [];
  }

  #keyOf(agentId: string, { id, identity, renewal }: Whose): string {
    const last = renewal === undefined ? undefined : this.#memory.lastKey(agentId, id);
    return last ?? usageKey(identity, agentId, id);
  }

  /** The same question within 20 s gets the same answer, unless the profile has another login by now. */
  async #shared(agentId: string, profileId: string, run: Run): Promise<ProfileUsage> {
    const { now, store } = this.#parts;
    const stored = await store.readCredential(profileId, agentId);
    const startedAtMs = now();
    for (const [key, { isOver, startedAtMs: since }] of this.#running)
      if (isOver && !isWithin(startedAtMs - since, USAGE_CHECK.shareMs)) this.#running.delete(key);
    const login = stored === undefined ? "none" : fingerprint(stored.credential);
    const key = JSON.stringify([agentId, profileId, login]);
    const earlier = this.#running.get(key);
    if (earlier !== undefined) return earlier.result;
    const result = this.#queue.add(() => this.#check(agentId, profileId, run));
    const running: Running = { startedAtMs, result, isOver: false };
    this.#running.set(key, running);
    try {
      return await result;
    } catch (error) {
      this.#running.delete(key);
      throw error;
    } finally {
      running.isOver = true;
    }
  }

  async #check(agentId: string, profileId: string, run: Run): Promise<ProfileUsage> {
    const { now, store } = this.#parts;
    const stored = await store.readCredential(profileId, agentId);
    const credential = stored === undefined ? undefined : openCredential(stored.credential);
    const token = credential === undefined ? undefined : accessTokenOf(credential);
    const claims = token === undefined ? undefined : decodeAccessToken(token);
    const identity = claims === undefined ? undefined : identityOf(claims);
    const isRenewing = credential !== undefined && refreshFenceOf(credential) !== undefined;
    const key =
      (token === undefined && isRenewing ? this.#memory.lastKey(agentId, profileId) : undefined) ??
      usageKey(identity, agentId, profileId);
    if (token !== undefined) this.#memory.keep(agentId, profileId, key);
    const record = await this.#record(key);
    const answered = (outcome: UsageOutcome): ProfileUsage => ({
      profileId,
      atMs: now(),
      outcome,
      renewsItself: credential !== undefined && refreshTokenOf(credential) !== undefined,
      ...(outcome.kind === "report" || record?.latest === undefined ? {} : { kept: record.latest }),
    });
    if (credential === undefined || token === undefined) return answered({ kind: "no-token" });
    const expiredAtMs = claims?.expiresAtMs ?? storedExpiry(credential);
    if (expiredAtMs !== undefined && expiredAtMs <= now()) return answered({ kind: "expired", expiredAtMs });
    const holdUntilMs = Math.max(
      run.holdUntilMs,
      this.#memory.holdUntilMs(key),
      believable(record?.holdUntilMs, now()),
    );
    if (holdUntilMs > now()) return answered({ kind: "busy", retryAtMs: holdUntilMs });
    const accountId = claims?.accountId ?? storedAccount(credential);
    const email = claims?.email ?? credential.email;
    const outcome = await this.#ask({ token, accountId, identity: { userId: claims?.userId, accountId }, email });
    if (outcome.kind === "busy") {
      run.holdUntilMs = Math.max(run.holdUntilMs, outcome.retryAtMs);
      this.#memory.hold(key, outcome.retryAtMs);
    }
    await this.#remember(key, outcome);
    return answered(outcome);
  }

  /** Asks once, and once more where no answer came or the provider had a problem of its own. */
  async #ask(asking: Asking): Promise<WhamVerdict> {
    const first = await this.#try(asking);
    if (first.kind !== "trouble" || !first.isTransient) return first;
    await pause(this.#parts.retryWaitMs ?? USAGE_CHECK.retryWaitMs);
    return this.#try(asking);
  }

  async #try(asking: Asking): Promise<WhamVerdict> {
    const { log, now, request, server } = this.#parts;
    try {
      return judgeWhamAnswer(await whamRequest(server, asking, request), asking, now());
    } catch (error) {
      log.warn("usage.ask", { code: failureCode(error) });
      return judgeWhamFailure(error);
    }
  }

  /** A disk that is full or read-only takes the history away, not the answer. */
  async #remember(key: string, outcome: WhamVerdict): Promise<void> {
    const { log, records } = this.#parts;
    try {
      if (outcome.kind === "report") await records.keep(key, outcome.report);
      if (outcome.kind === "busy") await records.hold(key, outcome.retryAtMs);
    } catch (error) {
      log.error("usage.keep", error, { key });
    }
  }

  #keys(): ReadonlySet<string> {
    try {
      return this.#parts.records.keys();
    } catch (error) {
      this.#parts.log.error("usage.read", error);
      return new Set();
    }
  }

  async #record(key: string): Promise<UsageRecord | undefined> {
    try {
      return await this.#parts.records.get(key);
    } catch (error) {
      this.#parts.log.error("usage.read", error, { key });
      return undefined;
    }
  }
}

function storedExpiry(credential: Credential): number | undefined {
  return credential.type === "api_key" ? undefined : credential.expires;
}

function storedAccount(credential: Credential): string | undefined {
  return credential.type === "oauth" ? credential.accountId : undefined;
}
