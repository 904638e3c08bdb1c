// One store's step on disk: which folders and stores are begun, which files are written, under whose lock, and for how long.

import { existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyFileChange, assertMayBegin, type FileTarget } from "../../src/profiles/json-apply.ts";
import { sealCredential } from "../../src/profiles/profile.ts";
import type { FileChange } from "../../src/profiles/store.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { withOpenClawLock, type OpenClawLockHold } from "../../src/storage/openclaw-lock.ts";
import { login, openClawState, type OpenClawState } from "../support/openclaw-state.ts";

const P = "openai-codex";
const WORK = `${P}:work`;
const ada = login("ada");
const next = sealCredential(ada);

function targetOf(state: OpenClawState, agentId = "main", hold?: OpenClawLockHold): FileTarget {
  const place = {
    agentId,
    agentIds: [agentId],
    agentDir: dirname(state.path(agentId)),
    storePath: state.path(agentId),
    statePath: state.path(agentId, "auth-state.json"),
    isMain: agentId === "main",
  };
  return { place, oauthDir: join(state.root, "credentials"), read: {}, hold };
}

const change = (more: Partial<FileChange> = {}): FileChange => ({
  path: "not looked at here",
  agentId: "main",
  profileId: WORK,
  role: "owner",
  before: null,
  after: fingerprintJson(ada),
  orderBefore: null,
  orderAfter: null,
  clearCooldown: false,
  creates: false,
  ...more,
});
const store = { version: 1, profiles: {} };
const filesOf = async (state: OpenClawState, agentId = "main"): Promise<readonly string[]> =>
  (await readdir(dirname(state.path(agentId)))).toSorted();

describe("a store that is not there", () => {
  it("is begun for main where the plan says so, with its folder 0700", async () => {
    const state = await openClawState();
    const applied = await applyFileChange(targetOf(state), change({ creates: true }), next, {});
    expect(applied).toEqual({ outcome: "written", written: [state.path("main")] });
    expect(await state.get("main")).toEqual({ version: 1, profiles: { [WORK]: ada } });
    expect((await stat(dirname(state.path("main")))).mode & 0o777).toBe(0o700);
  });

  it("is a conflict where the plan found one, and no folder is made for it", async () => {
    const state = await openClawState();
    await expect(applyFileChange(targetOf(state), change(), next, {})).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
      retryable: true,
    });
    expect(await readdir(state.root)).toEqual([]);
    await mkdir(dirname(state.path("main")), { recursive: true });
    await expect(applyFileChange(targetOf(state), change(), next, {})).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
    });
    expect(await filesOf(state)).toEqual([]);
  });

  it("is never begun for another agent, whatever the plan says", async () => {
    const state = await openClawState();
    const begin = (): Promise<unknown> => applyFileChange(targetOf(state, "ops"), change({ creates: true }), next, {});
    await expect(begin()).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(await readdir(state.root)).toEqual([]);
    await mkdir(dirname(state.path("ops")), { recursive: true });
    await expect(begin()).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(await filesOf(state, "ops")).toEqual([]);
  });

  it("may be begun beside an empty folder of older logins, and not beside one that holds some", async () => {
    const state = await openClawState();
    const target = targetOf(state);
    await mkdir(target.oauthDir);
    expect(() => assertMayBegin(target)).not.toThrow();
    await writeFile(join(target.oauthDir, "oauth.json"), "{}");
    expect(() => assertMayBegin(target)).toThrow(expect.objectContaining({ code: "ERR_STORE_LEGACY" }));
  });
});

describe("the files of a step", () => {
  it("are only those that change, the second one first", async () => {
    const state = await openClawState();
    await state.put("main", store);
    await state.put("main", { version: 1 }, "auth-state.json");
    const { ino } = await stat(state.path("main"));
    const order = change({ after: null, orderAfter: [WORK] });
    expect(await applyFileChange(targetOf(state), order, null, {})).toEqual({
      outcome: "written",
      written: [state.path("main", "auth-state.json")],
    });
    expect((await stat(state.path("main"))).ino).toBe(ino);
    const both = change({ orderBefore: [WORK] });
    expect(await applyFileChange(targetOf(state), both, next, {})).toEqual({
      outcome: "written",
      written: [state.path("main", "auth-state.json"), state.path("main")],
    });
  });

  it("get rid of what a killed writer left beside them, also where nothing is to be written", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: ada } });
    const leftovers = ["auth-profiles.json", "auth-state.json"].map((name) => `.${name}.1-0123456789ab.tmp`);
    for (const name of [...leftovers, ".mine.tmp"]) await writeFile(state.path("main", name), "half");
    expect(await applyFileChange(targetOf(state), change(), next, {})).toEqual({ outcome: "already", written: [] });
    expect(await filesOf(state)).toEqual([".mine.tmp", "auth-profiles.json"]);
  });

  it("are left alone where the hook before them refuses, and the hook is not asked where all is done already", async () => {
    const state = await openClawState();
    await state.put("main", store);
    const failure = new Error("no");
    const options = { beforeWrite: () => Promise.reject(failure) };
    await expect(applyFileChange(targetOf(state), change(), next, options)).rejects.toBe(failure);
    expect(await state.get("main")).toEqual(store);
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
    await state.put("main", { version: 1, profiles: { [WORK]: ada } });
    expect(await applyFileChange(targetOf(state), change(), next, options)).toMatchObject({ outcome: "already" });
  });
});

describe("the lock of a step", () => {
  it("is not taken a second time where the caller holds it", async () => {
    const state = await openClawState();
    await state.put("main", store);
    const applied = await withOpenClawLock(state.path("main"), async (hold) => {
      let seen: OpenClawLockHold | undefined;
      const options = { waitMs: 50, whileLocked: async (held: OpenClawLockHold) => void (seen = held) };
      const result = await applyFileChange(targetOf(state, "main", hold), change(), next, options);
      expect(seen).toBe(hold);
      expect(existsSync(`${state.path("main")}.lock`)).toBe(true);
      return result;
    });
    expect(applied).toMatchObject({ outcome: "written" });
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
  });

  it.each([
    ["the last moment has passed", 0],
    ["it is over time", -1],
  ])("that may not be held any longer (%s) writes nothing", async (_what, remaining) => {
    const state = await openClawState();
    await state.put("main", store);
    const hold = { lockPath: "", assertStillOurs: () => undefined, remainingMs: () => remaining };
    await expect(applyFileChange(targetOf(state, "main", hold), change(), next, {})).rejects.toMatchObject({
      code: "ERR_LOCK_LOST",
      retryable: true,
    });
    expect(await state.get("main")).toEqual(store);
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
    const enough = { ...hold, remainingMs: () => 1 };
    expect(await applyFileChange(targetOf(state, "main", enough), change(), next, {})).toMatchObject({
      outcome: "written",
    });
  });

  it("that is lost is told as whoever holds it tells it, and nothing is written", async () => {
    const state = await openClawState();
    await state.put("main", store);
    const lost = new Error("lost");
    const hold = {
      lockPath: "",
      assertStillOurs: () => {
        throw lost;
      },
      remainingMs: () => 1,
    };
    await expect(applyFileChange(targetOf(state, "main", hold), change(), next, {})).rejects.toBe(lost);
    expect(await state.get("main")).toEqual(store);
  });
});
