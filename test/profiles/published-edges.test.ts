// What is published where something is missing or broken, and what the store that only shows makes of such a file.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { openCredential, refreshTokenOf } from "../../src/profiles/profile.ts";
import { PublishedStore, WITHOUT_PLUGIN } from "../../src/profiles/published-store.ts";
import { publishSnapshot, readPublished, type PublishOptions } from "../../src/profiles/published.ts";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, NOW, sealedLogin } from "../support/openclaw-state.ts";

const WORK = "openai:work";
const change = { profileId: WORK, provider: "openai" } as const;

interface Lab {
  readonly inside: Inside;
  readonly path: string;
  readonly published: PublishedStore;
  publish(more?: Partial<PublishOptions>): ReturnType<typeof publishSnapshot>;
  /** The store inside, but for some of its calls. */
  but(calls: Partial<ProfileStore>): ProfileStore;
}

async function lab(): Promise<Lab> {
  const inside = await openClawInside("sqlite");
  const path = join(inside.state.root, "published.json");
  await inside.put("shared", { profiles: { [WORK]: { ...login("ada"), provider: "openai" } } });
  await inside.put("ops", { profiles: { "openai:own": { ...login("olga"), provider: "openai" } } });
  const options = { store: inside.store, path, generation: "sqlite", pid: 7, now: () => NOW } as const;
  const { store } = inside;
  return {
    inside,
    path,
    published: new PublishedStore({ path, configPath: join(inside.state.root, "openclaw.json") }),
    publish: (more) => publishSnapshot({ ...options, ...more }),
    but: (calls) => ({
      provider: store.provider,
      agents: () => store.agents(),
      read: (agentId) => store.read(agentId),
      readCredential: (id, agentId) => store.readCredential(id, agentId),
      outline: () => store.outline(),
      plan: (wanted, agentId) => store.plan(wanted, agentId),
      apply: (file, values) => store.apply(file, values),
      undo: (file, values) => store.undo(file, values),
      check: (file) => store.check(file),
      namedInConfig: (id) => store.namedInConfig(id),
      sharedTokens: (elsewhere) => store.sharedTokens(elsewhere),
      ...calls,
    }),
  };
}

describe("what is published", () => {
  it("is what was written, and says neither a version nor bonds nor an order that nobody told", async () => {
    const { publish, path } = await lab();
    const told = await publish();
    expect(await readPublished(path)).toEqual(told);
    expect(told).toMatchObject({ schemaVersion: 1, writtenAt: NOW, generation: "sqlite", provider: "openai" });
    expect(told).not.toHaveProperty("version");
    expect(told.outline).toHaveLength(2);
    for (const agent of told.agents) {
      expect(agent).not.toHaveProperty("pins");
      expect(agent).not.toHaveProperty("problem");
      expect(agent.snapshot).not.toHaveProperty("storeOrder");
    }
    expect(await publish({ version: "2026.9.6" })).toMatchObject({ version: "2026.9.6" });
  });

  it("has an agent's order and its bonds where they are told, none among them", async () => {
    const { inside, publish } = await lab();
    await inside.carryOut({ profileId: WORK, order: [WORK] });
    const told = await publish({ pins: async (agentId) => (agentId === "main" ? [] : undefined) });
    const [main, ops] = told.agents;
    expect(main).toMatchObject({ agentId: "main", pins: [], snapshot: { storeOrder: [WORK] } });
    expect(ops).toMatchObject({ agentId: "ops", snapshot: { storeOrder: [WORK] } });
    expect(ops).not.toHaveProperty("pins");
  });

  it("has no outline where others can read the stores themselves, or where it cannot be made", async () => {
    const { publish, but } = await lab();
    expect(await publish({ generation: "two-files" })).not.toHaveProperty("outline");
    const told = await publish({ store: but({ outline: () => Promise.reject(new Error("broken")) }) });
    expect(told).not.toHaveProperty("outline");
    expect(told.agents).toHaveLength(2);
    const { outline: _none, ...without } = but({});
    expect(await publish({ store: without })).not.toHaveProperty("outline");
  });

  it("is of the provider of the store, which is the older one where the store does not say", async () => {
    const { publish, but } = await lab();
    const { provider: _unsaid, ...silent } = but({});
    expect(await publish({ store: silent })).toMatchObject({ provider: "openai-codex" });
  });

  it("tells tokens that lie elsewhere, too, by their prints", async () => {
    const { inside, publish } = await lab();
    expect((await publish()).sharedTokens).toEqual([]);
    const stored = await inside.store.readCredential(WORK);
    const refreshToken = stored === undefined ? undefined : refreshTokenOf(openCredential(stored.credential));
    if (refreshToken === undefined) throw new Error("a refresh token was expected");
    const told = await publish({ elsewhere: [{ owner: "codex-cli", profileId: "auth.json", refreshToken }] });
    expect(told.sharedTokens).toMatchObject([
      {
        holders: [
          { owner: "main", profileId: WORK },
          { owner: "codex-cli", profileId: "auth.json" },
        ],
      },
    ]);
    expect(JSON.stringify(told)).not.toContain(refreshToken.expose());
  });

  it("names the problem of an agent's store by its code, keeps its bonds, and leaves out what has no credential", async () => {
    const { inside, publish, but } = await lab();
    const broken = new CodexAuthError("ERR_STORE_CORRUPT", { message: "broken", next: "mend it" });
    const told = await publish({
      store: but({
        read: (agentId) => (agentId === "ops" ? Promise.reject(broken) : inside.store.read(agentId)),
        readCredential: async () => undefined,
      }),
      pins: async () => [{ profileId: WORK, byPerson: true }],
    });
    const pins = [{ profileId: WORK, byPerson: true }];
    expect(told.agents).toMatchObject([
      { agentId: "main", pins, credentials: {} },
      { agentId: "ops", isMain: false, hasStore: true, problem: "ERR_STORE_CORRUPT", pins, credentials: {} },
    ]);
    expect(told.agents[0]?.snapshot?.summaries).toHaveLength(1);
    expect(told.agents[1]).not.toHaveProperty("snapshot");
  });
});

describe("the store that only shows", () => {
  it("finds an agent by its name as a person may write it, and main where none is named", async () => {
    const { published, publish } = await lab();
    await publish({ pins: async (agentId) => [{ profileId: `openai:${agentId}`, byPerson: false }] });
    expect((await published.read()).agentId).toBe("main");
    expect((await published.read(" Ops ")).agentId).toBe("ops");
    expect(await published.pins("OPS")).toEqual([{ profileId: "openai:ops", byPerson: false }]);
    expect(await published.describe("openai:own")).toBeUndefined();
    expect(await published.describe("openai:own", "ops")).toMatchObject({ type: "oauth" });
    await expect(published.read("nobody")).rejects.toMatchObject({
      code: "ERR_AGENT_UNKNOWN",
      next: "Use one of: main, ops.",
    });
  });

  it("names ten agents at most to one who asks for another", async () => {
    const { inside, published, publish } = await lab();
    const list = Array.from({ length: 12 }, (_unused, index) => ({ id: `b${10 + index}` }));
    await inside.state.configure(JSON.stringify({ agents: { list } }));
    await publish();
    const names = ["main", ...list.slice(0, 9).map(({ id }) => id)].join(", ");
    await expect(published.read("nobody")).rejects.toMatchObject({ next: `Use one of: ${names}.` });
  });

  it("says of a store that could not be read why, as far as it was told, for reading and for planning", async () => {
    const { published, publish, but, path } = await lab();
    const broken = new CodexAuthError("ERR_GENERATION_UNKNOWN", { message: "newer", next: "update" });
    const told = await publish({ store: but({ read: () => Promise.reject(broken) }) });
    const error = {
      code: "ERR_STORE_CORRUPT",
      message: expect.stringContaining("(ERR_GENERATION_UNKNOWN)") as unknown,
    };
    await expect(published.read()).rejects.toMatchObject(error);
    await expect(published.plan({ ...change, order: null }, "ops")).rejects.toMatchObject(error);
    const silent = told.agents.map(({ problem: _unsaid, ...agent }) => agent);
    await writeFile(path, JSON.stringify({ ...told, agents: silent }));
    await expect(published.read()).rejects.toMatchObject({
      code: "ERR_STORE_CORRUPT",
      message: expect.not.stringContaining("(") as unknown,
    });
  });

  it("plans for main where no agent is named, in the words of today, and refuses to plan a login", async () => {
    const { inside, published, publish } = await lab();
    await publish();
    const older = { profileId: "openai-codex:work", provider: "openai-codex", order: [WORK] } as const;
    expect((await published.plan(older)).plan).toEqual((await inside.store.plan(older)).plan);
    expect((await published.plan({ ...change, credential: null })).plan).toMatchObject({ agentId: "main" });
    await expect(published.plan({ ...change, credential: sealedLogin("ada") })).rejects.toMatchObject({
      code: "ERR_GENERATION_UNSUPPORTED",
    });
    await expect(published.plan({ ...change, order: null }, "nobody")).rejects.toMatchObject({
      code: "ERR_AGENT_UNKNOWN",
    });
  });

  it("has an order that is not there as such, and the provider and the moment that were told", async () => {
    const { published, publish } = await lab();
    await publish();
    const seen = await published.read();
    expect(seen).toHaveProperty("storeOrder", undefined);
    expect(seen).toMatchObject({ provider: "openai", seenAtMs: NOW });
  });

  it("says what is to be done where no plugin has told anything", async () => {
    const { published } = await lab();
    for (const call of [() => published.agents(), () => published.describe(WORK), () => published.sharedTokens()]) {
      await expect(call()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED", next: WITHOUT_PLUGIN });
    }
  });
});
