import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import { equalConstantTime, parseCallback } from "../../src/oauth/callback.ts";
import { Secret } from "../../src/secrets/secret.ts";

const STATE = randomBytes(32).toString("base64url");
const CODE = `ac_${randomBytes(12).toString("base64url")}`;
const attempt = { redirectUri: "http://localhost:1455/auth/callback", state: Secret.of(STATE) };
const GOOD = `http://localhost:1455/auth/callback?code=${CODE}&state=${STATE}`;

function refusal(text: string, expected = attempt): CodexAuthError {
  try {
    parseCallback(text, expected);
  } catch (error) {
    if (error instanceof CodexAuthError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("parseCallback accepts", () => {
  it.each([
    ["the address", GOOD],
    ["127.0.0.1 for localhost", GOOD.replace("localhost", "127.0.0.1")],
    ["[::1] for localhost", GOOD.replace("localhost", "[::1]")],
    ["further parameters", `${GOOD}&scope=openid`],
    ["another order", `http://localhost:1455/auth/callback?state=${STATE}&code=${CODE}`],
    ["a fragment behind it", `${GOOD}#_=_`],
    ["angle brackets", `<${GOOD}>`],
    ["quotes and white space", ` \n"${GOOD}" `],
    ["a sentence around it", `here you are: ${GOOD}, thanks`],
    ["punctuation behind it", `${GOOD}.`],
    ["a markdown link", `[${GOOD}](${GOOD})`],
    ["its percent-encoded form", encodeURIComponent(GOOD)],
    ["a break in its code", GOOD.replace("ac_", "ac_\n")],
    ["a break in its state", `${GOOD.slice(0, -9)}\n${GOOD.slice(-9)}`],
    ["a break in its path", GOOD.replace("callback", "call\r\n  back")],
    ["three breaks in a quoted mail", `> ${GOOD.slice(0, 30)}\n> ${GOOD.slice(30, 60)}\n> ${GOOD.slice(60)}`],
    ["a word on the next line", `${GOOD}\nthanks`],
    ["a missing scheme", GOOD.slice("http://".length)],
  ])("%s", (_what, text) => {
    expect(parseCallback(text, attempt).code.expose()).toBe(CODE);
  });

  it("the port and path of the attempt, not those of the default", () => {
    const other = { ...attempt, redirectUri: "http://127.0.0.1:1457/auth/callback" };
    expect(parseCallback(GOOD.replace("1455", "1457"), other).code.expose()).toBe(CODE);
    expect(refusal(GOOD, other).code).toBe("ERR_CALLBACK_MALFORMED");
  });
});

describe("parseCallback refuses", () => {
  const query = `code=${CODE}&state=${STATE}`;
  it.each<[string, string, ErrorCode]>([
    ["nothing", "", "ERR_CALLBACK_MALFORMED"],
    ["words", "I cannot find it", "ERR_CALLBACK_MALFORMED"],
    ["a bare code", CODE, "ERR_CALLBACK_BARE_CODE"],
    ["code#state", `${CODE}#${STATE}`, "ERR_CALLBACK_BARE_CODE"],
    ["the query alone", `?${query}`, "ERR_CALLBACK_BARE_CODE"],
    ["a foreign host", `http://evil.example:1455/auth/callback?${query}`, "ERR_CALLBACK_MALFORMED"],
    [
      "a host that only begins like ours",
      `http://localhost.evil.example:1455/auth/callback?${query}`,
      "ERR_CALLBACK_MALFORMED",
    ],
    ["a host that only ends like ours", `http://evil.localhost:1455/auth/callback?${query}`, "ERR_CALLBACK_MALFORMED"],
    ["our address inside another one", `https://evil.example/?u=${GOOD}`, "ERR_CALLBACK_MALFORMED"],
    [
      "our encoded address inside another one",
      `https://evil.example/?u=${encodeURIComponent(GOOD)}`,
      "ERR_CALLBACK_MALFORMED",
    ],
    ["a name before the host", `http://localhost:1455@evil.example/auth/callback?${query}`, "ERR_CALLBACK_MALFORMED"],
    ["a name at our host", `http://me@localhost:1455/auth/callback?${query}`, "ERR_CALLBACK_MALFORMED"],
    ["https", GOOD.replace("http:", "https:"), "ERR_CALLBACK_MALFORMED"],
    ["no port", GOOD.replace(":1455", ""), "ERR_CALLBACK_MALFORMED"],
    ["another port", GOOD.replace("1455", "1456"), "ERR_CALLBACK_MALFORMED"],
    ["another path", GOOD.replace("/auth/callback", "/success"), "ERR_CALLBACK_MALFORMED"],
    ["a longer path", GOOD.replace("/callback", "/callback/x"), "ERR_CALLBACK_MALFORMED"],
    ["a broken address", "http://[localhost:1455/auth/callback", "ERR_CALLBACK_MALFORMED"],
    ["the sign-in link itself", `https://auth.openai.com/oauth/authorize?state=${STATE}`, "ERR_CALLBACK_MALFORMED"],
    ["no state", GOOD.replace(/&state=.*/, ""), "ERR_CALLBACK_STATE"],
    ["an empty state", GOOD.replace(/state=.*/, "state="), "ERR_CALLBACK_STATE"],
    ["another state", GOOD.replace(/state=.*/, `state=${randomBytes(32).toString("base64url")}`), "ERR_CALLBACK_STATE"],
    ["the state in other case", GOOD.replace(/state=.*/, `state=${swapCase(STATE)}`), "ERR_CALLBACK_STATE"],
    ["a longer state", `${GOOD}A`, "ERR_CALLBACK_STATE"],
    ["two states, one of them right", `${GOOD}&state=x`, "ERR_CALLBACK_MALFORMED"],
    ["two codes", `${GOOD}&code=x`, "ERR_CALLBACK_MALFORMED"],
    ["no code", `http://localhost:1455/auth/callback?state=${STATE}`, "ERR_CALLBACK_MALFORMED"],
    ["an empty code", `http://localhost:1455/auth/callback?code=&state=${STATE}`, "ERR_CALLBACK_MALFORMED"],
    [
      "a code with control characters",
      `http://localhost:1455/auth/callback?code=a%00b&state=${STATE}`,
      "ERR_CALLBACK_MALFORMED",
    ],
    ["more than the cap", `${GOOD}&x=${"y".repeat(8_192)}`, "ERR_CALLBACK_MALFORMED"],
  ])("%s", (_what, text, code) => {
    const error = refusal(text);
    expect(error.code).toBe(code);
    for (const secret of [CODE, STATE, "evil.example"]) expect(error.message + error.next).not.toContain(secret);
  });

  it("an address whose code may or may not go on in the next line: a wrong code would use up the attempt", () => {
    const swapped = `http://localhost:1455/auth/callback?state=${STATE}&code=${CODE}`;
    const error = refusal(`${swapped}\nthanks`);
    expect(error.code).toBe("ERR_CALLBACK_MALFORMED");
    expect(error.next).toContain("one line");
    expect(parseCallback(`${swapped}\n\nthanks`, attempt).code.expose()).toBe(CODE);
  });

  it("says of a bare code what to paste instead", () => {
    expect(refusal(CODE).next).toContain("whole address");
  });

  it("tells the sign-in link apart, which people paste by mistake", () => {
    expect(refusal("https://auth.openai.com/oauth/authorize?client_id=x").message).toContain("sign-in link itself");
  });
});

describe("parseCallback with error=", () => {
  it("explains a declined sign-in", () => {
    expect(refusal(failed("access_denied"))).toMatchObject({ code: "ERR_CALLBACK_DENIED" });
    expect(refusal(failed("access_denied")).message).toContain("declined");
  });

  it("explains a workspace without Codex", () => {
    const error = refusal(failed("access_denied", "user is missing_codex_entitlement"));
    expect(error.code).toBe("ERR_CALLBACK_DENIED");
    expect(error.message).toContain("no access to Codex");
  });

  it("shows a code of words, and neither one that looks like a token nor the description", () => {
    expect(refusal(failed("Server_Error", "secret words")).message).toBe(
      "The sign-in page answered with an error (server_error).",
    );
    const token = randomBytes(24).toString("hex");
    const error = refusal(failed(token, "secret words"));
    expect(error.message).toBe("The sign-in page answered with an error.");
  });

  it("wins over a code that stands beside it", () => {
    expect(refusal(`${GOOD}&error=access_denied`).code).toBe("ERR_CALLBACK_DENIED");
  });

  it("counts only after the state is right: an unsolicited error cannot end a sign-in", () => {
    expect(refusal(failed("access_denied", "", "unknown-state")).code).toBe("ERR_CALLBACK_STATE");
    expect(refusal("http://localhost:1455/auth/callback?error=access_denied").code).toBe("ERR_CALLBACK_STATE");
  });
});

/** Longer than the longest reason of an error that may be repeated. */
function newMark(): string {
  return randomBytes(12).toString("hex");
}

describe("parseCallback, whatever it is given", () => {
  const marked = fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })).map(([a, b]) => {
    const mark = newMark();
    return { mark, text: `${a}${mark}${b}` };
  });
  const nearMiss = fc
    .record({
      scheme: fc.constantFrom("http://", "https://", "", "ftp://", "javascript:"),
      host: fc.constantFrom("localhost", "127.0.0.1", "[::1]", "evil.example", "", "[", "localhost:1455@x"),
      port: fc.constantFrom(":1455", ":1457", "", ":99999", ":"),
      path: fc.constantFrom("/auth/callback", "/auth/callback/", "/cancel", ""),
      key: fc.constantFrom("code", "state", "error", "error_description", "co%64e"),
      state: fc.constantFrom("", `&state=${STATE}`, `&state=${STATE}&state=${STATE}`, "&state=x"),
      tail: fc.string({ unit: "binary" }),
    })
    .map(({ scheme, host, port, path, key, state, tail }) => {
      const mark = newMark();
      return { mark, text: `${scheme}${host}${port}${path}?${key}=${mark}${state}${tail}` };
    });

  it("throws nothing but a CodexAuthError and never repeats the input", () => {
    fc.assert(
      fc.property(fc.oneof(marked, nearMiss), ({ mark, text }) => {
        try {
          expect(parseCallback(text, attempt).code.expose()).toContain(mark);
        } catch (error) {
          if (!(error instanceof CodexAuthError)) throw error;
          expect(error.message + error.next + String(error.cause)).not.toContain(mark);
          expect(error.message + error.next).not.toContain(STATE);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("never accepts an address without the exact state", () => {
    fc.assert(
      fc.property(fc.string(), (state) => {
        fc.pre(state !== STATE);
        const text = `http://localhost:1455/auth/callback?code=${CODE}&state=${encodeURIComponent(state)}`;
        expect(() => parseCallback(text, attempt)).toThrow(CodexAuthError);
      }),
    );
  });
});

describe("equalConstantTime", () => {
  it("compares texts of any length", () => {
    expect(equalConstantTime("a", "a")).toBe(true);
    expect(equalConstantTime("a", "ab")).toBe(false);
    expect(equalConstantTime("", "")).toBe(true);
  });
});

function swapCase(text: string): string {
  const swapped = text.replaceAll(/[A-Za-z]/g, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
  return swapped;
}

function failed(error: string, description = "", state = STATE): string {
  const url = new URL(attempt.redirectUri);
  url.search = new URLSearchParams({ error, error_description: description, state }).toString();
  return url.href;
}
