// The folder of sign-in attempts: how one is read, ended exactly once, and swept away.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DAY, LOGIN } from "../config/defaults.ts";
import { isCodexAuthError, systemCode } from "../errors.ts";
import { removeDurably } from "../storage/atomic-write.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { attemptSchema, endedSchema, tombstone, type Attempt, type EndReason, type EndedAttempt } from "./attempt.ts";

/** Where an attempt stands: alive, ended, or both where the program died between ending it and removing its secrets. */
export interface AttemptState {
  readonly live: Attempt | undefined;
  readonly ended: EndedAttempt | undefined;
}

/**
 * `<folder>/<id>.json` is a live attempt, `<folder>/ended/<id>.json` its tombstone. A tombstone is made by exclusive creation,
 * so of any number of processes exactly one ends an attempt; once it exists the attempt is dead, whatever else is on disk.
 */
export class AttemptStore {
  readonly folder: string;
  readonly #live: RecordFolder<Attempt>;
  readonly #ended: RecordFolder<EndedAttempt>;
  readonly #now: () => number;

  constructor(folder: string, now: () => number) {
    this.folder = folder;
    this.#live = new RecordFolder(folder, attemptSchema);
    this.#ended = new RecordFolder(join(folder, "ended"), endedSchema);
    this.#now = now;
  }

  /** Stores a new attempt; false where the id is taken. */
  async create(attempt: Attempt): Promise<boolean> {
    return this.#live.create(attempt.id, attempt);
  }

  /** How the attempt `id` stands. */
  async get(id: string): Promise<AttemptState> {
    // The live file first: it is removed after the tombstone is made, so an attempt is never seen as neither.
    const live = await this.#live.get(id);
    return { live, ended: await this.#tombstoneOf(id, live) };
  }

  /** Every attempt that is neither ended nor expired, oldest first. A damaged file cannot be used and is passed over. */
  async listLive(): Promise<readonly Attempt[]> {
    const { records } = await this.#live.scan();
    const ended = new Set(this.#names(join(this.folder, "ended")).map(idOfFile));
    return records
      .filter((attempt) => !ended.has(attempt.id) && attempt.expiresAtMs > this.#now())
      .toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Every attempt of which something is left, for telling a replay from an unknown address. */
  async listAll(): Promise<readonly (Attempt | EndedAttempt)[]> {
    const [live, ended] = [await this.#live.scan(), await this.#ended.scan()];
    return [...live.records, ...ended.records];
  }

  /** Ends `attempt` and removes its secrets; false where it had been ended before, by whomever. */
  async end(attempt: Attempt, reason: EndReason): Promise<boolean> {
    const isFirst = await this.#ended.create(attempt.id, tombstone(attempt, reason, this.#now()));
    await this.#live.remove(attempt.id);
    return isFirst;
  }

  /** Ends what has expired, finishes interrupted endings, and forgets tombstones and damaged files when nobody can ask for them. */
  async sweep(): Promise<{ readonly expired: number; readonly forgotten: number }> {
    const [live, ended] = [await this.#live.scan(), await this.#ended.scan()];
    const endedIds = new Set([...ended.records.map(({ id }) => id), ...ended.unreadable.map(idOfFile)]);
    let expired = 0;
    let forgotten = 0;
    for (const attempt of live.records) {
      if (endedIds.has(attempt.id)) await this.#live.remove(attempt.id);
      else if (attempt.expiresAtMs <= this.#now() && (await this.end(attempt, "expired"))) expired += 1;
    }
    for (const record of ended.records) {
      if (record.expiresAtMs + LOGIN.tombstoneMs > this.#now()) continue;
      if (await this.#ended.remove(record.id)) forgotten += 1;
    }
    const damaged = [
      ...live.unreadable.map((name) => join(this.folder, name)),
      ...ended.unreadable.map((name) => join(this.folder, "ended", name)),
    ];
    // Nothing here is worth more than ten minutes, and a half-written attempt may hold a verifier.
    for (const path of damaged) if (this.#ageMs(path) > DAY && (await removeDurably(path))) forgotten += 1;
    return { expired, forgotten };
  }

  async #tombstoneOf(id: string, live: Attempt | undefined): Promise<EndedAttempt | undefined> {
    try {
      return await this.#ended.get(id);
    } catch (error) {
      if (!isCodexAuthError(error, "ERR_FILE_NOT_JSON", "ERR_FILE_SHAPE")) throw error;
      // Another process is writing it this moment, or died doing so: the attempt has ended all the same.
      return live === undefined ? undefined : tombstone(live, "used", this.#now());
    }
  }

  #ageMs(path: string): number {
    try {
      return this.#now() - statSync(path).mtimeMs;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return 0;
      throw error;
    }
  }

  #names(folder: string): string[] {
    try {
      return readdirSync(folder);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    }
  }
}

function idOfFile(name: string): string {
  return name.replace(/\.json$/, "");
}
