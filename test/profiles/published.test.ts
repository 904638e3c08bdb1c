import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeCredential, factsOf } from "../../src/profiles/credential-facts.ts";
import { openCredential, refreshTokenOf } from "../../src/profiles/profile.ts";
import { PublishedStore } from "../../src/profiles/published-store.ts";
import { publishSnapshot, type PublishOptions } from "../../src/profiles/published.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, NOW } from "../support/openclaw-state.ts";

const WORK = "openai:work";

interface Lab {
  readonly inside: Inside;
  readonly path: string;
  readonly published: PublishedStore;
  publish(more?: Partial<PublishOptions>): Promise<void>;
}

async function lab(): Promise<Lab> {
  const inside = await openClawInside("sqlite");
  const path = join(inside.state.root, "published.json");
  const ada = { ...login("ada"), provider: "openai" };
  await inside.put("shared", {
    profiles: { [WORK]: ada, "openai:key": { type: "api_key", provider: "openai", key: "k-secret" } },
  });
  await inside.put("ops", { profiles: { "openai:own": ada }, order: { openai: ["openai:own", WORK] } });
  const options: PublishOptions = {
    store: inside.store,
    path,
    generation: "sqlite",
    version: "2026.9.6",
    pid: 7,
    now: () => NOW,
  };
  return {
    inside,
    path,
    published: new PublishedStore({ path, configPath: join(inside.state.root, "openclaw.json") }),
    publish: async (more) => void (await publishSnapshot({ ...options, ...more })),
  };
}

describe("what the plugin publishes", () => {
  it("shows another program the same profiles, orders and bonds, with the moment at which it was so", async () => {
    const { inside, published, publish } = await lab();
    await publish({
      pins: (agentId) => Promise.resolve(agentId === "ops" ? [{ profileId: WORK, byPerson: true }] : undefined),
    });
    expect(await published.agents()).toEqual(await inside.store.agents());
    for (const agent of ["main", "ops"]) {
      expect(await published.read(agent)).toEqual({ ...(await inside.store.read(agent)), seenAtMs: NOW });
    }
    expect(await published.pins("ops")).toEqual([{ profileId: WORK, byPerson: true }]);
    // Not told is not the same as none.
    expect(await published.pins("main")).toBeUndefined();
    expect(await published.sharedTokens()).toEqual(await inside.store.sharedTokens());
    expect(await published.sharedTokens()).toHaveLength(1);
    const stored = await inside.store.readCredential(WORK);
    const mine = stored === undefined ? undefined : refreshTokenOf(openCredential(stored.credential));
    const elsewhere = [{ owner: "codex-cli", profileId: "auth.json", refreshToken: mine ?? Secret.of("none") }];
    expect(await published.sharedTokens(elsewhere)).toEqual(await inside.store.sharedTokens(elsewhere));
    await inside.state.configure(`{ auth: { profiles: { "openai:work": {} } } }`);
    expect(await published.namedInConfig("openai-codex:work")).toEqual(["auth.profiles.openai:work"]);
  });

  it("holds no token, is 0600 and replaced as a whole", async () => {
    const { inside, path, publish } = await lab();
    await publish();
    const text = await readFile(path, "utf8");
    const stored = JSON.stringify([await inside.get("shared"), await inside.get("ops")]);
    const secrets = [...stored.matchAll(/"(?:access|refresh|key|token)":"([^"]+)"/g)].map(([, secret]) => secret ?? "");
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(text)).toMatchObject({
      schemaVersion: 1,
      pid: 7,
      version: "2026.9.6",
      generation: "sqlite",
      provider: "openai",
    });
  });

  it("describes a credential as the store itself would, without giving it", async () => {
    const { inside, published, publish } = await lab();
    await publish();
    for (const id of [WORK, "openai-codex:work", "openai:key"]) {
      const stored = await inside.store.readCredential(id, "ops");
      const facts = stored === undefined ? undefined : factsOf(stored);
      expect(facts).toBeDefined();
      expect(await describeCredential(published, id, "ops")).toEqual(facts);
      expect(await describeCredential(inside.store, id, "ops")).toEqual(facts);
    }
    expect(await published.describe("openai:none")).toBeUndefined();
    expect(await published.describe("constructor")).toBeUndefined();
    await expect(published.readCredential()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
  });

  it("refuses every change, and says that the plugin makes them", async () => {
    const { inside, published, publish, path } = await lab();
    await publish();
    const before = await readFile(path, "utf8");
    const { credential } = (await inside.store.readCredential(WORK)) ?? {};
    const save = { profileId: WORK, provider: "openai", ...(credential === undefined ? {} : { credential }) } as const;
    for (const call of [
      () => published.plan(save),
      () => published.apply(),
      () => published.undo(),
      () => published.check(),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "ERR_GENERATION_UNSUPPORTED",
        message: expect.stringContaining("queue") as unknown,
      });
    }
    expect(await readFile(path, "utf8")).toBe(before);
  });

  it("is an error with words where nothing was published, where it is damaged, and for an agent that there is not", async () => {
    const { published, publish, path } = await lab();
    await expect(published.read()).rejects.toMatchObject({
      code: "ERR_GENERATION_UNSUPPORTED",
      next: expect.stringContaining("`openclaw models auth paste-token --provider openai") as unknown,
    });
    await writeFile(path, "{}");
    await expect(published.agents()).rejects.toMatchObject({ code: "ERR_FILE_SHAPE" });
    await writeFile(path, "{ half");
    await expect(published.agents()).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    await publish();
    await expect(published.read("nobody")).rejects.toMatchObject({ code: "ERR_AGENT_UNKNOWN" });
  });

  it("tells of one agent whose store cannot be read, and shows the others", async () => {
    const { inside, published, publish } = await lab();
    const { store } = inside;
    await publish({
      store: Object.assign(Object.create(store) as typeof store, {
        provider: store.provider,
        agents: () => store.agents(),
        sharedTokens: () => store.sharedTokens(),
        readCredential: (id: string, agent?: string) => store.readCredential(id, agent),
        read: (agent?: string) => (agent === "ops" ? Promise.reject(new Error("rt-secret")) : store.read(agent)),
      }),
    });
    expect((await published.read("main")).summaries).toHaveLength(2);
    await expect(published.read("ops")).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
  });
});
