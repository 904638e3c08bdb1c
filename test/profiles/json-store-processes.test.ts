import { existsSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startNode, supportFile } from "../support/child-process.ts";
import { login, openClawState, sealedLogin } from "../support/openclaw-state.ts";

const ids = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `openai-codex:${prefix}${index}`);

describe("several writers at once", () => {
  it("lose nothing: six stores here, our store in a process and OpenClaw's lock in another", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { "openai-codex:old": login("old") }, kept: { deep: [1] } });
    const ours = startNode(supportFile("store-peer.mjs"), ["save", state.root, ...ids("process", 2)]);
    const theirs = startNode(supportFile("openclaw-lock-peer.mjs"), ["add", state.path("main"), ...ids("peer", 2)]);
    await Promise.all([ours.said("ready"), theirs.said("ready")]);
    const save = async (profileId: string): Promise<string> => {
      const store = state.store();
      const { plan, values } = await store.plan({
        profileId,
        provider: "openai-codex",
        credential: sealedLogin("new"),
      });
      const [change] = plan.files;
      const value = change === undefined ? undefined : values.get(change.path);
      if (change === undefined || value === undefined) throw new Error("nothing planned");
      return (await store.apply(change, value)).outcome;
    };
    expect(await Promise.all(ids("here", 6).map(save))).toEqual(Array.from({ length: 6 }, () => "written"));
    expect([await ours.exit, await theirs.exit]).toEqual([0, 0]);
    const { profiles, ...rest } = await state.get("main");
    const all = ["openai-codex:old", ...ids("here", 6), ...ids("process", 2), ...ids("peer", 2)];
    expect(Object.keys(profiles as object).toSorted()).toEqual(all.toSorted());
    expect(rest).toEqual({ version: 1, kept: { deep: [1] } });
    expect(await readdir(join(state.path("main"), ".."))).toEqual(["auth-profiles.json"]);
  });
});

describe("a writer that is killed between its lock and its rename", () => {
  it("leaves the old file, and the next one takes its lock and clears its temp file away", async () => {
    const state = await openClawState();
    const before = { version: 1, profiles: { "openai-codex:work": login("ada") } };
    await state.put("main", before);
    const bytes = await readFile(state.path("main"));
    const child = startNode(supportFile("store-peer.mjs"), ["stall", state.root, "openai-codex:work"]);
    await child.said("renaming");
    child.kill("SIGKILL");
    await child.exit;
    const folder = join(state.path("main"), "..");
    expect(await readFile(state.path("main"))).toEqual(bytes);
    expect(JSON.parse(await readFile(state.path("main", "auth-profiles.json.lock"), "utf8"))).toMatchObject({
      pid: child.pid,
    });
    const [temporary = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
    expect((await stat(join(folder, temporary))).mode & 0o777).toBe(0o600);

    const store = state.store();
    const credential = sealedLogin("ada");
    const { plan, values } = await store.plan({ profileId: "openai-codex:work", provider: "openai-codex", credential });
    const [change] = plan.files;
    const value = values.get(state.path("main"));
    if (change === undefined || value === undefined) throw new Error("nothing planned");
    expect(await store.apply(change, value, { waitMs: 0 })).toMatchObject({ outcome: "written" });
    expect(await readdir(folder)).toEqual(["auth-profiles.json"]);
    expect(existsSync(`${state.path("main")}.lock`)).toBe(false);
    expect(await store.check(change)).toBe("after");
  });
});
