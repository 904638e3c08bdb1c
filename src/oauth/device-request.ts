// Asks the sign-in server for a device code, and whether somebody has entered it (facts/codex-oauth.md §1.6); nothing is judged here.

import { DEVICE } from "../config/defaults.ts";
import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, type Issuer } from "./issuer.ts";
import { post, type PostOptions } from "./post.ts";
import type { TokenResponse } from "./token-response.ts";

/** What the server knows a device sign-in by. */
export interface DeviceHandle {
  readonly deviceAuthId: Secret;
  readonly userCode: string;
}

/** The page on which a person enters the code. */
export function devicePage(issuer: Issuer): string {
  return new URL("/codex/device", issuer.origin).href;
}

/** What the exchange of a device sign-in repeats as its redirect. */
export function deviceRedirectUri(issuer: Issuer): string {
  return new URL("/deviceauth/callback", issuer.origin).href;
}

/** The answer to "give me a code"; undefined where none came. */
export function deviceCodeRequest(issuer: Issuer, options: PostOptions = {}): Promise<TokenResponse | undefined> {
  return ask(issuer, "usercode", { client_id: CLIENT_ID }, options);
}

/** The answer to "has somebody entered it?"; undefined where none came. */
export function devicePollRequest(
  issuer: Issuer,
  { deviceAuthId, userCode }: DeviceHandle,
  options: PostOptions = {},
): Promise<TokenResponse | undefined> {
  return ask(issuer, "token", { device_auth_id: deviceAuthId.expose(), user_code: userCode }, options);
}

async function ask(
  issuer: Issuer,
  what: "usercode" | "token",
  question: Readonly<Record<string, string>>,
  options: PostOptions,
): Promise<TokenResponse | undefined> {
  const content = { type: "application/json", body: JSON.stringify(question) };
  const limits = { timeoutMs: DEVICE.requestTimeoutMs, maxBodyBytes: DEVICE.maxBodyBytes, ...options };
  try {
    return await post(issuer, `/api/accounts/deviceauth/${what}`, content, limits);
  } catch {
    // Time-outs and network errors are ridden out; which one it was changes nothing.
    return undefined;
  }
}
