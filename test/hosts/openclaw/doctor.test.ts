// `doctor` inside OpenClaw, in the chat and on its command line: generation, store, owners, hooks, and what is in the way.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CliProgram } from "../../../src/hosts/openclaw/api.ts";
import { addCli } from "../../../src/hosts/openclaw/cli.ts";
import { createPlugin } from "../../../src/hosts/openclaw/plugin.ts";
import { GROUP, OWNER, pluginLab } from "./plugin-lab.ts";

/** What commander would do with the subcommands. */
class FakeProgram implements CliProgram {
  readonly commands = new Map<string, () => Promise<void>>();
  readonly #path: string;

  constructor(path = "", commands = new Map<string, () => Promise<void>>()) {
    this.#path = path;
    this.commands = commands;
  }

  command(name: string): CliProgram {
    return new FakeProgram(`${this.#path} ${name}`.trim(), this.commands);
  }

  description(): CliProgram {
    return this;
  }

  action(run: () => Promise<void>): CliProgram {
    this.commands.set(this.#path, run);
    return this;
  }
}

describe("/codex_auth doctor inside OpenClaw", () => {
  it("tells generation, store, owners, and that the service is not at work", async () => {
    const { openClaw, last, world } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth doctor");
    const text = last().replaceAll("\\", "");
    expect(text).toContain("✓ openclaw: 2026.4.5; logins are kept in one file (auth-profiles.json)");
    expect(text).toContain("✓ store: 2 Codex profiles of agent main");
    expect(text).toContain(`✓ owners: telegram:${OWNER}`);
    expect(text).toContain("! executor: the plugin's service is not at work; nothing is waiting");
    expect(text).toContain("✓ sign-in: by code only");
    expect(text).toContain("✓ answers: sent by OpenClaw's own bot");
    expect(text).toContain("✓ neighbours:");
    expect(text).not.toContain("usage:");
    expect(world.readStore().profiles["openai-codex:alice"]).toBeDefined();
  });

  it("says that answers wait for the next command where this OpenClaw cannot send", async () => {
    const { openClaw, last } = await pluginLab({ canSend: false });
    await openClaw.types(OWNER, "/codex_auth doctor");
    expect(last()).toContain("! answers: this OpenClaw gives the plugin no way");
  });

  it("says that the hook for usage is not allowed where there is a lease and the version asks for it", async () => {
    const variables = { AUTH_MANAGER_BASE_URL: "http://127.0.0.1:9", AUTH_MANAGER_INTERNAL_API_TOKEN: "a-token" };
    const settings = { commands: { ownerAllowFrom: [OWNER] } };
    const one = await pluginLab({ version: "2026.5.28", variables, settings });
    await one.openClaw.types(OWNER, "/codex_auth doctor");
    expect(one.last()).toContain("plugins.entries.codex-auth.hooks.allowConversationAccess");
    const allowed = {
      ...settings,
      plugins: { entries: { "codex-auth": { hooks: { allowConversationAccess: true } } } },
    };
    const two = await pluginLab({ version: "2026.5.28", variables, settings: allowed });
    await two.openClaw.types(OWNER, "/codex_auth doctor");
    expect(two.last()).toContain("✓ usage: counts of each model call are heard");
  });

  it("names an earlier plugin with the command that removes it", async () => {
    const settings = {
      commands: { ownerAllowFrom: [OWNER] },
      plugins: { entries: { "openclaw-auth-manager-plugin": {} } },
    };
    const { openClaw, last } = await pluginLab({ settings });
    await openClaw.types(OWNER, "/codex_auth doctor");
    expect(last()).toContain("✗ earlier plugin");
    expect(last()).toContain("`openclaw plugins uninstall openclaw-auth-manager-plugin`");
  });

  it("tells nothing of the machine to a group, nor to somebody who owns nothing", async () => {
    const { openClaw } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth doctor", GROUP);
    await openClaw.types("999", "/codex_auth doctor");
    expect(openClaw.everything).not.toContain("auth-profiles.json");
  });
});

function refuse(): never {
  throw new Error("intentionally unavailable");
}

describe("openclaw codex-auth", () => {
  it("is named to an OpenClaw that only asks for the command line, and then has no runtime to look at", () => {
    const named: string[] = [];
    const plugin = createPlugin({ compose: () => Promise.reject(new Error("not to be put together")) });
    plugin.register({
      registrationMode: "cli-metadata",
      runtime: new Proxy({}, { get: refuse }),
      registerCommand: refuse,
      registerInteractiveHandler: refuse,
      registerService: refuse,
      registerCli: (_registrar, { commands }) => void named.push(...commands),
    });
    expect(named).toEqual(["codex-auth"]);
  });

  it("is registered without a word, prints list, status and findings, and starts nothing", async () => {
    const lab = await pluginLab();
    expect(lab.openClaw.cli).toContain("codex-auth");
    await lab.openClaw.types(OWNER, "/codex_auth");
    const host = await lab.host();
    const printed: string[] = [];
    const program = new FakeProgram();
    addCli(
      program,
      () => Promise.resolve({ ...host, close: async () => undefined }),
      (text) => printed.push(text),
    );
    expect([...program.commands.keys()]).toEqual(["codex-auth list", "codex-auth status", "codex-auth doctor"]);
    for (const run of program.commands.values()) await run();
    expect(printed[0]).toMatch(/^Codex logins\n1\. alice: alice@example\.com/);
    expect(printed[2]).toContain("✓ store: 2 Codex profiles");
    expect(printed.join("\n")).not.toContain("/codex_auth alice");
    expect(await lab.world.queue.list()).toEqual([]);
  });

  it("says what is wrong where a skill of our name is installed", async () => {
    const lab = await pluginLab();
    const folder = join(dirname(lab.world.paths.root), "skills", "codex-auth");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "SKILL.md"), "---\nname: codex-auth\n---\n");
    await lab.openClaw.types(OWNER, "/codex_auth doctor");
    expect(lab.last().replaceAll("\\", "")).toContain("is offered as /codex_auth too");
  });
});
