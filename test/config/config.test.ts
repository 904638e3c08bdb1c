import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig, readBotToken } from "../../src/config/config.ts";
import { readEnvironment, type Environment } from "../../src/config/env.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

interface Place {
  readonly home: string;
  readonly path: string;
  readonly environment: Environment;
  write(settings: unknown, mode?: number): Promise<void>;
}

async function place(variables: Record<string, string> = {}): Promise<Place> {
  const home = await temporaryFolder();
  const folder = join(home, "settings");
  await mkdir(folder);
  const path = join(folder, "config.json");
  const environment = readEnvironment({ HOME: home, ...variables });
  const write = async (settings: unknown, mode = 0o600): Promise<void> => {
    await writeFile(path, JSON.stringify(settings));
    await chmod(path, mode);
  };
  return { home, path, environment, write };
}

const NOBODY = 65_534;
const token = `123456:${"x".repeat(30)}`;

describe("the bot's token", () => {
  it("is not read with the settings: a file that is missing, or a folder, stops nobody but the bot", async () => {
    const { path, environment, write, home } = await place();
    await write({ telegram: { botTokenFile: "none", allowFrom: [7] } });
    const missing = await loadConfig(path, environment);
    expect(missing.telegram).toMatchObject({ botToken: { file: join(home, "settings", "none") }, allowFrom: ["7"] });
    await expect(readBotToken(missing, environment.uid)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
    await write({ telegram: { botTokenFile: "." } });
    const folder = await loadConfig(path, environment);
    await expect(readBotToken(folder, environment.uid)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });

  it.each([
    ["~ is the home", "~/bot-token", "bot-token"],
    ["relative is from the settings file", "bot-token", "settings/bot-token"],
  ])("lies where the settings say: %s", async (_how, named, at) => {
    const { path, environment, write, home } = await place();
    await write({ telegram: { botTokenFile: named } });
    await writeFile(join(home, at), `${token}\n`, { mode: 0o600 });
    const read = await readBotToken(await loadConfig(path, environment), environment.uid);
    expect(read?.expose()).toBe(token);
  });

  it("of the settings or of the variable goes before the file; without any there is none", async () => {
    const { path, environment, write } = await place({ CODEX_AUTH_BOT_TOKEN: token });
    await write({ telegram: { botTokenFile: "none" } });
    const config = await loadConfig(path, environment);
    expect(config.telegram.botToken).toBeInstanceOf(Secret);
    expect((await readBotToken(config, environment.uid))?.expose()).toBe(token);
    await write({});
    const none = await loadConfig(path, readEnvironment({}));
    expect(await readBotToken(none, environment.uid)).toBeUndefined();
  });

  it("is not taken from a file that others can write", async () => {
    const { path, environment, write, home } = await place();
    await write({ telegram: { botTokenFile: "~/bot-token" } });
    await writeFile(join(home, "bot-token"), token);
    await chmod(join(home, "bot-token"), 0o620);
    const config = await loadConfig(path, environment);
    await expect(readBotToken(config, environment.uid)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      next: expect.stringContaining(`chmod 600 ${join(home, "bot-token")}`),
    });
  });
});

describe("a settings file", () => {
  it.each([0o620, 0o602, 0o666])(
    "of mode %o is refused: somebody else could put themselves on the list",
    async (mode) => {
      const { path, environment, write } = await place();
      await write({ telegram: { allowFrom: [7] } }, mode);
      await expect(loadConfig(path, environment)).rejects.toMatchObject({
        code: "ERR_CONFIG_INVALID",
        next: expect.stringContaining(`chmod 600 ${path}`),
      });
    },
  );

  it("that others can only read is taken", async () => {
    const { path, environment, write } = await place();
    await write({ telegram: { allowFrom: [7] } }, 0o644);
    expect((await loadConfig(path, environment)).telegram.allowFrom).toEqual(["7"]);
  });

  it("of another user is refused, one of root is not", async () => {
    const { path, environment, write } = await place();
    await write({ telegram: { allowFrom: [7] } });
    const other = (environment.uid ?? 0) + 1;
    const asOther = { ...environment, uid: other };
    if (environment.uid === 0) {
      expect((await loadConfig(path, asOther)).telegram.allowFrom).toEqual(["7"]);
      await chown(path, NOBODY, NOBODY);
      await expect(loadConfig(path, environment)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
    } else await expect(loadConfig(path, asOther)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
  });

  it("may name the time zone of those who read the chat, by a name that this machine knows", async () => {
    const { path, environment, write } = await place();
    await write({ timeZone: "Europe/Berlin" });
    expect((await loadConfig(path, environment)).timeZone).toBe("Europe/Berlin");
    const variable = readEnvironment({ CODEX_AUTH_TIME_ZONE: "Asia/Tokyo" });
    expect((await loadConfig(path, variable)).timeZone).toBe("Asia/Tokyo");
    await write({});
    expect((await loadConfig(path, environment)).timeZone).toBeUndefined();
    for (const timeZone of ["Europe/Nowhere", "+02:00", "", "Berlin", "../etc"]) {
      await write({ timeZone });
      await expect(loadConfig(path, environment)).rejects.toMatchObject({
        code: "ERR_CONFIG_INVALID",
        message: expect.stringContaining("The setting timeZone is not valid"),
      });
    }
  });

  it("that CODEX_AUTH_CONFIG names and that is not there is an error that names it, not all defaults", async () => {
    const { path, home } = await place();
    const named = join(home, "elsewhere.json");
    const environment = readEnvironment({ HOME: home, CODEX_AUTH_CONFIG: named });
    await expect(loadConfig(named, environment)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining(named),
    });
    // The place where it is looked for without that variable may be empty.
    expect((await loadConfig(path, environment)).telegram.allowFrom).toEqual([]);
  });
});
