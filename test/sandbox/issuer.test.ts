import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { decodeAccessToken } from "../../src/profiles/claims.ts";
import { startSandboxIssuer, type SandboxIssuer, type SandboxIssuerOptions } from "../../src/sandbox/issuer.ts";
import { sandboxAccessToken } from "../../src/sandbox/tokens.ts";

// Written without our own client on purpose: this is the contract of facts §1, not of src/oauth.
const CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann";
const REDIRECT = "http://localhost:1455/auth/callback";
const VERIFIER = "v".repeat(86);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const QUERY: Readonly<Record<string, string>> = {
  response_type: "code",
  client_id: CLIENT,
  redirect_uri: REDIRECT,
  scope: "openid profile email offline_access",
  code_challenge: CHALLENGE,
  code_challenge_method: "S256",
  state: "state-of-this-test",
};

async function start(options: SandboxIssuerOptions = {}): Promise<SandboxIssuer> {
  const issuer = await startSandboxIssuer(options);
  onTestFinished(() => issuer.close());
  return issuer;
}

function link(issuer: SandboxIssuer, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const url = new URL("/oauth/authorize", issuer.origin);
  for (const [name, value] of Object.entries({ ...QUERY, ...changes }))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

function codeOf(callback: string | null): string {
  return new URL(callback ?? "").searchParams.get("code") ?? "";
}

async function token(
  issuer: SandboxIssuer,
  form: Readonly<Record<string, string>>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${issuer.origin}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function exchange(
  issuer: SandboxIssuer,
  code: string,
  changes: Readonly<Record<string, string>> = {},
): ReturnType<typeof token> {
  const form = {
    grant_type: "authorization_code",
    client_id: CLIENT,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  };
  return token(issuer, { ...form, ...changes });
}

function refresh(issuer: SandboxIssuer, refreshToken: unknown): ReturnType<typeof token> {
  return token(issuer, { grant_type: "refresh_token", client_id: CLIENT, refresh_token: String(refreshToken) });
}

async function signIn(issuer: SandboxIssuer): Promise<unknown> {
  const { body } = await exchange(issuer, codeOf(issuer.approve(link(issuer), "ada@example.com")));
  return body["refresh_token"];
}

describe("the sandbox's authorize endpoint", () => {
  it("shows a page with the accounts, and a press of one leads to the callback with code and state", async () => {
    const issuer = await start({ accounts: [{ email: "<b>&\"'@x.y", userId: "u", accountId: "a", planType: "plus" }] });
    const page = await (await fetch(link(issuer))).text();
    expect(page).toContain("&#60;b&#62;&#38;&#34;&#39;@x.y");
    expect(page).not.toContain("<b>");
    const ticket = /name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? "";
    const press = (account: string): Promise<Response> =>
      fetch(`${issuer.origin}/sandbox/answer`, {
        method: "POST",
        redirect: "manual",
        body: new URLSearchParams({ ticket, account }),
      });
    const answer = await press("0");
    expect(answer.status).toBe(302);
    const callback = new URL(answer.headers.get("location") ?? "");
    expect(callback.origin + callback.pathname).toBe(REDIRECT);
    expect(callback.searchParams.get("state")).toBe("state-of-this-test");
    expect((await exchange(issuer, codeOf(callback.href))).status).toBe(200);
    expect((await press("0")).status).toBe(400);
  });

  it("a press of Decline leads to error=access_denied", async () => {
    const issuer = await start();
    const page = await (await fetch(link(issuer))).text();
    const ticket = /name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? "";
    const body = new URLSearchParams({ ticket, account: "deny" });
    const answer = await fetch(`${issuer.origin}/sandbox/answer`, { method: "POST", redirect: "manual", body });
    expect(new URL(answer.headers.get("location") ?? "").searchParams.get("error")).toBe("access_denied");
  });

  it.each([
    ["client_id", "app_other"],
    ["client_id", undefined],
    ["response_type", "token"],
    ["code_challenge_method", "plain"],
    ["code_challenge", "short"],
    ["redirect_uri", "http://localhost:9999/auth/callback"],
    ["redirect_uri", "http://evil.example:1455/auth/callback"],
    ["redirect_uri", "http://localhost:1455/cancel"],
    ["scope", "openid everything"],
    ["scope", "email"],
    ["state", undefined],
  ])("refuses %s = %s with 400 and no redirect", async (name, value) => {
    const issuer = await start({ autoApprove: true });
    const response = await fetch(link(issuer, { [name]: value }), { redirect: "manual" });
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(() => issuer.approve(link(issuer, { [name]: value }), "ada@example.com")).toThrow(name);
  });

  it("refuses a parameter that is given twice", async () => {
    const issuer = await start({ autoApprove: true });
    expect((await fetch(`${link(issuer)}&state=again`, { redirect: "manual" })).status).toBe(400);
  });

  it.each(["http://127.0.0.1:1455/auth/callback", "http://localhost:1457/auth/callback"])(
    "allows %s",
    async (redirectUri) => {
      const issuer = await start();
      const callback = issuer.approve(link(issuer, { redirect_uri: redirectUri }), "ada@example.com");
      expect(callback.startsWith(`${redirectUri}?`)).toBe(true);
    },
  );

  it("with autoApprove sends the hinted account, or the first, straight on", async () => {
    const issuer = await start({ autoApprove: true });
    const who = async (changes: Record<string, string>): Promise<unknown> => {
      const response = await fetch(link(issuer, changes), { redirect: "manual" });
      const { body } = await exchange(issuer, codeOf(response.headers.get("location")));
      return decodeAccessToken(String(body["access_token"]))?.email;
    };
    expect(await who({})).toBe("ada@example.com");
    expect(await who({ login_hint: "grace@example.com" })).toBe("grace@example.com");
  });

  it("narrows the accounts to allowed_workspace_id", async () => {
    const issuer = await start();
    const narrowed = link(issuer, { allowed_workspace_id: "acct-team" });
    const { body } = await exchange(issuer, codeOf(issuer.approve(narrowed, "ada@example.com")));
    expect(decodeAccessToken(String(body["access_token"]))?.accountId).toBe("acct-team");
    expect(() => issuer.approve(narrowed, "grace@example.com")).toThrow("no such account");
  });

  it("declines for a program, with the description that the test wants", async () => {
    const issuer = await start();
    const callback = new URL(issuer.deny(link(issuer), "access_denied", "missing_codex_entitlement"));
    expect(callback.searchParams.get("error_description")).toBe("missing_codex_entitlement");
    expect(callback.searchParams.get("state")).toBe("state-of-this-test");
  });
});

describe("the sandbox's code exchange", () => {
  it("gives tokens with the claims of facts §1.7, of about ten days", async () => {
    const now = 1_800_000_000_000;
    const issuer = await start({ now: () => now });
    const { status, body } = await exchange(
      issuer,
      codeOf(issuer.approve(link(issuer), "ada@example.com", "acct-team")),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 864_000 });
    const claims = { email: "ada@example.com", userId: "user-ada", accountId: "acct-team", planType: "team" };
    expect(decodeAccessToken(String(body["access_token"]))).toMatchObject({
      ...claims,
      expiresAtMs: now + 864_000_000,
    });
    expect(decodeAccessToken(String(body["id_token"]))).toMatchObject(claims);
    expect(issuer.standing(String(body["refresh_token"]))).toBe("live");
  });

  it("takes a code once", async () => {
    const issuer = await start();
    const code = codeOf(issuer.approve(link(issuer), "ada@example.com"));
    expect((await exchange(issuer, code)).status).toBe(200);
    expect(await exchange(issuer, code)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  it.each([
    ["another verifier", { code_verifier: "w".repeat(86) }],
    ["another redirect", { redirect_uri: "http://127.0.0.1:1455/auth/callback" }],
  ])("refuses %s, and the code is used up by that", async (_what, changes) => {
    const issuer = await start();
    const code = codeOf(issuer.approve(link(issuer), "ada@example.com"));
    expect(await exchange(issuer, code, changes)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect((await exchange(issuer, code)).status).toBe(400);
  });

  it("refuses a code after a minute", async () => {
    let now = 1_800_000_000_000;
    const issuer = await start({ now: () => now });
    const [young, old] = [
      issuer.approve(link(issuer), "ada@example.com"),
      issuer.approve(link(issuer), "ada@example.com"),
    ];
    now += 59_999;
    expect((await exchange(issuer, codeOf(young))).status).toBe(200);
    now += 1;
    expect((await exchange(issuer, codeOf(old))).status).toBe(400);
  });

  it("refuses another client, another grant and a broken body", async () => {
    const issuer = await start();
    expect(await exchange(issuer, "x", { client_id: "app_other" })).toMatchObject({
      status: 401,
      body: { error: "invalid_client" },
    });
    expect(await token(issuer, { grant_type: "password", client_id: CLIENT })).toMatchObject({ status: 400 });
    const broken = { method: "POST", headers: { "content-type": "application/json" }, body: "{" };
    expect((await fetch(`${issuer.origin}/oauth/token`, broken)).status).toBe(400);
  });
});

describe("the sandbox's refresh", () => {
  it("rotates the token, as a form and as the CLI's JSON alike (facts §1.8)", async () => {
    const issuer = await start();
    const first = await signIn(issuer);
    const second = (await refresh(issuer, first)).body["refresh_token"];
    expect(second).not.toBe(first);
    const response = await fetch(`${issuer.origin}/oauth/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        client_id: CLIENT,
        grant_type: "refresh_token",
        refresh_reason: "forced",
        refresh_token: second,
      }),
    });
    const third = ((await response.json()) as Record<string, unknown>)["refresh_token"];
    expect([first, second, third].map((one) => issuer.standing(String(one)))).toEqual(["consumed", "consumed", "live"]);
  });

  it("answers a consumed token with refresh_token_reused and ends the whole family (fact 0.3)", async () => {
    const issuer = await start();
    const [first, other] = [await signIn(issuer), await signIn(issuer)];
    const second = (await refresh(issuer, first)).body["refresh_token"];
    expect(await refresh(issuer, first)).toMatchObject({
      status: 401,
      body: { error: { code: "refresh_token_reused" } },
    });
    expect(issuer.standing(String(second))).toBe("revoked");
    expect(await refresh(issuer, second)).toMatchObject({
      status: 401,
      body: { error: { code: "refresh_token_invalidated" } },
    });
    expect((await refresh(issuer, other)).status).toBe(200);
  });

  it("does not know a token that it never gave", async () => {
    const issuer = await start();
    expect(await refresh(issuer, "no-such-token")).toMatchObject({ status: 401 });
    expect(issuer.standing("no-such-token")).toBe("unknown");
  });
});

describe("the sandbox's faults and log", () => {
  it("goes wrong in the order asked for, one request each", async () => {
    const issuer = await start();
    issuer.faults.next({ kind: "status", status: 503, body: "busy", contentType: "text/plain" });
    issuer.faults.next({ kind: "html403" });
    issuer.faults.next({ kind: "nested-error", code: "some_code" });
    issuer.faults.next({ kind: "redirect" });
    const seen: unknown[] = [];
    for (let round = 0; round < 5; round += 1) {
      const response = await fetch(`${issuer.origin}/oauth/token`, { method: "POST", redirect: "manual" });
      seen.push([response.status, response.headers.get("content-type"), (await response.text()).slice(0, 27)]);
    }
    expect(seen).toEqual([
      [503, "text/plain", "busy"],
      [403, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Just "],
      [400, "application/json", '{"error":{"code":"some_code'],
      [307, "text/plain", ""],
      [400, "application/json", '{"error":"invalid_request",'],
    ]);
  });

  it("has processed the request at drop-after-process and not at drop-before-read", async () => {
    const issuer = await start();
    const code = codeOf(issuer.approve(link(issuer), "ada@example.com"));
    issuer.faults.next({ kind: "drop-before-read" });
    await expect(exchange(issuer, code)).rejects.toThrow(TypeError);
    const { body } = await exchange(issuer, code);
    issuer.faults.next({ kind: "drop-after-process" });
    await expect(refresh(issuer, body["refresh_token"])).rejects.toThrow(TypeError);
    expect(issuer.standing(String(body["refresh_token"]))).toBe("consumed");
  });

  it("logs what was asked without any secret", async () => {
    const issuer = await start();
    const callback = issuer.approve(link(issuer), "ada@example.com");
    await fetch(link(issuer));
    const { body } = await exchange(issuer, codeOf(callback));
    await refresh(issuer, body["refresh_token"]);
    expect(issuer.log).toEqual([
      { method: "GET", path: "/oauth/authorize", status: 200 },
      expect.objectContaining({
        grantType: "authorization_code",
        presented: expect.stringMatching(/^sha256:/),
        status: 200,
      }),
      expect.objectContaining({
        grantType: "refresh_token",
        presented: expect.stringMatching(/^sha256:/),
        status: 200,
      }),
    ]);
    const text = JSON.stringify(issuer.log);
    for (const secret of [codeOf(callback), "state-of-this-test", VERIFIER, String(body["refresh_token"])]) {
      expect(text).not.toContain(secret);
    }
  });

  it("closes at once although a request hangs", async () => {
    const issuer = await startSandboxIssuer();
    issuer.faults.next({ kind: "hang" });
    const ended = new Promise<string>((resolve) => {
      const request = httpRequest(`${issuer.origin}/oauth/token`, { method: "POST" });
      request.on("error", (error) => resolve(error.name)).end();
    });
    await expect.poll(() => issuer.log.length).toBe(1);
    await issuer.close();
    expect(await ended).toBe("Error");
  });

  it("refuses an oversized request and other addresses", async () => {
    const issuer = await start();
    expect((await fetch(`${issuer.origin}/cancel`)).status).toBe(404);
    const big = randomBytes(40_000).toString("hex");
    await expect(fetch(`${issuer.origin}/oauth/token`, { method: "POST", body: big })).rejects.toThrow(TypeError);
  });
});

describe("sandboxAccessToken", () => {
  it("is unsigned, says so, and cannot be mistaken for OpenAI's", () => {
    const jwt = sandboxAccessToken({
      email: "a@b.c",
      userId: "u",
      accountId: "a",
      planType: "pro",
      expiresInMs: 1_000,
      now: 5_000,
    });
    const [head, payload, signature] = jwt.split(".");
    expect(JSON.parse(Buffer.from(head ?? "", "base64url").toString())).toMatchObject({ alg: "none" });
    expect(JSON.parse(Buffer.from(payload ?? "", "base64url").toString())).toMatchObject({
      iss: "https://sandbox.invalid",
      exp: 6,
    });
    // The Codex CLI refuses an empty third part; this one says what it is.
    expect(Buffer.from(signature ?? "", "base64url").toString()).toBe("no signature");
  });
});
