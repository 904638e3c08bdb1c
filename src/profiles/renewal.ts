// What can become of a refresh token that is presented: the words that the sign-in and the apply queue share. Types only.

import type { CodexAuthError } from "../errors.ts";
import type { Secret } from "../secrets/secret.ts";
import type { Identity } from "./claims.ts";

/** What came for a refresh token; what the server left out stays as it is. */
export interface RenewedTokens {
  readonly access?: Secret;
  readonly refresh?: Secret;
  readonly id?: Secret;
  /** When the new access token expires, in milliseconds since 1970; there where `access` is. */
  readonly expiresAtMs?: number;
  /** Whose the new access token is. */
  readonly identity?: Identity;
  readonly email?: string;
  readonly planType?: string;
}

/**
 * What became of one presented refresh token. `not-sent`: nothing left this machine. `refused`: the server answered and has not taken
 * it, it is as good as before. `dead`: it will never take it again. `unknown`: it may have been spent.
 */
export type Renewal =
  | { readonly kind: "renewed"; readonly tokens: RenewedTokens }
  | { readonly kind: "not-sent" | "refused" | "unknown"; readonly error: CodexAuthError }
  | {
      readonly kind: "dead";
      readonly error: CodexAuthError;
      /** The server's code, safe to keep. */ readonly reason: string;
    };
