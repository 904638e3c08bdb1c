// Replies as terminal text: nothing in data can move the cursor, and every button has its words.

import { describe, expect, it } from "vitest";
import { bold, code, type Reply } from "../../../src/chat/reply.ts";
import { renderReply } from "../../../src/hosts/terminal/render.ts";

const reply: Reply = {
  lines: [
    [bold("Profiles"), ": evil\u001B[2J\u0007@example.com"],
    ["send ", code("/codex_auth work")],
  ],
  buttons: [
    [
      { kind: "url", label: "Open", url: "https://auth.example/authorize?x=1" },
      { kind: "action", label: "Cancel", data: "signed", typed: "/codex_auth cancel" },
    ],
  ],
};

describe("renderReply", () => {
  it("takes control characters out of data and never shows callback data", () => {
    const text = renderReply(reply, {
      colors: false,
      hasButtons: false,
      typed: (command) => command.replace("/codex_auth", "program"),
    });
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(text).not.toContain("signed");
    expect(text).toContain("Cancel: program cancel");
    expect(text).toContain("Open: https://auth.example/authorize?x=1");
    expect(text).toContain("send program work");
  });

  it("leaves typed commands out where buttons can be pressed, and styles where colours are wanted", () => {
    const text = renderReply(reply, { colors: true, hasButtons: true });
    expect(text).not.toContain("Cancel");
    expect(text).toContain("\u001B[1mProfiles\u001B[22m");
    expect(text).not.toContain("\u001B[2J");
  });
});
