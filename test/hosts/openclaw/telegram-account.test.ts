// The bot whose token deletes a message: never another one than the chat's own.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { telegramAccount } from "../../../src/hosts/openclaw/telegram-account.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const TOP = "1:of-the-top";

async function tokenOf(accountId: string, telegram: object, variable?: string): Promise<string | undefined> {
  const found = await telegramAccount(accountId, { settings: () => ({ channels: { telegram } }), variable });
  return found?.token.expose();
}

describe("the token of a named account", () => {
  it.each([
    ["a reference to a secret", { botToken: { source: "exec", id: "bot" } }],
    ["a file that is not there", { tokenFile: "/nonexistent/token" }],
    ["a file that is not there beside a token", { tokenFile: "/nonexistent/token", botToken: "2:beside" }],
    ["a file of another shape", { tokenFile: 7 }],
    ["an entry of another shape", "work"],
  ])("is not that of the top where it names %s", async (_what, entry) => {
    expect(await tokenOf("work", { botToken: TOP, accounts: { work: entry } })).toBeUndefined();
  });

  it("is not that of the top where no entry is called so, nor the variable where the top names a secret", async () => {
    expect(await tokenOf("other", { botToken: TOP, accounts: { work: {} } })).toBeUndefined();
    expect(await tokenOf("default", { botToken: { source: "exec" } }, "3:variable")).toBeUndefined();
  });

  it("is its own, from its file or its entry, however its name is written", async () => {
    const file = join(await temporaryFolder(), "token");
    await writeFile(file, "4:file\n", { mode: 0o600 });
    expect(await tokenOf("work", { botToken: TOP, accounts: { work: { tokenFile: file } } })).toBe("4:file");
    expect(await tokenOf("work", { botToken: TOP, accounts: { Work: { botToken: "5:own" } } })).toBe("5:own");
  });

  it("is that of the top where it names none, and the variable only for the default account", async () => {
    expect(await tokenOf("work", { botToken: TOP, accounts: { work: {} } })).toBe(TOP);
    expect(await tokenOf("default", {}, "3:variable")).toBe("3:variable");
    expect(await tokenOf("work", { accounts: { work: {} } }, "3:variable")).toBeUndefined();
  });
});
