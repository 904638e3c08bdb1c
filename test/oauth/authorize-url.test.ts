import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { authorizeUrl } from "../../src/oauth/authorize-url.ts";
import { DEFAULT_REDIRECT_URI, parseIssuer } from "../../src/oauth/issuer.ts";
import { challengeOf, createState, createVerifier } from "../../src/oauth/pkce.ts";
import { readAuthorizeQuery } from "../../src/sandbox/issuer-contract.ts";
import { Secret } from "../../src/secrets/secret.ts";

const request = {
  issuer: parseIssuer(undefined),
  redirectUri: DEFAULT_REDIRECT_URI,
  state: Secret.of("state-1234"),
  challenge: "c".repeat(43),
};

describe("authorizeUrl", () => {
  it("holds exactly the parameters of facts §1.2", () => {
    const url = new URL(authorizeUrl(request));
    expect(url.origin + url.pathname).toBe("https://auth.openai.com/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
      redirect_uri: "http://localhost:1455/auth/callback",
      scope: "openid profile email offline_access",
      code_challenge: "c".repeat(43),
      code_challenge_method: "S256",
      state: "state-1234",
      id_token_add_organizations: "true",
      codex_cli_simplified_flow: "true",
      originator: "openclaw",
    });
  });

  it("adds a fresh sign-in, a hint and a workspace where they are asked for, encoded", () => {
    const url = new URL(
      authorizeUrl({ ...request, forceSignIn: true, loginHint: "a+b&c=d@example.com", workspaceId: "w 1" }),
    );
    expect(url.searchParams.get("prompt")).toBe("login");
    expect(url.searchParams.get("login_hint")).toBe("a+b&c=d@example.com");
    expect(url.searchParams.get("allowed_workspace_id")).toBe("w 1");
    expect(new URL(authorizeUrl({ ...request, forceSignIn: false })).searchParams.has("prompt")).toBe(false);
  });

  it("satisfies the sandbox's own copy of the contract", () => {
    expect(readAuthorizeQuery(new URL(authorizeUrl(request)))).not.toHaveProperty("wrong");
  });
});

describe("pkce", () => {
  it("makes verifier and state of 64 and 32 bytes from the randomness it is given", () => {
    const sizes: number[] = [];
    const source = (size: number): Uint8Array => {
      sizes.push(size);
      return new Uint8Array(size).fill(0xff);
    };
    expect(createVerifier(source).expose()).toMatch(/^_{85}[A-Za-z0-9_-]$/);
    expect(createState(source).expose()).toMatch(/^_{42}[A-Za-z0-9_-]$/);
    expect(sizes).toEqual([64, 32]);
  });

  it("challenges with the S256 of the verifier (RFC 7636, appendix B)", () => {
    const verifier = Secret.of(["dBjftJeZ4CVP-mB92K27uh", "bUJU1p1r_wW1gFWFOEjXk"].join(""));
    expect(challengeOf(verifier)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    const own = createVerifier(randomBytes);
    expect(challengeOf(own)).toBe(createHash("sha256").update(own.expose()).digest("base64url"));
  });
});
