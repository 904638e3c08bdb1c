// Judges what the sign-in server answers about a device code (facts/codex-oauth.md §1.6). Nothing of a body stands in an error.

import { z } from "zod";
import { DEVICE } from "../config/defaults.ts";
import { CodexAuthError, type ErrorCode } from "../errors.ts";
import { retryAfterMs } from "../http/answer.ts";
import { Secret } from "../secrets/secret.ts";
import { safeReason } from "./reason.ts";
import { errorCodeOf, isHtml, jsonOf, type TokenResponse } from "./token-response.ts";

/** A code that a person can enter. */
export interface DeviceCode {
  readonly deviceAuthId: Secret;
  readonly userCode: string;
  readonly intervalMs: number;
}

/** What a person has allowed: the server made the PKCE pair, so the verifier comes from it. */
export interface DeviceGrant {
  readonly code: Secret;
  readonly verifier: Secret;
}

/** What one look at the server has shown. */
export type DevicePoll =
  | { readonly kind: "pending" | "slow-down"; readonly retryAfterMs?: number }
  | { readonly kind: "denied" | "expired" }
  /** No answer, or one that says nothing about the sign-in: asked again later. */
  | { readonly kind: "trouble"; readonly what: DeviceTrouble; readonly retryAfterMs?: number }
  | { readonly kind: "authorised"; readonly grant: DeviceGrant }
  | { readonly kind: "failed"; readonly error: CodexAuthError };

/** Why nothing is known at the moment. */
export type DeviceTrouble = "silent" | "busy" | "server" | "blocked";

const opaque = z
  .string()
  .max(4_096)
  .regex(/^[\x21-\x7e]+$/);
// Shown to the person and typed by them: nothing but what a code can be made of.
const userCode = z.string().regex(/^[A-Za-z0-9-]{4,32}$/);
const codeSchema = z
  .object({
    device_auth_id: opaque,
    user_code: userCode.optional().catch(undefined),
    usercode: userCode.optional().catch(undefined),
    // A string of seconds in what was seen; a number is taken too.
    interval: z
      .union([z.number(), z.string().regex(/^\s*\d{1,6}(?:\.\d+)?\s*$/)])
      .optional()
      .catch(undefined),
  })
  .transform(({ device_auth_id, user_code, usercode, interval }) => ({
    deviceAuthId: device_auth_id,
    userCode: user_code ?? usercode,
    interval: interval === undefined ? undefined : Number(interval),
  }));
const grantSchema = z.object({ authorization_code: opaque, code_verifier: opaque });

/** Codes that say how a sign-in stands, whatever the status they come with. */
const POLLS: Readonly<Record<string, "pending" | "slow-down" | "denied" | "expired">> = {
  deviceauth_authorization_pending: "pending",
  deviceauth_authorization_unknown: "pending",
  authorization_pending: "pending",
  slow_down: "slow-down",
  access_denied: "denied",
  expired_token: "expired",
  deviceauth_expired: "expired",
};

/** True wherever it is read: not every chat takes the address that a link ends on. */
export const NO_CODE_NEXT =
  "Try again later, or sign in by a link: in a terminal (`codex-auth-skill start <profile> --link`), or with codex-auth's own bot (Paste instead).";

/**
 * The code in the answer to a request for one.
 *
 * @throws CodexAuthError `ERR_DEVICE_NOT_ENABLED`, `ERR_DEVICE_UNAVAILABLE` (later may do), `ERR_DEVICE_REFUSED`, `ERR_DEVICE_RESPONSE`.
 */
export function processDeviceCode(response: TokenResponse | undefined): DeviceCode {
  if (response?.status === 404) {
    throw deviceError("ERR_DEVICE_NOT_ENABLED", "The sign-in server gives no device codes.");
  }
  const trouble = troubleOf(response);
  if (trouble !== undefined) throw unavailable(trouble);
  if (response === undefined || response.status !== 200) {
    throw deviceError("ERR_DEVICE_REFUSED", `The sign-in server gave no device code (${detailOf(response)}).`);
  }
  const parsed = codeSchema.safeParse(jsonOf(response.body));
  if (!parsed.success || parsed.data.userCode === undefined) {
    throw deviceError("ERR_DEVICE_RESPONSE", "The sign-in server's answer holds no device code.");
  }
  const { deviceAuthId, userCode: shown, interval } = parsed.data;
  return { deviceAuthId: Secret.of(deviceAuthId), userCode: shown, intervalMs: intervalOf(interval) };
}

/** What the answer to a look means; the named codes count before the status (§1.6). */
export function processDevicePoll(response: TokenResponse | undefined, nowMs: number): DevicePoll {
  const known = response === undefined ? undefined : POLLS[errorCodeOf(response)?.toLowerCase() ?? ""];
  if (known === "denied" || known === "expired") return { kind: known };
  const asked = response === undefined ? undefined : retryAfterMs(response.headers, nowMs);
  const later = asked === undefined ? {} : { retryAfterMs: asked };
  if (known !== undefined) return { kind: known, ...later };
  const what = troubleOf(response);
  if (response === undefined || what !== undefined) return { kind: "trouble", what: what ?? "silent", ...later };
  if (response.status === 403 || response.status === 404) return { kind: "pending", ...later };
  if (response.status !== 200) {
    const message = `The sign-in server ended the device sign-in (${detailOf(response)}).`;
    return { kind: "failed", error: deviceError("ERR_DEVICE_REFUSED", message) };
  }
  const parsed = grantSchema.safeParse(jsonOf(response.body));
  if (!parsed.success) {
    const message = "The sign-in server says that the code was entered, but its answer holds no login.";
    return { kind: "failed", error: deviceError("ERR_DEVICE_RESPONSE", message) };
  }
  const { authorization_code: code, code_verifier: verifier } = parsed.data;
  return { kind: "authorised", grant: { code: Secret.of(code), verifier: Secret.of(verifier) } };
}

function intervalOf(seconds: number | undefined): number {
  if (seconds === undefined || !Number.isFinite(seconds)) return DEVICE.intervalMs;
  return Math.min(Math.max(seconds * 1_000, DEVICE.minIntervalMs), DEVICE.maxIntervalMs);
}

/** Cloudflare's page is no verdict on the sign-in (fact 0.6), although its status means "pending" here. */
function troubleOf(response: TokenResponse | undefined): DeviceTrouble | undefined {
  if (response === undefined) return "silent";
  if (response.status === 429) return "busy";
  if (response.status >= 500 || response.status === 408) return "server";
  return response.status === 403 && isHtml(response) ? "blocked" : undefined;
}

function detailOf(response: TokenResponse | undefined): string {
  const said = response === undefined ? undefined : errorCodeOf(response);
  const reason = said === undefined ? undefined : safeReason(said);
  return [reason, `HTTP ${response?.status ?? 0}`].filter((part) => part !== undefined).join(", ");
}

function unavailable(trouble: DeviceTrouble): CodexAuthError {
  const messages: Record<DeviceTrouble, string> = {
    silent: "The sign-in server could not be asked for a device code.",
    busy: "The sign-in server asks for fewer requests, so there is no device code now.",
    server: "The sign-in server has a problem of its own, so there is no device code now.",
    blocked: "Something in front of the sign-in server blocks this machine, so there is no device code now.",
  };
  return deviceError("ERR_DEVICE_UNAVAILABLE", messages[trouble], true);
}

function deviceError(code: ErrorCode, message: string, retryable = false): CodexAuthError {
  return new CodexAuthError(code, { message, next: NO_CODE_NEXT, retryable });
}
