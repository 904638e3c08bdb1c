// What a script asks for where no bot of ours is set up: OpenClaw's own bot puts it to its owners, and nothing is changed before a press.

import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { pluginAtWork } from "../../../src/apply/presence.ts";
import type { Asker } from "../../../src/chat/conversation.ts";
import { ChatRouter } from "../../../src/chat/router.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { approversNow, buildChatServices, buildParts, type Parts } from "../../../src/hosts/services.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { Recorder } from "../../chat/chat-lab.ts";
import { FRIEND, OWNER, pluginLab, type PluginLab } from "./plugin-lab.ts";

const script: Asker = { host: "cli", botId: "c", personId: "1000", chatId: "c", private: true, hasButtons: false };
const inOwnersChat = { host: "openclaw", chatId: `telegram/default/${OWNER}`, personId: `telegram:${OWNER}` };

/** The command line of a script on the same machine. */
async function scriptBeside({ home }: PluginLab, variables: Record<string, string> = {}) {
  const environment = readEnvironment({ HOME: home, ...variables });
  const config = await loadConfig(join(home, "none.json"), environment);
  const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined });
  return { parts, say: async (args: string) => sayTo(parts, args) };
}

async function sayTo(parts: Parts, args: string): Promise<string> {
  const router = new ChatRouter(await buildChatServices(parts, { unattended: true }));
  onTestFinished(() => router.close());
  const out = new Recorder();
  await router.handle(script, { kind: "command", name: "codex_auth", args }, out);
  return out.everything;
}

async function atWork({ openClaw, world }: PluginLab): Promise<void> {
  await openClaw.startServices();
  const end = Date.now() + 10_000;
  while ((await pluginAtWork(world.paths, Date.now)) === undefined) {
    if (Date.now() > end) throw new Error("it does not say that it is at work");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a script's change beside the plugin", () => {
  it("is asked of the owners in their private chat, refused to others, and made by an owner's press", async () => {
    const lab = await pluginLab({ settings: { commands: { ownerAllowFrom: [`telegram:${OWNER}`, "discord:9"] } } });
    await atWork(lab);
    const { say } = await scriptBeside(lab);
    const before = lab.world.readStore();
    expect(await say("use bob")).toContain("OpenClaw's own bot puts the question to its owners.");
    await lab.shows(/bob/);
    expect(lab.world.readStore()).toEqual(before);
    expect(await lab.world.queue.list()).toEqual([]);
    const [question] = lab.openClaw.chat(OWNER);
    const press = question?.buttons[0]?.[0];
    if (question === undefined || press === undefined) throw new Error("no question");
    await lab.openClaw.pressesData(FRIEND, press.callback_data, question, OWNER);
    expect(await lab.world.queue.list()).toEqual([]);
    await lab.openClaw.presses(OWNER, press.text);
    await lab.shows(/✅/);
    expect(lab.world.readStore().order?.["openai-codex"]?.[0]).toBe("openai-codex:bob");
  });

  it("may be a sign-in that an owner begins: the question stands in that chat under a name that a file can have", async () => {
    const lab = await pluginLab();
    await atWork(lab);
    const { parts } = await scriptBeside(lab);
    const subject = { agentId: "main", profileId: "openai-codex:work" };
    const people = await approversNow(parts);
    expect(people).toEqual([inOwnersChat]);
    expect(await parts.invitations.invite(subject, people)).toMatchObject({ isNew: true });
    expect(await lab.shows(/A script on this machine asks/)).toContain("work");
  });
});

describe("nobody inside OpenClaw is asked", () => {
  it("where the plugin is not at work", async () => {
    const lab = await pluginLab();
    const { parts, say } = await scriptBeside(lab);
    expect(await approversNow(parts)).toEqual([]);
    expect(await say("use bob")).toContain("no chat is set up");
    expect(await lab.world.outbox.list("openclaw")).toEqual([]);
  });

  it("where OpenClaw names no owner, and the script is told where one is named", async () => {
    const lab = await pluginLab({ settings: {} });
    await atWork(lab);
    const { say } = await scriptBeside(lab);
    expect(await say("use bob")).toContain("commands.ownerAllowFrom");
  });

  it("where a bot of ours is set up: it asks its own people", async () => {
    const lab = await pluginLab();
    await atWork(lab);
    const { parts } = await scriptBeside(lab, { CODEX_AUTH_BOT_TOKEN: "1:made-up", CODEX_AUTH_ALLOW_FROM: "11" });
    expect(await approversNow(parts)).toEqual([{ host: "telegram", chatId: "11", personId: "11" }]);
  });
});
