// Sign-in attempts that wait for their callback: durable, bound to a person, a chat and a profile, and usable exactly once.

import { join } from "node:path";
import { DEVICE, LOGIN } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import { Secret } from "../secrets/secret.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { AttemptStore } from "./attempt-store.ts";
import type { Attempt, EndReason } from "./attempt.ts";
import { authorizeUrl } from "./authorize-url.ts";
import { statesIn } from "./callback-text.ts";
import { equalConstantTime, parseCallback } from "./callback.ts";
import { DEFAULT_REDIRECT_URI, type Issuer } from "./issuer.ts";
import { endedError, foreignError, notPendingError, otherProfileError } from "./pending-errors.ts";
import { challengeOf, createState, createVerifier, type RandomBytes } from "./pkce.ts";

/** Who finishes or looks: an attempt answers only to the person and chat that started it. */
export interface AttemptOwner {
  readonly person: string;
  readonly chat: string;
}

/** Which attempts of a person in a chat: all of them, or the one with that id or profile. */
export interface AttemptQuery extends AttemptOwner {
  readonly id?: string | undefined;
  readonly profileId?: string | undefined;
}

/** What a new attempt is for. */
export interface LoginRequest extends AttemptOwner {
  readonly host: string;
  readonly profileId: string;
  readonly agentId: string;
  /** Where the browser ends up; the exchange repeats the exact text. Default `DEFAULT_REDIRECT_URI`. */
  readonly redirectUri?: string;
  /** How long it may be finished, in milliseconds, at most the default. Default `LOGIN.attemptTtlMs`, or `DEVICE.ttlMs`. */
  readonly ttlMs?: number;
  /** True where a device code may finish it too, which is good for longer than a link. Default false. */
  readonly byDevice?: boolean;
  /** Asks for a fresh sign-in instead of the browser's current account. Default false. */
  readonly forceSignIn?: boolean;
  readonly loginHint?: string | undefined;
  readonly workspaceId?: string | undefined;
}

/** A live attempt as the chat sees it: no verifier, and the state only inside the address meant for its person. */
export interface PendingLogin extends AttemptOwner {
  /** Opaque: 12 hex digits. It names the attempt and gives no right to it. */
  readonly id: string;
  readonly host: string;
  readonly profileId: string;
  readonly agentId: string;
  readonly authorizeUrl: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** What finishes an attempt: it was given out once and is gone from the disk. */
export interface ClaimedLogin {
  readonly login: PendingLogin;
  readonly code: Secret;
  readonly verifier: Secret;
  readonly redirectUri: string;
}

/** The sign-in attempts of this machine, shared by all hosts and processes through a folder. */
export class PendingLogins {
  readonly #store: AttemptStore;
  readonly #issuer: Issuer;
  readonly #now: () => number;
  readonly #randomBytes: RandomBytes;

  constructor(options: {
    readonly folder: string;
    readonly issuer: Issuer;
    readonly now: () => number;
    readonly randomBytes: RandomBytes;
  }) {
    this.#store = new AttemptStore(options.folder, options.now);
    this.#issuer = options.issuer;
    this.#now = options.now;
    this.#randomBytes = options.randomBytes;
  }

  /** Starts an attempt; an older one of the same person, chat, agent and profile is burnt (`replaced`). */
  async start(request: LoginRequest): Promise<PendingLogin> {
    await ensurePrivateFolder(this.#store.folder);
    // Only the pair "burn the old one, store the new one" needs the lock: ending is exclusive by itself.
    return withProcessLock(join(this.#store.folder, "start"), async () => {
      for (const older of await this.#store.listLive()) {
        const isSame = isOwner(older, request) && older.profileId === request.profileId;
        if (isSame && older.agentId === request.agentId) await this.#store.end(older, "replaced");
      }
      let attempt = this.#newAttempt(request);
      while (!(await this.#store.create(attempt))) attempt = this.#newAttempt(request);
      return this.#view(attempt);
    });
  }

  /** The live attempts of this person in this chat, oldest first. */
  async find(query: AttemptQuery): Promise<readonly PendingLogin[]> {
    const live = await this.#liveOf(query);
    return live.map((attempt) => this.#view(attempt));
  }

  /**
   * Checks the pasted address and gives out what the exchange needs; the attempt is durably used before this returns.
   *
   * @throws CodexAuthError `ERR_LOGIN_NOT_PENDING`, `ERR_LOGIN_FOREIGN`, `ERR_LOGIN_BURNT`, `ERR_LOGIN_EXPIRED`,
   *   `ERR_CALLBACK_DENIED` (the attempt has ended), or another `ERR_CALLBACK_…` of {@link parseCallback} (it goes on).
   */
  async claim(id: string, by: AttemptOwner & { readonly callbackText: string }): Promise<ClaimedLogin> {
    const attempt = await this.#usable(id, by);
    const state = Secret.of(attempt.state);
    try {
      const { code } = parseCallback(by.callbackText, { redirectUri: attempt.redirectUri, state });
      // The one who makes the tombstone has the attempt; everybody else is told what it was ended for.
      if (!(await this.#store.end(attempt, "used"))) throw await this.#reasonOf(id);
      const { verifier, redirectUri } = attempt;
      return { login: this.#view(attempt), code, verifier: Secret.of(verifier), redirectUri };
    } catch (error) {
      if (isCodexAuthError(error, "ERR_CALLBACK_DENIED")) await this.#store.end(attempt, "denied");
      throw error;
    }
  }

  /**
   * {@link claim} for an address that was pasted without saying for which attempt: its state says it. A replayed one is
   * told apart from one that belongs to nothing.
   */
  async claimPasted(
    by: AttemptOwner & { readonly callbackText: string; readonly profileId?: string | undefined },
  ): Promise<ClaimedLogin> {
    const prints = new Set(
      statesIn(by.callbackText.slice(0, LOGIN.maxCallbackChars)).map((state) => fingerprint(state)),
    );
    const all = await this.#store.listAll();
    const named = all.find((attempt) => prints.has(attempt.stateFingerprint));
    if (named !== undefined) {
      if (!isOwner(named, by)) throw foreignError();
      if (by.profileId !== undefined && named.profileId !== by.profileId) throw otherProfileError();
      return this.claim(named.id, by);
    }
    // It names no attempt: the newest live one says what is wrong with it.
    const [newest] = (await this.#liveOf(by)).toReversed();
    if (newest === undefined) throw notPendingError();
    return this.claim(newest.id, by);
  }

  /**
   * Takes an attempt whose device code was entered: like {@link claim}, it is durably used before this returns.
   *
   * @throws CodexAuthError `ERR_LOGIN_NOT_PENDING`, `ERR_LOGIN_FOREIGN`, `ERR_LOGIN_BURNT`, `ERR_LOGIN_EXPIRED`.
   */
  async claimByDevice(id: string, by: AttemptOwner): Promise<PendingLogin> {
    const attempt = await this.#usable(id, by);
    if (!(await this.#store.end(attempt, "used"))) throw await this.#reasonOf(id);
    return this.#view(attempt);
  }

  /** Why the attempt `id` cannot be finished any more; undefined while it can. */
  async endOf(id: string): Promise<EndReason | undefined> {
    const { live, ended } = await this.#store.get(id);
    if (ended !== undefined) return ended.reason;
    return live === undefined || live.expiresAtMs <= this.#now() ? "expired" : undefined;
  }

  /** Ends an attempt because of what happened to it; false where it had ended or is unknown. */
  async burn(id: string, reason: Exclude<EndReason, "used" | "expired">): Promise<boolean> {
    const { live, ended } = await this.#store.get(id);
    return live !== undefined && ended === undefined && this.#store.end(live, reason);
  }

  /** Ends the attempts whose state is in `text`, whoever started them: it was seen where others could read it. */
  async burnByState(text: string): Promise<readonly PendingLogin[]> {
    const states = statesIn(text);
    if (states.length === 0) return [];
    const live = await this.#store.listLive();
    const leaked = live.filter((attempt) => states.some((state) => equalConstantTime(state, attempt.state)));
    return this.#endAll(leaked, "leaked");
  }

  /** Ends an attempt by its id (whoever asks), or those of a person in a chat (one by id or profile, if given). */
  async cancel(target: string | AttemptQuery): Promise<readonly PendingLogin[]> {
    if (typeof target !== "string") return this.#endAll(await this.#liveOf(target), "cancelled");
    const { live, ended } = await this.#store.get(target);
    return live === undefined || ended !== undefined ? [] : this.#endAll([live], "cancelled");
  }

  /** Removes the secrets of expired attempts, and what nobody can ask for any more. Run it at the start and now and then. */
  async sweep(): Promise<{ readonly expired: number; readonly forgotten: number }> {
    return this.#store.sweep();
  }

  async #usable(id: string, by: AttemptOwner): Promise<Attempt> {
    const { live, ended } = await this.#store.get(id);
    const known = live ?? ended;
    // An attempt of another issuer (the setting was changed meanwhile) must not send its code to this one.
    if (known === undefined || (live !== undefined && live.issuerOrigin !== this.#issuer.origin))
      throw notPendingError();
    if (!isOwner(known, by)) throw foreignError();
    if (ended !== undefined || live === undefined) throw endedError(ended?.reason ?? "used");
    if (live.expiresAtMs > this.#now()) return live;
    await this.#store.end(live, "expired");
    throw endedError("expired");
  }

  async #reasonOf(id: string): Promise<Error> {
    const { ended } = await this.#store.get(id);
    return endedError(ended?.reason ?? "used");
  }

  async #liveOf(query: AttemptQuery): Promise<readonly Attempt[]> {
    const live = await this.#store.listLive();
    return live.filter(
      (attempt) =>
        isOwner(attempt, query) &&
        attempt.issuerOrigin === this.#issuer.origin &&
        (query.id === undefined || attempt.id === query.id) &&
        (query.profileId === undefined || attempt.profileId === query.profileId),
    );
  }

  async #endAll(attempts: readonly Attempt[], reason: EndReason): Promise<readonly PendingLogin[]> {
    const endedHere: PendingLogin[] = [];
    for (const attempt of attempts) {
      if (await this.#store.end(attempt, reason)) endedHere.push(this.#view(attempt));
    }
    return endedHere;
  }

  #newAttempt(request: LoginRequest): Attempt {
    const createdAtMs = this.#now();
    const longestMs = request.byDevice === true ? DEVICE.ttlMs : LOGIN.attemptTtlMs;
    const state = createState(this.#randomBytes);
    const { person, chat, host, profileId, agentId, forceSignIn, loginHint, workspaceId } = request;
    return {
      schemaVersion: 1,
      id: Buffer.from(this.#randomBytes(6)).toString("hex"),
      person,
      chat,
      host,
      profileId,
      agentId,
      createdAtMs,
      expiresAtMs: createdAtMs + Math.min(request.ttlMs ?? longestMs, longestMs),
      stateFingerprint: fingerprint(state),
      issuerOrigin: this.#issuer.origin,
      redirectUri: request.redirectUri ?? DEFAULT_REDIRECT_URI,
      verifier: createVerifier(this.#randomBytes).expose(),
      state: state.expose(),
      ...(forceSignIn === undefined ? {} : { forceSignIn }),
      ...(loginHint === undefined ? {} : { loginHint }),
      ...(workspaceId === undefined ? {} : { workspaceId }),
    };
  }

  #view(attempt: Attempt): PendingLogin {
    const { id, person, chat, host, profileId, agentId, createdAtMs, expiresAtMs } = attempt;
    const url = authorizeUrl({
      issuer: this.#issuer,
      redirectUri: attempt.redirectUri,
      state: Secret.of(attempt.state),
      challenge: challengeOf(Secret.of(attempt.verifier)),
      forceSignIn: attempt.forceSignIn,
      loginHint: attempt.loginHint,
      workspaceId: attempt.workspaceId,
    });
    return { id, person, chat, host, profileId, agentId, authorizeUrl: url, createdAtMs, expiresAtMs };
  }
}

function isOwner(attempt: AttemptOwner, by: AttemptOwner): boolean {
  return attempt.person === by.person && attempt.chat === by.chat;
}
