// What the sandbox issuer remembers: codes that work once, and families of refresh tokens that rotate.

import { createHash, randomBytes } from "node:crypto";
import { DAY, SECOND } from "../config/defaults.ts";
import { SANDBOX_CLIENT_ID, type AuthorizeQuery, type Grant, type Revocation } from "./issuer-contract.ts";
import { sandboxAccessToken, sandboxIdToken } from "./tokens.ts";

/** Somebody who can sign in at the sandbox. */
export interface SandboxAccount {
  readonly email: string;
  readonly userId: string;
  readonly accountId: string;
  readonly planType: string;
}

/** What the token endpoint answers. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How a refresh token stands. */
export type RefreshStanding = "live" | "consumed" | "revoked" | "expired" | "unknown";

/** What is different about one answer to a grant. */
export interface GrantTwist {
  /** For whom the tokens are. Default: the family's account. */
  readonly account?: SandboxAccount;
  /** False: the presented refresh token stays good. Default true. */
  readonly rotates?: boolean;
}

/** What a code is bound to: the exchange must present the same. */
export type CodeBinding = Pick<AuthorizeQuery, "redirect_uri" | "code_challenge">;

interface IssuedCode {
  readonly query: CodeBinding;
  readonly account: SandboxAccount;
  readonly expiresAtMs: number;
}

interface Family {
  readonly account: SandboxAccount;
  current: string;
  isRevoked: boolean;
  isExpired: boolean;
}

/** A code is short-lived (§1.4); how long exactly is not known. */
const CODE_TTL_MS = 60 * SECOND;
/** Fact 0.5: about ten days. */
const ACCESS_TTL_MS = 10 * DAY;

/** The memory of one sandbox issuer. */
export class IssuerState {
  readonly accounts: readonly SandboxAccount[];
  readonly #now: () => number;
  readonly #codes = new Map<string, IssuedCode>();
  /** Every refresh token ever given, with its family: a consumed one must be recognised. */
  readonly #families = new Map<string, Family>();

  constructor(accounts: readonly SandboxAccount[], now: () => number) {
    this.accounts = accounts;
    this.#now = now;
  }

  /** The accounts that may answer a sign-in: `allowed_workspace_id` narrows them (§1.2). */
  eligible(query: AuthorizeQuery): readonly SandboxAccount[] {
    const allowed = query.allowed_workspace_id?.split(",");
    return this.accounts.filter((account) => allowed === undefined || allowed.includes(account.accountId));
  }

  /** Signs `account` in: the address that the browser is sent to. */
  approve(query: AuthorizeQuery, account: SandboxAccount): string {
    return callbackUrl(query, { code: this.giveCode(query, account) });
  }

  /** A code for `account` that is good for one exchange. */
  giveCode(query: CodeBinding, account: SandboxAccount): string {
    const code = ["ac", randomBytes(24).toString("base64url")].join("_");
    this.#codes.set(code, { query, account, expiresAtMs: this.#now() + CODE_TTL_MS });
    return code;
  }

  /** Answers a request to the token endpoint. */
  answer(grant: Grant | undefined, twist: GrantTwist = {}): TokenAnswer {
    if (grant === undefined) return errorIn("flat", 400, "invalid_request");
    if (grant.client_id !== SANDBOX_CLIENT_ID) return errorIn("flat", 401, "invalid_client");
    return grant.grant_type === "authorization_code"
      ? this.#exchange(grant, twist)
      : this.#refresh(grant.refresh_token, twist);
  }

  /** Answers a request to the revocation endpoint (§1.9). */
  revoke(revocation: Revocation | undefined): TokenAnswer {
    if (revocation === undefined) return errorIn("flat", 400, "invalid_request");
    if (revocation.client_id !== SANDBOX_CLIENT_ID) return errorIn("flat", 401, "invalid_client");
    const family = this.#families.get(revocation.token);
    // A consumed one ends its family too: the facts do not say so, and a client that counted on the other would lose logins.
    if (family !== undefined) family.isRevoked = true;
    // RFC 7009 §2.2: an unknown token is answered like a known one, and the body means nothing.
    return { status: 200, body: {} };
  }

  /** Makes the family of `refreshToken` too old. */
  expire(refreshToken: string): void {
    const family = this.#families.get(refreshToken);
    if (family !== undefined) family.isExpired = true;
  }

  /** How `refreshToken` stands, for tests that must know that none was presented twice. */
  standing(refreshToken: string): RefreshStanding {
    const family = this.#families.get(refreshToken);
    if (family === undefined) return "unknown";
    if (family.current !== refreshToken) return "consumed";
    return family.isRevoked ? "revoked" : family.isExpired ? "expired" : "live";
  }

  #exchange(grant: Extract<Grant, { grant_type: "authorization_code" }>, twist: GrantTwist): TokenAnswer {
    const issued = this.#codes.get(grant.code);
    // Used up by the attempt, not by its success: a wrong verifier must not be tried a second time (§1.4).
    this.#codes.delete(grant.code);
    const isGood =
      issued !== undefined &&
      issued.expiresAtMs > this.#now() &&
      issued.query.redirect_uri === grant.redirect_uri &&
      issued.query.code_challenge === createHash("sha256").update(grant.code_verifier).digest("base64url");
    // The flat shape of §1.5; RFC 6749 §5.2 gives one code for all four faults.
    if (!isGood) return errorIn("flat", 400, "invalid_grant");
    const current = this.#newRefreshToken();
    const family: Family = { account: issued.account, current, isRevoked: false, isExpired: false };
    return this.#grant(family, twist);
  }

  #refresh(presented: string, twist: GrantTwist): TokenAnswer {
    const family = this.#families.get(presented);
    // Codes of §1.8; any 401 is final to the CLI.
    if (family === undefined) return nestedError(401, "invalid_refresh_token");
    if (family.current !== presented) {
      // Fact 0.3: a consumed token is answered so, and is reported to end the whole family.
      family.isRevoked = true;
      return nestedError(401, "refresh_token_reused");
    }
    if (family.isRevoked) return nestedError(401, "refresh_token_invalidated");
    if (family.isExpired) return nestedError(401, "refresh_token_expired");
    if (twist.rotates !== false) family.current = this.#newRefreshToken();
    return this.#grant(family, twist);
  }

  #grant(family: Family, { account = family.account }: GrantTwist): TokenAnswer {
    const refreshToken = family.current;
    this.#families.set(refreshToken, family);
    const claims = { ...account, expiresInMs: ACCESS_TTL_MS, now: this.#now() };
    return {
      status: 200,
      body: {
        access_token: sandboxAccessToken({ ...claims, tokenId: randomBytes(9).toString("base64url") }),
        refresh_token: refreshToken,
        id_token: sandboxIdToken(claims),
        token_type: "Bearer",
        expires_in: Math.floor(ACCESS_TTL_MS / SECOND),
      },
    };
  }

  #newRefreshToken(): string {
    return ["rt", randomBytes(32).toString("base64url")].join("_");
  }
}

/** The redirect with `parameters` and the state (§1.3). */
export function callbackUrl(query: AuthorizeQuery, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(query.redirect_uri);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  url.searchParams.set("state", query.state);
  return url.href;
}

/** An error in one of the three shapes of §1.5. */
export function errorIn(shape: "flat" | "nested" | "code", status: number, code: string): TokenAnswer {
  const said = "The sandbox refused this request.";
  if (shape === "flat") return { status, body: { error: code, error_description: said } };
  if (shape === "code") return { status, body: { code, message: said } };
  return { status, body: { error: { code, message: said, type: "invalid_request_error" } } };
}

/** `{error: {code, message, type}}` (§1.5). */
export function nestedError(status: number, code: string): TokenAnswer {
  return errorIn("nested", status, code);
}
