// The store inside the gateway where something is not as usual: unreadable agents, entries that are none, plans that are out of date.

import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import { unsealEntry } from "../../src/profiles/profile.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { only, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const SHAPES: readonly SdkShape[] = ["one-file", "two-files", "sqlite"];
const FILES: readonly SdkShape[] = ["one-file", "two-files"];

/** Entries and ids as this OpenClaw stores them. */
function words(inside: Inside) {
  const p = inside.provider;
  const id = (name: string): string => `${p}:${name}`;
  const entry = (who: string): Record<string, unknown> => ({ ...login(who), provider: p });
  const save = (who = "ada") => ({ profileId: id("work"), provider: p, credential: sealedLogin(who) });
  return { p, id, entry, save };
}

describe.each(SHAPES)("inside an OpenClaw of the shape %s", (shape) => {
  it("a credential is the agent's own, inherited, or main's, which nobody inherits", async () => {
    const inside = await openClawInside(shape);
    const { id, entry } = words(inside);
    await inside.put("shared", { profiles: { [id("work")]: entry("ada"), [id("both")]: entry("bob") } });
    await inside.put("ops", { profiles: { [id("own")]: entry("olga"), [id("both")]: entry("olga") } });
    const { store } = inside;
    expect(await store.readCredential(id("work"))).toMatchObject({ inherited: false });
    expect(await store.readCredential(id("work"), "ops")).toMatchObject({ inherited: true });
    expect(await store.readCredential(id("own"), "ops")).toMatchObject({ inherited: false });
    expect(await store.readCredential(id("own"))).toBeUndefined();
    const both = await store.readCredential(id("both"), "ops");
    expect(both?.inherited).toBe(false);
    expect(both === undefined ? undefined : unsealEntry(both.credential)).toMatchObject({
      access: expect.any(String) as unknown,
    });
    const main = await store.readCredential(id("both"));
    expect(main?.credential.expose()).not.toBe(both?.credential.expose());
    expect(await store.readCredential(id("none"))).toBeUndefined();
  });

  it("an entry that is no credential is neither read nor in force, and shares no token", async () => {
    const inside = await openClawInside(shape);
    const { id, entry, p } = words(inside);
    const foreign = { type: "oauth", provider: "anthropic", access: "a", refresh: "r" };
    const noEnd = { type: "oauth", provider: p, access: "a", refresh: "shared" };
    const ada = entry("ada");
    await inside.put("shared", {
      profiles: {
        [id("odd")]: { type: "oauth", provider: p, access: 7 },
        [id("work")]: ada,
        [id("endless")]: noEnd,
        "anthropic:x": foreign,
      },
    });
    await inside.put("ops", { profiles: { [id("copy")]: noEnd } });
    const { store } = inside;
    expect(await store.readCredential(id("odd"))).toBeUndefined();
    expect(await store.loaded()).toStrictEqual([
      { profileId: id("work"), expiresAtMs: ada["expires"] },
      { profileId: id("endless") },
    ]);
    expect(await store.loaded("ops")).toContainEqual({ profileId: id("copy") });
    expect(await store.sharedTokens()).toEqual([
      {
        fingerprint: fingerprint("shared"),
        holders: [
          { owner: "main", profileId: id("endless") },
          { owner: "ops", profileId: id("copy") },
        ],
      },
    ]);
  });

  it("what was there before is kept for an undo just as it was, credential or not", async () => {
    const inside = await openClawInside(shape);
    const { id, save, p } = words(inside);
    for (const previous of [
      { type: "oauth", provider: p, access: 7 },
      { mode: "token", provider: p, token: "t" },
    ]) {
      await inside.put("shared", { profiles: { [id("work")]: previous } });
      const { values } = await inside.store.plan(save());
      const [value] = [...values.values()];
      // What a database gives back of an entry is all that there was.
      const kept = (await inside.get("shared"))["profiles"] as Record<string, unknown>;
      if (shape === "sqlite") expect(value?.previous).not.toBeNull();
      else expect(value?.previous == null ? null : unsealEntry(value.previous)).toStrictEqual(kept[id("work")]);
    }
  });

  it("what is written is told, once, and told again where it is taken back", async () => {
    const inside = await openClawInside(shape);
    const { id, save } = words(inside);
    await inside.put("shared", { profiles: { [id("bob")]: words(inside).entry("bob") } });
    const planned = await inside.store.plan(save());
    const file = only(planned);
    const values = valueFor(planned.values, file);
    expect(await inside.store.apply(file, values)).toEqual({ outcome: "written", written: [file.path] });
    expect(await inside.store.apply(file, values)).toEqual({ outcome: "already", written: [] });
    expect(await inside.store.undo(file, values)).toEqual({ outcome: "written", written: [file.path] });
  });

  it("settings that name a profile are found by its id in the words of this OpenClaw", async () => {
    const inside = await openClawInside(shape);
    const { id } = words(inside);
    await inside.state.configure(`{ auth: { profiles: { "${id("work")}": {} } } }`);
    expect(await inside.store.namedInConfig("openai-codex:work")).toEqual([`auth.profiles.${id("work")}`]);
  });
});

describe.each(FILES)("files of the shape %s, planned and carried out from inside", (shape) => {
  it("are nobody's inheritance for an agent that has its logins in main's own folder", async () => {
    const inside = await openClawInside(shape);
    const { id, entry } = words(inside);
    await inside.state.configure(
      JSON.stringify({ agents: { list: [{ id: "twin", agentDir: inside.agentDir("main") }] } }),
    );
    await inside.put("shared", { profiles: { [id("work")]: entry("ada") } });
    expect(await inside.store.readCredential(id("work"), "twin")).toMatchObject({ inherited: false });
    expect(await inside.store.read("twin")).toMatchObject({ agentId: "twin", summaries: [{ inherited: false }] });
  });

  it("are planned where there are some, whatever older logins lie beside them", async () => {
    const inside = await openClawInside(shape);
    const { id, entry, save } = words(inside);
    await inside.put("shared", { profiles: { [id("bob")]: entry("bob") } });
    await inside.state.put("main", {}, "auth.json");
    expect((await inside.store.plan(save())).plan.files).toMatchObject([{ agentId: "main", creates: false }]);
  });

  it("name an agent whose store is broken, keep a copy, and refuse to plan for that agent", async () => {
    const inside = await openClawInside(shape);
    const { id, entry, save } = words(inside);
    await inside.put("shared", { profiles: { [id("work")]: entry("ada") } });
    await inside.state.put("ops", "{ broken");
    const { plan } = await inside.store.plan(save());
    expect(plan).toMatchObject({ unreadable: ["ops"], files: [{ agentId: "main" }] });
    expect(await readdir(join(inside.state.root, "corrupt"))).toHaveLength(1);
    await expect(inside.store.plan(save(), "ops")).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(await inside.store.outline()).toMatchObject([{ isReadable: true }, { agentId: "ops", isReadable: false }]);
    expect(await inside.store.sharedTokens()).toEqual([]);
    await inside.state.put("main", "{ broken, too");
    await expect(inside.store.plan(save())).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(await readdir(join(inside.state.root, "corrupt"))).toHaveLength(2);
  });

  it("count an agent that has no store of its own for one that inherits", async () => {
    const inside = await openClawInside(shape);
    const { id, entry, p } = words(inside);
    await inside.put("shared", { profiles: { [id("work")]: entry("ada") } });
    await inside.state.put("ops", { version: 1, order: { [p]: [id("work")] } }, "auth-state.json");
    const { plan } = await inside.store.plan({ profileId: id("work"), provider: p, order: [id("work")] }, "ops");
    expect(plan.files).toMatchObject([{ agentId: "main", role: "order" }]);
  });

  it("are not begun anew where they were removed since the plan, nor ever for an agent", async () => {
    const inside = await openClawInside(shape);
    const { id, entry, save } = words(inside);
    await inside.put("shared", { profiles: { [id("bob")]: entry("bob") } });
    await inside.put("ops", { profiles: { [id("own")]: entry("olga") } });
    const planned = await inside.store.plan(save());
    const own = await inside.store.plan({ ...save("olga"), profileId: id("own") }, "ops");
    for (const agentId of ["main", "ops"]) await rm(inside.state.path(agentId));
    const conflict = { code: "ERR_STORE_CONFLICT" };
    const step = inside.store.apply(only(planned), valueFor(planned.values, only(planned)));
    await expect(step).rejects.toMatchObject(conflict);
    const begun = { ...only(own), creates: true, before: null };
    await expect(inside.store.apply(begun, valueFor(own.values, only(own)))).rejects.toMatchObject(conflict);
    for (const agentId of ["main", "ops"]) expect(existsSync(inside.state.path(agentId))).toBe(false);
  });

  it("are not begun where older logins came between the plan and the step", async () => {
    const inside = await openClawInside(shape);
    const { save } = words(inside);
    const planned = await inside.store.plan(save());
    await mkdir(dirname(inside.state.path("main")), { recursive: true });
    await inside.state.put("main", {}, "auth.json");
    const step = inside.store.apply(only(planned), valueFor(planned.values, only(planned)));
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_LEGACY" });
    expect(existsSync(inside.state.path("main"))).toBe(false);
  });

  it("are not written for a store that is gone from the agents", async () => {
    const inside = await openClawInside(shape);
    const { save, id, entry } = words(inside);
    await inside.put("shared", { profiles: { [id("bob")]: entry("bob") } });
    const planned = await inside.store.plan(save());
    const gone = { ...only(planned), path: join(inside.state.root, "gone.json") };
    const conflict = { code: "ERR_STORE_CONFLICT" };
    await expect(inside.store.check(gone)).rejects.toMatchObject(conflict);
    await expect(inside.store.apply(gone, valueFor(planned.values, only(planned)))).rejects.toMatchObject(conflict);
  });
});

describe("an error of OpenClaw's that has no code of ours", () => {
  it("is passed on as it is, whoever's store it is about", async () => {
    const inside = await openClawInside("sqlite");
    const { id, entry, save } = words(inside);
    await inside.put("shared", { profiles: { [id("work")]: entry("ada") } });
    await inside.put("ops", { profiles: {} });
    const { sdk } = inside;
    if (sdk.shape !== "sqlite") throw new Error("a database was expected");
    const load = sdk.load.bind(sdk);
    let failure: Error = new Error("no code");
    Object.assign(sdk, { load: (dir?: string) => (dir === undefined ? load() : Promise.reject(failure)) });
    await expect(inside.store.plan(save())).rejects.toBe(failure);
    await expect(inside.store.sharedTokens()).rejects.toBe(failure);
    failure = new CodexAuthError("ERR_STORE_CORRUPT", { message: "broken", next: "mend it" });
    expect((await inside.store.plan(save())).plan.unreadable).toEqual(["ops"]);
    await expect(inside.store.plan(save(), "ops")).rejects.toBe(failure);
  });
});
