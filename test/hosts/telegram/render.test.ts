// Replies as Telegram's HTML: whatever the data is, Telegram takes it and the person reads exactly that.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ActionButton, bold, code, type Line, plainText, type Span } from "../../../src/chat/reply.ts";
import { renderReply } from "../../../src/hosts/telegram/render.ts";
import { withFoundEntities } from "../../support/fake-telegram/entities.ts";
import { parseHtml } from "../../support/fake-telegram/html.ts";
import { parseMarkup } from "../../support/fake-telegram/markup.ts";

const action = (label: string, data: string): ActionButton => ({
  kind: "action",
  label,
  data,
  typed: "/codex_auth work",
});

describe("renderReply", () => {
  it("gives markup that Telegram reads back as the same text, for any data", () => {
    const text = fc.string({
      unit: fc.constantFrom("<", ">", "&", "&lt;", "</b>", '"', "a@b.io", "ä", "😀", "_", "*", "/x ", "w"),
    });
    const span: fc.Arbitrary<Span> = fc.oneof(
      text,
      fc.record({ text, style: fc.constantFrom("bold" as const, "code" as const, "italic" as const) }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(span, { maxLength: 6 }), { maxLength: 6 }), (lines) => {
        expect(parseHtml(renderReply({ lines }).html).text).toBe(plainText({ lines }));
      }),
    );
  });

  it("shows e-mail addresses as data, never as links to write a mail", () => {
    const lines: Line[] = [["mail of me@example.org, ", bold("and you@example.org!"), " ", code("they@example.org")]];
    const { text, entities } = withFoundEntities(parseHtml(renderReply({ lines }).html));
    expect(text).toBe("mail of me@example.org, and you@example.org! they@example.org");
    expect(entities.map(({ type, offset, length }) => [type, text.slice(offset, offset + length)])).toEqual([
      ["code", "me@example.org"],
      ["bold", "and "],
      ["code", "you@example.org"],
      ["bold", "!"],
      ["code", "they@example.org"],
    ]);
  });

  it("keeps within 4096 characters by whole lines and says how many are missing", () => {
    const lines = Array.from({ length: 200 }, (_, index) => [`line ${index} ${"x".repeat(40)}`]);
    const { text } = parseHtml(renderReply({ lines }).html);
    expect(text.length).toBeLessThanOrEqual(4_096);
    const shown = text.split("\n");
    expect(shown.slice(0, -1)).toEqual(lines.slice(0, shown.length - 1).map((one) => one.join("")));
    expect(shown.at(-1)).toBe(`… ${200 - (shown.length - 1)} more lines do not fit into one message.`);
  });

  it("cuts one line that is too long by itself, and not in the middle of a character", () => {
    const { text } = parseHtml(renderReply({ lines: [[`a${"😀".repeat(4_000)}`]] }).html);
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(text).toMatch(/^a(?:😀)+\n… 1 more line does not fit/u);
  });

  it("draws buttons with their colours and addresses", () => {
    const { keyboard } = renderReply({
      lines: [["x"]],
      buttons: [
        [{ ...action("Save", "codex_auth_first:x"), style: "primary" }, action("Drop", "codex_auth_drop:x")],
        [],
        [{ kind: "url", label: "Open", url: "https://auth.openai.com/x" }],
      ],
    });
    expect(parseMarkup({ inline_keyboard: keyboard })).toEqual([
      [
        { text: "Save", callback_data: "codex_auth_first:x", style: "primary" },
        { text: "Drop", callback_data: "codex_auth_drop:x" },
      ],
      [{ text: "Open", url: "https://auth.openai.com/x" }],
    ]);
  });

  it("puts into words what Telegram would refuse as a button, so that the reply still arrives", () => {
    const { html, keyboard } = renderReply({
      lines: [["card"]],
      buttons: [
        [action("Too long", "d".repeat(65)), action("Fine", "d".repeat(64))],
        [{ kind: "url", label: "Local", url: "http://localhost:1455/x" }],
        [{ kind: "url", label: "Odd", url: "javascript:alert(1)" }],
      ],
    });
    expect(
      parseMarkup({ inline_keyboard: keyboard })
        .flat()
        .map(({ text }) => text),
    ).toEqual(["Fine"]);
    expect(parseHtml(html).text.split("\n")).toEqual([
      "card",
      "Too long: /codex_auth work",
      "Local: http://localhost:1455/x",
      "Odd: javascript:alert(1)",
    ]);
  });

  it("draws at most the hundred buttons that Telegram takes", () => {
    const buttons = Array.from({ length: 103 }, (_, index) => [action(`B${index}`, `d${index}`)]);
    const { html, keyboard } = renderReply({ lines: [["card"]], buttons });
    expect(parseMarkup({ inline_keyboard: keyboard })).toHaveLength(100);
    expect(parseHtml(html).text.split("\n").slice(1)).toEqual([
      "B100: /codex_auth work",
      "B101: /codex_auth work",
      "B102: /codex_auth work",
    ]);
  });
});
