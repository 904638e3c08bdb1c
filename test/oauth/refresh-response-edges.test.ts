// Answers to a renewal that differ in one thing only. Each was asked for by a mutant that nobody noticed (docs/mutation.md).

import { describe, expect, it } from "vitest";
import type { Renewal } from "../../src/profiles/renewal.ts";
import { processRefreshResponse } from "../../src/oauth/refresh-response.ts";
import { fakeAccessToken } from "../support/jwt.ts";

const NOW = Date.UTC(2026, 10, 21);
const JSON_TYPE = { "content-type": "application/json" };

function judged(status: number, body: string | undefined, headers: Record<string, string> = JSON_TYPE): Renewal {
  return processRefreshResponse({ kind: "answered", response: { status, headers, body } }, NOW);
}

function message(renewal: Renewal): string {
  return renewal.kind === "renewed" ? "renewed" : renewal.error.message;
}

const next = (renewal: Renewal): string => (renewal.kind === "renewed" ? "renewed" : renewal.error.next);
const coded = (error: string): string => JSON.stringify({ error });

const same = (a: string, b: string): void =>
  expect(message(judged(400, coded(a))).replace(/ \(.*/, "")).toBe(message(judged(400, coded(b))).replace(/ \(.*/, ""));
const sentence = (status: number, body = coded("x"), headers = JSON_TYPE): string =>
  message(judged(status, body, headers)).replace(/ \(.*/, "");
const wait = (after?: string): string =>
  next(judged(429, coded("x"), after === undefined ? JSON_TYPE : { ...JSON_TYPE, "retry-after": after }));

describe("what the answer to a renewal means", () => {
  it.each([
    [199, "refused"],
    [200, "renewed"],
    [299, "renewed"],
    [300, "refused"],
  ])("HTTP %i with a login in it: %s", (status, kind) => {
    expect(judged(status, JSON.stringify({ refresh_token: "rt_2" })).kind).toBe(kind);
  });

  it("is unknown where the answer was too large to be kept, and where a login stands behind a mark in the middle", () => {
    expect(judged(200, undefined)).toMatchObject({ kind: "unknown", error: { code: "ERR_RENEWAL_UNKNOWN" } });
    expect(judged(200, `\uFEFF${JSON.stringify({ refresh_token: "rt_2" })}`).kind).toBe("renewed");
    expect(judged(200, ` \uFEFF${JSON.stringify({ refresh_token: "rt_2" })}`).kind).toBe("unknown");
  });

  it("is unknown, and not to be tried again, where a server failed without a word of its own", () => {
    expect(judged(500, "")).toMatchObject({
      kind: "unknown",
      error: { code: "ERR_RENEWAL_UNKNOWN", retryable: false },
    });
    expect(judged(500, coded("server_error"))).toMatchObject({
      kind: "refused",
      error: { code: "ERR_RENEWAL_REFUSED", retryable: true },
    });
  });

  it("names nobody where the tokens name nobody", () => {
    const renewal = judged(200, JSON.stringify({ access_token: "opaque", id_token: "opaque" }));
    if (renewal.kind !== "renewed") expect.fail(renewal.kind);
    expect(Object.keys(renewal.tokens).toSorted()).toEqual(["access", "expiresAtMs", "id"]);
    const nameless = judged(200, JSON.stringify({ access_token: fakeAccessToken({ expiresAtMs: NOW }) }));
    if (nameless.kind !== "renewed") expect.fail(nameless.kind);
    expect(nameless.tokens).not.toHaveProperty("email");
  });
});

describe("what a person is told of a renewal that failed", () => {
  it("differs by why the login has ended", () => {
    const why = ["refresh_token_reused", "refresh_token_expired", "refresh_token_invalidated", "invalid_grant"];
    const said = why.map((code) => message(judged(400, coded(code))).replace(/ \(.*/, ""));
    expect(new Set(said).size).toBe(4);
    same("token_expired", "refresh_token_expired");
    same("token_revoked", "refresh_token_invalidated");
    same("invalid_refresh_token", "invalid_grant");
  });

  it("differs by why the login was not renewed now, at every edge of a kind of status", () => {
    const html = { "content-type": "text/html" };
    const kinds = [sentence(429), sentence(403, "<p>", html), sentence(500), sentence(300), sentence(400)];
    expect(new Set(kinds).size).toBe(5);
    expect([
      sentence(599),
      sentence(399),
      sentence(299, ""),
      sentence(403),
      sentence(404, "<p>", html),
      sentence(499),
    ]).toEqual([kinds[2], kinds[3], sentence(200, ""), kinds[4], kinds[4], kinds[4]]);
  });

  it("has status, code and request in it, and none of what is not there", () => {
    expect(message(judged(400, coded("bad_thing"), { ...JSON_TYPE, "x-request-id": "req-1" }))).toContain(
      "(bad_thing, HTTP 400, request req-1).",
    );
    expect(message(judged(400, "{}"))).toContain("(HTTP 400).");
  });

  it("has the server's wait in it only where that is a number of seconds", () => {
    expect(wait("61")).toContain("2 min");
    for (const other of [undefined, "x61", "61x", "1234567"]) expect(wait(other)).toContain("some minutes");
  });

  it("forbids the second use where the first is unknown", () => {
    expect(next(judged(500, ""))).toContain("not presented again");
  });
});
