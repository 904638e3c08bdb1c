// Parked logins at their edges: nothing of a login is lost on its way through the file, and the probe for room leaves nothing.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadTokens, ParkedLogins, storeTokens, type LoginTokens, type ParkedLogin } from "../../src/apply/parked.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { replaceSync } from "../storage/fs-faults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;
const login = {
  agentId: "main",
  profileId: "openai-codex:work",
  reason: "other-identity",
  email: "carol@example.com",
  planType: "plus",
  identity: { userId: "user-carol", accountId: "account-carol" },
  previous: { email: "bob@example.com", fingerprint: "print" },
  expiresAtMs: 5,
  requestedBy: REQUESTED_BY,
} as const;

async function setUp() {
  const folder = join(await temporaryFolder(), "parked");
  const clock = { now: 7 };
  return { folder, clock, parked: new ParkedLogins({ folder, now: () => clock.now, randomBytes }) };
}

const exposed = ({ access, refresh, id, entry, expiresAtMs }: LoginTokens) => [
  access.expose(),
  refresh.expose(),
  id?.expose(),
  entry?.expose(),
  expiresAtMs,
];

describe("a login on its way through its file", () => {
  it("keeps what is known of it and each of its tokens", async () => {
    const { parked } = await setUp();
    const all: LoginTokens = {
      ...receivedTokens("carol"),
      id: Secret.of(randomBytes(8).toString("hex")),
      entry: Secret.of(JSON.stringify({ type: "oauth", access: randomBytes(8).toString("hex") })),
    };
    const entry = await parked.put(login, all);
    expect(entry).toEqual<ParkedLogin>({ ...login, schemaVersion: 1, id: entry.id, createdAt: 7 });
    expect(await parked.get(entry.id)).toStrictEqual(entry);
    const back = await parked.tokens(entry.id);
    expect(back === undefined ? [] : exposed(back)).toEqual(exposed(all));
  });

  it("has no id token and no entry where none came", () => {
    const bare = receivedTokens("carol");
    expect(Object.keys(storeTokens(bare)).toSorted()).toEqual(["access", "expiresAtMs", "refresh"]);
    const back = loadTokens(storeTokens(bare));
    expect(Object.keys(back).toSorted()).toEqual(["access", "expiresAtMs", "refresh"]);
    expect(exposed(back)).toEqual(exposed(bare));
  });

  it("has an id of its own each time, unless it is put under one that is known", async () => {
    const { folder, parked } = await setUp();
    const first = await parked.put(login, receivedTokens("carol"));
    const second = await parked.put(login, receivedTokens("carol"));
    expect(first.id).toMatch(/^p-[0-9a-f]{16}$/);
    expect(second.id).not.toBe(first.id);
    await parked.put(login, receivedTokens("carol"), first.id);
    expect(await readdir(folder)).toHaveLength(2);
    expect(await parked.get("p-0000000000000000")).toBeUndefined();
    expect(await parked.tokens("p-0000000000000000")).toBeUndefined();
  });
});

describe("the list of parked logins", () => {
  it("has the oldest first, and names the files that could not be read", async () => {
    const { folder, clock, parked } = await setUp();
    for (const [id, at] of [
      ["p-c", 2],
      ["p-a", 3],
      ["p-b", 1],
    ] as const) {
      clock.now = at;
      await parked.put(login, receivedTokens("carol"), id);
    }
    await writeFile(join(folder, "p-broken.json"), "{");
    expect((await parked.list()).map(({ id }) => id)).toEqual(["p-b", "p-c", "p-a"]);
    expect(await parked.unreadable()).toEqual(["p-broken.json"]);
  });
});

describe("ParkedLogins.update", () => {
  it("changes what it is given, and neither the rest nor the tokens", async () => {
    const { parked } = await setUp();
    const tokens = receivedTokens("carol");
    const entry = await parked.put(login, tokens);
    await parked.update(entry.id, { reason: "put-aside", remindedAt: 9 });
    expect(await parked.get(entry.id)).toEqual({ ...entry, reason: "put-aside", remindedAt: 9 });
    expect((await parked.tokens(entry.id))?.refresh.expose()).toBe(tokens.refresh.expose());
  });

  it("of a login that is gone, or in a folder that was never made, brings nothing into being", async () => {
    const { folder, parked } = await setUp();
    await parked.update("p-0000000000000000", { remindedAt: 9 });
    expect(await parked.discard("p-0000000000000000")).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});

describe("ParkedLogins.assertRoom", () => {
  it("tries a file as large as a login in the folder of the logins, and leaves nothing of it", async () => {
    const { folder, parked } = await setUp();
    const tried: { readonly path: string; readonly size: number; readonly blank: boolean }[] = [];
    const look = (path: unknown): void => {
      if (typeof path !== "string" || !basename(path).startsWith(".room.")) return;
      const text = readFileSync(path).toString();
      tried.push({ path, size: text.length, blank: text.trim() === "" });
    };
    for (const name of ["unlinkSync", "rmSync"] as const) {
      replaceSync(name, (real) => (path: string, options?: object) => {
        look(path);
        return (real as (path: string, options?: object) => void)(path, options);
      });
    }

    await parked.assertRoom();
    await parked.assertRoom();

    expect(tried).toHaveLength(2);
    for (const { path, size, blank } of tried) {
      expect(dirname(path)).toBe(folder);
      expect([size, blank]).toEqual([APPLY.roomForLoginBytes, true]);
    }
    expect(tried[0]?.path).not.toBe(tried[1]?.path);
    expect(await readdir(folder)).toEqual([]);
  });

  it("that was killed leaves what the next sweep removes, and that is no login", async () => {
    const { folder, parked } = await setUp();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `.room.${DEAD}-0123456789ab.tmp`), " ");
    expect(await parked.list()).toEqual([]);
    expect(await parked.unreadable()).toEqual([]);
    const entry = await parked.put(login, receivedTokens("carol"));
    await parked.sweep();
    expect(await readdir(folder)).toEqual([`${entry.id}.json`]);
    expect(await readFile(join(folder, `${entry.id}.json`), "utf8")).toContain("carol@example.com");
  });
});
