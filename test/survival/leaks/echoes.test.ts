// Servers that throw back what they were given, in every way: no error, no cause of one and no log repeats a secret of ours.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { exchangeRequest } from "../../../src/oauth/exchange.ts";
import { devicePollRequest } from "../../../src/oauth/device-request.ts";
import { processDevicePoll } from "../../../src/oauth/device-code.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { processRefreshResponse } from "../../../src/oauth/refresh-response.ts";
import { refreshRequest } from "../../../src/oauth/refresh.ts";
import { processRevokeResponse, revokeRequest } from "../../../src/oauth/revoke.ts";
import { processExchangeResponse } from "../../../src/oauth/token-response.ts";
import { createLeaseBroker } from "../../../src/lease/broker-client.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { toCodexAuthError } from "../../../src/errors.ts";
import { parseUsageServer } from "../../../src/usage/usage-server.ts";
import { whamRequest } from "../../../src/usage/wham.ts";
import { judgeWhamAnswer } from "../../../src/usage/wham-verdict.ts";
import { fakeAccessToken, fakeRefreshToken } from "../../support/jwt.ts";
import { holdsSecret } from "../../support/spellings.ts";
import { tellFigure } from "../lab/run.ts";

type Echo = (given: string, answer: ServerResponse) => void;

const json = (status: number, body: (given: string) => unknown): Echo => {
  return (given, answer) =>
    void answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body(given)));
};

/** How a server throws something back. */
const ECHOES: Readonly<Record<string, Echo>> = {
  "as an error's name": json(400, (given) => ({ error: given })),
  "as its description": json(400, (given) => ({ error: "invalid_grant", error_description: given })),
  nested: json(401, (given) => ({ error: { code: given, message: given, type: given } })),
  "as a detail": json(403, (given) => ({ detail: given, code: given, errors: [given] })),
  "as an answer that lacks something": json(200, (given) => ({
    access_token: 1,
    [given]: given,
    lease: { id: given },
  })),
  "as tokens that are none": json(200, (given) => ({
    access_token: given,
    refresh_token: given,
    id_token: given,
    expires_in: given,
  })),
  "as a page": (given, answer) => void answer.writeHead(403, { "content-type": "text/html" }).end(`<h1>${given}</h1>`),
  "as broken JSON": (given, answer) =>
    void answer.writeHead(200, { "content-type": "application/json" }).end(`{"error": "${given}`),
  "in its headers": (given, answer) =>
    void answer
      .writeHead(500, { "x-request-id": given, "cf-ray": given, "retry-after": given, "www-authenticate": given })
      .end(),
  "as a place to go": (given, answer) => void answer.writeHead(307, { location: `/?${given}` }).end(),
  "and hangs up": (given, answer) => {
    answer.writeHead(200, { "content-type": "application/json", "content-length": "9999" });
    answer.write(`{"error":"${given}"`);
    answer.destroy();
  },
};

/** A server that throws back everything that was in a request, one value at a time where they are fields. */
async function echoServer(echo: Echo): Promise<string> {
  const server = createServer((asked, answer) => void throwBack(asked, answer, echo).catch(() => answer.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
}

async function throwBack(asked: IncomingMessage, answer: ServerResponse, echo: Echo): Promise<void> {
  const body = (await buffer(asked)).toString();
  const bearer = asked.headers.authorization ?? "";
  // What is secret in it: the longest value.
  const values = body.startsWith("{")
    ? Object.values(JSON.parse(body) as object).map(String)
    : [...new URLSearchParams(body).values()];
  const longest = [...values, bearer.replace("Bearer ", "")].toSorted((a, b) => b.length - a.length)[0] ?? "";
  echo(longest, answer);
}

/** What each of our calls makes of the server at `origin`. */
function calls(origin: string, token: string): Readonly<Record<string, () => Promise<unknown>>> {
  const issuer = parseIssuer(origin);
  const secret = Secret.of(token);
  const exchange = {
    code: secret,
    verifier: Secret.of("v".repeat(43)),
    redirectUri: "http://localhost:1455/auth/callback",
  };
  const broker = createLeaseBroker({ baseUrl: origin, token: secret, sleep: () => Promise.resolve() });
  onTestFinished(() => broker.close());
  const owner = { machineId: "m1", agentId: "a1" };
  return {
    exchange: async () => processExchangeResponse(await exchangeRequest(issuer, exchange), 0),
    verifier: async () =>
      processExchangeResponse(
        await exchangeRequest(issuer, { ...exchange, code: Secret.of("c"), verifier: secret }),
        0,
      ),
    refresh: async () =>
      processRefreshResponse(await refreshRequest(issuer, secret, { beforeSend: () => Promise.resolve() }), 0),
    revoke: async () => processRevokeResponse(await revokeRequest(issuer, secret)),
    device: async () =>
      processDevicePoll(await devicePollRequest(issuer, { deviceAuthId: secret, userCode: "ABCD-EFGHJ" }), 0),
    usage: async () =>
      judgeWhamAnswer(
        await whamRequest(parseUsageServer(origin), { token: secret }),
        { identity: undefined, email: undefined },
        0,
      ),
    lease: () => broker.acquire(owner, { requestedTtlSeconds: 600, reason: "test" }),
  };
}

describe("what a server throws back", () => {
  it.each(Object.keys(ECHOES))("%s is in no error, no cause and no log of ours", async (how) => {
    const origin = await echoServer(ECHOES[how] as Echo);
    let tried = 0;
    for (const token of [fakeRefreshToken(), fakeAccessToken({ userId: "u", accountId: "a", expiresAtMs: 1e12 })]) {
      for (const [what, call] of Object.entries(calls(origin, token))) {
        const logged: string[] = [];
        const log = createLog((line) => logged.push(line), Date.now);
        let came: unknown;
        try {
          came = await call();
        } catch (error) {
          came = error;
          log.error("survival", error);
          const { message, next } = toCodexAuthError(error);
          logged.push(message, next);
        }
        const shown = [inspect(came, { depth: 12, showHidden: true, getters: true }), JSON.stringify(came), ...logged];
        expect(holdsSecret(shown.join("\n"), token), `${what}: ${shown.join("\n")}`).toBe(false);
        tried += 1;
      }
    }
    expect(tried).toBe(14);
    tellFigure(`leaks, thrown back ${how}`, tried, "echoes");
  });
});
