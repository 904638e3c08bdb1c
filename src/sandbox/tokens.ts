// Tokens of the sandbox: made when needed, unsigned, with the claims that real ones carry (facts/codex-oauth.md §1.7).

/** What a sandbox token says. */
export interface SandboxTokenClaims {
  readonly email: string;
  readonly userId: string;
  readonly accountId: string;
  readonly planType: string;
  /** From `now`, in milliseconds; real access tokens live for about ten days (fact 0.5). */
  readonly expiresInMs: number;
  readonly now: number;
  /** Makes two tokens of one moment differ. Default: none. */
  readonly tokenId?: string;
  /** `sub` of both tokens. Default: made of the user id. */
  readonly subject?: string;
}

/** An access token: a JWT of `alg` none, so that nothing real could ever take it for its own. */
export function sandboxAccessToken(claims: SandboxTokenClaims): string {
  return unsignedJwt({
    iss: "https://sandbox.invalid",
    iat: Math.floor(claims.now / 1_000),
    exp: Math.floor((claims.now + claims.expiresInMs) / 1_000),
    ...(claims.tokenId === undefined ? {} : { jti: claims.tokenId }),
    sub: claims.subject ?? `sandbox|${claims.userId}`,
    // The access token carries the e-mail in the profile claim, the id token at the top (§1.7).
    "https://api.openai.com/profile": { email: claims.email, email_verified: true },
    "https://api.openai.com/auth": authClaim(claims),
  });
}

/** An id token for the same person. */
export function sandboxIdToken(claims: SandboxTokenClaims): string {
  return unsignedJwt({
    iss: "https://sandbox.invalid",
    exp: Math.floor((claims.now + claims.expiresInMs) / 1_000),
    sub: claims.subject ?? `sandbox|${claims.userId}`,
    email: claims.email,
    "https://api.openai.com/auth": authClaim(claims),
  });
}

function authClaim(claims: SandboxTokenClaims): Record<string, string> {
  const { accountId, userId, planType } = claims;
  return { chatgpt_account_id: accountId, chatgpt_user_id: userId, chatgpt_plan_type: planType };
}

/** Signs nothing; without a third part the Codex CLI refuses the whole login file as no JWT. */
const SIGNATURE = Buffer.from("no signature").toString("base64url");

function unsignedJwt(payload: Record<string, unknown>): string {
  return `${part({ alg: "none", typ: "JWT" })}.${part(payload)}.${SIGNATURE}`;
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
