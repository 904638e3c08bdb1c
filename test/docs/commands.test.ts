// docs/commands.md and docs/scripts.md against the words that the program knows: all of them, and none that it does not know.

import { describe, expect, it } from "vitest";
import { parseCodexUsage } from "../../src/chat/codex-usage-command.ts";
import { parseCodexAuth, SUBCOMMANDS } from "../../src/chat/command.ts";
import { parseLease } from "../../src/chat/lease-command.ts";
import { COMMANDS } from "../../src/hosts/cli/commands.ts";
import { EXIT } from "../../src/hosts/cli/io.ts";
import { codeIn, readFile, repoFiles, tableBelow } from "../support/repo-files.ts";

const CHAT = "docs/commands.md";
const SHELL = "docs/scripts.md";

/** What stands in backticks in the first column below a heading. */
function typed(page: string, heading: string): readonly string[] {
  return tableBelow(page, heading).flatMap(([cell = ""]) => codeIn(cell));
}

/** Words of the page as somebody would type them: without what is optional, and with it. */
function examples(words: string): readonly string[] {
  const filled = words.replaceAll("<number>", "1").replaceAll(/<[^>]+>/g, "work");
  return [filled.replaceAll(/ ?\[[^\]]*\]/g, ""), filled.replaceAll(/[[\]]/g, "")];
}

function firstWord(words: string): string {
  return words.split(" ")[0] ?? "";
}

describe("the words behind /codex_auth", () => {
  const words = typed(CHAT, "`/codex_auth`");

  it("are all on the page, and no others", () => {
    const named = words.map(firstWord).filter((word) => word !== "<profile>");
    expect(named.toSorted()).toEqual([...SUBCOMMANDS].toSorted());
  });

  it.each(words)("`%s` is understood as that", (one) => {
    const [short = "", long = ""] = one.startsWith("finish")
      ? ["finish http://localhost:1455/?code=1", "finish work http://localhost:1455/?code=1"]
      : examples(one);
    const kind = one === "<profile>" ? "login" : firstWord(one);
    expect(parseCodexAuth(short).kind).toBe(kind);
    expect(parseCodexAuth(long).kind).toBe(kind);
  });
});

it("the words behind /codex_usage are all on the page, and understood", () => {
  const words = typed(CHAT, "`/codex_usage`");
  expect(words.map((one) => parseCodexUsage(one.replace("<profile>", "work")).kind)).toEqual(["one", "all", "help"]);
});

describe("the words behind /lease", () => {
  const words = typed(CHAT, "`/lease`").filter((word) => word !== "off");

  it("are those of the shell, but for the two that only a shell has", () => {
    const ofShell = COMMANDS.find(({ name }) => name === "lease")?.words?.[0]?.summary.split(", ") ?? [];
    expect(ofShell).toEqual(expect.arrayContaining(["keep", "observe"]));
    const inChat = ofShell.filter((word) => word !== "keep" && word !== "observe");
    const named = new Set(words.map(firstWord).filter((word) => word !== "status"));
    expect([...named].toSorted()).toEqual(inChat.toSorted());
  });

  it("are understood", () => {
    const kinds = words.map((one) => parseLease(one).kind);
    expect(new Set(kinds).size).toBe(words.length);
  });
});

describe("the commands of the shell", () => {
  const top = readFile(SHELL).split("\n## ")[0] ?? "";
  const cells = top.split("\n").filter((line) => line.startsWith("| `"));
  const named = cells.flatMap((line) => codeIn(line.split("|")[1] ?? "").map(firstWord));

  it("are all on the page, and no others", () => {
    expect(named.toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  });

  it("have their options there, or on the page of their own", () => {
    const flags = COMMANDS.flatMap(({ options = [] }) => options.map((option) => firstWord(option.flags)));
    expect(flags.length).toBeGreaterThan(5);
    const pages = repoFiles("docs", /^(?:scripts|codex-cli|setup)\.md$/)
      .map(({ text }) => text)
      .join("\n");
    expect(flags.filter((flag) => !pages.includes(flag))).toEqual([]);
  });

  it("end with the exit codes that the page says", () => {
    const codes = tableBelow(SHELL, "Answers").map(([code = ""]) => codeIn(code)[0]);
    expect(codes).toEqual([EXIT.done, EXIT.failed, EXIT.wrongCall].map(String));
  });
});
