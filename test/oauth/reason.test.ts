import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestId, safeReason } from "../../src/oauth/reason.ts";

describe("safeReason", () => {
  it("keeps known codes in lower case and unknown codes made of words", () => {
    expect(safeReason("Invalid_Grant")).toBe("invalid_grant");
    expect(safeReason("refresh_token_reused")).toBe("refresh_token_reused");
    expect(safeReason("some.new-code_2")).toBe("some.new-code_2");
  });

  it("strips what is not of a code's alphabet", () => {
    expect(safeReason("bad <b>code</b>\u202E!")).toBe("badbcodeb");
  });

  it("drops what is empty, long, or looks like a token that the server echoed", () => {
    expect(safeReason("")).toBeUndefined();
    expect(safeReason("!!!")).toBeUndefined();
    expect(safeReason("x_".repeat(200))).toBeUndefined();
    for (let index = 0; index < 50; index += 1) expect(safeReason(randomBytes(32).toString("hex"))).toBeUndefined();
  });

  it("gives at most 64 plain characters for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        expect(safeReason(text) ?? "x").toMatch(/^[a-z0-9_.-]{1,64}$/);
      }),
    );
  });
});

describe("requestId", () => {
  it("takes the first usable header in the order of facts §1.5", () => {
    expect(requestId({ "cf-ray": "ray-1", "x-request-id": "req-1" })).toBe("req-1");
    expect(requestId({ "x-request-id": "bad id", "x-openai-request-id": "oai-1" })).toBe("oai-1");
    expect(requestId({ "cf-ray": "8a9b-AMS" })).toBe("8a9b-AMS");
    for (const id of ["0f8fad5b-d9cb-469f-a165-70867728950e", `req_${"0a".repeat(16)}`, "0123456789abcdef-AMS"])
      expect(requestId({ "x-request-id": id })).toBe(id);
  });

  it("refuses an id that is long or holds other characters", () => {
    expect(requestId({ "x-request-id": "a".repeat(129) })).toBeUndefined();
    // A server may throw back what it was sent.
    expect(requestId({ "x-request-id": `rt-${"0a".repeat(16)}` })).toBeUndefined();
    expect(requestId({ "x-request-id": "<b>" })).toBeUndefined();
    expect(requestId({})).toBeUndefined();
  });
});
