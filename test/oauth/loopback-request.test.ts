// Which requests are those of a browser that comes back from the sign-in page.

import { describe, expect, it } from "vitest";
import { LOGIN } from "../../src/config/defaults.ts";
import { judgeLoopbackRequest, type LoopbackRequest } from "../../src/oauth/loopback-request.ts";

const REDIRECT = "http://localhost:1457/auth/callback";
const GOOD: LoopbackRequest = {
  method: "GET",
  target: "/auth/callback?code=a%2Fb&state=s-1",
  hosts: ["localhost:1457"],
  hasBody: false,
};

function judge(change: Partial<LoopbackRequest>) {
  return judgeLoopbackRequest({ ...GOOD, ...change }, REDIRECT);
}

describe("a request to the loopback server", () => {
  it.each(["localhost:1457", "127.0.0.1:1457", "[::1]:1457", "LOCALHOST:1457"])(
    "is a callback under the name %s, and its query is passed on as it was sent",
    (host) => {
      expect(judge({ hosts: [host] })).toEqual({
        kind: "callback",
        address: "http://localhost:1457/auth/callback?code=a%2Fb&state=s-1",
        state: "s-1",
      });
    },
  );

  it.each([
    [["localhost:1455"]],
    [["localhost"]],
    [["evil.example:1457"]],
    [["localhost.evil.example:1457"]],
    [["127.0.0.2:1457"]],
    [["localhost:1457", "localhost:1457"]],
    [[""]],
    [[]],
  ])("is refused under the name %j, whatever it asks for", (hosts) => {
    expect(judge({ hosts })).toEqual({ kind: "refused", why: "host" });
  });

  it.each([
    "/",
    "/auth/callback/?code=a&state=s-1",
    "/auth/callback/../callback?code=a&state=s-1",
    "/x/../auth/callback?code=a&state=s-1",
    "//auth/callback?code=a&state=s-1",
    "/auth%2Fcallback?code=a&state=s-1",
    "/AUTH/CALLBACK?code=a&state=s-1",
    "/auth/callback;x?code=a&state=s-1",
    "/auth/callback#?code=a&state=s-1",
    "http://localhost:1457/auth/callback?code=a&state=s-1",
    "/cancel",
    "/success",
    "*",
    "",
  ])("is refused for the path %j", (target) => {
    expect(judge({ target })).toEqual({ kind: "refused", why: "path" });
  });

  it.each(["POST", "HEAD", "OPTIONS", "PUT", "get", "CONNECT"])("is refused for the method %s", (method) => {
    expect(judge({ method })).toEqual({ kind: "refused", why: "method" });
  });

  it("is refused with a body, without exactly one state, and where it is longer than any answer", () => {
    expect(judge({ hasBody: true })).toEqual({ kind: "refused", why: "body" });
    for (const query of ["", "?", "?code=a", "?code=a&state=", "?code=a&state=s-1&state=s-2", "?code=a&STATE=s-1"])
      expect(judge({ target: `/auth/callback${query}` }), query).toEqual({ kind: "refused", why: "state" });
    const target = `/auth/callback?state=s-1&code=${"a".repeat(LOGIN.maxCallbackChars)}`;
    expect(judge({ target })).toEqual({ kind: "refused", why: "length" });
  });
});
