// The quick answers and the quick reading of a call say and mean what commander would.

import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { briefAnswer } from "../../../src/hosts/cli/help.ts";
import { plainCall } from "../../../src/hosts/cli/plain-call.ts";
import { runCli } from "../../../src/hosts/cli/program.ts";
import { VERSION } from "../../../src/version.ts";

/** What commander prints for `argv` in a terminal of that width. */
async function printed(argv: readonly string[], columns: number): Promise<string> {
  let text = "";
  const stdout = { write: (part: string) => (text += part), columns } as unknown as NodeJS.WriteStream;
  const { stdin, stderr } = process;
  await runCli({ argv, environment: readEnvironment({}), stdin, stdout, stderr, signals: process });
  return text;
}

describe("briefAnswer", () => {
  it.each([30, 59, 70, 80, 100, 200])("is commander's help, letter by letter, %i columns wide", async (columns) => {
    const help = await briefAnswer("--help", columns);
    expect(help).toContain("Usage: codex-auth-skill");
    expect(help).toBe(await printed(["--help"], columns));
  });

  it("is 80 columns wide where nobody knows, has a version, and leaves everything else to commander", async () => {
    expect(await briefAnswer("-h", undefined)).toBe(await briefAnswer("--help", 80));
    expect(await briefAnswer("--version", 80)).toBe(`${VERSION}\n`);
    for (const word of ["", "list", "--helpless", "--json", "help"])
      expect(await briefAnswer(word, 80)).toBeUndefined();
  });
});

describe("plainCall", () => {
  it("reads a known command with its words and switches", () => {
    expect(plainCall(["status"])).toMatchObject({ entry: { name: "status" }, words: [], options: {} });
    expect(plainCall(["take", "--first", "2", "--json"])).toMatchObject({
      entry: { name: "take" },
      words: ["2"],
      options: { first: true, json: true },
    });
    expect(plainCall(["rename", "a", "b", "--sure"])).toMatchObject({ words: ["a", "b"], options: { sure: true } });
  });

  it.each([
    [[]],
    [["--json"]],
    [["lst"]],
    [["status", "--jsn"]],
    [["status", "--help"]],
    [["status", "work", "more"]],
    [["take"]],
    [["take", "2", "--as", "other"]],
    [["status", "--agent", "second"]],
    [["status", "--agent=second"]],
    [["status", "--", "work"]],
    [["status", "-"]],
    [["list", "--sure"]],
  ])("leaves %j to commander", (argv) => {
    expect(plainCall(argv)).toBeUndefined();
  });
});
