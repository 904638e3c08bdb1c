// Who else holds a waiting login's refresh token: looked for in every store, file and job, and said where nobody could look.

import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { jobIdOf } from "../../src/apply/new-job.ts";
import type { LoginTokens, ParkedLogin } from "../../src/apply/parked.ts";
import { otherOwners } from "../../src/apply/token-owners.ts";
import type { Secret } from "../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../support/apply-world.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const CAROL = { userId: "user-carol", accountId: "account-carol" };
const nobody = { holders: [], unreadable: [], sameAccount: [] };
type Entry = Record<string, unknown>;

const put = async (path: string, content: unknown): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
};

async function setUp(identity: ParkedLogin["identity"] | "unknown" = CAROL) {
  const folder = await temporaryFolder();
  const world = applyWorld(folder);
  const codexFile = join(folder, ".codex", "auth.json");
  const tokens = receivedTokens("carol");
  const park = (of: LoginTokens, more: Partial<ParkedLogin> = {}, id?: string): Promise<ParkedLogin> =>
    world.parked.put(
      {
        agentId: "main",
        profileId: "openai-codex:carol",
        reason: "put-aside",
        expiresAtMs: of.expiresAtMs,
        requestedBy: REQUESTED_BY,
        ...more,
      },
      of,
      id,
    );
  const login = await park(tokens, identity === "unknown" ? {} : { identity });
  return {
    world,
    tokens,
    login,
    park,
    codexFile,
    /** Adds entries to an agent's store. */
    store: (agentId: string, profiles: Record<string, Entry> | string) => {
      const main = agentId === "main" ? world.readStore().profiles : {};
      const content = typeof profiles === "string" ? profiles : { version: 1, profiles: { ...main, ...profiles } };
      return put(join(dirname(dirname(dirname(world.storePath))), agentId, "agent", "auth-profiles.json"), content);
    },
    codex: (access: Secret, refresh: Secret) =>
      put(codexFile, {
        auth_mode: "chatgpt",
        tokens: { access_token: access.expose(), refresh_token: refresh.expose(), account_id: "account" },
      }),
    put,
    /** The entry of carol's waiting login in a store. */
    entry: (): Entry => ({ ...storedLogin("carol"), access: tokens.access.expose(), refresh: tokens.refresh.expose() }),
    owners: (codexFiles: readonly string[] = [codexFile]) =>
      otherOwners({ store: world.store, parked: world.parked, queue: world.queue, codexFiles }, login, tokens.refresh),
  };
}

describe("a waiting login that nobody else has", () => {
  it("concerns nobody: neither itself, nor other people's logins, nor a file that is not there", async () => {
    const w = await setUp();
    await w.world.enqueue(receivedTokens("dave"), { profileId: "openai-codex:dave" });
    await w.park(receivedTokens("erin"), { identity: { userId: "user-erin", accountId: "account-erin" } });
    // Another token that lies in two places is not this one.
    await w.store("ops", { "openai-codex:alice": w.world.readStore().profiles["openai-codex:alice"] ?? {} });
    expect(await w.owners()).toEqual(nobody);
  });
});

describe("OpenClaw's stores", () => {
  it("name each agent and profile with this token, and apart from them those with the same account", async () => {
    const w = await setUp();
    await w.store("main", { "openai-codex:carol": w.entry(), "openai-codex:again": storedLogin("carol") });
    await w.store("ops", { "openai-codex:copy": w.entry(), "openai-codex:bob": storedLogin("bob") });
    expect(await w.owners()).toEqual({
      holders: ["the profile carol of agent main", "the profile copy of agent ops"],
      unreadable: [],
      sameAccount: ["the profile again of agent main"],
    });
  });

  it("tell of no account where nobody knows whose the waiting login is, and still of the token", async () => {
    const w = await setUp("unknown");
    await w.store("main", { "openai-codex:carol": w.entry(), "openai-codex:again": storedLogin("carol") });
    expect(await w.owners()).toEqual({ ...nobody, holders: ["the profile carol of agent main"] });
  });

  it("say where the token of a profile lies in another program's store", async () => {
    const w = await setUp();
    const elsewhere = { type: "oauth", provider: "openai-codex", oauthRef: { source: "keychain" } };
    await w.store("main", { "openai-codex:far": elsewhere });
    expect(await w.owners()).toEqual({ ...nobody, unreadable: ["the profile far of agent main"] });
  });

  it("say which agent's store cannot be read, and still look through the others", async () => {
    const w = await setUp();
    await w.store("main", { "openai-codex:again": storedLogin("carol") });
    await w.store("ops", "{");
    const found = await w.owners();
    expect(found.unreadable).toEqual(["the store of agent ops"]);
    expect(found.sameAccount).toEqual(["the profile again of agent main"]);
  });

  it("are unreadable as a whole where they cannot even be listed", async () => {
    const w = await setUp();
    const store = Object.assign(Object.create(w.world.store) as typeof w.world.store, {
      agents: () => Promise.reject(new Error("no")),
    });
    const places = { store, parked: w.world.parked, queue: w.world.queue, codexFiles: [] };
    expect(await otherOwners(places, w.login, w.tokens.refresh)).toEqual({
      ...nobody,
      unreadable: ["OpenClaw's stores"],
    });
  });
});

describe("the Codex CLI's login files", () => {
  const words = "the Codex CLI's login file";

  it("hold the token, or another login of the same account, or somebody else's, or cannot be read", async () => {
    const w = await setUp();
    await w.codex(w.tokens.access, w.tokens.refresh);
    expect(await w.owners()).toEqual({ ...nobody, holders: [words] });
    const again = receivedTokens("carol");
    await w.codex(again.access, again.refresh);
    expect(await w.owners()).toEqual({ ...nobody, sameAccount: [words] });
    const dave = receivedTokens("dave");
    await w.codex(dave.access, dave.refresh);
    expect(await w.owners()).toEqual(nobody);
    await w.put(w.codexFile, "{");
    expect(await w.owners()).toEqual({ ...nobody, unreadable: [words] });
  });

  it("are not asked for an account that nobody knows", async () => {
    const w = await setUp("unknown");
    const again = receivedTokens("carol");
    await w.codex(again.access, again.refresh);
    expect(await w.owners()).toEqual(nobody);
  });

  it("are one place in words, however many there are", async () => {
    const w = await setUp();
    await w.codex(w.tokens.access, w.tokens.refresh);
    expect(await w.owners([w.codexFile, w.codexFile])).toEqual({ ...nobody, holders: [words] });
  });
});

describe("other waiting logins", () => {
  it("hold the token, or are of the same account, or cannot be read", async () => {
    const w = await setUp();
    await w.park(w.tokens, {}, "p-1");
    await w.park(receivedTokens("carol"), { identity: CAROL }, "p-2");
    await w.park(receivedTokens("carol"), { identity: { ...CAROL, accountId: "account-team" } }, "p-3");
    await w.put(join(w.world.paths.parked, "p-9.json"), "{");
    expect(await w.owners()).toEqual({
      holders: ["the waiting login p-1"],
      unreadable: ["the waiting login in p-9.json"],
      sameAccount: ["the waiting login p-2"],
    });
  });

  it("that do not say whose they are concern nobody of a login that does not say it either", async () => {
    const w = await setUp("unknown");
    await w.park(receivedTokens("carol"), {}, "p-1");
    expect(await w.owners()).toEqual(nobody);
  });
});

describe("jobs", () => {
  const words = "a change that is under way";
  const request = { agentId: "main", profileId: "openai-codex:carol", makeFirst: true, activation: "auto" } as const;

  it("that take this very login over hold it from the moment that their secret is written, until they have ended", async () => {
    const w = await setUp();
    const { job } = await w.world.queue.enqueueLogin({ ...request, parkedId: w.login.id, requestedBy: REQUESTED_BY });
    expect(await w.owners()).toEqual({ ...nobody, holders: [words] });
    const { queue } = w.world;
    await queue.save({ ...job, state: "done" });
    expect(await w.owners()).toEqual(nobody);
    // Before the job itself is there.
    const early = await setUp();
    const secret = await queue.secrets.get(job.id);
    await early.world.queue.secrets.put(jobIdOf(early.login.id), {
      ...secret,
      values: { any: { deep: early.tokens.refresh.expose() } },
    });
    expect(await early.owners()).toEqual({ ...nobody, holders: [words] });
  });

  it("of other logins hold it where it stands anywhere in their secret", async () => {
    const w = await setUp();
    const job = await enqueueLeased(w.world, leased("pool"));
    expect(await w.owners()).toEqual(nobody);
    await w.world.queue.secrets.put(job.id, { values: { "/s": { next: null, previous: w.tokens.refresh.expose() } } });
    expect(await w.owners()).toEqual({ ...nobody, holders: [words] });
    await w.world.queue.save({ ...job, state: "done" });
    expect(await w.owners()).toEqual(nobody);
  });

  it("without a secret hold nothing, and those that cannot be read are said", async () => {
    const w = await setUp();
    const job = await enqueueLeased(w.world, leased("pool"));
    await w.world.queue.secrets.remove(job.id);
    expect(await w.owners()).toEqual(nobody);
    await w.put(join(w.world.paths.queue, "secrets", `${job.id}.json`), "{");
    await w.put(join(w.world.paths.queue, "jobs", "job-newer000.json"), { schemaVersion: 2 });
    expect(await w.owners()).toEqual({ ...nobody, unreadable: ["the job job-newer000.json", words] });
  });

  it("are looked through although the login's own job file is damaged", async () => {
    const w = await setUp();
    const id = jobIdOf(w.login.id);
    await w.put(join(w.world.paths.queue, "jobs", `${id}.json`), "{");
    await w.world.queue.secrets.put(id, {
      presented: randomBytes(4).toString("hex"),
      values: w.tokens.refresh.expose(),
    });
    expect(await w.owners()).toEqual({ ...nobody, holders: [words], unreadable: [`the job ${id}.json`] });
  });
});
