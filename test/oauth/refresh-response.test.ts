import { describe, expect, it } from "vitest";
import { processRefreshResponse } from "../../src/oauth/refresh-response.ts";
import { fakeAccessToken, fakeIdToken } from "../support/jwt.ts";

const NOW = Date.UTC(2026, 10, 21);
const HOUR = 3_600_000;
const JSON_TYPE = { "content-type": "application/json" };
const answered = (status: number, body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  processRefreshResponse(
    { kind: "answered", response: { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) } },
    NOW,
  );
const access = () =>
  fakeAccessToken({
    email: "a@example.com",
    userId: "u",
    accountId: "acct",
    planType: "Plus",
    expiresAtMs: NOW + HOUR,
  });

const shapes = (code: string): readonly unknown[] => [{ error: code }, { error: { code } }, { code }];

describe("processRefreshResponse, of a renewal", () => {
  it("gives what came, with whose it is", () => {
    const token = access();
    const renewal = answered(200, { access_token: token, refresh_token: "rt_2", id_token: "id", expires_in: 60 });
    if (renewal.kind !== "renewed") expect.fail(renewal.kind);
    const { tokens } = renewal;
    expect([tokens.access?.expose(), tokens.refresh?.expose(), tokens.id?.expose()]).toEqual([token, "rt_2", "id"]);
    expect(tokens).toMatchObject({
      expiresAtMs: NOW + 60_000,
      identity: { userId: "u", accountId: "acct" },
      email: "a@example.com",
      planType: "plus",
    });
  });

  it("takes the expiry from the token where the answer does not say", () => {
    expect(answered(200, { access_token: access() })).toMatchObject({ tokens: { expiresAtMs: NOW + HOUR } });
    // One that says nothing counts as spent, so that OpenClaw renews it at its next call.
    expect(answered(200, { access_token: "opaque" })).toMatchObject({ tokens: { expiresAtMs: NOW } });
  });

  it.each([
    ["no refresh token", { access_token: access() }, { refresh: undefined }],
    ["a null refresh token", { access_token: access(), refresh_token: null }, { refresh: undefined }],
    ["no access token", { refresh_token: "rt_2" }, { access: undefined, expiresAtMs: undefined }],
    ["an id token of another form", { refresh_token: "rt_2", id_token: 7 }, { id: undefined }],
    ["an access token with a line end", { access_token: "a\n", refresh_token: "rt_2" }, { access: undefined }],
    ["an empty access token", { access_token: "", refresh_token: "rt_2" }, { access: undefined }],
    [
      "a refresh token that is too long",
      { access_token: access(), refresh_token: "r".repeat(99_999) },
      { refresh: undefined },
    ],
  ])("leaves out what the server leaves out: %s", (_title, body, absent) => {
    const renewal = answered(200, body);
    if (renewal.kind !== "renewed") expect.fail(renewal.kind);
    for (const name of Object.keys(absent)) expect(renewal.tokens).not.toHaveProperty(name);
  });

  it("reads any 2xx, and past a byte order mark", () => {
    expect(answered(201, { refresh_token: "rt_2" })).toMatchObject({ kind: "renewed" });
    expect(answered(200, `\uFEFF${JSON.stringify({ refresh_token: "rt_2" })}`)).toMatchObject({ kind: "renewed" });
    expect(answered(204, "")).toMatchObject({ kind: "unknown" });
  });

  it("takes the address from the id token where the access token has none", () => {
    const id = fakeIdToken({ email: "b@example.com", expiresAtMs: NOW });
    expect(answered(200, { access_token: "opaque", id_token: id })).toMatchObject({
      tokens: { email: "b@example.com" },
    });
  });

  it.each([
    ["text", "ok"],
    ["an empty object", {}],
    ["an array", []],
    ["tokens with a space in them", { access_token: "a b", refresh_token: "rt 2" }],
    ["a page", "<html></html>"],
  ])("cannot tell what became of the token where 200 comes with %s", (_title, body) => {
    expect(answered(200, body)).toMatchObject({
      kind: "unknown",
      error: { code: "ERR_RENEWAL_UNKNOWN", retryable: false },
    });
  });
});

describe("processRefreshResponse, of a refusal", () => {
  const codes = [
    "refresh_token_expired",
    "refresh_token_reused",
    "refresh_token_invalidated",
    "invalid_grant",
    "invalid_refresh_token",
    "token_expired",
    "token_revoked",
  ];
  it.each(codes)("counts %s as the end of the login, in every shape and case", (code) => {
    for (const body of [...shapes(code), ...shapes(code.toUpperCase())])
      for (const status of [400, 401, 403])
        expect(answered(status, body)).toMatchObject({
          kind: "dead",
          reason: code,
          error: { code: "ERR_RENEWAL_DEAD" },
        });
  });

  it("counts any 401 as the end, whatever it says", () => {
    for (const body of [{}, "no", { error: "something_new" }])
      expect(answered(401, body)).toMatchObject({ kind: "dead" });
    expect(answered(401, "")).toMatchObject({ reason: "http_401" });
  });

  it.each([
    [400, { error: "something_new" }],
    [400, "not JSON"],
    [403, "<html>blocked</html>"],
    [403, { error: "unsupported_country" }],
    [404, {}],
    [429, {}],
    [401, "<html>blocked</html>"],
    [500, { error: "invalid_grant" }],
    [503, { error: { code: "server_error" } }],
    [307, ""],
  ])("leaves the token good after %i %j", (status, body) => {
    expect(answered(status, body)).toMatchObject({
      kind: "refused",
      error: { code: "ERR_RENEWAL_REFUSED", retryable: true },
    });
  });

  it.each([500, 502, 503, 504, 520, 522, 524])(
    "cannot tell after %i without a word of the server's own, which may have acted behind it",
    (status) => {
      for (const body of ["<html></html>", "", "{}"]) expect(answered(status, body)).toMatchObject({ kind: "unknown" });
    },
  );

  it("finds the code that counts beside one that does not", () => {
    const body = { error: "invalid_request", code: "refresh_token_reused" };
    expect(answered(400, body)).toMatchObject({ kind: "dead", reason: "refresh_token_reused" });
  });

  it("says how long to wait where the server does", () => {
    expect(answered(429, {}, { "retry-after": "61" })).toMatchObject({
      error: { next: expect.stringContaining("2 min") },
    });
    expect(answered(429, {}, { "retry-after": "soon" })).toMatchObject({
      error: { next: expect.stringContaining("some minutes") },
    });
  });

  it("says that a page in the way is no verdict on the login", () => {
    const renewal = answered(403, "<html>cf</html>", { "content-type": "text/html", "cf-ray": "8abc-FRA" });
    expect(renewal).toMatchObject({ error: { message: expect.stringMatching(/blocked this machine.*8abc-FRA/) } });
  });

  it("shows nothing of a body but a code that cannot be a token", () => {
    const secret = `rt_${"a1B2".repeat(12)}`;
    for (const [status, body] of [
      [400, { error: secret }],
      [401, { error: { code: secret, message: secret } }],
      [200, { access: secret }],
    ] as const) {
      const renewal = answered(status, body);
      expect(
        JSON.stringify({ ...renewal, text: renewal.kind === "renewed" ? "" : renewal.error.message }),
      ).not.toContain("a1b2");
      expect(JSON.stringify(renewal)).not.toContain("a1B2");
    }
  });
});

describe("processRefreshResponse, of no answer", () => {
  it("tells whether the token left", () => {
    const cause = new Error("x");
    expect(processRefreshResponse({ kind: "unsent", cause }, NOW)).toMatchObject({
      kind: "not-sent",
      error: { code: "ERR_TOKEN_UNREACHABLE", retryable: true },
    });
    expect(processRefreshResponse({ kind: "unanswered", cause }, NOW)).toMatchObject({
      kind: "unknown",
      error: { code: "ERR_RENEWAL_UNKNOWN", retryable: false },
    });
  });
});
