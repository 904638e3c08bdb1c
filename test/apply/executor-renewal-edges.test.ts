// Renewals in the hands of an executor whose locks, disk or gateway fail at one line or another: nothing that has come may be lost.

import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { storeTokens } from "../../src/apply/parked.ts";
import type { RenewalPort } from "../../src/apply/renewal.ts";
import { Rotations } from "../../src/apply/rotations.ts";
import { againId } from "../../src/apply/steps/settle.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import type { CodexAuthError, ErrorCode } from "../../src/errors.ts";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { drainerOf, fails, failure, killAt, losingLocks, statesOf } from "./executor-lab.ts";
import { storeWith } from "./steps/step-lab.ts";

const ALICE = "openai-codex:alice";
const DAY = 86_400_000;

/** A renewal of alice's login that nothing was asked for yet; `hasCome`: its answer is on disk already. */
async function setUp({ hasCome = true, renew }: { hasCome?: boolean; renew?: RenewalPort["renew"] } = {}) {
  const folder = await temporaryFolder();
  const rotations = new Rotations({ folder: ownPaths(join(folder, ".openclaw")).rotations, now: Date.now });
  const renewal: RenewalPort = {
    renew: renew ?? (() => Promise.reject(new Error("Nothing may be presented here."))),
    clientId: "ours",
    rotations,
    elsewhere: () => Promise.resolve([]),
  };
  const w = applyWorld(folder, { renewal });
  const job = await enqueueChange(w, "renew-login", {}, { profileId: ALICE });
  const came = receivedTokens("alice");
  const presented = fingerprint(String(w.readStore().profiles[ALICE]?.["refresh"]));
  if (hasCome) await w.queue.secrets.put(job.id, { login: storeTokens(came), presented });
  const put = (entry: object): void => {
    const store = w.readStore();
    store.profiles[ALICE] = { ...entry };
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  const losing = (error: CodexAuthError): ProfileStore => losingLocks(w.store, error);
  /** The store, which fails with `code` at each write under the locks. */
  const failing = (code: ErrorCode): ProfileStore =>
    storeWith(w.store, {
      holding: async (target, body, options) => {
        if (w.store.holding === undefined) throw new Error("There are no locks to hold.");
        return w.store.holding(target, (held, hold) => body(storeWith(held, { apply: fails(code) }), hold), options);
      },
    });
  return {
    w,
    job,
    came,
    put,
    losing,
    failing,
    drain: drainerOf(w.services),
    stored: () => w.readStore().profiles[ALICE]?.["refresh"],
    receipt: () => w.receipts.get(job.id),
    notes: async () => (await w.queue.get(job.id))?.journal.map(({ note }) => note) ?? [],
  };
}

describe("a renewal whose locks are lost", () => {
  it.each(["ERR_LOCK_LOST", "ERR_STORE_CONFLICT"] as const)(
    "before it is written (%s) is planned anew so many times, and then kept with the way to take it",
    async (code) => {
      const r = await setUp();
      const before = r.stored();
      expect(await r.drain({ store: r.failing(code) })).toBe(1);
      expect((await r.notes()).filter((note) => note === "planned again")).toHaveLength(APPLY.replanAttempts);
      expect(r.stored()).toBe(before);
      expect(await r.receipt()).toMatchObject({
        outcome: "parked",
        parkedId: againId(r.job),
        problem: { code, next: expect.stringContaining("/codex_auth parked") as string },
      });
      expect(await r.w.parked.list()).toMatchObject([{ reason: "store-failed" }]);
      expect((await r.w.parked.tokens(againId(r.job)))?.refresh.expose()).toBe(r.came.refresh.expose());
    },
  );

  it("while the gateway is told has its store looked at next, and is not planned a second time", async () => {
    const r = await setUp();
    const reload = r.w.gateway.reload.bind(r.w.gateway);
    r.w.gateway.reload = () => {
      unlinkSync(`${r.w.storePath}.lock`);
      return reload();
    };
    await r.drain();
    expect(r.stored()).toBe(r.came.refresh.expose());
    expect(await r.notes()).not.toContain("planned again");
    expect(r.w.gateway.calls).toEqual(["reload"]);
    expect(await r.receipt()).toMatchObject({ outcome: "done" });
    expect(await r.receipt()).not.toHaveProperty("problem");
  });

  it("after it has ended under them stays ended: somebody else had renewed it", async () => {
    const theirs = storedLogin("alice");
    const error = failure("ERR_RENEWAL_DEAD");
    const r = await setUp({
      hasCome: false,
      renew: async (_token, beforeSend) => {
        await beforeSend();
        r.put(theirs);
        return { kind: "dead", reason: "refresh_token_reused", error };
      },
    });
    expect(await r.drain({ store: r.losing(failure("ERR_LOCK_LOST")) })).toBe(1);
    const ended = await r.w.queue.get(r.job.id);
    expect(ended?.state).toBe("done");
    expect(ended?.journal.map(({ state }) => state)).toEqual(["queued", "done"]);
    expect(r.stored()).toBe(theirs.refresh);
    expect(await r.receipt()).toMatchObject({
      outcome: "done",
      note: expect.stringContaining("Somebody else") as string,
    });
  });

  it("is another matter than any other error at their end, which is told; the login stays", async () => {
    const r = await setUp();
    await r.drain({ store: r.losing(failure("ERR_FILE_UNWRITABLE")) });
    expect(r.stored()).toBe(r.came.refresh.expose());
    expect(await r.receipt()).toMatchObject({
      outcome: "done",
      problem: { code: "ERR_FILE_UNWRITABLE", next: expect.stringMatching(/^Restart the gateway now/) as string },
    });
    expect(await r.w.parked.list()).toEqual([]);
  });
});

describe("a renewal that meets a later login of the same person", () => {
  it("and was not written keeps what came, which nobody else has", async () => {
    const r = await setUp();
    const revive = killAt(r.w.queue, ({ state }) => state === "prepared");
    await expect(r.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    const theirs = storedLogin("alice", Date.now() + 99 * DAY);
    r.put(theirs);
    await r.drain();
    expect(r.stored()).toBe(theirs.refresh);
    expect(await r.receipt()).toMatchObject({ outcome: "parked", problem: { code: "ERR_RENEWAL_OVERTAKEN" } });
    expect((await r.w.parked.tokens(againId(r.job)))?.refresh.expose()).toBe(r.came.refresh.expose());
  });

  it("and was written leaves it: it is what the gateway has made of what came", async () => {
    const r = await setUp();
    const revive = killAt(r.w.queue, ({ state }) => state === "written");
    await expect(r.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    const later = storedLogin("alice", Date.now() + 99 * DAY);
    r.put(later);
    await r.drain();
    expect(r.stored()).toBe(later.refresh);
    expect(await r.notes()).toContain("a later value of the profile has come meanwhile");
    expect(await r.receipt()).toMatchObject({ outcome: "done" });
    expect(await r.w.parked.list()).toEqual([]);
  });

  it("and of which nobody can say whether it is that one is planned anew", async () => {
    const r = await setUp();
    const revive = killAt(r.w.queue, ({ state }) => state === "written");
    await expect(r.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    r.put(storedLogin("alice", Date.now() + 99 * DAY));
    r.w.store.readCredential = fails("ERR_STORE_CORRUPT");
    await r.drain();
    expect(await r.notes()).toContain("planned again");
    expect(await r.receipt()).toMatchObject({ outcome: "parked" });
  });
});

describe("a renewal whose answer has not come", () => {
  it("ends failed at once where the gateway cannot be told apart: nothing is asked, kept or tried again", async () => {
    const r = await setUp({ hasCome: false });
    const before = r.stored();
    r.w.gateway.state = "refused";
    await r.drain();
    expect(await r.w.queue.get(r.job.id)).toMatchObject({ state: "failed", repairs: 0 });
    expect(await r.receipt()).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_GATEWAY_DISAGREES", next: "Nothing." },
    });
    expect(r.stored()).toBe(before);
    expect(await r.w.parked.list()).toEqual([]);
  });

  it("ends parked where the disk took what came in the other place only", async () => {
    const fresh = receivedTokens("alice");
    const { access, refresh, expiresAtMs } = fresh;
    const r = await setUp({
      hasCome: false,
      renew: async (_token, beforeSend) => {
        await beforeSend();
        return { kind: "renewed", tokens: { access, refresh, expiresAtMs } };
      },
    });
    const before = r.stored();
    r.w.queue.secrets.put = fails("ERR_DISK_FULL");
    await r.drain();
    expect(await r.receipt()).toMatchObject({
      outcome: "parked",
      parkedId: againId(r.job),
      problem: { code: "ERR_DISK_FULL" },
    });
    expect(r.stored()).toBe(before);
    expect((await r.w.parked.tokens(againId(r.job)))?.refresh.expose()).toBe(refresh.expose());
  });
});

describe("a renewal that is written and cannot be told", () => {
  it("is told a little later where the gateway's signs do not agree, and otherwise by a restart at once", async () => {
    for (const [code, repairs, last] of [
      ["ERR_GATEWAY_DISAGREES", 1, "reload"],
      ["ERR_GATEWAY_RPC", 0, "restart"],
    ] as const) {
      const r = await setUp();
      const reload = r.w.gateway.reload.bind(r.w.gateway);
      let times = 0;
      r.w.gateway.reload = () => ((times += 1) === 1 ? Promise.reject(failure(code)) : reload());
      await r.drain();
      expect(await r.w.queue.get(r.job.id)).toMatchObject({ state: "done", repairs });
      expect(r.w.gateway.calls).toEqual([last]);
      expect(await r.notes()).not.toContain("planned again");
      expect(r.stored()).toBe(r.came.refresh.expose());
    }
  });
});

describe("a renewal that had begun when an older job about its profile came to light", () => {
  it("does not wait for it: what came is stored and told first", async () => {
    const r = await setUp();
    const revive = killAt(r.w.queue, ({ state }) => state === "prepared");
    await expect(r.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    const older = await enqueueChange(r.w, "order", { how: "first" }, { profileId: ALICE, activation: "restart" });
    await r.w.queue.save({ ...older, createdAt: 1 });
    const states = statesOf(r.w.queue);
    expect(await r.drain()).toBe(2);
    expect(states.indexOf("renew-login done")).toBeGreaterThan(-1);
    expect(states.indexOf("renew-login done")).toBeLessThan(states.indexOf("order activated"));
    expect(r.stored()).toBe(r.came.refresh.expose());
  });
});
