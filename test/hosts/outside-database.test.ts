// Hosts outside an OpenClaw that keeps its logins in a database: the chat that they compose, and the command line.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Asker } from "../../src/chat/conversation.ts";
import { ChatRouter } from "../../src/chat/router.ts";
import { buildChatServices } from "../../src/hosts/services.ts";
import { QueuedLeasedStore } from "../../src/lease/materialize.ts";
import { publishSnapshot } from "../../src/profiles/published.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { writeJsonFile } from "../../src/storage/json-file.ts";
import { Recorder } from "../chat/chat-lab.ts";
import { storedLogin } from "../support/apply-world.ts";
import { databaseWorld } from "../support/database-world.ts";
import { codexDocument, codexFileLab, loginOf } from "./cli/codex-file-lab.ts";
import { callAtTerminal } from "./cli/terminal-call.ts";
import { pick } from "./terminal/terminal-lab.ts";

const asker: Asker = { host: "terminal", botId: "t", personId: "me", chatId: "here", private: true, hasButtons: true };

function entry(name: string) {
  return { ...storedLogin(name), provider: "openai" };
}

/** A machine whose OpenClaw was updated to its database; the plugin in it tells when `publish` is called. */
async function machine() {
  const lab = await codexFileLab();
  const { parts } = lab;
  const { inside } = await databaseWorld();
  const profiles = { "openai:home": entry("alice"), "openai:default": entry("bob") };
  await inside.put("shared", { profiles, order: { openai: ["openai:home", "openai:default"] } });
  const become = async (): Promise<void> => {
    const folder = join(parts.openClaw.stateDir, "state");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "openclaw.sqlite"), "");
  };
  const router = new ChatRouter(await buildChatServices(parts));
  onTestFinished(() => router.close());
  const out = new Recorder();
  return {
    ...lab,
    inside,
    profiles,
    become,
    publish: async () => {
      const path = join(parts.own.root, "published.json");
      await mkdir(parts.own.root, { recursive: true, mode: 0o700 });
      await publishSnapshot({ store: inside.store, path, generation: "sqlite", pid: process.pid, now: Date.now });
    },
    out,
    say: async (args: string, name: "codex_auth" | "codex_usage" = "codex_auth") => {
      await router.handle(asker, { kind: "command", name, args }, out);
      return out.last;
    },
    press: async (label: string) => {
      await router.handle(asker, { kind: "press", data: out.button(label).data, messageId: out.lastId }, out);
      return out.last;
    },
  };
}

describe("a host beside an OpenClaw with a database", () => {
  it("says what there is to do where no plugin has told anything: the plugin, or an access token by OpenClaw's own command", async () => {
    const m = await machine();
    await m.become();
    const words = await m.say("");
    expect(words).toContain("keeps its logins in a database");
    expect(words).toContain("Install the plugin and start the gateway.");
    expect(words).toContain("openclaw models auth paste-token --provider openai --profile-id openai:<name>");
    expect(words).toContain("from its stdin");
    expect(await m.parts.engine.queue.list()).toEqual([]);
    const { written } = await callAtTerminal(m, ["doctor"]);
    expect(written).toContain("nobody outside may write, and our plugin is not at work");
    expect(written).toContain("openclaw models auth paste-token");
    const sign = { schemaVersion: 1, version: "0", generation: "sqlite", heartbeat: Date.now(), pid: process.pid };
    await writeJsonFile(join(m.parts.own.root, "plugin.json"), sign);
    const beside = await callAtTerminal(m, ["doctor"]);
    expect(beside.written).toContain("which our plugin in the gateway writes");
    expect(beside.written).not.toContain("nobody outside may write");
  });

  it("shows what the plugin told, and leaves a confirmed change in the queue for it", async () => {
    const m = await machine();
    const files = m.store();
    await m.become();
    await m.publish();
    expect(await m.say("")).toContain("1. home");
    await m.say("use default");
    expect(m.out.last).toContain("Order then: default, home.");
    await m.press("Use it first");
    expect(m.out.everything).toContain("this waits until the gateway runs with it");
    expect(await m.parts.engine.queue.open()).toMatchObject([
      { kind: "order", state: "queued", profileId: "openai:default" },
    ]);
    const { written } = await callAtTerminal(m, ["doctor"]);
    expect(written).toMatch(/! queue: 1 open, and nothing is at work\n {4}→ Install the plugin/);
    expect(written).not.toContain("codex-auth-skill apply");
    expect(m.store()).toBe(files);
  });

  it("goes over from files to the database while it runs", async () => {
    const m = await machine();
    expect(await m.say("")).toContain("alice");
    await m.become();
    await m.publish();
    expect(await m.say("")).toContain("1. home");
    expect(m.parts.store.provider).toBe("openai");
  });

  it("renews on demand only where it does the work itself: neither beside the plugin nor on a database", async () => {
    const m = await machine();
    const services = await buildChatServices(m.parts);
    expect(await services.mayRenew?.()).toBe(true);
    const inside = await buildChatServices({ ...m.parts, store: m.inside.store });
    expect(await inside.mayRenew?.()).toBe(false);
    expect(await m.say("refresh alice")).toContain("Renew alice?");
    await m.say("show alice");
    expect(m.out.button("Renew now")).toBeDefined();

    const sign = { schemaVersion: 1, version: "0", generation: "json-split", heartbeat: Date.now() };
    await writeJsonFile(join(m.parts.own.root, "plugin.json"), { ...sign, pid: process.pid });
    expect(await services.mayRenew?.()).toBe(false);
    expect(await m.say("refresh alice")).toContain("This OpenClaw renews its logins itself");
    await m.say("show alice");
    expect(() => m.out.button("Renew now")).toThrow("no button");
    await writeJsonFile(join(m.parts.own.root, "plugin.json"), { ...sign, heartbeat: 0, pid: process.pid });
    expect(await services.mayRenew?.()).toBe(true);
    await m.become();
    expect(await services.mayRenew?.()).toBe(false);
  });

  it("means the database's own `default` in the usage picker, and tells where usage can be asked for", async () => {
    const m = await machine();
    await m.become();
    await m.publish();
    await m.say("", "codex_usage");
    expect(m.out.button("Default").label).toBe("Default (default)");
    const asked = await callAtTerminal(m, ["usage", "openai-codex:home"]);
    expect(asked.written).not.toContain("no Codex profile of that name");
    expect(asked.written).toContain("Tokens are read by the plugin inside the gateway alone.");
  });

  it("imports the Codex CLI's login into a profile of the database, named in either way", async () => {
    const m = await machine();
    await m.become();
    await m.publish();
    m.put(codexDocument(loginOf("grace")));
    const plain = await callAtTerminal(m, ["import"], { steps: [pick("Decide later")] });
    expect(plain.written).toContain("It would go to openai:codex-cli.");
    expect(await m.parked()).toMatchObject([{ profileId: "openai:codex-cli" }]);
    await callAtTerminal(m, ["import", "openai-codex:home"], { steps: [pick("Decide later")] });
    expect(await m.parked()).toMatchObject([{ profileId: "openai:home" }]);
  });

  it("knows whether the leased tokens lie there, by a fingerprint alone", async () => {
    const m = await machine();
    await m.become();
    const { access } = storedLogin("pool");
    const leased = { type: "token", provider: "openai", token: access, expires: Date.now() + 60_000 };
    await m.inside.put("shared", { profiles: { ...m.profiles, "openai:lease": leased } });
    await m.publish();
    for (const store of [m.parts.store, m.inside.store]) {
      const held = new QueuedLeasedStore({
        engine: m.parts.engine,
        store,
        settings: { leaseProfileId: "openai-codex:lease", enforceLeaseAsActiveAuth: true },
        agentId: "main",
        activation: "auto",
        randomBytes: (size) => new Uint8Array(size),
        log: silentLog,
      });
      expect(await held.holds(fingerprint(access))).toBe(true);
      expect(await held.holds(fingerprint("another"))).toBe(false);
    }
  });
});
