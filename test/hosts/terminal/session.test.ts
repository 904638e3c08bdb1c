// A session that only looks, of a person who then presses a button after all.

import { writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { plainText } from "../../../src/chat/reply.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { buildChatServices, buildParts, type Parts } from "../../../src/hosts/services.ts";
import { TerminalSession } from "../../../src/hosts/terminal/session.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { applyWorld, receivedTokens, REQUESTED_BY } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

describe("a read-only session", () => {
  it("makes no chat folder; its buttons work all the same, and how a press ended is told", async () => {
    const home = await temporaryFolder();
    const world = applyWorld(home);
    writeFileSync(
      join(home, ".openclaw", "openclaw.json"),
      JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }),
    );
    const environment = readEnvironment({ HOME: home });
    const config = await loadConfig(world.paths.config, environment);
    const parts = buildParts({
      environment,
      config,
      log: silentLog,
      launch: async (own: Parts) => void (await executeOpenJobs(own, "foreground")),
    });
    const tokens = receivedTokens("dora");
    const login = { agentId: "main", profileId: "openai-codex:dora", reason: "first-login" as const };
    const { expiresAtMs } = tokens;
    await world.parked.put({ ...login, expiresAtMs, email: "dora@example.com", requestedBy: REQUESTED_BY }, tokens);
    const shown: string[] = [];
    const session = new TerminalSession({
      parts,
      services: await buildChatServices(parts, { readOnly: true }),
      host: "cli",
      hasButtons: true,
      readOnly: true,
      show: (reply) => shown.push(plainText(reply)),
    });
    const press = async (label: string): Promise<void> => {
      const buttons = (session.last?.buttons ?? []).flat();
      const button = buttons.find((one) => one.kind === "action" && one.label.includes(label));
      await session.take({ kind: "press", data: button?.kind === "action" ? button.data : "" });
    };

    await session.take({ kind: "command", name: "codex_auth", args: "parked" });
    expect(await readdir(world.paths.root)).toEqual(["parked"]);
    await press("dora");
    await press("use first");
    expect(shown.join("\n")).toContain("dora is saved");
    expect(session.told).toMatchObject([{ outcome: "done", profileId: "openai-codex:dora" }]);
    expect(await readdir(world.paths.root)).not.toContain("chat");
    await session.close();
  });
});
