// What OpenClaw keeps for one profile, as far as we look into it; every other field is carried along untouched.

import { z } from "zod";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";

const common = {
  provider: z.string().trim().min(1),
  email: z.string().optional(),
  displayName: z.string().optional(),
  managedBy: z.string().optional(),
};
const oauth = z.looseObject({
  ...common,
  type: z.literal("oauth"),
  access: z.string().optional(),
  refresh: z.string().optional(),
  /** Milliseconds since 1970. */
  expires: z.number().optional(),
  accountId: z.string().optional(),
  chatgptPlanType: z.string().optional(),
});
const token = z.looseObject({
  ...common,
  type: z.literal("token"),
  token: z.string().optional(),
  expires: z.number().optional(),
});
const apiKey = z.looseObject({ ...common, type: z.literal("api_key"), key: z.string().optional() });
const credentialSchema = z.discriminatedUnion("type", [oauth, token, apiKey]);

/** A credential in the form in which it lies in the store: its tokens are plain text, so it is for storing and nothing else. */
export type Credential = z.infer<typeof credentialSchema>;

/** A {@link Credential} that cannot be printed; what is passed around and kept in a job's secret file. */
export type SealedCredential = Secret;

/** Wraps a credential. */
export function sealCredential(credential: Credential): SealedCredential {
  return Secret.of(JSON.stringify(credential));
}

/** Unwraps a credential. @throws CodexAuthError `ERR_INTERNAL` where the text is none. */
export function openCredential(sealed: SealedCredential): Credential {
  const credential = parseCredential(unsealEntry(sealed));
  if (credential !== undefined) return credential;
  throw new CodexAuthError("ERR_INTERNAL", {
    message: "A saved credential is not one that OpenClaw could read.",
    next: "Nothing was changed; sign in again.",
  });
}

/** The JSON value inside a sealed entry, valid as a credential or not (an undo restores what was there). */
export function unsealEntry(sealed: SealedCredential): unknown {
  return JSON.parse(sealed.expose()) as unknown;
}

/**
 * An entry of `profiles` as a credential, or undefined where OpenClaw would not take it.
 * Its two aliases are accepted as OpenClaw accepts them: `mode` for `type`, `apiKey` for `key`.
 */
export function parseCredential(entry: unknown): Credential | undefined {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return undefined;
  const named: Record<string, unknown> = { ...entry };
  if (!("type" in named) && typeof named["mode"] === "string") named["type"] = named["mode"];
  if (!("key" in named) && typeof named["apiKey"] === "string") named["key"] = named["apiKey"];
  const result = credentialSchema.safeParse(named);
  return result.success ? result.data : undefined;
}

/** The access token or static token of a credential, or undefined where there is none that can be used. */
export function accessTokenOf(credential: Credential): Secret | undefined {
  if (credential.type === "api_key") return undefined;
  return usableToken(credential.type === "oauth" ? credential.access : credential.token);
}

/** The refresh token of a credential, or undefined where there is none that can be used. */
export function refreshTokenOf(credential: Credential): Secret | undefined {
  return credential.type === "oauth" ? usableToken(credential.refresh) : undefined;
}

/** True where OpenClaw would try this credential at all (2026.4.5 `evaluateStoredCredentialEligibility`). */
export function isEligible(credential: Credential, now: number): boolean {
  switch (credential.type) {
    case "oauth":
      return isFilled(credential.access) || isFilled(credential.refresh);
    case "token":
      if (!isFilled(credential.token) && credential["tokenRef"] === undefined) return false;
      return credential.expires === undefined || (credential.expires > 0 && now < credential.expires);
    case "api_key":
      return isFilled(credential.key) || credential["keyRef"] !== undefined;
  }
}

const FENCE = "openclaw-oauth-refresh-fence";

/** True for the marker that OpenClaw puts in a token's place while it refreshes it (facts/codex-oauth.md §1.8): never a token. */
function isRefreshFence(text: string | undefined): boolean {
  return text?.startsWith(FENCE) === true;
}

/** What OpenClaw's marker in place of the tokens says: its renewal is under way, or has failed for good; undefined where there is none. */
export function refreshFenceOf(credential: Credential): "under-way" | "failed" | undefined {
  if (credential.type !== "oauth") return undefined;
  const marker = [credential.access, credential.refresh].find(isRefreshFence);
  if (marker === undefined) return undefined;
  return /^[^:]+:v\d+:[^:]*:failed:/.test(marker) ? "failed" : "under-way";
}

function usableToken(text: string | undefined): Secret | undefined {
  return text === undefined || !isFilled(text) || isRefreshFence(text) ? undefined : Secret.of(text);
}

function isFilled(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== "";
}
