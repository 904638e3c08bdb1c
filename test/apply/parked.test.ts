// Parked logins: there as a whole or not at all, and gone when discarded.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import lockfile from "proper-lockfile";
import { describe, expect, it, onTestFinished } from "vitest";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { OWN_LOCK } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const login = {
  agentId: "main",
  profileId: "openai-codex:work",
  reason: "first-login",
  expiresAtMs: 5,
  requestedBy: REQUESTED_BY,
} as const;

async function setUp() {
  const folder = join(await temporaryFolder(), "parked");
  return { folder, parked: new ParkedLogins({ folder, now: () => 7, randomBytes }) };
}

describe("ParkedLogins", () => {
  it("keeps a login and its tokens in one file of mode 0600, so that no crash can part them", async () => {
    const { folder, parked } = await setUp();
    const tokens = receivedTokens("carol");
    const entry = await parked.put(login, tokens);
    expect(await readdir(folder)).toEqual([`${entry.id}.json`]);
    const path = join(folder, `${entry.id}.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toContain(tokens.refresh.expose());
    expect((await parked.tokens(entry.id))?.refresh.expose()).toBe(tokens.refresh.expose());
  });

  it("lists without tokens", async () => {
    const { parked } = await setUp();
    const tokens = receivedTokens("carol");
    const entry = await parked.put(login, tokens);
    const listed = JSON.stringify([await parked.list(), await parked.get(entry.id)]);
    expect(listed).toContain("openai-codex:work");
    expect(listed).not.toContain(tokens.access.expose());
    expect(listed).not.toContain(tokens.refresh.expose());
  });

  it("forgets a discarded login with its tokens, and says when there was none", async () => {
    const { folder, parked } = await setUp();
    const entry = await parked.put(login, receivedTokens("carol"));
    expect(await parked.discard(entry.id)).toBe(true);
    expect(await parked.discard(entry.id)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it("never brings a discarded login back by an update at the same moment", async () => {
    const { parked } = await setUp();
    for (let round = 0; round < 20; round += 1) {
      const entry = await parked.put(login, receivedTokens("carol"));
      await Promise.all([
        parked.update(entry.id, { remindedAt: 9 }),
        parked.discard(entry.id),
        parked.update(entry.id, { remindedAt: 10 }),
      ]);
    }
    expect(await parked.list()).toEqual([]);
  });
});

describe("a decision about a login", () => {
  it("waits for the one before it, and not for one about another login", async () => {
    const { folder, parked } = await setUp();
    const steps: string[] = [];
    let second: Promise<unknown> = Promise.resolve();
    await parked.deciding("p-1", async () => {
      second = parked.deciding("p-1", async () => void steps.push("second"));
      await parked.deciding("p-2", async () => void steps.push("other"));
      steps.push("first");
    });
    await second;
    expect(steps).toEqual(["other", "first", "second"]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("that was killed leaves a lock, which the next tidying takes away, and not that of a living one", async () => {
    const { parked, folder } = await setUp();
    const old = new Date(Date.now() - OWN_LOCK.staleMs - 1_000);
    for (const name of ["decide-p-dead.lock", "other.lock"]) {
      mkdirSync(join(folder, name), { recursive: true });
      utimesSync(join(folder, name), old, old);
    }
    await parked.deciding("p-alive", async () => {
      await parked.sweep();
      expect(readdirSync(folder).toSorted()).toEqual(["decide-p-alive.lock", "other.lock"]);
    });
    expect(readdirSync(folder)).toEqual(["other.lock"]);
  });

  it("on a full disk is refused as such, and what it itself throws is left as it is", async () => {
    const { parked } = await setUp();
    const own = new CodexAuthError("ERR_FILE_UNWRITABLE", { message: "m", next: "n" });
    await expect(parked.deciding("p-1", () => Promise.reject(own))).rejects.toBe(own);
    // The lock is a folder, and there is no room for it.
    const real = lockfile.lockSync;
    onTestFinished(() => void (lockfile.lockSync = real));
    lockfile.lockSync = () => {
      throw Object.assign(new Error("ENOSPC: no"), { code: "ENOSPC" });
    };
    await expect(parked.deciding("p-1", () => Promise.resolve())).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
  });
});
