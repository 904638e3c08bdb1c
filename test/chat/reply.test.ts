import { describe, expect, it } from "vitest";
import { bold, code, fallbackLines, lineText, plainText, type Reply } from "../../src/chat/reply.ts";

const reply: Reply = {
  lines: [[bold("Title")], ["1. ", code("work"), ": ok"]],
  choices: ["work"],
  buttons: [
    [{ kind: "action", label: "work · ok", data: "d1", typed: "/codex_auth work", inList: true }],
    [
      { kind: "action", label: "New login", data: "d2", typed: "/codex_auth new" },
      { kind: "url", label: "Open", url: "https://x.example/?a=1" },
    ],
  ],
};

describe("the text of a reply", () => {
  it("has a typed command or an address for each button, once", () => {
    expect(plainText(reply)).toBe(
      "Title\n1. work: ok\n\nAnswer by number or name.\nNew login: /codex_auth new\nOpen: https://x.example/?a=1",
    );
  });

  it("never holds callback data", () => {
    expect(plainText(reply)).not.toMatch(/d1|d2/);
  });

  it("is the lines alone where there is nothing to press", () => {
    expect(fallbackLines({ lines: [["a"]] })).toEqual([]);
    expect(plainText({ lines: [["a"], [], ["b"]] })).toBe("a\n\nb");
    expect(lineText([bold("a"), "b"])).toBe("ab");
  });
});
