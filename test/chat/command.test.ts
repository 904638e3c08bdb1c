import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mayHoldCallback, nearestSubcommand, parseCodexAuth } from "../../src/chat/command.ts";
import { CHAT } from "../../src/config/defaults.ts";
import { isCodexAuthError } from "../../src/errors.ts";

const callback = "http://localhost:1455/auth/callback?code=abc&state=def";

describe("parseCodexAuth", () => {
  it.each([
    ["", { kind: "menu" }],
    ["  \n\t ", { kind: "menu" }],
    ["help", { kind: "help" }],
    ["HELP", { kind: "help" }],
    ["new", { kind: "new" }],
    ["cancel", { kind: "cancel" }],
    ["parked", { kind: "parked" }],
    ["status", { kind: "status" }],
    ["status work", { kind: "status", selector: "work" }],
    ["work", { kind: "login", selector: "work" }],
    ["openai-codex:Work", { kind: "login", selector: "openai-codex:Work" }],
    ["2", { kind: "login", selector: "2" }],
    ["work --agent ops", { kind: "login", selector: "work", agentId: "ops" }],
    ["--agent=ops", { kind: "menu", agentId: "ops" }],
    ["--profile work", { kind: "login", selector: "work" }],
    ["take 1", { kind: "take", which: "1", makeFirst: false, replace: false }],
    ["take 1 as work first", { kind: "take", which: "1", as: "work", makeFirst: true, replace: false }],
    ["take p-1 replace", { kind: "take", which: "p-1", makeFirst: false, replace: true }],
    ["discard 1", { kind: "discard", which: "1", sure: false }],
    ["discard 1 yes", { kind: "discard", which: "1", sure: true }],
    ["show", { kind: "show" }],
    ["show work", { kind: "show", selector: "work" }],
    ["use work", { kind: "use", selector: "work", sure: false }],
    ["ONLY work yes", { kind: "only", selector: "work", sure: true }],
    ["remove 2 --agent ops", { kind: "remove", selector: "2", sure: false, agentId: "ops" }],
    ["reset yes", { kind: "reset", selector: "yes", sure: false }],
    ["rename work office", { kind: "rename", selector: "work", to: "office", sure: false }],
    ["rename work yes", { kind: "rename", selector: "work", to: "yes", sure: false }],
    ["rename work office yes", { kind: "rename", selector: "work", to: "office", sure: true }],
    ["rollback", { kind: "rollback", sure: false }],
    ["rollback job-1 yes", { kind: "rollback", which: "job-1", sure: true }],
    // A profile that is called like one of our words is meant by its full id.
    ["openai-codex:use", { kind: "login", selector: "openai-codex:use" }],
    ["remove openai-codex:remove", { kind: "remove", selector: "openai-codex:remove", sure: false }],
    [`finish work ${callback}`, { kind: "finish", selector: "work", pasted: callback }],
    [`finish ${callback}`, { kind: "finish", pasted: callback }],
    [
      `finish work http://localhost:1455/auth/callback?code=abc\n&state=def`,
      { kind: "finish", selector: "work", pasted: callback },
    ],
    ["finish onlyacode", { kind: "finish", pasted: "onlyacode" }],
    // A person who forgets the word must not have the address taken for a name and echoed.
    [`work ${callback}`, { kind: "finish", selector: "work", pasted: callback }],
    [callback, { kind: "finish", pasted: callback }],
  ])("reads %j", (args, expected) => {
    expect(parseCodexAuth(args)).toEqual(expected);
  });

  it.each([
    ["work please", "ERR_UNKNOWN_COMMAND"],
    ["help me", "ERR_USAGE"],
    ["status a b", "ERR_USAGE"],
    ["finish", "ERR_USAGE"],
    ["use", "ERR_USAGE"],
    ["use work home", "ERR_USAGE"],
    ["rename work", "ERR_USAGE"],
    ["rename a b c", "ERR_USAGE"],
    ["show a b", "ERR_USAGE"],
    ["rollback a b", "ERR_USAGE"],
    ["take", "ERR_USAGE"],
    ["take 1 as", "ERR_USAGE"],
    ["take 1 second", "ERR_USAGE"],
    ["discard", "ERR_USAGE"],
    ["discard 1 no", "ERR_USAGE"],
    ["work --agent ../x", "ERR_USAGE"],
    ["work --agent", "ERR_USAGE"],
    ["x".repeat(CHAT.maxArgumentChars + 1), "ERR_USAGE"],
  ])("refuses %j", (args, code) => {
    expect(() => parseCodexAuth(args)).toThrow(expect.objectContaining({ code }));
  });

  it("suggests the subcommand that was meant", () => {
    expect(() => parseCodexAuth("finsih work please")).toThrow(
      expect.objectContaining({ code: "ERR_UNKNOWN_COMMAND", next: expect.stringContaining("/codex_auth finish") }),
    );
    expect(parseCodexAuth("statsu")).toEqual({ kind: "login", selector: "statsu" });
    expect(nearestSubcommand("personal")).toBeUndefined();
    expect(nearestSubcommand("cancl")).toBe("cancel");
  });

  it("throws only errors of ours for any text up to 5,000 characters, and never quotes it", () => {
    const words = fc.constantFrom(
      "take",
      "finish",
      "discard",
      "status",
      "as",
      "--agent",
      callback,
      "first",
      "\u202E",
      "<b>",
    );
    const anything = fc.oneof(
      fc.string({ maxLength: 5_000, unit: "binary" }),
      fc.array(fc.oneof(words, fc.string({ maxLength: 60 })), { maxLength: 40 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, maxLength: 30, unit: fc.constantFrom("Q", "X", "Z", "J", "~", "^", "%") }),
        anything,
        (mark, text) => {
          for (const args of [`${mark} ${text}`, `${text} ${mark}`]) {
            try {
              parseCodexAuth(args);
            } catch (error) {
              if (!isCodexAuthError(error)) throw error;
              expect(`${error.message}${error.next}`).not.toContain(mark);
            }
          }
        },
      ),
    );
  });
});

describe("mayHoldCallback", () => {
  it("sees encoded addresses, broken ones, and a bare code with its state", () => {
    const texts = [
      encodeURIComponent(callback),
      encodeURIComponent(encodeURIComponent(callback)),
      "localhost%3A1455%2Fauth%2Fcallback%3Fcode%3Dabc",
      "localhost:1455/auth/call\nback?co\nde=abc&st\nate=def",
      "code=abc&state=def",
    ];
    for (const text of texts) expect(mayHoldCallback(text), text).toBe(true);
  });

  it("sees addresses and their tails, and leaves names alone", () => {
    for (const text of [callback, "see HTTPS://x", "?code=1", "auth/callback?error=access_denied", "x&state=1"]) {
      expect(mayHoldCallback(text), text).toBe(true);
    }
    for (const text of ["work", "openai-codex:a@b.example", "code", "state"])
      expect(mayHoldCallback(text), text).toBe(false);
  });
});
