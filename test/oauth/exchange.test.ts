import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { authorizeUrl } from "../../src/oauth/authorize-url.ts";
import { exchangeRequest, type Exchange } from "../../src/oauth/exchange.ts";
import { DEFAULT_REDIRECT_URI, parseIssuer, type Issuer } from "../../src/oauth/issuer.ts";
import { challengeOf, createState, createVerifier } from "../../src/oauth/pkce.ts";
import { processExchangeResponse } from "../../src/oauth/token-response.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

interface Lab {
  readonly sandbox: SandboxIssuer;
  readonly issuer: Issuer;
  /** A code that the sandbox would exchange. */
  readonly exchange: Exchange;
}

async function lab(): Promise<Lab> {
  const sandbox = await startSandboxIssuer();
  onTestFinished(() => sandbox.close());
  const issuer = parseIssuer(sandbox.origin);
  const verifier = createVerifier(randomBytes);
  const redirectUri = DEFAULT_REDIRECT_URI;
  const state = createState(randomBytes);
  const link = authorizeUrl({ issuer, redirectUri, state, challenge: challengeOf(verifier) });
  const code = new URL(sandbox.approve(link, "grace@example.com")).searchParams.get("code") ?? "";
  return { sandbox, issuer, exchange: { code: Secret.of(code), verifier, redirectUri } };
}

async function serve(listener: RequestListener): Promise<Issuer> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const address = server.address();
  return parseIssuer(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
}

const SOME: Exchange = { code: Secret.of("ac_1"), verifier: Secret.of("v_1"), redirectUri: DEFAULT_REDIRECT_URI };

describe("exchangeRequest", () => {
  it("exchanges a code at the sandbox for the login of the person who signed in", async () => {
    const { issuer, exchange, sandbox } = await lab();
    const tokens = processExchangeResponse(await exchangeRequest(issuer, exchange), Date.now());
    expect(tokens.identity).toEqual({ userId: "user-grace", accountId: "acct-grace" });
    expect(tokens.claims.email).toBe("grace@example.com");
    expect(sandbox.standing(tokens.refresh.expose())).toBe("live");
  });

  it("sends exactly the form of facts §1.5", async () => {
    let seen: unknown;
    const issuer = await serve((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const { method, url, headers } = request;
        seen = {
          method,
          url,
          type: headers["content-type"],
          agent: headers["user-agent"],
          form: Object.fromEntries(new URLSearchParams(body)),
        };
        response.end("{}");
      });
    });
    await exchangeRequest(issuer, SOME);
    expect(seen).toEqual({
      method: "POST",
      url: "/oauth/token",
      type: "application/x-www-form-urlencoded",
      agent: "codex-auth-skill",
      form: {
        grant_type: "authorization_code",
        code: "ac_1",
        redirect_uri: "http://localhost:1455/auth/callback",
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        code_verifier: "v_1",
      },
    });
  });

  it("gives status, headers and body of any answer", async () => {
    const { issuer, exchange, sandbox } = await lab();
    sandbox.faults.next({ kind: "status", status: 418, body: "tea", contentType: "text/plain" });
    const response = await exchangeRequest(issuer, exchange);
    expect(response).toMatchObject({ status: 418, body: "tea" });
    expect(response.headers["content-type"]).toBe("text/plain");
  });

  it("follows no redirect", async () => {
    const { issuer, exchange, sandbox } = await lab();
    sandbox.faults.next({ kind: "redirect" });
    expect((await exchangeRequest(issuer, exchange)).status).toBe(307);
    expect(sandbox.log.map(({ path }) => path)).toEqual(["/oauth/token"]);
  });

  it("drops an oversized body whole, without waiting for an end that never comes", async () => {
    const { issuer, exchange, sandbox } = await lab();
    sandbox.faults.next({ kind: "huge" });
    expect(await exchangeRequest(issuer, exchange)).toMatchObject({ status: 400, body: undefined });
  });

  it("takes a body up to the cap and none above it", async () => {
    const issuer = await serve((_request, response) => void response.end("x".repeat(100)));
    expect((await exchangeRequest(issuer, SOME, { maxBodyBytes: 100 })).body).toHaveLength(100);
    expect((await exchangeRequest(issuer, SOME, { maxBodyBytes: 99 })).body).toBeUndefined();
  });

  it.each(["drop-before-read", "drop-after-process", "hang"] as const)(
    "calls the outcome unknown at %s and does not send the code again",
    async (kind) => {
      const { issuer, exchange, sandbox } = await lab();
      sandbox.faults.next({ kind });
      // Long enough for the request to arrive on a busy machine.
      const failed = await exchangeRequest(issuer, exchange, { timeoutMs: 2_500 }).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: "ERR_TOKEN_UNREACHABLE", retryable: false });
      expect(String(failed)).toContain("may have been used up");
      expect(sandbox.log).toHaveLength(1);
      const shown = inspect(failed, { depth: 9, showHidden: false });
      for (const secret of [exchange.code, exchange.verifier]) expect(shown).not.toContain(secret.expose());
    },
  );

  it("gives up on an answer that trickles for ever", async () => {
    const issuer = await serve((_request, response) => {
      response.write("{");
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    const failed = exchangeRequest(issuer, SOME, { timeoutMs: 300 });
    await expect(failed).rejects.toMatchObject({ code: "ERR_TOKEN_UNREACHABLE" });
  });

  it("says that nothing was sent where nobody listens", async () => {
    const failed = exchangeRequest(parseIssuer(`http://127.0.0.1:${await freePort()}`), SOME);
    await expect(failed).rejects.toMatchObject({
      code: "ERR_TOKEN_UNREACHABLE",
      message: "The sign-in server cannot be reached from this machine; nothing was sent.",
    });
  });
});
