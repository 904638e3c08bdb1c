import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOGIN } from "../../src/config/defaults.ts";
import { decodeAccessToken } from "../../src/profiles/claims.ts";
import type { IssuerFault } from "../../src/sandbox/issuer-faults.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";

// Written without our own client on purpose: this is the contract of facts §1.8 and §1.9, not of src/oauth.
const CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann";
const REDIRECT = "http://localhost:1455/auth/callback";
const VERIFIER = "v".repeat(86);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function start(): Promise<SandboxIssuer> {
  const issuer = await startSandboxIssuer();
  onTestFinished(() => issuer.close());
  return issuer;
}

async function post(issuer: SandboxIssuer, path: string, body: string | URLSearchParams): Promise<Answer> {
  const headers: Record<string, string> = typeof body === "string" ? { "content-type": "application/json" } : {};
  const response = await fetch(`${issuer.origin}${path}`, { method: "POST", headers, body });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith("{") && text.endsWith("}") ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

async function signIn(issuer: SandboxIssuer, email = "ada@example.com"): Promise<string> {
  const link = new URL("/oauth/authorize", issuer.origin);
  link.search = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    scope: "openid profile email offline_access",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    state: "state-of-this-test",
  }).toString();
  const code = new URL(issuer.approve(link.href, email)).searchParams.get("code") ?? "";
  const grant = {
    grant_type: "authorization_code",
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  };
  const { body } = await post(issuer, "/oauth/token", new URLSearchParams({ ...grant, code }));
  return String(body["refresh_token"]);
}

function refresh(issuer: SandboxIssuer, refreshToken: string): Promise<Answer> {
  const grant = { client_id: CLIENT, grant_type: "refresh_token", refresh_token: refreshToken };
  return post(issuer, "/oauth/token", new URLSearchParams(grant));
}

function revoke(issuer: SandboxIssuer, token: string, changes: object = {}): Promise<Answer> {
  const body = { token, token_type_hint: "refresh_token", client_id: CLIENT, ...changes };
  return post(issuer, "/oauth/revoke", JSON.stringify(body));
}

describe("the sandbox's refresh endpoint", () => {
  it("answers unknown, expired and revoked tokens with the codes of facts §1.8, each with 401", async () => {
    const issuer = await start();
    const [old, ended] = [await signIn(issuer), await signIn(issuer)];
    issuer.expire(old);
    await revoke(issuer, ended);
    const codes = await Promise.all(["never-given", old, ended].map((token) => refresh(issuer, token)));
    expect(codes.map(({ status, body }) => [status, (body["error"] as { code: string }).code])).toEqual([
      [401, "invalid_refresh_token"],
      [401, "refresh_token_expired"],
      [401, "refresh_token_invalidated"],
    ]);
    expect([issuer.standing(old), issuer.standing(ended)]).toEqual(["expired", "revoked"]);
  });

  it("remembers every presentation by fingerprint: how the token stood, and what came of it", async () => {
    const issuer = await start();
    const first = await signIn(issuer);
    issuer.faults.next({ kind: "status", status: 503, body: "busy", contentType: "text/plain" });
    issuer.faults.next({ kind: "drop-before-process" });
    issuer.faults.next({ kind: "drop-after-process" });
    await refresh(issuer, first);
    await expect(refresh(issuer, first)).rejects.toThrow(TypeError);
    await expect(refresh(issuer, first)).rejects.toThrow(TypeError);
    await refresh(issuer, first);
    await revoke(issuer, "never-given");
    const common = { fingerprint: fingerprint(first), at: "token" };
    expect(issuer.presentations(first)).toEqual([
      { ...common, standing: "live", wasProcessed: false, status: 503 },
      { ...common, standing: "live", wasProcessed: false },
      { ...common, standing: "live", wasProcessed: true },
      { ...common, standing: "consumed", wasProcessed: true, status: 401 },
    ]);
    expect(issuer.presentations(fingerprint(first))).toHaveLength(4);
    expect(issuer.presentations()).toHaveLength(5);
    expect(JSON.stringify([issuer.presentations(), issuer.log])).not.toContain(first);
  });

  it.each<[IssuerFault, number, unknown]>([
    [{ kind: "error", shape: "flat", code: "invalid_grant" }, 400, { error: "invalid_grant" }],
    [{ kind: "error", shape: "nested", code: "some_code", status: 401 }, 401, { error: { code: "some_code" } }],
    [{ kind: "error", shape: "code", code: "another" }, 400, { code: "another" }],
    [{ kind: "html403" }, 403, {}],
    [{ kind: "status", status: 429, body: "{}", contentType: "text/plain", retryAfter: "7" }, 429, {}],
  ])("with %o acts on nothing: the token still works", async (fault, status, body) => {
    const issuer = await start();
    const token = await signIn(issuer);
    issuer.faults.next(fault);
    const answer = await refresh(issuer, token);
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers.get("retry-after")).toBe(fault.kind === "status" ? "7" : null);
    expect(issuer.standing(token)).toBe("live");
    expect((await refresh(issuer, token)).status).toBe(200);
  });

  it.each<[IssuerFault, number]>([
    [{ kind: "status-after-process", status: 502 }, 502],
    [{ kind: "garbage" }, 200],
    [{ kind: "without", field: "access_token" }, 200],
    [{ kind: "without", field: "id_token" }, 200],
    [{ kind: "without", field: "refresh_token", rotates: true }, 200],
  ])("with %o has acted: the token is consumed", async (fault, status) => {
    const issuer = await start();
    const token = await signIn(issuer);
    issuer.faults.next(fault);
    const { status: answered, body } = await refresh(issuer, token);
    expect(answered).toBe(status);
    if (fault.kind === "without") {
      const all = ["access_token", "refresh_token", "id_token"];
      expect(all.filter((name) => !(name in body))).toEqual([fault.field]);
    } else expect(body).not.toHaveProperty("access_token");
    expect(issuer.standing(token)).toBe("consumed");
    expect(issuer.presentations(token)).toMatchObject([{ wasProcessed: true, status }]);
  });

  it("without a new refresh token the presented one stays good, since none has taken its place", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    issuer.faults.next({ kind: "without", field: "refresh_token" });
    const { body } = await refresh(issuer, token);
    expect(body).toHaveProperty("access_token");
    expect(body).not.toHaveProperty("refresh_token");
    expect(issuer.standing(token)).toBe("live");
  });

  it("can answer with another account's tokens, once", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    const account = issuer.accounts.find(({ email }) => email === "grace@example.com");
    if (account === undefined) throw new Error("no such account");
    issuer.faults.next({ kind: "other-account", account });
    const { body } = await refresh(issuer, token);
    expect(decodeAccessToken(String(body["access_token"]))?.userId).toBe("user-grace");
    const next = await refresh(issuer, String(body["refresh_token"]));
    expect(decodeAccessToken(String(next.body["access_token"]))?.userId).toBe("user-ada");
  });

  it("acts at once and holds a slow answer until it is released", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    const release = new EventEmitter();
    issuer.faults.next({ kind: "slow", until: once(release, "now") });
    const answer = refresh(issuer, token);
    await expect.poll(() => issuer.standing(token)).toBe("consumed");
    expect(issuer.presentations(token)).toMatchObject([{ wasProcessed: true }]);
    expect(issuer.presentations(token)[0]).not.toHaveProperty("status");
    release.emit("now");
    expect((await answer).status).toBe(200);
    expect(issuer.presentations(token)[0]).toHaveProperty("status", 200);
  });

  it("sends a 200 above the cap that never ends, after it has acted", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    issuer.faults.next({ kind: "huge-after-process" });
    const abort = new AbortController();
    const grant = { client_id: CLIENT, grant_type: "refresh_token", refresh_token: token };
    const init = { method: "POST", body: new URLSearchParams(grant), signal: abort.signal };
    const response = await fetch(`${issuer.origin}/oauth/token`, init);
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > LOGIN.maxBodyBytes) break;
    }
    abort.abort();
    expect(size).toBeGreaterThan(LOGIN.maxBodyBytes);
    expect(issuer.standing(token)).toBe("consumed");
    expect(issuer.presentations(token)[0]).not.toHaveProperty("status");
  });
});

describe("the sandbox's revocation endpoint", () => {
  it("ends the family of the token, and no other", async () => {
    const issuer = await start();
    const [token, other] = [await signIn(issuer), await signIn(issuer)];
    expect((await revoke(issuer, token)).status).toBe(200);
    expect([issuer.standing(token), issuer.standing(other)]).toEqual(["revoked", "live"]);
    expect(issuer.presentations()).toMatchObject([{ fingerprint: fingerprint(token), at: "revoke", status: 200 }]);
  });

  it("with a consumed token ends the family that has gone on", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    const { body } = await refresh(issuer, token);
    await revoke(issuer, token);
    expect(issuer.standing(String(body["refresh_token"]))).toBe("revoked");
  });

  it("answers an unknown token with 200 too (RFC 7009)", async () => {
    expect((await revoke(await start(), "never-given")).status).toBe(200);
  });

  it("refuses another client, a body that is no JSON, and one without a token", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    expect(await revoke(issuer, token, { client_id: "app_other" })).toMatchObject({
      status: 401,
      body: { error: "invalid_client" },
    });
    expect((await revoke(issuer, token, { token: undefined })).status).toBe(400);
    const form = new URLSearchParams({ token, token_type_hint: "refresh_token", client_id: CLIENT });
    expect((await post(issuer, "/oauth/revoke", form)).status).toBe(400);
    expect(issuer.standing(token)).toBe("live");
  });

  it("has faults of its own: those of the token endpoint do not reach it", async () => {
    const issuer = await start();
    const token = await signIn(issuer);
    issuer.faults.next({ kind: "html403" });
    issuer.revokeFaults.next({ kind: "status", status: 500, body: "x", contentType: "text/plain" });
    expect((await revoke(issuer, token)).status).toBe(500);
    expect((await revoke(issuer, token)).status).toBe(200);
    expect((await refresh(issuer, token)).status).toBe(403);
  });
});
