// What auth.openai.com expects, written down a second time on purpose: our client is checked against this, not against itself.

import { z } from "zod";

/** The client id that is accepted (facts/codex-oauth.md §1.1). */
export const SANDBOX_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";

// §1.2: both hosts have been seen in clients; 1455 and 1457 are the only registered ports.
const REDIRECT = /^http:\/\/(?:localhost|127\.0\.0\.1):(?:1455|1457)\/auth\/callback$/;
// §1.1: the CLI's scope; pi-ai and OpenClaw ask for the first four.
const SCOPES = "openid profile email offline_access api.connectors.read api.connectors.invoke".split(" ");

/** The form of S256's challenge: 32 bytes in base64url. */
const challenge = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

const authorizeSchema = z.object({
  response_type: z.literal("code"),
  client_id: z.literal(SANDBOX_CLIENT_ID),
  redirect_uri: z.string().regex(REDIRECT),
  scope: z
    .string()
    .refine((text) => text.split(" ").every((scope) => SCOPES.includes(scope)) && /\bopenid\b/.test(text)),
  code_challenge: challenge,
  code_challenge_method: z.literal("S256"),
  state: z.string().min(8).max(512),
  prompt: z.literal("login").optional(),
  login_hint: z.string().max(254).optional(),
  allowed_workspace_id: z.string().max(512).optional(),
});

/** A sign-in that a person was sent to. */
export type AuthorizeQuery = z.infer<typeof authorizeSchema>;

/** The checked query of an authorize address, or the name of the first parameter that is wrong, missing or given twice. */
export function readAuthorizeQuery(url: URL): AuthorizeQuery | { readonly wrong: string } {
  const names = [...url.searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { wrong: twice };
  const result = authorizeSchema.safeParse(Object.fromEntries(url.searchParams));
  return result.success ? result.data : { wrong: String(result.error.issues[0]?.path[0] ?? "query") };
}

const text = z.string().min(1).max(16_384);
const grantSchema = z.discriminatedUnion("grant_type", [
  z.object({
    grant_type: z.literal("authorization_code"),
    client_id: text,
    code: text,
    redirect_uri: text,
    code_verifier: text,
  }),
  z.object({ grant_type: z.literal("refresh_token"), client_id: text, refresh_token: text }),
]);

/** A request to the token endpoint. */
export type Grant = z.infer<typeof grantSchema>;

/** The grant in `body`: form-encoded (§1.5), or JSON as the CLI refreshes (§1.8); undefined where it is neither. */
export function readGrant(body: string, contentType: string): Grant | undefined {
  const result = grantSchema.safeParse(/\bjson\b/i.test(contentType) ? readJson(body) : form(body));
  return result.success ? result.data : undefined;
}

// §1.9: the CLI's body with a refresh token; with an access token it has no client id, which nothing of ours sends.
const revocationSchema = z.object({ token: text, token_type_hint: z.literal("refresh_token"), client_id: text });

/** A request to the revocation endpoint. */
export type Revocation = z.infer<typeof revocationSchema>;

/** The revocation in `body`, JSON as the CLI sends it (§1.9); undefined where it is none. */
export function readRevocation(body: string, contentType: string): Revocation | undefined {
  const result = revocationSchema.safeParse(/\bjson\b/i.test(contentType) ? readJson(body) : undefined);
  return result.success ? result.data : undefined;
}

function form(body: string): unknown {
  return Object.fromEntries(new URLSearchParams(body));
}

/** The JSON of `body`; undefined where it is none. */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
