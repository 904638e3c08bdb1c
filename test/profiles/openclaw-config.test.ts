import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { normalizeAgentId, readOpenClawConfig, type OpenClawConfig } from "../../src/profiles/openclaw-config.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function read(text: string): Promise<OpenClawConfig> {
  const path = join(await temporaryFolder(), "openclaw.json");
  await writeFile(path, text);
  return readOpenClawConfig(path);
}

describe("openclaw.json", () => {
  it("tells the agents, the order and the declared profiles, comments and trailing commas included", async () => {
    const config = await read(`{
      // a comment
      agents: { list: [{ id: "Main Agent", default: true }, { id: "ops", agentDir: " ~/ops " },], },
      auth: {
        order: { "openai-codex": ["openai-codex:a", ""], anthropic: ["x"] },
        profiles: { "openai-codex:a": { provider: "openai-codex", mode: "oauth", email: "a@x" } },
      },
    }`);
    expect(config).toEqual({
      agents: [{ id: "main-agent" }, { id: "ops", agentDir: "~/ops" }],
      configOrder: ["openai-codex:a"],
      declared: new Map([["openai-codex:a", { provider: "openai-codex", mode: "oauth" }]]),
    });
  });

  it("says nothing where it is missing, empty, or of other types: that is OpenClaw's to complain about", async () => {
    const nothing = { agents: [], configOrder: undefined, declared: new Map() };
    expect(await readOpenClawConfig(join(await temporaryFolder(), "none.json"))).toEqual(nothing);
    for (const text of [
      "{}",
      "[]",
      "5",
      '{"agents":5,"auth":[]}',
      '{"agents":{"list":{}},"auth":{"order":[],"profiles":5}}',
    ]) {
      expect(await read(text)).toEqual(nothing);
    }
    expect(
      await read('{"agents":{"list":[5,{"id":7},{"id":"ok","agentDir":9}]},"auth":{"order":{"openai-codex":[1]}}}'),
    ).toEqual({
      ...nothing,
      agents: [{ id: "ok" }],
    });
  });

  it("is refused where it does not parse", async () => {
    await expect(read("{ agents: ")).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
  });
});

describe("an agent id", () => {
  it.each([
    ["Main", "main"],
    [" Ops Team! ", "ops-team"],
    ["../../etc", "etc"],
    ["", "main"],
    ["x".repeat(80), "x".repeat(64)],
  ])("%j is %j", (id, normal) => {
    expect(normalizeAgentId(id)).toBe(normal);
  });
});
