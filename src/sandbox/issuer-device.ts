// The sandbox issuer's device codes: given out, entered by a person, asked for by a program (facts/codex-oauth.md §1.6).

import { createHash, randomBytes, randomInt } from "node:crypto";
import { z } from "zod";
import { DEVICE, SECOND } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { SANDBOX_CLIENT_ID } from "./issuer-contract.ts";
import { FaultQueue } from "./issuer-faults.ts";
import { nestedError, type IssuerState, type SandboxAccount, type TokenAnswer } from "./issuer-state.ts";

interface IssuedDevice {
  readonly userCode: string;
  readonly expiresAtMs: number;
  /** Grows with each `slow_down` that it has earned. */
  intervalMs: number;
  askedAtMs: number;
  account?: SandboxAccount;
  isDenied: boolean;
  isTaken: boolean;
}

const usercodeSchema = z.object({ client_id: z.literal(SANDBOX_CLIENT_ID) });
const pollSchema = z.object({ device_auth_id: z.string().min(1), user_code: z.string().min(1) });

// Without letters and digits that look alike.
const ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789";
/** A timer may fire this much early, which is nobody's haste. */
const EARLY_MS = 100;

/** The device codes of one sandbox issuer. */
export class DeviceDesk {
  /** What goes wrong at the next request for a code. */
  readonly codeFaults = new FaultQueue();
  /** What goes wrong at the next look. */
  readonly pollFaults = new FaultQueue();
  /** False: this server gives no codes and answers 404. */
  isEnabled = true;
  /** In seconds; the real one writes a string. */
  interval: string | number = "5";
  readonly #state: IssuerState;
  readonly #now: () => number;
  readonly #devices = new Map<string, IssuedDevice>();

  constructor(state: IssuerState, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  /** The codes that can still be entered, the oldest first. */
  get waiting(): readonly string[] {
    return [...this.#devices.values()].filter((device) => this.#isOpen(device)).map(({ userCode }) => userCode);
  }

  /** The person enters `userCode` and signs in as `email` (in `accountId`, where it has several). @throws CodexAuthError `ERR_USAGE`. */
  approve(userCode: string, email: string, accountId?: string): void {
    const account = this.#state.accounts.find(
      (one) => one.email === email && (accountId === undefined || one.accountId === accountId),
    );
    if (account === undefined) throw usage("The sandbox has no such account.");
    this.#open(userCode).account = account;
  }

  /** The person enters `userCode` and declines. @throws CodexAuthError `ERR_USAGE`. */
  deny(userCode: string): void {
    this.#open(userCode).isDenied = true;
  }

  /** Answers `POST /api/accounts/deviceauth/usercode`. */
  giveCode(body: unknown): TokenAnswer {
    // 404 = not enabled on this server.
    if (!this.isEnabled) return nestedError(404, "not_found");
    if (!usercodeSchema.safeParse(body).success) return nestedError(401, "invalid_client");
    const id = ["deviceauth", randomBytes(18).toString("base64url")].join("_");
    const letters = Array.from({ length: 9 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
    const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`;
    const now = this.#now();
    this.#devices.set(id, {
      userCode,
      // Good for 15 minutes.
      expiresAtMs: now + DEVICE.ttlMs,
      intervalMs: Math.max(Number(this.interval), 1) * SECOND,
      askedAtMs: now,
      isDenied: false,
      isTaken: false,
    });
    return { status: 200, body: { device_auth_id: id, user_code: userCode, interval: this.interval } };
  }

  /** Answers `POST /api/accounts/deviceauth/token`. */
  look(body: unknown, origin: string): TokenAnswer {
    const asked = pollSchema.safeParse(body);
    const device = asked.success ? this.#devices.get(asked.data.device_auth_id) : undefined;
    // "Unknown" has been seen with 400 and 403. That a code is given once is our reading: the facts do not say it, and a client
    // that counts on a second time would lose logins.
    if (!asked.success || device === undefined || device.userCode !== asked.data.user_code || device.isTaken)
      return nestedError(400, "deviceauth_authorization_unknown");
    const now = this.#now();
    if (device.expiresAtMs <= now) return nestedError(400, "expired_token");
    const isHasty = now - device.askedAtMs < device.intervalMs - EARLY_MS;
    device.askedAtMs = now;
    if (isHasty) {
      device.intervalMs += DEVICE.slowDownMs;
      return nestedError(400, "slow_down");
    }
    // The named code counts, whatever the status: 403 alone would mean pending.
    if (device.isDenied) return nestedError(403, "access_denied");
    if (device.account === undefined) return nestedError(403, "deviceauth_authorization_pending");
    device.isTaken = true;
    return { status: 200, body: this.#grant(device.account, origin) };
  }

  /** The server made the PKCE pair. */
  #grant(account: SandboxAccount, origin: string): Readonly<Record<string, string>> {
    const verifier = randomBytes(64).toString("base64url");
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const bound = { redirect_uri: `${origin}/deviceauth/callback`, code_challenge: challenge };
    const code = this.#state.giveCode(bound, account);
    return { authorization_code: code, code_challenge: challenge, code_verifier: verifier };
  }

  #open(userCode: string): IssuedDevice {
    const device = [...this.#devices.values()].find((one) => one.userCode === userCode && this.#isOpen(one));
    if (device === undefined) throw usage("The sandbox waits for no such code.");
    return device;
  }

  #isOpen({ account, isDenied, expiresAtMs }: IssuedDevice): boolean {
    return account === undefined && !isDenied && expiresAtMs > this.#now();
  }
}

function usage(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: "Start a new sign-in against the sandbox." });
}
