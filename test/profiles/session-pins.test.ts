import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSessionPins, type SessionPlaces } from "../../src/profiles/session-pins.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const id = (name: string): string => `openai-codex:${name}`;
const pinned = (name: string) => ({ authProfileOverride: id(name), authProfileOverrideSource: "user" });

/** A home with an OpenClaw whose chats lie in `files`, by their path below the home; `settings` is its openclaw.json. */
async function openClaw(files: Readonly<Record<string, unknown>>, settings?: unknown): Promise<SessionPlaces> {
  const home = await temporaryFolder();
  const stateDir = join(home, ".openclaw");
  const put = (path: string, value: unknown): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), typeof value === "string" ? value : JSON.stringify(value));
  };
  for (const [path, value] of Object.entries(files)) put(path, value);
  if (settings !== undefined) put(".openclaw/openclaw.json", settings);
  return { stateDir, configPath: join(stateDir, "openclaw.json"), home };
}

const USUAL = ".openclaw/agents/main/sessions/sessions.json";

describe("readSessionPins", () => {
  it("finds the chats that are bound to a Codex profile, and whether a person chose it", async () => {
    const chats = {
      "agent:main:main": { sessionId: "s", ...pinned("p") },
      "agent:main:telegram": { authProfileOverride: id("q"), authProfileOverrideSource: "auto" },
      "agent:main:other": { authProfileOverride: "anthropic:work", authProfileOverrideSource: "user" },
      "agent:main:free": { sessionId: "t" },
      odd: 7,
    };
    expect(await readSessionPins(await openClaw({ [USUAL]: chats }), "Main")).toEqual([
      { profileId: id("p"), byPerson: true },
      { profileId: id("q"), byPerson: false },
    ]);
  });

  it("takes every chat of the agent's own file, whichever agent its name speaks of", async () => {
    const places = await openClaw({ [USUAL]: { "agent:ops:x": pinned("p"), "agent:main:x": pinned("q") } });
    expect((await readSessionPins(places, "main"))?.map(({ profileId }) => profileId)).toEqual([id("p"), id("q")]);
  });

  it("of a shared file goes by the agent that a chat's name begins with, spaces and capitals aside", async () => {
    const chats = {
      " Agent:Ops:x": pinned("theirs"),
      "cron:agent:ops:x": pinned("anybody's"),
      "agent:": pinned("any"),
    };
    const places = await openClaw({ "chats.json": chats }, { session: { store: "~/chats.json" } });
    const ids = (await readSessionPins(places, "main"))?.map(({ profileId }) => profileId);
    expect(ids).toEqual([id("anybody's"), id("any")]);
  });

  it("takes a tilde for the home at the beginning alone", async () => {
    const places = await openClaw({ "x~/all.json": { "agent:main:x": pinned("p") } });
    const store = join(places.home, "x~", "all.json");
    mkdirSync(dirname(places.configPath), { recursive: true });
    writeFileSync(places.configPath, JSON.stringify({ session: { store } }));
    expect(await readSessionPins(places, "main")).toEqual([{ profileId: id("p"), byPerson: true }]);
  });

  it("finds none where there is no list of chats yet, and cannot tell where there is one that it cannot read", async () => {
    expect(await readSessionPins(await openClaw({}), "main")).toEqual([]);
    expect(await readSessionPins(await openClaw({ [USUAL]: "{ broken" }), "main")).toBeUndefined();
  });

  it.each([
    ["~/chats/{agentId}/{agentId}.json", "chats/ops/ops.json"],
    ["~/chats.json", "chats.json"],
    ["~", undefined],
  ])("looks where `session.store` says: %j", async (store, path) => {
    const files = { ".openclaw/agents/ops/sessions/sessions.json": { "agent:ops:main": pinned("old") } };
    const settings = JSON.stringify({ session: { store } });
    const places = await openClaw(
      path === undefined ? files : { ...files, [path]: { "agent:ops:main": pinned("p") } },
      settings,
    );
    const expected = path === undefined ? undefined : [{ profileId: id("p"), byPerson: true }];
    expect(await readSessionPins(places, "Ops")).toEqual(expected);
  });

  it("follows an absolute place, in JSON5, and an empty one is the usual one", async () => {
    const places = await openClaw({ "x/all.json": { "agent:main:main": pinned("p") }, [USUAL]: { a: pinned("q") } });
    const configure = (text: string): void => writeFileSync(places.configPath, text);
    configure(`{ session: { store: '${join(places.home, "x", "all.json")}' } } // ours`);
    expect(await readSessionPins(places, "main")).toEqual([{ profileId: id("p"), byPerson: true }]);
    configure(`{ session: { store: "" } }`);
    expect(await readSessionPins(places, "main")).toEqual([{ profileId: id("q"), byPerson: true }]);
  });

  it("of a file that several agents share takes the agent's own chats, and those that name none", async () => {
    const chats = { "agent:main:x": pinned("mine"), "agent:ops:x": pinned("theirs"), global: pinned("anybody's") };
    const places = await openClaw({ "chats.json": chats }, { session: { store: "~/chats.json" } });
    const ids = async (agentId: string) => (await readSessionPins(places, agentId))?.map(({ profileId }) => profileId);
    expect(await ids("main")).toEqual([id("mine"), id("anybody's")]);
    expect(await ids("ops")).toEqual([id("theirs"), id("anybody's")]);
  });

  it.each([
    ["is relative to a folder of the gateway's", { session: { store: "chats/{agentId}.json" } }],
    ["is somebody else's home", { session: { store: "~else/chats.json" } }],
    ["has a variable of the gateway's in it", { session: { store: "/nowhere/${CHATS}/chats.json" } }],
    ["is no text", { session: { store: 7 } }],
    ["may stand in an included file", { $include: "./more.json" }],
    ["may stand in a part that is included", { session: { $include: "./session.json" } }],
    ["cannot be read", "{ broken"],
  ])("cannot tell where the place %s", async (_what, settings) => {
    expect(await readSessionPins(await openClaw({ [USUAL]: { a: pinned("p") } }, settings), "main")).toBeUndefined();
  });
});
