import { describe, expect, it } from "vitest";
import { HOUR, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { USAGE_SHAPES } from "../../src/sandbox/usage-shapes.ts";
import { compareOwner, judgeWhamAnswer, judgeWhamFailure } from "../../src/usage/wham-verdict.ts";

const now = Date.UTC(2026, 10, 21, 12);
const asked = { identity: { userId: "user-a", accountId: "acct-a" }, email: "a@example.com" };
const judge = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  judgeWhamAnswer(
    {
      status,
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    },
    asked,
    now,
  );

describe("an answer to a usage request", () => {
  it("of 401 means a sign-in, unless it is a page of something in between", () => {
    expect(judge(401, { detail: "expired" })).toEqual({ kind: "renew" });
    expect(judge(401, "<html>", { "content-type": "text/html" })).toEqual({ kind: "blocked" });
  });

  it("of 403 is a block page where it is HTML, and the provider's own no where it is not; neither is a sign-in", () => {
    expect(judge(403, "<!DOCTYPE html>", { "content-type": "text/html; charset=UTF-8" })).toEqual({ kind: "blocked" });
    expect(judge(403, "  <!DOCTYPE html>", { "content-type": "" })).toEqual({ kind: "blocked" });
    expect(judge(403, { detail: "wrong workspace" })).toEqual({ kind: "refused", status: 403 });
  });

  it.each([
    ["text", "Access denied"],
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
  ])("of 403 with %s is nobody's verdict on the plan: it was blocked on the way", (_what, body) => {
    expect(judge(403, body, { "content-type": "text/plain" })).toEqual({ kind: "blocked" });
  });

  it("of 403 that is larger than allowed was blocked on the way, too", () => {
    expect(judgeWhamAnswer({ status: 403, headers: {}, body: undefined }, asked, now)).toEqual({ kind: "blocked" });
  });

  it.each([
    ["30", 30 * SECOND],
    ["0", 1 * SECOND],
    ["999999999", 1 * HOUR],
    [new Date(now + 5 * MINUTE).toUTCString(), 5 * MINUTE],
    ["soon", 1 * MINUTE],
  ])("of 429 with Retry-After `%s` holds back for %i ms", (retryAfter, ms) => {
    expect(judge(429, "{}", { "retry-after": retryAfter })).toEqual({ kind: "busy", retryAtMs: now + ms });
  });

  it("of 429 without Retry-After holds back for a minute, also where it is a page", () => {
    expect(judge(429, "<html>", { "content-type": "text/html" })).toEqual({
      kind: "busy",
      retryAtMs: now + 1 * MINUTE,
    });
  });

  it("may be worth a second try where the server had a problem, and is not where it is no usage at all", () => {
    expect(judge(502, "<html>")).toEqual({ kind: "trouble", status: 502, isTransient: true });
    expect(judge(302, "")).toEqual({ kind: "trouble", status: 302, isTransient: false });
    expect(judge(200, "no json")).toEqual({ kind: "trouble", status: 200, isTransient: false });
    expect(judge(200, {})).toEqual({ kind: "trouble", status: 200, isTransient: false });
  });

  it("of another account is not looked at", () => {
    const body = { ...USAGE_SHAPES.plus(now), user_id: "user-b", account_id: "acct-a" };
    expect(judge(200, body)).toEqual({ kind: "other-account" });
    expect(judge(200, { ...body, user_id: "user-a" })).toMatchObject({ kind: "report", isConfirmed: true });
    expect(judge(200, USAGE_SHAPES.plus(now))).toMatchObject({ kind: "report", isConfirmed: false });
  });
});

describe("the account that answered", () => {
  it.each([
    ["both ids", { userId: "user-a", accountId: "acct-a" }, "same"],
    ["another user of the workspace", { userId: "user-b", accountId: "acct-a" }, "other"],
    ["the same user in another workspace", { userId: "user-a", accountId: "acct-b" }, "other"],
    ["the user alone", { userId: "user-a" }, "same"],
    ["the workspace alone", { accountId: "acct-b" }, "other"],
    ["a personal account, which repeats the user's id", { userId: "user-a", accountId: "user-a" }, "same"],
    ["somebody else's personal account", { userId: "user-b", accountId: "user-b" }, "other"],
    ["the address alone, written otherwise", { email: "A@Example.com" }, "same"],
    ["another address alone", { email: "b@example.com" }, "other"],
    ["nobody", {}, "unsaid"],
    ["the right ids under a new address", { userId: "user-a", accountId: "acct-a", email: "new@example.com" }, "same"],
  ] as const)("named by %s", (_how, owner, verdict) => {
    expect(compareOwner(owner, asked)).toBe(verdict);
  });

  it.each([
    [{ userId: "user-a" }, { userId: "user-b", accountId: "acct-b" }, "other"],
    [{ userId: "user-a" }, { userId: "user-a", accountId: "acct-b" }, "same"],
    [{ accountId: "acct-a" }, { userId: "user-b", accountId: "acct-b" }, "other"],
    [{ accountId: "acct-a" }, { userId: "user-b", accountId: "acct-a" }, "unsaid"],
    [{ accountId: "acct-a" }, { userId: "user-b", accountId: "user-b" }, "unsaid"],
  ] as const)("is compared by the half that is known: %j and %j", (identity, owner, verdict) => {
    expect(compareOwner(owner, { identity })).toBe(verdict);
    const body = { ...USAGE_SHAPES.plus(now), user_id: owner.userId, account_id: owner.accountId };
    const answer = { status: 200, headers: {}, body: JSON.stringify(body) };
    expect(judgeWhamAnswer(answer, { identity }, now).kind).toBe(verdict === "other" ? "other-account" : "report");
  });

  it("is unsaid where the profile itself does not say whose it is", () => {
    expect(compareOwner({ userId: "user-a", accountId: "acct-a" }, {})).toBe("unsaid");
    expect(compareOwner({ userId: "user-a", email: "b@example.com" }, { email: "a@example.com" })).toBe("other");
  });
});

describe("a request that got no answer", () => {
  it.each([
    [Object.assign(new Error("x"), { code: "ECONNREFUSED" }), "unreachable"],
    [Object.assign(new Error("x"), { code: "ENOTFOUND" }), "unreachable"],
    [Object.assign(new Error("x"), { code: "EAI_AGAIN" }), "unreachable"],
    [Object.assign(new Error("x"), { code: "UND_ERR_HEADERS_TIMEOUT" }), "timeout"],
    [Object.assign(new Error("x"), { code: "UND_ERR_CONNECT_TIMEOUT" }), "timeout"],
    [new DOMException("x", "TimeoutError"), "timeout"],
    [Object.assign(new Error("x"), { code: "UND_ERR_SOCKET" }), "broken"],
    ["text", "broken"],
  ])("is told by its cause (%#)", (error, how) => {
    expect(judgeWhamFailure(error)).toEqual({ kind: "trouble", how, isTransient: true });
  });
});
