import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { openCredential } from "../../src/profiles/profile.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { applyAll, only, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, NOW, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const SHAPES: readonly SdkShape[] = ["one-file", "two-files", "sqlite"];
const FILES: readonly SdkShape[] = ["one-file", "two-files"];

/** An entry as this OpenClaw stores it. */
function entry(inside: Inside, who: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...login(who, extra), provider: inside.provider };
}

describe.each(SHAPES)("inside an OpenClaw of the shape %s", (shape) => {
  it("writes the profile and its place in the order, keeps all else, and is in force at once", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store, sdk } = inside;
    const key = { type: "api_key", provider: "anthropic", key: "k" };
    const usageStats = { [`${p}:bob`]: { lastUsed: 3, cooldownUntil: NOW + 5 } };
    const order = { [p]: [`${p}:bob`], anthropic: ["anthropic:x"] };
    const lastGood = { [p]: `${p}:bob` };
    const bob = entry(inside, "bob");
    await inside.put("shared", { profiles: { [`${p}:bob`]: bob, "anthropic:x": key }, order, lastGood, usageStats });
    const credential = sealedLogin("ada");
    const plan = await inside.carryOut({
      profileId: "openai-codex:work",
      credential,
      order: ["openai-codex:work", "openai-codex:bob"],
    });
    const ada: Record<string, unknown> = { ...openCredential(credential), provider: p };
    const wanted = [`${p}:work`, `${p}:bob`];
    expect(await inside.get("shared")).toMatchObject({ lastGood, usageStats });
    const after = await inside.get("shared");
    expect(after["profiles"]).toEqual({ [`${p}:bob`]: bob, "anthropic:x": key, [`${p}:work`]: ada });
    expect(after["order"]).toEqual({ ...order, [p]: wanted });
    expect(sdk.effective()).toMatchObject({ profiles: { [`${p}:work`]: ada }, order: { [p]: wanted } });
    expect(await store.loaded()).toContainEqual({ profileId: `${p}:work`, expiresAtMs: ada["expires"] });
    expect(only({ plan })).toMatchObject({ profileId: `${p}:work`, agentId: "main", role: "owner", before: null });
    expect(only({ plan }).path).toBe(shape === "sqlite" ? "openclaw:shared" : inside.state.path("main"));
    expect((await store.read()).summaries.map(({ id, inherited }) => [id, inherited])).toEqual(
      wanted.map((id) => [id, false]),
    );
  });

  it("does a step once, runs the hooks around it as promised, and takes it back", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store } = inside;
    const old = entry(inside, "ada");
    await inside.put("shared", { profiles: { [`${p}:work`]: old }, order: { [p]: [`${p}:work`, `${p}:gone`] } });
    const before = await inside.get("shared");
    const credential = sealedLogin("ada");
    const planned = await store.plan({ profileId: `${p}:work`, provider: p, credential, order: [`${p}:work`] });
    const file = only(planned);
    const seen: string[] = [];
    const hooks = {
      beforeWrite: async () => void seen.push(`before: ${await store.check(file)}`),
      whileLocked: async (hold: { remainingMs(): number }) =>
        void seen.push(`locked: ${await store.check(file)} ${hold.remainingMs() > 0}`),
    };
    expect(await store.apply(file, valueFor(planned.values, file), hooks)).toMatchObject({ outcome: "written" });
    expect(await store.apply(file, valueFor(planned.values, file), hooks)).toEqual({ outcome: "already", written: [] });
    expect(seen).toEqual(["before: before", "locked: after true", "locked: after true"]);
    expect(await store.undo(file, valueFor(planned.values, file))).toMatchObject({ outcome: "written" });
    expect(await store.check(file)).toBe("before");
    expect((await inside.get("shared"))["profiles"]).toEqual(before["profiles"]);
    // 2026.5.28 leaves out of an order what is no profile, whoever writes.
    const order = { [p]: shape === "two-files" ? [`${p}:work`] : [`${p}:work`, `${p}:gone`] };
    expect((await inside.get("shared"))["order"]).toEqual(order);
  });

  it("writes nothing where the hook before it refuses, or where the profile was changed since it was planned", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store } = inside;
    await inside.put("shared", { profiles: { [`${p}:work`]: entry(inside, "ada") } });
    const planned = await store.plan({ profileId: `${p}:work`, provider: p, credential: sealedLogin("ada") });
    const file = only(planned);
    const before = await inside.get("shared");
    const no = new CodexAuthError("ERR_NOT_ALLOWED", { message: "no", next: "no" });
    const refused = store.apply(file, valueFor(planned.values, file), { beforeWrite: () => Promise.reject(no) });
    await expect(refused).rejects.toBe(no);
    expect(await inside.get("shared")).toEqual(before);
    const theirs = { profiles: { [`${p}:work`]: entry(inside, "carl") } };
    await inside.put("shared", theirs);
    const step = store.apply(file, valueFor(planned.values, file));
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(await inside.get("shared")).toMatchObject(theirs);
  });

  it("changes what an agent inherits where it lies, and an agent's own order in its own store", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store } = inside;
    const own = entry(inside, "olga");
    await inside.put("shared", { profiles: { [`${p}:work`]: entry(inside, "ada") }, order: { [p]: [`${p}:work`] } });
    await inside.put("ops", { profiles: { [`${p}:own`]: own }, order: { [p]: [`${p}:own`] } });
    const change = { profileId: `${p}:work`, credential: sealedLogin("ada"), order: [`${p}:own`, `${p}:work`] };
    if (shape === "two-files") {
      // 2026.5.28 would drop what the agent only inherits from its order, and never try it again.
      const before = [await inside.get("shared"), await inside.get("ops")];
      await expect(inside.carryOut(change, "ops")).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
      expect([await inside.get("shared"), await inside.get("ops")]).toEqual(before);
      return;
    }
    const plan = await inside.carryOut(change, "ops");
    expect(plan.files.map(({ agentId, role }) => `${agentId} ${role}`).toSorted()).toEqual(["main owner", "ops order"]);
    const snapshot = await store.read("ops");
    expect(snapshot.summaries.map(({ id, inherited }) => `${id} ${inherited}`).toSorted()).toEqual([
      `${p}:own false`,
      `${p}:work true`,
    ]);
    expect(snapshot.storeOrder).toEqual([`${p}:own`, `${p}:work`]);
    expect((await inside.get("shared"))["order"]).toEqual({ [p]: [`${p}:work`] });
    expect((await inside.get("ops"))["profiles"]).toEqual({ [`${p}:own`]: own });
  });

  it("removes a second copy of the login it renews, and leaves another person's of that name alone", async () => {
    const inside = await openClawInside(shape);
    const { provider: p } = inside;
    const theirs = entry(inside, "carl");
    await inside.put("shared", { profiles: { [`${p}:work`]: entry(inside, "ada") } });
    await inside.put("ops", { profiles: { [`${p}:work`]: entry(inside, "ada"), [`${p}:b`]: entry(inside, "bob") } });
    await inside.put("sales", { profiles: { [`${p}:work`]: theirs } });
    const plan = await inside.carryOut({ profileId: `${p}:work`, credential: sealedLogin("ada") });
    expect(plan.files.map(({ agentId, role }) => `${agentId} ${role}`).toSorted()).toEqual(["main owner", "ops copy"]);
    expect(plan.keptElsewhere).toEqual(["sales"]);
    expect(Object.keys((await inside.get("ops"))["profiles"] as object)).toEqual([`${p}:b`]);
    expect((await inside.get("sales"))["profiles"]).toEqual({ [`${p}:work`]: theirs });
  });

  it("renames a profile with everything that names it, forgets failures, and takes both back", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store } = inside;
    const ada = entry(inside, "ada");
    const notes = { lastUsed: 3, cooldownUntil: NOW + 9, cooldownReason: "rate_limit", errorCount: 2 };
    await inside.put("shared", {
      profiles: { [`${p}:work`]: ada },
      order: { [p]: [`${p}:work`] },
      lastGood: { [p]: `${p}:work` },
      usageStats: { [`${p}:work`]: notes },
    });
    const before = await inside.get("shared");
    const reset = await store.plan({ profileId: `${p}:work`, provider: p, failures: "clear" });
    await applyAll(store, reset);
    expect((await inside.get("shared"))["usageStats"]).toEqual({ [`${p}:work`]: { lastUsed: 3, errorCount: 0 } });
    await store.undo(only(reset), valueFor(reset.values, only(reset)));
    expect((await inside.get("shared"))["usageStats"]).toEqual(before["usageStats"]);
    const rename = await store.plan({ profileId: `${p}:work`, provider: p, renameTo: "openai-codex:home" });
    await applyAll(store, rename);
    expect(await inside.get("shared")).toMatchObject({
      profiles: { [`${p}:home`]: ada },
      order: { [p]: [`${p}:home`] },
      lastGood: { [p]: `${p}:home` },
      usageStats: { [`${p}:home`]: notes },
    });
    expect(await store.check(only(rename))).toBe("after");
    await store.undo(only(rename), valueFor(rename.values, only(rename)));
    expect(await inside.get("shared")).toMatchObject(before);
  });

  it("lists the chats that are bound to a Codex profile, and frees those that are meant, and no others", async () => {
    const inside = await openClawInside(shape);
    const { provider: p, store, fake } = inside;
    const bound = { authProfileOverride: `${p}:work`, authProfileOverrideSource: "auto", sessionId: "1" };
    fake.sessions
      .set("a", bound)
      .set("b", { ...bound, authProfileOverride: `${p}:bob`, authProfileOverrideSource: "user" })
      .set("c", { sessionId: "3" })
      .set("d", { ...bound, authProfileOverride: "anthropic:work", authProfileOverrideSource: "user" });
    // 2026.4.5 has one file for an agent's chats, which is read from outside.
    const listed = [
      { profileId: `${p}:work`, byPerson: false },
      { profileId: `${p}:bob`, byPerson: true },
    ];
    expect(await store.pins("main")).toEqual(shape === "one-file" ? undefined : listed);
    expect(await store.clearPins("main", "openai-codex:work")).toBe(1);
    expect(fake.sessions.get("a")).toEqual({ sessionId: "1" });
    expect(fake.sessions.get("b")).toMatchObject({ authProfileOverride: `${p}:bob` });
    expect(await store.clearPins("main")).toBe(1);
    expect(await store.clearPins("main")).toBe(0);
    expect(fake.sessions.get("d")).toMatchObject({ authProfileOverride: "anthropic:work" });
  });
});

describe.each(FILES)("files of the shape %s, from inside", (shape) => {
  it("are begun and written 0600, and never locked longer than the step", async () => {
    const inside = await openClawInside(shape);
    await inside.carryOut({
      profileId: "openai-codex:work",
      credential: sealedLogin("ada"),
      order: ["openai-codex:work"],
    });
    const names = (await readdir(dirname(inside.state.path("main")))).toSorted();
    expect(names).toEqual(shape === "one-file" ? ["auth-profiles.json"] : ["auth-profiles.json", "auth-state.json"]);
    for (const name of names) expect((await stat(inside.state.path("main", name))).mode & 0o777).toBe(0o600);
  });

  it("carry a job that a worker outside has begun to the same end, and the reverse", async () => {
    const inside = await openClawInside(shape);
    const { store, state } = inside;
    await inside.put("shared", { profiles: { "openai-codex:old": login("old", { note: { kept: true } }) } });
    const generation = shape === "one-file" ? "json-single" : "json-split";
    const outside = state.store({ generation: () => Promise.resolve(generation) });
    const change = {
      profileId: "openai-codex:work",
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    } as const;
    const begun = await outside.plan(change);
    await store.apply(only(begun), valueFor(begun.values, only(begun)));
    expect(await outside.check(only(begun))).toBe("after");
    expect(await outside.apply(only(begun), valueFor(begun.values, only(begun)))).toMatchObject({ outcome: "already" });
    const back = await store.plan({ ...change, credential: null });
    await outside.apply(only(back), valueFor(back.values, only(back)));
    expect(await store.check(only(back))).toBe("after");
    expect((await inside.get("shared"))["profiles"]).toMatchObject({ "openai-codex:old": { note: { kept: true } } });
  });

  it("wait for whoever holds the lock in this very process, and are left alone where that takes too long", async () => {
    const inside = await openClawInside(shape);
    const { store, state } = inside;
    await inside.put("shared", { profiles: { "openai-codex:work": login("ada") } });
    const before = await inside.get("shared");
    const planned = await store.plan({
      profileId: "openai-codex:work",
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(planned);
    await withOpenClawLock(state.path("main"), async () => {
      const step = store.apply(file, valueFor(planned.values, file), { waitMs: 60 });
      await expect(step).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    });
    expect(await inside.get("shared")).toEqual(before);
    expect(await store.apply(file, valueFor(planned.values, file))).toMatchObject({ outcome: "written" });
  });

  it("keep a copy of what OpenClaw's own code drops, and never hand it an entry that would break it", async () => {
    const inside = await openClawInside(shape);
    const { state, fake } = inside;
    const kept = login("old", { note: [1] });
    await inside.put("shared", { profiles: { "openai-codex:old": kept, odd: { type: "magic" } }, news: { a: 1 } });
    await inside.carryOut({ profileId: "openai-codex:work", credential: sealedLogin("ada") });
    expect(Object.keys((await inside.get("shared"))["profiles"] as object)).toEqual([
      "openai-codex:old",
      "openai-codex:work",
    ]);
    expect((await inside.get("shared"))["profiles"]).toMatchObject({ "openai-codex:old": kept });
    expect([...fake.memory.values()].flatMap(({ profiles }) => Object.keys(profiles))).not.toContain("odd");
    const copies = await readdir(join(state.root, "corrupt"));
    expect(copies).toHaveLength(1);
  });

  it("are an error with nothing written where they cannot be read", async () => {
    const inside = await openClawInside(shape);
    const { store, state } = inside;
    await inside.put("shared", { profiles: { "openai-codex:work": login("ada") } });
    const planned = await store.plan({ profileId: "openai-codex:work", provider: "openai-codex", credential: null });
    await state.put("main", "{ not json");
    const step = store.apply(only(planned), valueFor(planned.values, only(planned)));
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(existsSync(state.path("main"))).toBe(true);
    await expect(state.get("main")).rejects.toThrow(SyntaxError);
    expect(await readdir(join(state.root, "corrupt"))).toHaveLength(1);
  });
});
