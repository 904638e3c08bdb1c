// What a review found: the ways in which a renewal could have ended a login after all, each shut.

import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Rotations } from "../../src/apply/rotations.ts";
import { againId } from "../../src/apply/steps/settle.ts";
import { RENEWAL } from "../../src/config/defaults.ts";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import { refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { ALICE, entryOf, renewalWorld, signIn } from "../support/renewal-world.ts";

type World = Awaited<ReturnType<typeof renewalWorld>>;

const receiptOf = async (w: World, id: string) => (await w.receipts.get(id)) ?? expect.fail("there is no receipt");
const failure = (code: ErrorCode): CodexAuthError => new CodexAuthError(code, { message: "m", next: "n" });
const portOf = (w: World) => w.services.renewal ?? expect.fail();

/** A second agent with `profiles` in a store of its own; gives its path. */
function helper(w: World, profiles: object): string {
  const stateDir = join(w.folder, ".openclaw");
  const path = join(stateDir, "agents", "helper", "agent", "auth-profiles.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ version: 1, profiles }));
  writeFileSync(
    join(stateDir, "openclaw.json"),
    JSON.stringify({ agents: { list: [{ id: "main" }, { id: "helper" }] } }),
  );
  return path;
}

function put(w: World, id: string, entry: object): void {
  const store = w.readStore();
  writeFileSync(w.storePath, JSON.stringify({ ...store, profiles: { ...store.profiles, [id]: entry } }));
}

describe("a renewal where several agents are concerned", () => {
  it("sends nothing where another agent has another login of the same account: it may be the later one", async () => {
    const w = await renewalWorld();
    const theirs = entryOf(await signIn(w.sandbox));
    const path = helper(w, { [ALICE]: theirs });
    const [mine, helpers] = [readFileSync(w.storePath, "utf8"), readFileSync(path, "utf8")];
    for (const agentId of ["main", "helper"]) {
      const job = await w.renew({ agentId });
      await w.drain();
      expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_TOKEN_SHARED" } });
    }
    expect(w.sandbox.presentations()).toEqual([]);
    expect([readFileSync(w.storePath, "utf8"), readFileSync(path, "utf8")]).toEqual([mine, helpers]);
  });

  it("leaves another person's login of that name where it is", async () => {
    const w = await renewalWorld();
    const path = helper(w, { [ALICE]: storedLogin("somebody") });
    const before = readFileSync(path, "utf8");
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done" });
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  it("waits for an agent that inherits the login: 2026.4.5 renews under that agent's own lock", async () => {
    const w = await renewalWorld();
    const path = helper(w, {});
    unlinkSync(path);
    const job = await w.renew();
    const begun = await withOpenClawLock(path, async () => {
      const drained = w.drain();
      await expect.poll(async () => (await w.queue.get(job.id))?.progress?.step).toBe("waiting-for-store");
      expect(w.sandbox.presentations()).toEqual([]);
      return { drained };
    });
    await begun.drained;
    await expect.poll(async () => (await w.queue.get(job.id))?.state, { timeout: 10_000 }).toBe("done");
  });

  it("sends nothing where a store cannot be read, or two stores are one file", async () => {
    const w = await renewalWorld();
    const path = helper(w, {});
    writeFileSync(path, "{");
    const first = await w.renew();
    await w.drain();
    expect(await receiptOf(w, first.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_STORE_CORRUPT" } });
    unlinkSync(path);
    symlinkSync(w.storePath, path);
    const second = await w.renew();
    await w.drain();
    expect(await receiptOf(w, second.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_STORE_LINKED" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });
});

describe("a renewal and its gateway", () => {
  it("sends nothing where the gateway cannot be talked to: it could not be told afterwards", async () => {
    const w = await renewalWorld();
    w.gateway.profiles = () => Promise.reject(failure("ERR_GATEWAY_AUTH"));
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_GATEWAY_AUTH" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("sends nothing where a gateway that may not be told has come while the lock was waited for", async () => {
    const w = await renewalWorld();
    w.gateway.state = "stopped";
    const job = await w.renew({ activation: "none" });
    const begun = await withOpenClawLock(w.storePath, async () => {
      const drained = w.drain();
      await expect.poll(async () => (await w.queue.get(job.id))?.progress?.step).toBe("waiting-for-store");
      w.gateway.state = "running";
      return { drained };
    });
    await begun.drained;
    await expect
      .poll(() => w.receipts.get(job.id), { timeout: 10_000 })
      .toMatchObject({
        outcome: "failed",
        problem: { code: "ERR_RENEWAL_UNSAFE" },
      });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("says to restart it first where it could not be told", async () => {
    const w = await renewalWorld();
    w.gateway.reloadFails = 5;
    w.gateway.restartPossible = false;
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      problem: { next: expect.stringContaining("Restart the gateway now") },
    });
  });

  it("is written although the gateway is just starting when the answer comes, and tells it later", async () => {
    const w = await renewalWorld();
    const locate = w.gateway.locate.bind(w.gateway);
    const { renew } = portOf(w);
    Object.assign(portOf(w), {
      renew: async (...args: Parameters<typeof renew>) => {
        const outcome = await renew(...args);
        let looks = 0;
        w.gateway.locate = () => {
          looks += 1;
          if (looks > 2) return locate();
          const error = new CodexAuthError("ERR_GATEWAY_STARTING", { message: "m", next: "n", retryable: true });
          return Promise.resolve({ kind: "refused", error });
        };
        return outcome;
      },
    });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done", activation: { proven: "listed-by-gateway" } });
    expect(w.gateway.calls).toEqual(["reload"]);
  });
});

describe("a renewal that is interrupted", () => {
  it("goes on under all locks, whatever it stands at", async () => {
    const w = await renewalWorld();
    const locks = [`${w.storePath}.lock`, `${refreshLockTarget(join(w.folder, ".openclaw"), ALICE)}.lock`];
    const isHeld = (): boolean[] => locks.map((path) => readFileSync(path, "utf8").includes(String(process.pid)));
    // Fenced twice: with its tokens on disk, and with its plan.
    for (const name of ["prepared", "written"]) {
      const job = await w.renew();
      const save = w.queue.save.bind(w.queue);
      w.queue.save = (one) => (one.state === name ? Promise.reject(failure("ERR_EXECUTOR_FENCED")) : save(one));
      await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
      w.queue.save = save;
      const reload = w.gateway.reload.bind(w.gateway);
      const seen: boolean[][] = [];
      w.gateway.reload = () => (seen.push(isHeld()), reload());
      await w.drain();
      w.gateway.reload = reload;
      expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done" });
      expect(seen).toEqual([[true, true]]);
    }
    expect(w.timesPresented()).toEqual([1, 1]);
  });

  it("is stored although its person may do nothing any more, and although they have given it up", async () => {
    const w = await renewalWorld();
    const job = await w.renew();
    const save = w.queue.save.bind(w.queue);
    w.queue.save = (one) => (one.renewal === undefined ? save(one) : Promise.reject(failure("ERR_EXECUTOR_FENCED")));
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    Object.assign(w.services, { mayStill: () => false });
    await expect(w.queue.cancel(job.id)).rejects.toMatchObject({ code: "ERR_JOB_NOT_CANCELLABLE" });
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done" });
    expect(w.timesPresented()).toEqual([1]);
  });

  it("keeps its tokens where somebody has signed in before they could be written", async () => {
    const w = await renewalWorld();
    const job = await w.renew();
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (one) => {
      await save(one);
      if (one.state === "prepared") throw failure("ERR_EXECUTOR_FENCED");
    };
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    put(w, ALICE, { ...entryOf(await signIn(w.sandbox)), expires: Date.now() + 99 * 86_400_000 });
    await w.drain();
    const receipt = await receiptOf(w, job.id);
    expect(receipt).toMatchObject({ outcome: "parked", problem: { code: "ERR_RENEWAL_OVERTAKEN" } });
    const kept = await w.parked.tokens(receipt.parkedId ?? "");
    expect(w.sandbox.standing(kept?.refresh.expose() ?? "")).toBe("live");
  });

  it("keeps its tokens where the disk is too full for them in one place", async () => {
    const w = await renewalWorld();
    const keep = w.queue.secrets.put.bind(w.queue.secrets);
    w.queue.secrets.put = () => {
      w.queue.secrets.put = keep;
      return Promise.reject(failure("ERR_DISK_FULL"));
    };
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      outcome: "parked",
      parkedId: againId(job),
      problem: { code: "ERR_DISK_FULL" },
    });
    const kept = await w.parked.tokens(againId(job));
    expect(w.sandbox.standing(kept?.refresh.expose() ?? "")).toBe("live");
  });

  it("takes what another executor has got meanwhile, and asks no second time", async () => {
    const w = await renewalWorld();
    const job = await w.renew();
    const fresh = await signIn(w.sandbox);
    const begun = await withOpenClawLock(w.storePath, async () => {
      const drained = w.drain();
      await expect.poll(async () => (await w.queue.get(job.id))?.progress?.step).toBe("waiting-for-store");
      const { access, refresh, expiresAtMs } = fresh;
      const login = { access: access.expose(), refresh: refresh.expose(), expiresAtMs };
      await w.queue.secrets.put(job.id, { login, presented: fingerprint(w.login.refresh) });
      return { drained };
    });
    await begun.drained;
    await expect.poll(() => w.receipts.get(job.id), { timeout: 10_000 }).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[ALICE]?.["refresh"]).toBe(fresh.refresh.expose());
    expect(w.sandbox.presentations()).toEqual([]);
  });
});

describe("a refresh token", () => {
  it("that a planned change brings is not written any more once it is spent, also under another name", async () => {
    const w = await renewalWorld();
    const { access, refresh, expiresAtMs } = w.login;
    const save = w.queue.save.bind(w.queue);
    const old = await w.enqueue({ access, refresh, expiresAtMs }, { profileId: "openai-codex:old" });
    w.queue.save = async (one) => {
      await save(one);
      if (one.state === "prepared") throw failure("ERR_EXECUTOR_FENCED");
    };
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    const about = { agentId: "main", profileId: ALICE, jobId: "job-x" };
    await w.rotations.note({ ...about, token: fingerprint(refresh), phase: "spent" });
    await w.drain();
    expect(await receiptOf(w, old.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_TOKEN_SPENT" } });
    expect(w.readStore().profiles["openai-codex:old"]).toBeUndefined();
  });

  it("that the server has ended is not taken from the waiting logins", async () => {
    const w = await renewalWorld();
    const { access, refresh, expiresAtMs } = w.login;
    const about = { agentId: "main", profileId: ALICE, jobId: "job-x" };
    await w.rotations.note({ ...about, token: fingerprint(refresh), phase: "dead", reason: "token_revoked" });
    const job = await w.enqueue({ access, refresh, expiresAtMs }, { profileId: "openai-codex:old" });
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_TOKEN_SPENT" } });
  });

  it("of another provider, or given to another program, is not sent to this server", async () => {
    const w = await renewalWorld();
    put(w, "anthropic:o", { ...entryOf(w.login), provider: "anthropic", refresh: "rt-other" });
    const other = await enqueueChange(w, "renew-login", {}, { profileId: "anthropic:o" });
    await w.drain();
    put(w, ALICE, { ...entryOf(w.login), clientId: "app_other" });
    const foreign = await w.renew();
    await w.drain();
    for (const { id } of [other, foreign])
      expect(await receiptOf(w, id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_NONE" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("stays here where the lock was lost, the note cannot be written, or the person was taken off the list", async () => {
    const w = await renewalWorld();
    const { renew } = portOf(w);
    Object.assign(portOf(w), {
      renew: (...[token, beforeSend]: Parameters<typeof renew>) =>
        renew(token, () => {
          unlinkSync(`${w.storePath}.lock`);
          return beforeSend();
        }),
    });
    const lost = await w.renew();
    await w.drain().catch(() => undefined);
    expect(w.sandbox.presentations()).toEqual([]);
    expect((await w.receipts.get(lost.id))?.outcome).toBe("failed");
    Object.assign(portOf(w), { renew });

    const note = w.rotations.note.bind(w.rotations);
    w.rotations.note = (one) => (one.phase === "sent" ? Promise.reject(failure("ERR_DISK_FULL")) : note(one));
    const full = await w.renew();
    await w.drain();
    w.rotations.note = note;
    expect(await receiptOf(w, full.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_DISK_FULL" } });
    expect(await w.rotations.get(fingerprint(w.login.refresh))).toBeUndefined();

    let asked = 0;
    Object.assign(w.services, { mayStill: () => (asked += 1) === 1 });
    const gone = await w.renew();
    await w.drain();
    expect(await receiptOf(w, gone.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_NOT_ALLOWED" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("is not presented where it was given up while the lock was waited for", async () => {
    const w = await renewalWorld();
    const job = await w.renew();
    const ended = withOpenClawLock(w.storePath, async () => {
      const drained = w.drain();
      await expect.poll(async () => (await w.queue.get(job.id))?.progress?.step).toBe("waiting-for-store");
      await w.queue.cancel(job.id);
      return { drained };
    });
    await (
      await ended
    ).drained;
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "cancelled" });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("of an opaque login is judged by what the entry says of its account", async () => {
    const w = await renewalWorld();
    put(w, ALICE, { ...entryOf(w.login), access: "opaque", accountId: "acct-else" });
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_RENEWAL_OTHER_ACCOUNT" },
    });
  });
});

describe("a renewal beside other jobs", () => {
  it("waits for an older one about its profile, which might still write what the renewal would use up", async () => {
    const w = await renewalWorld();
    const { access, refresh, expiresAtMs } = await signIn(w.sandbox);
    // The older one has to wait for a restart, behind which the gateway writes its memory back: it is then written once more.
    const older = await w.enqueue({ access, refresh, expiresAtMs }, { profileId: ALICE, activation: "restart" });
    const job = await w.renew();
    w.gateway.writesBack = 1;
    await w.drain();
    const journal = (await w.queue.get(older.id))?.journal ?? [];
    const begun = (await w.queue.get(job.id))?.journal[1]?.at ?? 0;
    expect(journal.at(-1)?.at ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(begun);
    expect(await receiptOf(w, older.id)).toMatchObject({ outcome: "done" });
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "done" });
    expect(w.sandbox.standing(String(w.readStore().profiles[ALICE]?.["refresh"]))).toBe("live");
  });

  it("sends nothing where too little is left of the time that the locks may be held", async () => {
    const w = await renewalWorld();
    const { store } = w.services;
    const holding = store.holding?.bind(store) ?? expect.fail();
    store.holding = (target, body, options) =>
      holding(target, (held, hold) => body(held, { ...hold, remainingMs: () => 19_999 }), options);
    const job = await w.renew();
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_LOCK_LOST" } });
    expect(w.sandbox.presentations()).toEqual([]);
  });

  it("keeps a login out of the store while its token is on its way to the server, and not for longer", async () => {
    const w = await renewalWorld();
    const { access, refresh, expiresAtMs } = await signIn(w.sandbox);
    const about = { agentId: "main", profileId: "openai-codex:x", jobId: "p-1", token: fingerprint(refresh) };
    await w.rotations.note({ ...about, phase: "sent" });
    const job = await w.enqueue({ access, refresh, expiresAtMs }, { profileId: "openai-codex:x" });
    await w.drain();
    expect(await receiptOf(w, job.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_TOKEN_SPENT" } });
    const later = new Rotations({ folder: w.paths.rotations, now: () => Date.now() + RENEWAL.underWayMs + 1 });
    expect([await w.rotations.isBarred(about.token), await later.isBarred(about.token)]).toEqual([true, false]);
  });
});

describe("OpenClaw's refresh lock", () => {
  it("lies where 2026.5.28 has it", () => {
    // sha256 of "openai-codex", a zero byte, and the id (its path-resolve, read).
    expect(refreshLockTarget("/s", "openai-codex:default")).toBe(
      "/s/locks/oauth-refresh/sha256-cee1bbaed8073aace8170859a25616882c288ceeaa1119df363bf01cc0cdab65",
    );
  });
});
