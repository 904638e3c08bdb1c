// OpenClaw's files from inside its process: which of them count, what of an order it can keep, and when nothing may be written.

import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import type { AgentPlace } from "../../src/profiles/agents.ts";
import { FileBackend } from "../../src/profiles/openclaw-files.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import type { FileChange } from "../../src/profiles/store.ts";
import { only, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, NOW, sealedLogin, valueFor } from "../support/openclaw-state.ts";
import { filesOf, store } from "./plan-lab.ts";

const P = "openai-codex";
const [WORK, BOB, OWN] = [`${P}:work`, `${P}:bob`, `${P}:own`];
const SHAPES: readonly SdkShape[] = ["one-file", "two-files"];
const save = { profileId: WORK, provider: P, credential: sealedLogin("ada") } as const;

async function backendIn(shape: SdkShape): Promise<{
  readonly inside: Inside;
  readonly backend: FileBackend;
  readonly corruptFolder: string;
  place(agentId: string): AgentPlace;
}> {
  const inside = await openClawInside(shape);
  const { state, sdk } = inside;
  if (sdk.shape === "sqlite") throw new Error("files were expected");
  const corruptFolder = join(state.root, "corrupt");
  const paths = openClawPaths(readEnvironment({ HOME: state.root, OPENCLAW_STATE_DIR: state.root }));
  return {
    inside,
    backend: new FileBackend(sdk, { paths, home: state.root, corruptFolder, now: () => NOW }),
    corruptFolder,
    place: (agentId) => ({
      agentId,
      agentIds: [agentId],
      agentDir: inside.agentDir(agentId),
      storePath: state.path(agentId),
      statePath: state.path(agentId, "auth-state.json"),
      isMain: agentId === "main",
    }),
  };
}

describe.each(SHAPES)("files of the shape %s", (shape) => {
  it("are those of the agents that there are, with or without a store", async () => {
    const { inside } = await backendIn(shape);
    await inside.state.configure(`{ agents: { list: [{ id: "ops" }, { id: "idle" }] } }`);
    await inside.put("shared", { profiles: {} });
    await inside.put("ops", { profiles: {} });
    expect(await inside.store.agents()).toEqual([
      { agentId: "main", isMain: true, hasStore: true },
      { agentId: "ops", isMain: false, hasStore: true },
      { agentId: "idle", isMain: false, hasStore: false },
    ]);
  });

  it("have a second one only where this OpenClaw looks at it, for reading as for writing", async () => {
    const { inside } = await backendIn(shape);
    await inside.put("shared", { profiles: { [WORK]: login("ada"), [BOB]: login("bob") } });
    const stale = { version: 1, order: { [P]: [BOB, WORK] }, usageStats: { [BOB]: { lastUsed: 7 } } };
    await inside.state.put("main", stale, "auth-state.json");
    const isRead = shape === "two-files";
    expect((await inside.store.read()).storeOrder).toEqual(isRead ? [BOB, WORK] : undefined);
    await inside.carryOut({ profileId: WORK, credential: sealedLogin("ada") });
    const after = await inside.state.get("main");
    expect(after["order"] ?? {}).toEqual({});
    expect(after["usageStats"] ?? {}).toEqual({});
    expect(await inside.state.get("main", "auth-state.json")).toMatchObject(stale);
  });

  it("are copied only where something would be lost by a write, and for a change alone", async () => {
    const { inside, corruptFolder, backend, place } = await backendIn(shape);
    await inside.put("shared", { profiles: { [WORK]: login("ada") } });
    const planned = await inside.store.plan(save);
    await inside.store.apply(only(planned), valueFor(planned.values, only(planned)));
    expect(existsSync(corruptFolder)).toBe(false);
    await inside.state.put("main", "{ broken");
    for (const look of [
      () => inside.store.read(),
      () => inside.store.check(only(planned)),
      () => inside.store.readCredential(WORK),
      () => backend.read(place("main")),
    ]) {
      await expect(look()).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    }
    expect(existsSync(corruptFolder)).toBe(false);
    await expect(inside.store.read(undefined, { forChange: true })).rejects.toMatchObject({
      code: "ERR_STORE_CORRUPT",
    });
    expect(await readdir(corruptFolder)).toHaveLength(1);
  });

  it("are compared once more after the write: what came in beside it is drift", async () => {
    const { inside } = await backendIn(shape);
    await inside.put("shared", { profiles: { [BOB]: login("bob") } });
    const planned = await inside.store.plan(save);
    inside.fake.afterUpdate = () =>
      writeFileSync(inside.state.path("main"), JSON.stringify(store({ [BOB]: login("eve") })));
    const step = inside.store.apply(only(planned), valueFor(planned.values, only(planned)));
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_DRIFT" });
  });

  it("are never written over where they are broken at the very moment of the write", async () => {
    const { inside } = await backendIn(shape);
    await inside.put("shared", { profiles: { [BOB]: login("bob") } });
    const planned = await inside.store.plan(save);
    const beforeWrite = (): Promise<void> => writeFile(inside.state.path("main"), "{ broken");
    const step = inside.store.apply(only(planned), valueFor(planned.values, only(planned)), { beforeWrite });
    await expect(step).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    expect(await readFile(inside.state.path("main"), "utf8")).toBe("{ broken");
    expect(inside.fake.memory.size).toBe(0);
  });

  it("are left alone where there is nothing to write", async () => {
    const { inside, backend, place } = await backendIn(shape);
    await inside.put("shared", { profiles: { [BOB]: login("bob") } });
    const before = await stat(inside.state.path("main"));
    const hold = { lockPath: "", assertStillOurs: () => undefined, remainingMs: () => 1 };
    let judged: unknown;
    const found = await backend.update(place("main"), (now) => ((judged = now.profiles), undefined), hold);
    expect(found).toBeUndefined();
    expect(judged).toMatchObject({ profiles: { [BOB]: {} } });
    expect(await stat(inside.state.path("main"))).toMatchObject({ mtimeMs: before.mtimeMs, ino: before.ino });
    expect(inside.fake.memory.size).toBe(0);
  });

  it("are not written without the lock that was taken for it", async () => {
    const { inside, backend, place } = await backendIn(shape);
    await inside.put("shared", { profiles: {} });
    const lost = new Error("lost");
    const hold = {
      lockPath: "",
      assertStillOurs: () => {
        throw lost;
      },
      remainingMs: () => 1,
    };
    const write = backend.update(place("main"), () => ({ profiles: store({ [WORK]: {} }), state: undefined }), hold);
    await expect(write).rejects.toBe(lost);
    expect((await inside.get("shared"))["profiles"]).toEqual({});
  });

  it("are locked beside the store, whose folder is made for main and for nobody else", async () => {
    const { backend, place } = await backendIn(shape);
    const [main, ops] = [place("main"), place("ops")];
    expect(await backend.lockPathOf(ops)).toBe(`${ops.storePath}.lock`);
    const locked = backend.locked(ops, async () => "run", {});
    await expect(locked).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(existsSync(ops.agentDir)).toBe(false);
    const seen = await backend.locked(
      main,
      async ({ lockPath }) => [lockPath, existsSync(`${main.storePath}.lock`)],
      {},
    );
    expect(seen).toEqual([await backend.lockPathOf(main), true]);
    expect((await stat(main.agentDir)).mode & 0o777).toBe(0o700);
    await mkdir(ops.agentDir, { recursive: true });
    expect(await backend.locked(ops, async () => "run", {})).toBe("run");
  });

  it("are not begun where older logins wait to be taken over", async () => {
    const { inside, backend, place } = await backendIn(shape);
    await mkdir(dirname(inside.state.path("main")), { recursive: true });
    expect(() => backend.assertMayBegin(place("main"))).not.toThrow();
    await inside.state.put("main", {}, "auth.json");
    await expect(inside.store.plan(save)).rejects.toMatchObject({ code: "ERR_STORE_LEGACY" });
  });

  it("have no changes of an earlier generation to take over", async () => {
    expect((await backendIn(shape)).backend.takenOver()).toBeUndefined();
  });
});

describe("an order that OpenClaw is to keep", () => {
  const ada = login("ada");
  const main = filesOf("main", store({ [WORK]: ada, [BOB]: ada }));
  const ops = filesOf("ops", store({ [OWN]: ada }));
  const change = (orderBefore: string[] | null, orderAfter: string[] | null): FileChange => ({
    path: "",
    agentId: "",
    profileId: WORK,
    role: "order",
    before: "print",
    after: "print",
    orderBefore,
    orderAfter,
    clearCooldown: false,
    creates: false,
  });

  it("is left as it is in one file, and where it does not change", async () => {
    const one = change([WORK], ["gone"]);
    expect((await backendIn("one-file")).backend.keepable(one, main, main)).toBe(one);
    const same = change(["gone"], ["gone"]);
    expect((await backendIn("two-files")).backend.keepable(same, main, main)).toBe(same);
  });

  it("loses, in two files, what the store itself does not have, and is none where nothing is left", async () => {
    const { backend } = await backendIn("two-files");
    expect(backend.keepable(change(null, ["gone", BOB, WORK]), main, main).orderAfter).toEqual([BOB, WORK]);
    expect(backend.keepable(change([WORK], ["gone"]), main, main).orderAfter).toBeNull();
    expect(backend.keepable(change([WORK], null), main, main).orderAfter).toBeNull();
    expect(backend.keepable(change(null, ["gone", OWN]), ops, main).orderAfter).toEqual([OWN]);
  });

  it("counts the profile of the change by what there will be of it", async () => {
    const { backend } = await backendIn("two-files");
    const removed = { ...change([WORK, BOB], [WORK, BOB, "gone"]), after: null };
    expect(backend.keepable(removed, main, main).orderAfter).toEqual([BOB]);
    const added = { ...change(null, ["openai-codex:new"]), profileId: "openai-codex:new", before: null };
    expect(backend.keepable(added, main, main).orderAfter).toEqual(["openai-codex:new"]);
  });

  it("is refused where an agent's own would lose what it inherits, also beside what is nowhere", async () => {
    const { backend } = await backendIn("two-files");
    const unsupported = expect.objectContaining({ code: "ERR_GENERATION_UNSUPPORTED" }) as Error;
    expect(() => backend.keepable(change([OWN], [OWN, "gone", BOB]), ops, main)).toThrow(unsupported);
    const own = filesOf("ops", store({ [OWN]: ada, [WORK]: ada, [BOB]: ada }));
    expect(backend.keepable(change([OWN], [BOB, WORK]), own, main).orderAfter).toEqual([BOB, WORK]);
  });
});
