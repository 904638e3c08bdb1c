import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadSettingsFile } from "../../src/config/env.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NAME = "CODEX_AUTH_TEST_OF_DOTENV";

describe("a .env file", () => {
  it("adds its variables, and is no error where there is none", async () => {
    onTestFinished(() => void delete process.env[NAME]);
    const folder = await temporaryFolder();
    loadSettingsFile(join(folder, ".env"));
    expect(process.env[NAME]).toBeUndefined();
    await writeFile(join(folder, ".env"), `${NAME}=yes\n`, { mode: 0o600 });
    loadSettingsFile(join(folder, ".env"));
    expect(process.env[NAME]).toBe("yes");
  });

  it("that others can write is refused, as a settings file is: it may name the bot's token and who may use it", async () => {
    const path = join(await temporaryFolder(), ".env");
    await writeFile(path, `${NAME}=no\n`);
    await chmod(path, 0o666);
    expect(() => loadSettingsFile(path)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_INVALID" }));
    expect(process.env[NAME]).toBeUndefined();
  });
});
