// Which codes of a server may be shown: how long, how many digits, and in words no longer than words are.

import { describe, expect, it } from "vitest";
import { safeReason } from "../../src/oauth/reason.ts";

describe("safeReason", () => {
  it("reads a text of 256 characters and none longer", () => {
    expect(safeReason("bad_code".padEnd(256, "!"))).toBe("bad_code");
    expect(safeReason("bad_code".padEnd(257, "!"))).toBeUndefined();
  });

  it("cuts a code of many words after 64 characters", () => {
    expect(safeReason("word_".repeat(20))).toBe("word_".repeat(20).slice(0, 64));
  });

  it("takes words of up to twenty letters, each of them, between any of its three signs", () => {
    const [long, longer] = ["a".repeat(20), "a".repeat(21)];
    for (const code of [long, `${long}_${long}`, `${long}.${long}-b`]) expect(safeReason(code)).toBe(code);
    for (const code of [longer, `ok_${longer}`, `${longer}.ok`, `ok-${longer}-ok`])
      expect(safeReason(code)).toBeUndefined();
  });

  it("takes up to four digits, wherever they stand", () => {
    for (const code of ["code_1234", "c1_d2_e3_f4"]) expect(safeReason(code)).toBe(code);
    for (const code of ["code_12345", "c1_d2_e3_f4_g5"]) expect(safeReason(code)).toBeUndefined();
  });
});
