// The leased login in the Codex CLI's login file: written, recognised and removed without ever taking a person's own login for ours.

import { dirname, join } from "node:path";
import { CODEX_HOME } from "../config/defaults.ts";
import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import {
  readCodexLogin,
  removeCodexLogin,
  targetOf,
  writeCodexLogin,
  type CodexLogin,
  type CodexLoginSummary,
  type WritableCodexTokens,
} from "../profiles/codex-home.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { ensurePrivateFolder, removeDeadLeftovers, removeDurably } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { writableTokens, writtenLogin } from "./auth-file-material.ts";
import {
  isSameTokens,
  isSpent,
  judge,
  judgeElsewhere,
  noteSchema,
  settle,
  type AuthFileNote,
  type Ownership,
} from "./auth-file-note.ts";
import { renewedIn, wasPushed, type RenewedTokens } from "./auth-file-renewed.ts";
import type { LeaseMaterial, ReconcileDecision } from "./broker.ts";

/** Where {@link LeasedAuthFile} works. */
export interface LeasedAuthFileOptions {
  /** The login file, absolute. */
  readonly path: string;
  /** Our own folder; the note is `auth-file.json` in it. */
  readonly folder: string;
  readonly now: () => number;
}

/** What a write did. `kept`: the Codex CLI has renewed these very tokens, the broker's are spent; the renewed ones stay. */
export interface AuthFileWritten {
  readonly outcome: "written" | "unchanged" | "kept";
  /** Whether tokens that the Codex CLI had renewed were replaced; unless they were pushed back, nobody has them any more. */
  readonly replacedRenewed: boolean;
}

/** What a removal did. `absent`: nothing of ours is known to lie anywhere; `left`: the login where ours was is not ours any more. */
export interface AuthFileRemoved {
  readonly outcome: "removed" | "absent" | "left";
  /** As in {@link AuthFileWritten.replacedRenewed}. */
  readonly removedRenewed: boolean;
}

/** Whose login lies in the file. */
export type AuthFileStatus =
  | { readonly kind: "absent" }
  | { readonly kind: "ours"; readonly leaseId: string; readonly renewed: boolean; readonly whose: CodexLoginSummary }
  | { readonly kind: "other"; readonly whose: CodexLoginSummary };

interface Seen {
  readonly note: AuthFileNote | undefined;
  readonly login: CodexLogin | undefined;
  readonly ours: Ownership | undefined;
}

/**
 * The one writer of the leased login. Its calls take turns, also between processes.
 * All throw what reading the file throws (`ERR_FILE_NOT_JSON` …, nothing is changed then), and `ERR_LOCK_TIMEOUT`.
 */
export class LeasedAuthFile {
  readonly #path: string;
  readonly #folder: string;
  readonly #notePath: string;
  readonly #now: () => number;

  constructor({ path, folder, now }: LeasedAuthFileOptions) {
    this.#path = path;
    this.#folder = folder;
    this.#notePath = join(folder, "auth-file.json");
    this.#now = now;
  }

  /** Whose login lies there now. */
  async status(): Promise<AuthFileStatus> {
    return this.#inTurn(async () => {
      const { login, ours } = await this.#look(this.#path);
      if (login === undefined) return { kind: "absent" };
      const { whose } = login;
      if (ours === undefined) return { kind: "other", whose };
      return { kind: "ours", leaseId: ours.written.leaseId, renewed: ours.renewed, whose };
    });
  }

  /**
   * Writes the leased login where no other login is; where it lay in another file before, it is removed from there first.
   *
   * @throws CodexAuthError `ERR_LEASE_FILE_TAKEN`, `ERR_LEASE_NO_MATERIAL`, `ERR_LEASE_MATERIAL_EXPIRED`; nothing is changed then.
   */
  async write(leaseId: string, material: LeaseMaterial): Promise<AuthFileWritten> {
    const tokens = writableTokens(material, this.#now());
    return this.#inTurn(async (signal) => {
      const seen = await this.#look(this.#path);
      if (seen.login !== undefined && seen.ours === undefined) throw taken(this.#path);
      return this.#put(leaseId, tokens, seen, signal);
    });
  }

  /**
   * Writes the leased login for a person who confirmed to give up the place of the login there. `park` gets that login first and
   * must have stored it when it resolves; it may be called with the same login again after a crash, so it should know it again.
   *
   * @throws CodexAuthError as {@link write} does, but for `ERR_LEASE_FILE_TAKEN`; and what `park` throws: nothing is changed then.
   */
  async takeOver(
    leaseId: string,
    material: LeaseMaterial,
    park: (login: CodexLogin) => Promise<void>,
  ): Promise<AuthFileWritten> {
    const tokens = writableTokens(material, this.#now());
    let parked: string | undefined;
    return this.#inTurn(async (signal) => {
      const seen = await this.#look(this.#path);
      const text = seen.login?.text.expose();
      if (seen.login !== undefined && seen.ours === undefined && text !== parked) {
        await park(seen.login);
        parked = text;
      }
      return this.#put(leaseId, tokens, seen, signal);
    });
  }

  /** Removes the login, from wherever it was written to, if it is ours. */
  async remove(): Promise<AuthFileRemoved> {
    return this.#inTurn(async (signal) => {
      const path = await this.#writtenTo();
      // Never written: whatever lies there is a person's. It is not even read, for a damaged one must not stop a release.
      if (path === undefined) return { outcome: "absent", removedRenewed: false };
      return this.#removeFrom(path, signal);
    });
  }

  /** The tokens that the Codex CLI renewed since we wrote them for exactly this lease, and that were not pushed yet. */
  async renewedTokens(leaseId: string): Promise<RenewedTokens> {
    return this.#inTurn(async () => {
      // Where it was written to, also where the settings name another file by now: what is pushed is not lost by the move.
      const { login, ours } = await this.#look((await this.#writtenTo()) ?? this.#path);
      return renewedIn(leaseId, login, ours);
    });
  }

  /** Remembers what the broker made of pushed tokens. */
  async notePushed(leaseId: string, refreshFingerprint: string, decision: ReconcileDecision): Promise<void> {
    await this.#inTurn(async (signal) => {
      const { note } = await this.#look((await this.#writtenTo()) ?? this.#path);
      if (note?.leaseId !== leaseId) return;
      const pushed = { refreshFingerprint, decision, at: this.#now(), answered: false };
      await this.#keepNote({ ...note, pushed }, signal);
    });
  }

  async #put(leaseId: string, tokens: WritableCodexTokens, seen: Seen, signal: AbortSignal): Promise<AuthFileWritten> {
    const left = await this.#leaveOtherFile(signal);
    const result = await this.#putHere(leaseId, tokens, seen, signal);
    return { ...result, replacedRenewed: result.replacedRenewed || left };
  }

  async #putHere(
    leaseId: string,
    tokens: WritableCodexTokens,
    seen: Seen,
    signal: AbortSignal,
  ): Promise<AuthFileWritten> {
    const path = this.#path;
    const next = writtenLogin(leaseId, tokens, this.#now());
    const { login, ours } = seen;
    const here = login?.whose;
    if (here !== undefined && ours !== undefined) {
      if (isSameTokens(here, next)) {
        await this.#keepNote({ schemaVersion: 1, ...next, path }, signal);
        return { outcome: "unchanged", replacedRenewed: false };
      }
      if (isSpent(next, ours.written, here)) {
        const { pushed, ...written } = ours.written;
        // Its manager has said its word on the renewed tokens and has nothing newer: not asked for again.
        await this.#keepNote(
          {
            schemaVersion: 1,
            ...written,
            path,
            ...(pushed === undefined ? {} : { pushed: { ...pushed, answered: true } }),
          },
          signal,
        );
        return { outcome: "kept", replacedRenewed: false };
      }
    }
    const change = { kind: "write" as const, from: ours?.written ?? null };
    // Before the file: killed in between, both the login that was there and the one to come are known to be ours.
    await this.#keepNote({ schemaVersion: 1, ...next, path, change }, signal);
    await writeCodexLogin(path, tokens, {
      replaces: login ?? "nothing",
      beforeRename: () => signal.throwIfAborted(),
    });
    await this.#keepNote({ schemaVersion: 1, ...next, path }, signal);
    const refresh = here?.refreshFingerprint;
    const wasRenewed = ours?.renewed === true && refresh !== ours.written.refreshFingerprint;
    return { outcome: "written", replacedRenewed: wasRenewed && !wasPushed(ours.written, refresh) };
  }

  /** Removes ours from the file that it was written to, where that is another one now; whether renewed tokens went with it. */
  async #leaveOtherFile(signal: AbortSignal): Promise<boolean> {
    const before = await this.#writtenTo();
    if (before === undefined || isSameFile(before, this.#path)) return false;
    return (await this.#removeFrom(before, signal)).removedRenewed;
  }

  async #removeFrom(path: string, signal: AbortSignal): Promise<AuthFileRemoved> {
    if (path !== this.#path) await removeDeadLeftovers(dirname(targetOf(path)));
    const { login, ours, note } = await this.#look(path);
    const seen = login?.whose.refreshFingerprint;
    if (login === undefined) return { outcome: "absent", removedRenewed: false };
    if (ours === undefined || note === undefined || seen === undefined) {
      return { outcome: "left", removedRenewed: false };
    }
    await this.#keepNote({ ...note, path, change: { kind: "remove", seen } }, signal);
    const outcome = await removeCodexLogin(path, seen);
    // The CLI has renewed it since we looked: look again.
    if (outcome === "other") throw changedMeanwhile(path);
    await removeDurably(this.#notePath);
    return { outcome, removedRenewed: ours.renewed && !wasPushed(ours.written, seen) };
  }

  /** The file that we wrote to last, or undefined where none of our logins is known to lie anywhere. */
  async #writtenTo(): Promise<string | undefined> {
    const note = await readJsonFile(this.#notePath, noteSchema);
    return note === undefined ? undefined : (note.path ?? this.#path);
  }

  /** What lies in `path`, with the note brought up to date where it speaks of that file. */
  async #look(path: string): Promise<Seen> {
    const before = await readJsonFile(this.#notePath, noteSchema);
    const login = await readCodexLogin(path);
    if (before?.path !== undefined && !isSameFile(before.path, path)) {
      return { note: before, login, ours: login === undefined ? undefined : judgeElsewhere(login.whose, before) };
    }
    const note = settle(before === undefined ? undefined : { path, ...before }, login?.whose);
    if (note === undefined && before !== undefined) await removeDurably(this.#notePath);
    if (note !== undefined && canonicalJson(note) !== canonicalJson(before)) await writeJsonFile(this.#notePath, note);
    return { note, login, ours: login === undefined ? undefined : judge(login.whose, note) };
  }

  async #keepNote(note: AuthFileNote, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await writeJsonFile(this.#notePath, note);
  }

  /** Runs `body` alone, and again where the CLI changed the file under it. */
  async #inTurn<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#folder);
    return withProcessLock(this.#notePath, async (signal) => {
      // A killed writer may have left a temp file with tokens beside either.
      await removeDeadLeftovers(this.#folder);
      await removeDeadLeftovers(dirname(targetOf(this.#path)));
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await body(signal);
        } catch (error) {
          if (!isCodexAuthError(error, "ERR_STORE_CONFLICT") || attempt >= CODEX_HOME.tries) throw error;
        }
      }
    });
  }
}

/** Whether both name one file, be it by a link. */
function isSameFile(one: string, other: string): boolean {
  return one === other || targetOf(one) === targetOf(other);
}

function taken(path: string): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_FILE_TAKEN", {
    message: `${path} holds a login that is not this machine's lease.`,
    next: "Nothing was changed. Confirm in `/lease` to keep that login aside and put the leased one there, or switch `writeAuthFile` off.",
  });
}

function changedMeanwhile(path: string): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: `${path} was changed by another program at the same moment.`,
    next: "Nothing was removed. Try again.",
    retryable: true,
  });
}
