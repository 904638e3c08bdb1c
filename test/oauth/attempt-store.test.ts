// Attempts on disk at their edges: ended once, whatever is damaged, and forgotten when nobody can ask for them.

import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY, LOGIN } from "../../src/config/defaults.ts";
import { AttemptStore } from "../../src/oauth/attempt-store.ts";
import { tombstone, type Attempt } from "../../src/oauth/attempt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NOW = 1_800_000_000_000;
const [A, B, C] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"];

function attempt(id: string, more: Partial<Attempt> = {}): Attempt {
  return {
    schemaVersion: 1,
    id,
    person: "1",
    chat: "1",
    host: "telegram",
    profileId: "openai-codex:work",
    agentId: "main",
    createdAtMs: NOW - 1_000,
    expiresAtMs: NOW + 1_000,
    stateFingerprint: `print-${id}`,
    issuerOrigin: "https://auth.openai.com",
    redirectUri: "http://localhost:1455/auth/callback",
    verifier: `verifier-of-${id}`,
    state: `state-of-${id}`,
    ...more,
  };
}

async function setUp() {
  const folder = join(await temporaryFolder(), "pending");
  const clock = { now: NOW };
  const store = new AttemptStore(folder, () => clock.now);
  const damage = async (name: string, ageMs: number, text = "{"): Promise<void> => {
    await mkdir(join(folder, "ended"), { recursive: true });
    await writeFile(join(folder, name), text);
    await utimes(join(folder, name), (NOW - ageMs) / 1_000, (NOW - ageMs) / 1_000);
  };
  const names = async (below = ""): Promise<string[]> =>
    (await readdir(join(folder, below))).filter((name) => name.endsWith(".json")).toSorted();
  return { folder, clock, store, damage, names };
}

describe("an attempt", () => {
  it("is made once under its id, and ended once, by which its secrets go", async () => {
    const { store, names } = await setUp();
    expect(await store.create(attempt(A))).toBe(true);
    expect(await store.create(attempt(A))).toBe(false);
    expect(await store.get(A)).toEqual({ live: attempt(A), ended: undefined });
    expect(await store.end(attempt(A), "cancelled")).toBe(true);
    expect(await store.end(attempt(A), "used")).toBe(false);
    expect(await store.get(A)).toEqual({ live: undefined, ended: tombstone(attempt(A), "cancelled", NOW) });
    expect(await names()).toEqual([]);
    expect(await store.get(B)).toEqual({ live: undefined, ended: undefined });
  });

  it("whose tombstone is just being written has ended all the same, and one that never was has not", async () => {
    for (const text of ["{", "{}"]) {
      const { store, damage } = await setUp();
      await store.create(attempt(A));
      await damage(`ended/${A}.json`, 0, text);
      await damage(`ended/${B}.json`, 0, text);
      expect(await store.get(A)).toEqual({ live: attempt(A), ended: tombstone(attempt(A), "used", NOW) });
      expect(await store.get(B)).toEqual({ live: undefined, ended: undefined });
    }
  });

  it("of which the tombstone cannot be looked for is not taken for a live one", async () => {
    const { folder, store } = await setUp();
    await store.create(attempt(A));
    await mkdir(join(folder, "ended", `${A}.json`), { recursive: true });
    await expect(store.get(A)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });
});

describe("AttemptStore.listLive", () => {
  it("gives those that can still be finished, oldest first", async () => {
    const { store, clock, damage } = await setUp();
    await store.create(attempt(A, { createdAtMs: 3 }));
    await store.create(attempt(B, { createdAtMs: 1 }));
    await store.create(attempt(C, { createdAtMs: 2, expiresAtMs: NOW + 1 }));
    expect((await store.listLive()).map(({ id }) => id)).toEqual([B, C, A]);
    clock.now = NOW + 1;
    expect((await store.listLive()).map(({ id }) => id)).toEqual([B, A]);
    // Ended, however damaged its tombstone is, and although its secrets still lie there.
    await damage(`ended/${B}.json`, 0);
    expect((await store.listLive()).map(({ id }) => id)).toEqual([A]);
    expect((await store.listAll()).map(({ id }) => id).toSorted()).toEqual([A, B, C]);
  });

  it("says so where it cannot see which ones have ended", async () => {
    const { folder, store } = await setUp();
    await store.create(attempt(A));
    await writeFile(join(folder, "ended"), "a file in the folder's place");
    await expect(store.listLive()).rejects.toMatchObject({ code: "ENOTDIR" });
  });
});

describe("AttemptStore.sweep", () => {
  it("ends what has expired, finishes interrupted ends, and counts only the first", async () => {
    const { store, clock, damage, names } = await setUp();
    for (const id of [A, B, C]) await store.create(attempt(id, { expiresAtMs: id === A ? NOW + 1 : NOW + 2 }));
    await damage(`ended/${C}.json`, 0, JSON.stringify(tombstone(attempt(C), "used", NOW)));
    clock.now = NOW + 1;
    expect(await store.sweep()).toEqual({ expired: 1, forgotten: 0 });
    expect(await names()).toEqual([`${B}.json`]);
    expect(await store.get(A)).toMatchObject({ ended: { reason: "expired", endedAtMs: NOW + 1 } });
    expect(await store.get(C)).toMatchObject({ live: undefined, ended: { reason: "used" } });
  });

  it("finishes an end also where its tombstone is damaged", async () => {
    const { store, damage, names } = await setUp();
    await store.create(attempt(A));
    await damage(`ended/${A}.json`, 0);
    expect(await store.sweep()).toEqual({ expired: 0, forgotten: 0 });
    expect(await names()).toEqual([]);
    expect(await names("ended")).toEqual([`${A}.json`]);
  });

  it("forgets a tombstone when nobody can ask for it any more", async () => {
    const { store, clock, names } = await setUp();
    await store.create(attempt(A));
    await store.end(attempt(A), "used");
    clock.now = attempt(A).expiresAtMs + LOGIN.tombstoneMs - 1;
    expect(await store.sweep()).toEqual({ expired: 0, forgotten: 0 });
    expect(await names("ended")).toEqual([`${A}.json`]);
    clock.now += 1;
    expect(await store.sweep()).toEqual({ expired: 0, forgotten: 1 });
    expect(await names("ended")).toEqual([]);
  });

  it("removes damaged files a day after they were written, alive or ended, and no sooner", async () => {
    const { folder, store, damage, names } = await setUp();
    await damage(`${A}.json`, DAY + 1_000);
    await damage(`${B}.json`, DAY);
    await damage(`ended/${A}.json`, DAY + 1_000);
    await damage(`ended/${B}.json`, DAY);
    expect(await store.sweep()).toEqual({ expired: 0, forgotten: 2 });
    expect([await names(), await names("ended")]).toEqual([[`${B}.json`], [`${B}.json`]]);
    await rm(join(folder, "ended"), { recursive: true });
    expect(await store.sweep()).toEqual({ expired: 0, forgotten: 0 });
  });
});
