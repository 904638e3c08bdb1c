// What the real lease broker was asked and answered, 140 times (facts/lease-broker.md); its made-up tokens are built here, at run time.

import { readFileSync } from "node:fs";

/** One recorded exchange, in the order of the recording: later ones depend on what earlier ones did to the broker. */
export interface Exchange {
  /** Its place in the recording, from 0; titles are not unique. */
  readonly number: number;
  readonly title: string;
  readonly method: string;
  readonly path: string;
  /** The JSON body; a string where the recorder sent that text as it stands; null where there was none. */
  readonly request: unknown;
  readonly status: number;
  /** The JSON body, or the text of an answer that was not JSON. */
  readonly response: unknown;
}

/** Every exchange, oldest first, with tokens in the place of their markers. */
export function loadExchanges(): readonly Exchange[] {
  const text = readFileSync(new URL("broker-exchanges/recorded.jsonl", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, number) => ({ ...(JSON.parse(withTokens(line)) as Omit<Exchange, "number">), number }));
}

/** The answer's body as it came over the wire. */
export function wireBody(exchange: Exchange): string {
  return typeof exchange.response === "string" ? exchange.response : JSON.stringify(exchange.response);
}

/** The access token of a person's login of one generation, as the recording has it. */
export function recordedAccessToken(who: string, generation: string, issuedAt: number): string {
  return jwt(who, generation, {
    iss: "https://auth.openai.invalid",
    aud: ["https://api.openai.invalid/v1"],
    client_id: "app_fake",
    sub: `auth0|${who}`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + 864_000,
    scp: ["openid", "profile", "email", "offline_access"],
    "https://api.openai.com/auth": authClaim(who),
    "https://api.openai.com/profile": { email: `${who}@example.invalid`, email_verified: true },
  });
}

/** `<access:alpha:g1:1795227961>`, `<id:…>` and `<refresh:alpha:g1>` stand for the three tokens of a login. */
function withTokens(line: string): string {
  return line.replaceAll(
    /<(access|id|refresh):(\w+):(g\d)(?::(\d+))?>/g,
    (_marker, kind: string, who: string, generation: string, issuedAt: string | undefined) => {
      if (kind === "refresh") return ["rt", "FAKE", who, generation].join("_");
      if (kind === "access") return recordedAccessToken(who, generation, Number(issuedAt));
      return recordedIdToken(who, generation, Number(issuedAt));
    },
  );
}

function recordedIdToken(who: string, generation: string, issuedAt: number): string {
  return jwt(who, generation, {
    iss: "https://auth.openai.invalid",
    aud: ["app_fake"],
    sub: `auth0|${who}`,
    iat: issuedAt,
    exp: issuedAt + 3_600,
    email: `${who}@example.invalid`,
    name: `Fake ${who.slice(0, 1).toUpperCase()}${who.slice(1)}`,
    "https://api.openai.com/auth": authClaim(who),
  });
}

function authClaim(who: string): Record<string, string> {
  return {
    chatgpt_account_id: `acct-${who}-0000-4000-8000-000000000000`,
    chatgpt_plan_type: "plus",
    chatgpt_user_id: `user-${who}`,
    user_id: `user-${who}`,
  };
}

function jwt(who: string, generation: string, payload: Record<string, unknown>): string {
  const header = { alg: "RS256", typ: "JWT", kid: "fake" };
  const parts = [JSON.stringify(header), JSON.stringify(payload), `FAKE-SIG-${who}-${generation}`];
  return parts.map((part) => Buffer.from(part).toString("base64url")).join(".");
}
