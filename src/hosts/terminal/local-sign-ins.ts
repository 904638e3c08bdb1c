// The sign-ins of a person at this machine: their browser comes back to us, and a paste may still be faster; one of them wins.

import type { Asker } from "../../chat/conversation.ts";
import type {
  ClaimedSignIn,
  Landing,
  SignInAttempt,
  SignIns,
  SignInTarget,
  StartedSignIn,
} from "../../chat/services.ts";
import { LOOPBACK } from "../../config/defaults.ts";
import { isCodexAuthError } from "../../errors.ts";
import { DEFAULT_REDIRECT_URI } from "../../oauth/issuer.ts";
import { Loopback, outcomeOf, type LoopbackOptions, type Taken } from "../../oauth/loopback.ts";
import type { Log } from "../../secrets/log.ts";
import { Secret } from "../../secrets/secret.ts";

/** What local sign-ins are made of. */
export interface LocalSignInsOptions {
  readonly inner: SignIns;
  /** Throws where a received login would find no room: then the code is not used. */
  readonly assertRoom: () => Promise<unknown>;
  /** Set where the person has come from another machine: how that one calls this one. */
  readonly sshHost?: string | undefined;
  readonly loopback?: LoopbackOptions;
  /** How long the server still answers after the last sign-in is over, in milliseconds. Default `LOOPBACK.lingerMs`. */
  readonly lingerMs?: number;
  /** How often is looked whether the sign-ins are still waited for, in milliseconds. Default `LOOPBACK.lookEveryMs`. */
  readonly lookEveryMs?: number;
  readonly log: Log;
}

interface Waiting {
  readonly asker: Asker;
  readonly attempt: SignInAttempt;
  isOver: boolean;
}

/** {@link SignIns} whose callbacks also come by a browser on this machine. */
export class LocalSignIns implements SignIns {
  /**
   * Told of each address that a browser has brought. It is to be handed to the chat like a pasted one: where its sign-in `isOver`
   * with that, it is claimed already, and {@link claim} gives that claim out.
   */
  onArrival: (address: string, isOver: boolean) => void = () => undefined;
  readonly #options: LocalSignInsOptions;
  readonly #inner: SignIns;
  readonly #waiting = new Map<string, Waiting>();
  /** What claiming an address has led to, until the chat asks for it. */
  readonly #claimed = new Map<string, () => ClaimedSignIn>();
  #loopback: Loopback | undefined;
  #linger: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LocalSignInsOptions) {
    this.#options = options;
    this.#inner = options.inner;
  }

  async start(asker: Asker, target: SignInTarget): Promise<StartedSignIn> {
    return this.#inTurn(async () => {
      clearTimeout(this.#linger);
      const loopback = await this.#listen();
      try {
        if (loopback === undefined) return { ...(await this.#inner.start(asker, target)), landing: HELD };
        const started = await this.#inner.start(asker, { ...target, redirectUri: loopback.redirectUri });
        const { agentId, profileId } = started.attempt;
        for (const older of this.#waiting.values())
          if (older.attempt.agentId === agentId && older.attempt.profileId === profileId) this.#end(older);
        this.#expect(loopback, asker, started);
        return { ...started, landing: this.#landing(loopback) };
      } finally {
        this.#closeWhenOver();
      }
    });
  }

  async waiting(asker: Asker): Promise<readonly SignInAttempt[]> {
    return this.#inner.waiting(asker);
  }

  isCallback(text: string): boolean {
    return this.#inner.isCallback(text);
  }

  async claim(asker: Asker, pasted: string, profileId?: string): Promise<ClaimedSignIn> {
    return this.#inTurn(async () => {
      const brought = this.#claimed.get(pasted);
      this.#claimed.delete(pasted);
      if (brought !== undefined) return brought();
      try {
        return await this.#inner.claim(asker, pasted, profileId);
      } finally {
        // Whatever was said: an attempt that waits no longer is over, and its browser is told so.
        await this.#endWhatIsOver(asker);
      }
    });
  }

  async burn(pasted: string): Promise<boolean> {
    return this.#inner.burn(pasted);
  }

  async cancel(asker: Asker, attemptId: string): Promise<boolean> {
    const isCancelled = await this.#inner.cancel(asker, attemptId);
    const waiting = this.#waiting.get(attemptId);
    if (isCancelled && waiting !== undefined) this.#end(waiting);
    return isCancelled;
  }

  /** Whether a browser that comes back now is heard. */
  get isListening(): boolean {
    return this.#loopback !== undefined;
  }

  /** Stops listening; sign-ins under way can still be finished by a paste. */
  async close(): Promise<void> {
    await this.#stop();
  }

  async #listen(): Promise<Loopback | undefined> {
    try {
      return (this.#loopback ??= await Loopback.open(this.#options.loopback));
    } catch (error) {
      // A machine on which nobody may listen still has the paste.
      this.#options.log.error("terminal.loopback", error);
      return undefined;
    }
  }

  #expect(loopback: Loopback, asker: Asker, { attempt, url }: StartedSignIn): void {
    const waiting: Waiting = { asker, attempt, isOver: false };
    this.#waiting.set(attempt.id, waiting);
    this.#looking ??= setInterval(
      () => void this.#inTurn(() => this.#endWhatIsOver(asker)),
      this.#options.lookEveryMs ?? LOOPBACK.lookEveryMs,
    ).unref();
    const state = Secret.of(new URL(url).searchParams.get("state") ?? "");
    loopback.expect(attempt.id, { state, take: (address) => this.#take(waiting, address) });
  }

  /** Nobody listens for a sign-in that has expired, or that was ended by another way or another program. */
  async #endWhatIsOver(asker: Asker): Promise<void> {
    try {
      const ids = new Set((await this.#inner.waiting(asker)).map(({ id }) => id));
      for (const waiting of this.#waiting.values())
        if (!waiting.isOver && !ids.has(waiting.attempt.id)) this.#end(waiting);
    } catch (error) {
      // It is looked again soon; a claim that stands must not fail over this.
      this.#options.log.error("terminal.loopback", error);
    }
  }

  /** One claim at a time: so that a paste and a browser, or two browsers, never both believe that they were first. */
  async #take(waiting: Waiting, address: string): Promise<Taken> {
    return this.#inTurn(async () => {
      if (waiting.isOver) return { outcome: { kind: "over" } };
      const { asker, attempt } = waiting;
      try {
        await this.#options.assertRoom();
        const claimed = await this.#inner.claim(asker, address, attempt.profileId);
        return this.#ended(waiting, address, { kind: "received" }, () => claimed);
      } catch (error) {
        const outcome = outcomeOf(error, address);
        // The sign-in goes on, and only the browser has to know.
        if (outcome.kind === "unusable") return { outcome };
        if (!isCodexAuthError(error)) this.#options.log.error("terminal.callback", error);
        // The chat tries it itself, and says what is wrong.
        if (outcome.kind === "failed") return { outcome, afterwards: () => this.onArrival(address, false) };
        return this.#ended(waiting, address, outcome, () => {
          throw error;
        });
      }
    });
  }

  #ended(waiting: Waiting, address: string, outcome: Taken["outcome"], result: () => ClaimedSignIn): Taken {
    this.#claimed.set(address, result);
    this.#end(waiting);
    return { outcome, afterwards: () => this.onArrival(address, true) };
  }

  #end(waiting: Waiting): void {
    waiting.isOver = true;
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    clearTimeout(this.#linger);
    if (this.#loopback === undefined || !this.#isIdle()) return;
    const stop = async (): Promise<void> => {
      // A sign-in may have been started while this waited for its turn.
      await this.#inTurn(async () => (this.#isIdle() ? this.#stop() : undefined));
    };
    this.#linger = setTimeout(() => void stop(), this.#options.lingerMs ?? LOOPBACK.lingerMs);
    this.#linger.unref();
  }

  #isIdle(): boolean {
    return [...this.#waiting.values()].every(({ isOver }) => isOver);
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#linger);
    clearInterval(this.#looking);
    this.#looking = undefined;
    const loopback = this.#loopback;
    this.#loopback = undefined;
    this.#waiting.clear();
    await loopback?.close();
  }

  #landing({ redirectUri }: Loopback): Landing {
    const { origin, port } = new URL(redirectUri);
    const { sshHost } = this.#options;
    const tunnel = sshHost === undefined ? {} : { tunnel: `ssh -L ${port}:localhost:${port} ${sshHost}` };
    return { origin, heard: true, ...tunnel };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const HELD = { origin: new URL(DEFAULT_REDIRECT_URI).origin, heard: false } as const;
