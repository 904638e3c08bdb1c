// Usage heard from OpenClaw: the lease's only where no other login can have been used, kept apart otherwise.

import { describe, expect, it } from "vitest";
import { countUsage } from "../../../src/hosts/openclaw/usage.ts";
import { createPlugin } from "../../../src/hosts/openclaw/plugin.ts";
import { LeaseHost } from "../../../src/hosts/lease.ts";
import type { PluginRuntime } from "../../../src/hosts/openclaw/api.ts";
import type { Parts } from "../../../src/hosts/parts.ts";
import { OWNER, pluginLab } from "./plugin-lab.ts";

const LEASED = "openai-codex:lease";
const event = {
  provider: "openai-codex",
  model: "gpt-5.4",
  usage: { input: 1000, output: 34, cacheRead: 200, total: 1234 },
  assistantTexts: ["a secret of the conversation"],
  lastAssistant: { content: "a secret of the conversation" },
};
const context = { agentId: "main", sessionKey: "agent:main:main" };

async function counting(options: { order?: string[]; generation?: "json-single" | "sqlite"; session?: unknown } = {}) {
  const lab = await pluginLab();
  await lab.openClaw.types(OWNER, "/codex_auth");
  const { parts } = await lab.host();
  const heard: { event: unknown; isLeased: boolean | undefined }[] = [];
  const { store, config } = parts;
  const snapshot = await store.read("main");
  const read = async () => ({ ...snapshot, storeOrder: options.order });
  const here: Parts = {
    ...parts,
    config: { ...config, lease: { ...config.lease, leaseProfileId: LEASED } },
    store: Object.assign(Object.create(store) as typeof store, { read }),
    generation: () => Promise.resolve(options.generation ?? "json-single"),
  };
  const runtime: PluginRuntime =
    "session" in options ? { agent: { session: { getSessionEntry: () => options.session } } } : {};
  const lease = {
    observe: async (counted: unknown, { isLeased }: { isLeased?: boolean } = {}) => {
      heard.push({ event: counted, isLeased });
      return true;
    },
  };
  return {
    heard,
    count: (one: unknown = event) => countUsage({ parts: here, lease, runtime: () => runtime }, one, context),
  };
}

describe("countUsage", () => {
  it("counts for the lease where the order names it alone, and hands on numbers and the model's name only", async () => {
    const { count, heard } = await counting({ order: [LEASED] });
    expect(await count()).toBe(true);
    expect(heard).toEqual([
      { event: { usage: event.usage, model: "gpt-5.4", source: "openclaw", status: "ok" }, isLeased: true },
    ]);
    expect(JSON.stringify(heard)).not.toContain("secret");
  });

  it.each([
    ["no order is written down", {}],
    ["the order has another one behind it", { order: [LEASED, "openai-codex:bob"] }],
    ["the order names another one alone", { order: ["openai-codex:bob"] }],
    ["a database generation does not tell the chat", { order: [LEASED], generation: "sqlite" as const }],
    [
      "the chat is bound to another one",
      { order: [LEASED], session: { authProfileOverride: "openai-codex:bob", authProfileOverrideSource: "auto" } },
    ],
    [
      "OpenClaw itself chose the leased one for the chat",
      { session: { authProfileOverride: LEASED, authProfileOverrideSource: "auto" } },
    ],
  ])("keeps it apart where %s", async (_why, options) => {
    const { count, heard } = await counting(options);
    await count();
    expect(heard).toMatchObject([{ isLeased: false }]);
  });

  it.each([
    [
      "a person has bound the chat to it",
      { order: ["openai-codex:bob"], session: { authProfileOverride: LEASED, authProfileOverrideSource: "user" } },
    ],
    [
      "a chat of the database generation is free and the order names it alone",
      { order: [LEASED], generation: "sqlite" as const, session: {} },
    ],
  ])("counts for the lease where %s", async (_why, options) => {
    const { count, heard } = await counting(options);
    await count();
    expect(heard).toMatchObject([{ isLeased: true }]);
  });

  it("has no eyes for other providers, nor for events of another shape", async () => {
    const { count, heard } = await counting({ order: [LEASED] });
    for (const one of [{ ...event, provider: "anthropic" }, { ...event, usage: undefined }, null, "x"])
      expect(await count(one)).toBe(false);
    expect(heard).toEqual([]);
  });
});

describe("the lease of the plugin", () => {
  const variables = { AUTH_MANAGER_BASE_URL: "http://127.0.0.1:9", AUTH_MANAGER_INTERNAL_API_TOKEN: "a-token" };

  it("keeps what is not known to be its own apart, on the disk, beside what is", async () => {
    const lab = await pluginLab({ variables });
    await lab.openClaw.types(OWNER, "/codex_auth");
    const { lease, parts } = await lab.host();
    const usage = { usage: { input: 10, output: 5 }, model: "gpt-5.4", status: "ok" };
    expect(await lease?.observe(usage, { isLeased: false })).toBe(true);
    expect(await lease?.observe({ said: "nothing of usage" }, { isLeased: false })).toBe(false);
    await lease?.close();
    expect(await new LeaseHost(parts).totals()).toMatchObject({
      unsent: { requests: 0 },
      unattributed: { requests: 1, tokensIn: 10, tokensOut: 5 },
    });
  });

  it("is not kept, and nothing is counted, while an earlier plugin does both", async () => {
    const settings = {
      commands: { ownerAllowFrom: [OWNER] },
      plugins: { entries: { "openclaw-auth-manager-plugin": {} } },
    };
    const lab = await pluginLab({ variables, settings });
    await lab.openClaw.startServices();
    await lab.openClaw.types(OWNER, "/codex_auth");
    const host = await lab.host();
    // Resolves by itself: a keeper would go on until it is told to stop.
    await host.keepLease(new AbortController().signal);
    for (const { name, hook } of lab.openClaw.hooks) if (name === "llm_output") await hook(event, context);
    expect((await host.lease?.totals())?.unattributed.requests).toBe(0);
    expect(lab.logged.join("\n")).toContain("openclaw-auth-manager-plugin");
  });

  it("counts what the hook tells once the service is at work, and nothing in a process without it", async () => {
    const lab = await pluginLab({ variables });
    await lab.openClaw.types(OWNER, "/codex_auth");
    const hook = lab.openClaw.hooks.find(({ name }) => name === "llm_output")?.hook;
    await hook?.(event, context);
    const before = await lab.host();
    expect((await before.lease?.totals())?.unattributed.requests).toBe(0);
    await lab.openClaw.startServices();
    await hook?.(event, context);
    const { parts } = await lab.host();
    await lab.openClaw.stopServices();
    expect((await new LeaseHost(parts).totals())?.unattributed.requests).toBe(1);
  });

  it("counts what is told to another instance of the plugin in the same process, as long as one is at work", async () => {
    const lab = await pluginLab({ variables });
    const other = createPlugin({ compose: () => Promise.reject(new Error("only the one at work is put together")) });
    const hooks: ((event: unknown, context: unknown) => unknown)[] = [];
    other.register({
      registerCommand: () => undefined,
      registerInteractiveHandler: () => undefined,
      registerService: () => undefined,
      on: (name, hook) => void (name === "llm_output" && hooks.push(hook)),
    });
    const tell = async (): Promise<void> => {
      for (const hook of hooks) await hook(event, context);
    };
    await tell();
    await lab.openClaw.startServices();
    await lab.openClaw.types(OWNER, "/codex_auth");
    await tell();
    const { parts } = await lab.host();
    await lab.openClaw.stopServices();
    await tell();
    expect((await new LeaseHost(parts).totals())?.unattributed.requests).toBe(1);
  });
});
