import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanLines, cleanText } from "../src/clean-text.ts";

const point = (...codes: number[]): string => String.fromCodePoint(...codes);

describe("cleanText", () => {
  it("leaves plain text of any script as it is", () => {
    for (const text of ["ada@example.com", "Ada Lovelace", "Ünïcödé", "работа", "仕事", "नमस्ते"]) {
      expect(cleanText(text, 64)).toBe(text);
    }
  });

  it("removes control, direction, zero-width, tag and filler characters", () => {
    const hidden = [0x00, 0x1b, 0x7f, 0x9b, 0xad, 0x200b, 0x200d, 0x202e, 0x2066, 0x2069, 0xfeff, 0x3164, 0x115f];
    const more = [0xfe0f, 0x034f, 0xe0041, 0xe000, 0xfdd0, 0xe0100];
    for (const code of [...hidden, ...more]) expect(cleanText(`a${point(code)}b`, 64), code.toString(16)).toBe("ab");
    expect(cleanText("a\uD800b", 64)).toBe("ab");
  });

  it("puts everything on one line with single spaces", () => {
    expect(cleanText(` a\r\n\tb${point(0x2028)}c${point(0xa0)}${point(0x200b)} d `, 64)).toBe("a b c d");
  });

  it("cuts with an ellipsis inside the limit and never through a surrogate pair", () => {
    expect(cleanText("abcdef", 6)).toBe("abcdef");
    expect(cleanText("abcdefg", 6)).toBe("abcde…");
    expect(cleanText(`abcd${point(0x1f600)}xyz`, 6)).toBe("abcd…");
    expect(cleanText("abc", 0)).toBe("");
  });

  it("thins piles of combining marks that would cover other lines", () => {
    expect(cleanText(`a${point(0x336).repeat(40)}b`, 64)).toBe(`a${point(0x336).repeat(3)}b`);
  });

  it("always gives text that is short enough, on one line, and stays the same when cleaned again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (text, max) => {
        const clean = cleanText(text, max);
        expect(clean.length).toBeLessThanOrEqual(max);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(cleanText(clean, max)).toBe(clean);
      }),
    );
  });
});

describe("cleanLines", () => {
  it("keeps lines and indentation, and takes out what moves the cursor or turns the text around", () => {
    const text = "\u001B[2Jone\u202E\n    → two\u200B\r\u0007\nthree\u009B31m";
    expect(cleanLines(text)).toBe("[2Jone\n    → two\nthree31m");
  });
});
