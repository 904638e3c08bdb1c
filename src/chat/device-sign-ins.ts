// The chat's sign-ins by device code: over the codes on disk, the attempts they may finish, and the sign-in server.

import { setTimeout as delay } from "node:timers/promises";
import { DEVICE } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { retryAfterMs } from "../http/answer.ts";
import type { EndReason } from "../oauth/attempt.ts";
import {
  NO_CODE_NEXT,
  processDeviceCode,
  processDevicePoll,
  type DeviceGrant,
  type DevicePoll,
} from "../oauth/device-code.ts";
import { deviceCodeRequest, devicePage, devicePollRequest, deviceRedirectUri } from "../oauth/device-request.ts";
import { DeviceStore, type DeviceChange, type DeviceRecord } from "../oauth/device-store.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { PendingLogins } from "../oauth/pending.ts";
import type { Asker } from "./conversation.ts";
import type { ClaimedSignIn, SignInTarget } from "./services.ts";
import { attemptOf, attemptRequest, exchangeLogin, ownerOf } from "./sign-ins.ts";

/** A sign-in by device code as it is now. */
export type DeviceSignIn = DeviceRecord;

/** What {@link DeviceSignIns} are made of. */
export interface DeviceParts {
  /** Where the codes lie, beside the attempts. */
  readonly folder: string;
  readonly pending: PendingLogins;
  readonly issuer: Issuer;
  readonly now: () => number;
  /** Waits `ms` milliseconds or until `signal` aborts, and resolves in both cases. Default: the system's timer. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Sign-ins by device code; each belongs to an attempt that its person may finish by a pasted address, too. */
export class DeviceSignIns {
  /** The page on which the code is entered. */
  readonly page: string;
  /** Waits `ms` milliseconds or until `signal` aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #parts: DeviceParts;
  readonly #store: DeviceStore;
  #notBefore = 0;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.#store = new DeviceStore(parts.folder, parts.now);
    this.page = devicePage(parts.issuer);
    this.wait =
      parts.wait ?? ((ms, signal) => delay(Math.min(ms, DEVICE.ttlMs), undefined, { signal }).catch(() => undefined));
  }

  /**
   * Gets a code and starts an attempt for it; `messageId` is where its card will stand, if that is known.
   *
   * @throws CodexAuthError `ERR_DEVICE_*`: nothing was started; the link is left, where the chat takes one.
   */
  async start(asker: Asker, target: SignInTarget, messageId?: string): Promise<DeviceSignIn> {
    const { issuer, now, pending } = this.#parts;
    await this.#store.sweep();
    // A server that said when to come back is not asked before.
    if (now() < this.#notBefore) throw tooSoon();
    const response = await deviceCodeRequest(issuer);
    if (response?.status === 429)
      this.#notBefore = now() + (retryAfterMs(response.headers, now()) ?? DEVICE.maxBackoffMs);
    const { deviceAuthId, userCode, intervalMs } = processDeviceCode(response);
    const attempt = await pending.start({ ...attemptRequest(asker, target), byDevice: true });
    const record: DeviceRecord = {
      schemaVersion: 1,
      id: attempt.id,
      host: asker.host,
      chatId: asker.chatId,
      personId: asker.personId,
      agentId: attempt.agentId,
      profileId: attempt.profileId,
      issuerOrigin: issuer.origin,
      startedAtMs: attempt.createdAtMs,
      expiresAtMs: attempt.expiresAtMs,
      deviceAuthId,
      userCode,
      intervalMs,
      view: "code",
      ...(messageId === undefined ? {} : { messageId }),
    };
    await this.#store.put(record);
    return record;
  }

  /** What an earlier process of this host has left: codes that are still waited for, and ends that were not told. */
  async leftOver(host: Asker["host"]): Promise<readonly DeviceSignIn[]> {
    await this.#store.sweep();
    const { origin } = this.#parts.issuer;
    return (await this.#store.list(host)).filter(({ issuerOrigin }) => issuerOrigin === origin);
  }

  /** Whether another sign-in has its card in this one's message: nothing may be written over that. */
  async isTakenOver({ host, id, chatId, messageId }: DeviceSignIn): Promise<boolean> {
    if (messageId === undefined) return false;
    const others = (await this.#store.list(host)).filter((other) => other.id !== id);
    return others.some((other) => other.chatId === chatId && other.messageId === messageId);
  }

  /** Why it cannot be finished any more; undefined while it can. */
  async endOf({ id }: DeviceSignIn): Promise<EndReason | undefined> {
    return this.#parts.pending.endOf(id);
  }

  /** The sign-in link of the same attempt; undefined where it has ended. */
  async link(signIn: DeviceSignIn): Promise<string | undefined> {
    const [login] = await this.#parts.pending.find({ ...ownerOf(signIn), id: signIn.id });
    return login?.authorizeUrl;
  }

  /** Looks once whether the code was entered. */
  async poll(signIn: DeviceSignIn): Promise<DevicePoll> {
    return processDevicePoll(await devicePollRequest(this.#parts.issuer, signIn), this.#parts.now());
  }

  /** Keeps a change on the disk. */
  async change(signIn: DeviceSignIn, change: DeviceChange): Promise<DeviceSignIn> {
    const changed = { ...signIn, ...change };
    await this.#store.put(changed);
    return changed;
  }

  /**
   * Takes the attempt for an entered code, once and for all; whoever pasted its address before has it.
   *
   * @throws CodexAuthError of the `ERR_LOGIN_*` kinds.
   */
  async claim(signIn: DeviceSignIn, { code, verifier }: DeviceGrant): Promise<ClaimedSignIn> {
    const { issuer, now, pending } = this.#parts;
    const login = await pending.claimByDevice(signIn.id, ownerOf(signIn));
    const exchange = { code, verifier, redirectUri: deviceRedirectUri(issuer) };
    return {
      attempt: attemptOf(login),
      parkedId: parkedIdOf(signIn),
      exchange: () => exchangeLogin(issuer, exchange, now),
    };
  }

  /** Ends the attempt; nothing where it had ended. */
  async end({ id }: DeviceSignIn, reason: "denied" | "cancelled"): Promise<void> {
    await this.#parts.pending.burn(id, reason);
  }

  /** Forgets the code: its end was told. */
  async forget({ id }: DeviceSignIn): Promise<void> {
    await this.#store.remove(id);
  }
}

/** Under which id the login of a sign-in is parked: after a kill it tells whether the login has come. */
export function parkedIdOf({ id }: Pick<DeviceSignIn, "id">): string {
  return `p-${id}`;
}

function tooSoon(): CodexAuthError {
  return new CodexAuthError("ERR_DEVICE_UNAVAILABLE", {
    message: "The sign-in server asks for fewer requests, so there is no device code now.",
    next: NO_CODE_NEXT,
    retryable: true,
  });
}
