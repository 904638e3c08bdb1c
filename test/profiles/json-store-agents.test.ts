import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCredential, sealCredential } from "../../src/profiles/profile.ts";
import { carryOut, login, openClawState, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const WORK = "openai-codex:work";
const ADA = "openai-codex:ada@example.com";
const v1 = (profiles: Record<string, unknown>, rest: Record<string, unknown> = {}): Record<string, unknown> => ({
  version: 1,
  profiles,
  ...rest,
});

describe("an agent that inherits", () => {
  it("never gets a store: what it has from main changes in main", async () => {
    const state = await openClawState();
    await state.configure(`{ agents: { list: [{ id: "main" }, { id: "Ops" }] } } // JSON5`);
    await state.put("main", v1({ [WORK]: login("ada") }));
    const store = state.store();
    expect(await store.agents()).toEqual([
      { agentId: "main", isMain: true, hasStore: true },
      { agentId: "ops", isMain: false, hasStore: false },
    ]);
    expect((await store.read("ops")).summaries).toMatchObject([{ id: WORK, inherited: true, position: 0 }]);
    const plan = await carryOut(store, { profileId: WORK, credential: sealedLogin("ada"), order: [WORK] }, "ops");
    expect(plan).toMatchObject({ agentId: "ops", files: [{ agentId: "main", role: "owner" }] });
    expect(existsSync(dirname(state.path("ops")))).toBe(false);
  });

  it("sees per profile and per provider its own before main's, as OpenClaw merges them", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada"), [ADA]: login("ada") }, { order: { "openai-codex": [ADA] } }));
    await state.put("ops", v1({ [WORK]: login("bob") }, { order: { "openai-codex": [WORK, ADA] } }));
    const store = state.store();
    const { summaries, effectiveOrder } = await store.read("ops");
    expect(effectiveOrder).toEqual([WORK, ADA]);
    expect(summaries.map(({ id, inherited, email }) => [id, inherited, email])).toEqual([
      [WORK, false, "bob@example.com"],
      [ADA, true, "ada@example.com"],
    ]);
    expect((await store.read()).effectiveOrder).toEqual([ADA]);
    expect(await store.readCredential(ADA, "ops")).toMatchObject({ inherited: true });
    expect(await store.readCredential(WORK, "ops")).toMatchObject({ inherited: false });
    expect(await store.readCredential("constructor", "ops")).toBeUndefined();
  });
});

describe("a copy of main's login in another agent's store", () => {
  it("goes when main's is renewed, so that main's is inherited and has one owner; its order stays", async () => {
    const state = await openClawState();
    const ada = login("ada");
    const own = login("carl");
    await state.put("main", v1({ [WORK]: ada }));
    // 2026.4.5 makes such a store: a full copy of main, later refreshed by itself.
    await state.put("ops", v1({ [WORK]: login("ada"), mine: own }, { order: { "openai-codex": [WORK] }, news: 1 }));
    const store = state.store();
    const fresh = sealedLogin("ada");
    const plan = await carryOut(store, { profileId: WORK, credential: fresh });
    expect(plan.files.map(({ agentId, role, after }) => [agentId, role, after === null])).toEqual([
      ["main", "owner", false],
      ["ops", "copy", true],
    ]);
    expect(await state.get("ops")).toEqual(v1({ mine: own }, { order: { "openai-codex": [WORK] }, news: 1 }));
    const inherited = await store.readCredential(WORK, "ops");
    expect(inherited?.inherited).toBe(true);
    expect(inherited === undefined ? undefined : openCredential(inherited.credential)).toEqual(openCredential(fresh));
  });

  it("is asked for by the agent's name: the change goes to main all the same", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    await state.put("ops", v1({ [WORK]: login("ada") }, { order: { "openai-codex": [WORK] } }));
    const plan = await carryOut(
      state.store(),
      { profileId: WORK, credential: sealedLogin("ada"), order: [WORK, ADA] },
      "ops",
    );
    expect(plan.files.map(({ agentId, role, orderAfter }) => [agentId, role, orderAfter])).toEqual([
      ["main", "owner", null],
      ["ops", "copy", [WORK, ADA]],
    ]);
    expect(await state.get("ops")).toEqual(v1({}, { order: { "openai-codex": [WORK, ADA] } }));
  });

  it("comes back, in its own store, when the change is undone", async () => {
    const state = await openClawState();
    const before = { main: v1({ [WORK]: login("ada") }), ops: v1({ [WORK]: login("ada") }) };
    await state.put("main", before.main);
    await state.put("ops", before.ops);
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    for (const file of plan.files) await store.apply(file, valueFor(values, file));
    for (const file of plan.files) await store.undo(file, valueFor(values, file));
    expect({ main: await state.get("main"), ops: await state.get("ops") }).toEqual(before);
  });

  it("is known by its refresh token where no identity can be read", async () => {
    const state = await openClawState();
    const opaque = { type: "oauth", provider: "openai-codex", access: "opaque", refresh: "shared", expires: 1 };
    await state.put("main", v1({ [WORK]: opaque }));
    await state.put("ops", v1({ [WORK]: { ...opaque, access: "opaque-2", expires: 2 } }));
    const plan = await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("ada") });
    expect(plan.files.map(({ role }) => role)).toEqual(["owner", "copy"]);
  });

  it("that is somebody else's login of the same id is no copy: it stays and is named", async () => {
    const state = await openClawState();
    const bobs = v1({ [WORK]: login("bob") });
    await state.put("main", v1({ [WORK]: login("ada") }));
    await state.put("ops", bobs);
    const plan = await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("ada") });
    expect(plan).toMatchObject({ files: [{ agentId: "main" }], keptElsewhere: ["ops"] });
    expect(await state.get("ops")).toEqual(bobs);
  });

  it("stays where only the order changes: it may hold the newer tokens", async () => {
    const state = await openClawState();
    const copy = v1({ [WORK]: login("ada") });
    await state.put("main", v1({ [WORK]: login("ada") }));
    await state.put("ops", copy);
    await carryOut(state.store(), { profileId: WORK, order: [WORK] });
    expect(await state.get("ops")).toEqual(copy);
  });

  it("is removed with main's when the profile is removed", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada"), [ADA]: login("ada") }));
    await state.put("ops", v1({ [WORK]: login("ada") }));
    await carryOut(state.store(), { profileId: WORK, credential: null });
    expect(Object.keys((await state.get("main"))["profiles"] as object)).toEqual([ADA]);
    expect(await state.get("ops")).toEqual(v1({}));
  });
});

describe("a profile of an agent's own", () => {
  it("changes where it is, and only there, when the agent is named", async () => {
    const state = await openClawState();
    const main = v1({ [ADA]: login("ada") });
    await state.put("main", main);
    await state.put("ops", v1({ [WORK]: login("bob") }));
    const plan = await carryOut(
      state.store(),
      { profileId: WORK, credential: sealedLogin("bob"), order: [WORK] },
      "ops",
    );
    expect(plan.files).toMatchObject([{ agentId: "ops", role: "owner", orderAfter: [WORK] }]);
    expect(await state.get("main")).toEqual(main);
  });

  it("that shadows another person's in main is the one that is meant by the agent's name", async () => {
    const state = await openClawState();
    const main = v1({ [WORK]: login("ada") });
    await state.put("main", main);
    await state.put("ops", v1({ [WORK]: login("bob") }));
    await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("bob") }, "ops");
    expect(await state.get("main")).toEqual(main);
  });

  it("that is new is saved in main, for all to inherit", async () => {
    const state = await openClawState();
    const ops = v1({ mine: login("carl") });
    await state.put("main", v1({}));
    await state.put("ops", ops);
    const plan = await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("ada") }, "ops");
    expect(plan.files).toMatchObject([{ agentId: "main" }]);
    expect(await state.get("ops")).toEqual(ops);
  });
});

describe("which agents there are", () => {
  it("are main, those of openclaw.json with their folders, and those that only have a folder left", async () => {
    const state = await openClawState();
    await state.configure(
      `{ agents: { list: [{ id: "zoe", agentDir: "~/zoe-dir" }, { id: "twin", agentDir: "~/agents/main/agent" }] } }`,
    );
    await state.put("main", v1({}));
    await state.put("old", v1({}));
    await mkdir(join(state.root, "zoe-dir"));
    const store = state.store();
    expect((await store.agents()).map(({ agentId }) => agentId)).toEqual(["main", "zoe", "old"]);
    expect((await store.read("Zoe")).agentId).toBe("zoe");
    expect((await store.read("twin")).agentId).toBe("twin");
  });

  it("share one store, and one lock, where their folders are linked to each other", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    await mkdir(join(state.root, "agents", "ops"));
    await symlink(dirname(state.path("main")), dirname(state.path("ops")));
    const store = state.store();
    const plan = await carryOut(store, { profileId: WORK, credential: sealedLogin("ada") }, "ops");
    expect(plan.files).toHaveLength(1);
  });

  it("do not include one that nobody knows: it is refused without being repeated", async () => {
    const state = await openClawState();
    const refused = state.store().read("nobody-<b>");
    await expect(refused).rejects.toMatchObject({ code: "ERR_AGENT_UNKNOWN", next: expect.stringContaining("main") });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("nobody") });
  });

  it("are taken in the order of their locks, one after the other", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    for (const agent of ["zoe", "abe"]) await state.put(agent, v1({ [WORK]: login("ada") }));
    const { plan } = await state
      .store()
      .plan({ profileId: WORK, provider: "openai-codex", credential: sealedLogin("ada") });
    expect(plan.files.map(({ agentId }) => agentId)).toEqual(["abe", "main", "zoe"]);
    expect(plan.files.map(({ path }) => path)).toEqual(plan.files.map(({ path }) => path).toSorted());
  });
});

describe("refresh tokens with two owners", () => {
  it("are found across agents and elsewhere, and told without the token", async () => {
    const state = await openClawState();
    const shared = login("ada");
    await state.put(
      "main",
      v1({ [WORK]: shared, [ADA]: login("ada"), key: { type: "api_key", provider: "x", key: "k" } }),
    );
    await state.put("ops", v1({ "openai-codex:copy": shared }));
    await state.put("broken", "{");
    const store = state.store();
    const found = await store.sharedTokens();
    expect(found).toEqual([
      {
        fingerprint: expect.stringMatching(/^sha256:/),
        holders: [
          { owner: "main", profileId: WORK },
          { owner: "ops", profileId: "openai-codex:copy" },
        ],
      },
    ]);
    expect(JSON.stringify(found)).not.toContain(shared["refresh"]);
    const credential = await store.readCredential(ADA);
    const cli = openCredential(credential?.credential ?? sealCredential(shared));
    const { Secret } = await import("../../src/secrets/secret.ts");
    const elsewhere = [{ owner: "codex-cli", profileId: "auth.json", refreshToken: Secret.of(String(cli["refresh"])) }];
    expect((await store.sharedTokens(elsewhere)).map(({ holders }) => holders.map(({ owner }) => owner))).toEqual([
      ["main", "ops"],
      ["main", "codex-cli"],
    ]);
  });
});
