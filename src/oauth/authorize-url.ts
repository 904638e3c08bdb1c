// Builds the address that a person opens to sign in (facts/codex-oauth.md §1.2).

import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, ORIGINATOR, SCOPE, type Issuer } from "./issuer.ts";

/** What makes the address of one attempt. */
export interface AuthorizeRequest {
  readonly issuer: Issuer;
  readonly redirectUri: string;
  readonly state: Secret;
  readonly challenge: string;
  /** Asks for a fresh sign-in; without it the browser silently reuses the account it is signed in with. Default false. */
  readonly forceSignIn?: boolean | undefined;
  /** The e-mail to suggest on the sign-in page. */
  readonly loginHint?: string | undefined;
  /** The only workspace (`chatgpt_account_id`) that may be chosen. */
  readonly workspaceId?: string | undefined;
}

/** The address; it holds the state, so it goes only to the person who started the attempt. */
export function authorizeUrl(request: AuthorizeRequest): string {
  const url = new URL("/oauth/authorize", request.issuer.origin);
  const query: readonly (readonly [string, string | undefined])[] = [
    ["response_type", "code"],
    ["client_id", CLIENT_ID],
    ["redirect_uri", request.redirectUri],
    ["scope", SCOPE],
    ["code_challenge", request.challenge],
    ["code_challenge_method", "S256"],
    ["state", request.state.expose()],
    ["id_token_add_organizations", "true"],
    ["codex_cli_simplified_flow", "true"],
    ["originator", ORIGINATOR],
    ["prompt", request.forceSignIn === true ? "login" : undefined],
    ["login_hint", request.loginHint],
    ["allowed_workspace_id", request.workspaceId],
  ];
  for (const [name, value] of query) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
