import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  draftOf,
  readSettings,
  tokenFiles,
  writeDraft,
  type SettingsNow,
} from "../../../../src/hosts/cli/setup/settings-file.ts";
import { Secret } from "../../../../src/secrets/secret.ts";
import { temporaryFolder } from "../../../support/temp-folder.ts";

const KEEP = { kind: "keep" } as const;
const FILES = tokenFiles("/s/codex-auth");
const typed = (text: string) => ({ kind: "typed", secret: Secret.of(text) }) as const;

function now(top: Record<string, unknown>): SettingsNow {
  return { path: "/s/codex-auth/config.json", text: JSON.stringify(top), top, allowFrom: [], mayBeHttp: true };
}

describe("the draft of the settings", () => {
  it("is none where everything is kept", () => {
    expect(draftOf(now({ telegram: { allowFrom: [42] }, other: 1 }), { bot: KEEP }, FILES)).toBeUndefined();
    expect(draftOf(now({}), { bot: KEEP }, FILES)).toBeUndefined();
  });

  it("changes what was answered and keeps every other key, also those it does not know", () => {
    const top = {
      future: { deep: [1] },
      telegram: { botToken: "old", apiRoot: "https://x.example", more: true },
      lease: { brokerAddress: "https://old.example", apiKey: "old", autoRotate: true },
      activation: "reload",
    };
    const lease = { baseUrl: "https://new.example", token: typed("t"), machineId: "den" };
    const draft = draftOf(now(top), { bot: typed("1:a"), people: ["7"], lease }, FILES);
    expect(draft?.top).toEqual({
      future: { deep: [1] },
      telegram: { botTokenFile: "bot-token", apiRoot: "https://x.example", more: true, allowFrom: ["7"] },
      lease: {
        baseUrl: "https://new.example",
        internalApiTokenFile: "broker-token",
        autoRotate: true,
        machineId: "den",
      },
      activation: "reload",
    });
    expect(draft?.secrets).toEqual([
      { path: FILES.bot, text: "1:a\n" },
      { path: FILES.broker, text: "t\n" },
    ]);
  });

  it("names a file of the person's where it is, and a file of ours by its path where the settings lie elsewhere", () => {
    const file = { kind: "file", path: "/my/token", secret: Secret.of("1:a") } as const;
    expect(draftOf(now({}), { bot: file }, FILES)).toEqual({
      top: { telegram: { botTokenFile: "/my/token" } },
      secrets: [],
    });
    const elsewhere = { ...now({}), path: "/etc/mine.json" };
    expect(draftOf(elsewhere, { bot: typed("1:a") }, FILES)?.top).toEqual({ telegram: { botTokenFile: FILES.bot } });
  });

  it("is written again where only the token in its file is another one", () => {
    const top = { telegram: { botTokenFile: "bot-token" } };
    expect(draftOf(now(top), { bot: typed("1:b") }, FILES)).toMatchObject({ top, secrets: [{ text: "1:b\n" }] });
  });
});

describe("the settings file", () => {
  it("is written with its token files, nobody else's to read", async () => {
    const root = join(await temporaryFolder(), "codex-auth");
    const path = join(root, "config.json");
    const before = await readSettings(path);
    const draft = draftOf(before, { bot: typed("1:a"), people: ["7"] }, tokenFiles(root));
    if (draft !== undefined) await writeDraft(before, draft);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      telegram: { botTokenFile: "bot-token", allowFrom: ["7"] },
    });
    for (const name of ["config.json", "bot-token"]) expect(statSync(join(root, name)).mode & 0o777).toBe(0o600);
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });

  it("is left alone where it does not parse, or is no object", async () => {
    const path = join(await temporaryFolder(), "config.json");
    writeFileSync(path, '{"telegram": ');
    await expect(readSettings(path)).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    writeFileSync(path, "[1]");
    await expect(readSettings(path)).rejects.toMatchObject({ code: "ERR_FILE_SHAPE" });
    expect(readFileSync(path, "utf8")).toBe("[1]");
  });

  it("is left alone, with its token files, where somebody else changed it meanwhile", async () => {
    const root = await temporaryFolder();
    const path = join(root, "config.json");
    mkdirSync(root, { recursive: true });
    writeFileSync(path, "{}");
    const before = await readSettings(path);
    const draft = draftOf(before, { bot: typed("1:a") }, tokenFiles(root));
    writeFileSync(path, '{"agentId":"work"}');
    await expect(draft && writeDraft(before, draft)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(readFileSync(path, "utf8")).toBe('{"agentId":"work"}');
    expect(() => statSync(join(root, "bot-token"))).toThrow(/ENOENT/);
  });
});
