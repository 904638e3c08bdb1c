// The device codes on disk: whole, private, each host's own, and gone when they are of no use any more.

import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { DEVICE } from "../../src/config/defaults.ts";
import { DeviceStore, type DeviceRecord } from "../../src/oauth/device-store.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;
const secret = (): Secret => Secret.of(randomBytes(12).toString("hex"));

function record(id: string, more: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    schemaVersion: 1,
    id,
    host: "telegram",
    chatId: "1",
    personId: "1",
    agentId: "main",
    profileId: "openai-codex:work",
    issuerOrigin: "https://auth.openai.com",
    startedAtMs: 1_000,
    expiresAtMs: 2_000,
    deviceAuthId: secret(),
    userCode: "ABCD-EFGH",
    intervalMs: 5_000,
    view: "code",
    ...more,
  };
}

async function setUp() {
  const folder = join(await temporaryFolder(), "device");
  const clock = { now: 1_500 };
  return { folder, clock, store: new DeviceStore(folder, () => clock.now) };
}

const ID = "0123456789ab";
const plain = ({ deviceAuthId, grant, ...rest }: DeviceRecord) => ({
  ...rest,
  deviceAuthId: deviceAuthId.expose(),
  ...(grant === undefined ? {} : { grant: [grant.code.expose(), grant.verifier.expose()] }),
});

describe("a device code on disk", () => {
  it("comes back as it was put, its secrets wrapped, with and without what it gave", async () => {
    const { folder, store } = await setUp();
    const waiting = record(ID, { messageId: "7" });
    const granted = record("ba9876543210", { startedAtMs: 1_001, grant: { code: secret(), verifier: secret() } });
    await store.put(waiting);
    await store.put(granted);
    const listed = await store.list("telegram");
    expect(listed.map(plain)).toStrictEqual([plain(waiting), plain(granted)]);
    expect(inspect(listed, { depth: 9 })).not.toContain(granted.grant?.code.expose());
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, `${ID}.json`))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, `${ID}.json`), "utf8")).toContain(waiting.deviceAuthId.expose());
  });

  it("is replaced by what is put under its id, and can be forgotten", async () => {
    const { folder, store } = await setUp();
    const one = record(ID);
    await store.put(one);
    await store.put({ ...one, view: "link", intervalMs: 9_000 });
    expect((await store.list("telegram")).map(plain)).toEqual([plain({ ...one, view: "link", intervalMs: 9_000 })]);
    await store.remove(ID);
    expect(await store.list("telegram")).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("DeviceStore.list", () => {
  it("gives a host its own, oldest first, and passes over what it cannot read", async () => {
    const { folder, store } = await setUp();
    for (const [id, startedAtMs, host] of [
      ["aaaaaaaaaaaa", 2, "telegram"],
      ["bbbbbbbbbbbb", 3, "terminal"],
      ["cccccccccccc", 1, "telegram"],
    ] as const)
      await store.put(record(id, { startedAtMs, host }));
    await writeFile(join(folder, "dddddddddddd.json"), "{");
    expect((await store.list("telegram")).map(({ id }) => id)).toEqual(["cccccccccccc", "aaaaaaaaaaaa"]);
    expect((await store.list("terminal")).map(({ id }) => id)).toEqual(["bbbbbbbbbbbb"]);
    expect(await store.list("cli")).toEqual([]);
  });
});

describe("DeviceStore.sweep", () => {
  it("forgets those of every host that nobody came back for, a while after their end and not before", async () => {
    const { folder, clock, store } = await setUp();
    await store.put(record("aaaaaaaaaaaa", { expiresAtMs: 2_000 }));
    await store.put(record("bbbbbbbbbbbb", { expiresAtMs: 2_001, host: "terminal" }));
    await writeFile(join(folder, `.x.json.${DEAD}-0123456789ab.tmp`), "{");
    clock.now = 1_999 + DEVICE.ttlMs;
    await store.sweep();
    expect((await readdir(folder)).toSorted()).toEqual(["aaaaaaaaaaaa.json", "bbbbbbbbbbbb.json"]);
    clock.now += 1;
    await store.sweep();
    expect(await readdir(folder)).toEqual(["bbbbbbbbbbbb.json"]);
    clock.now += 1;
    await store.sweep();
    expect(await readdir(folder)).toEqual([]);
  });
});
