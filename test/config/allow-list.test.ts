// Who may, as the settings file says at this moment: an edit counts at the next question, a broken file changes nobody's place.

import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AllowList } from "../../src/config/allow-list.ts";
import { MAX_SETTINGS_BYTES } from "../../src/config/defaults.ts";
import { readEnvironment, workerVariables } from "../../src/config/env.ts";
import { createLog } from "../../src/secrets/log.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** Somebody whom only a broken file names; no time or path in a log looks like it. */
const EVE = "987654321987";

async function house(variables: Record<string, string> = {}, initial: readonly string[] = ["11"]) {
  const home = await temporaryFolder();
  const path = join(home, "config.json");
  const logged: string[] = [];
  const log = createLog((line) => logged.push(line), Date.now);
  const list = new AllowList({ path, environment: readEnvironment({ HOME: home, ...variables }), initial, log });
  const write = (text: string): void => writeFileSync(path, text);
  const allow = (...ids: readonly unknown[]): void => write(JSON.stringify({ telegram: { allowFrom: ids } }));
  return { path, list, logged, write, allow };
}

describe("the allow-list", () => {
  it("is what the file says now: who is added may, who is removed may not, without a restart", async () => {
    const { list, allow, path } = await house();
    allow(11, "22");
    expect(list.people()).toEqual(["11", "22"]);
    allow(22);
    expect(list.people()).toEqual(["22"]);
    allow();
    expect(list.people()).toEqual([]);
    allow(22);
    expect(list.people()).toEqual(["22"]);
    rmSync(path);
    expect(list.people()).toEqual([]);
  });

  it("sees an edit that leaves size and time of the file as they were", async () => {
    const { list, allow, path } = await house();
    const at = new Date(1_700_000_000_000);
    allow(11);
    utimesSync(path, at, at);
    expect(list.people()).toEqual(["11"]);
    allow(22);
    utimesSync(path, at, at);
    expect(list.people()).toEqual(["22"]);
  });

  it.each([
    ["is not JSON", `{"telegram": {"allowFrom": [11, ${EVE}`],
    ["is empty, as in the middle of a write", ""],
    ["names somebody by an @name", '{"telegram": {"allowFrom": ["@eve"]}}'],
    ["has a setting that is not known", `{"telegram": {"allowFrom": [${EVE}]}, "surprise": 1}`],
    [
      "is far too large",
      JSON.stringify({ telegram: { allowFrom: [Number(EVE)] }, agentId: "x".repeat(MAX_SETTINGS_BYTES) }),
    ],
  ])("keeps the last good list while the file %s, lets nobody new in, and says so once", async (_what, broken) => {
    const { list, allow, write, logged } = await house();
    allow(11, 22);
    expect(list.people()).toEqual(["11", "22"]);
    write(broken);
    for (let question = 0; question < 3; question += 1) expect(list.people()).toEqual(["11", "22"]);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain("allow-list.kept");
    expect(logged[0]).not.toContain(EVE);

    allow(22);
    expect(list.people()).toEqual(["22"]);
    write(broken);
    expect(list.people()).toEqual(["22"]);
    expect(logged).toHaveLength(2);
  });

  it("that was broken from the first look on is the one that the process started with", async () => {
    const { list, write } = await house();
    write("{");
    expect(list.people()).toEqual(["11"]);
  });

  it("in the variable stands above the file, also while the file is broken", async () => {
    const { list, allow, write, logged } = await house({ CODEX_AUTH_ALLOW_FROM: "11" });
    allow(22);
    expect(list.people()).toEqual(["11"]);
    write("{");
    expect(list.people()).toEqual(["11"]);
    expect(logged).toEqual([]);
  });

  it("is a set one, also an empty one, where variable or file name it, and else not: nobody may, but nobody was removed", async () => {
    const { list, allow, write } = await house({}, []);
    const state = (): unknown => [list.isSet(), list.people()];
    expect(state()).toEqual([false, []]);
    allow();
    expect(state()).toEqual([true, []]);
    allow(11);
    expect(state()).toEqual([true, ["11"]]);
    write("{");
    expect(state()).toEqual([true, ["11"]]);
    write('{"telegram": {}}');
    expect(state()).toEqual([false, []]);
    expect((await house({ CODEX_AUTH_ALLOW_FROM: "," }, [])).list.isSet()).toBe(true);
  });

  it("is not taken from a file that others can write, as at a start", async () => {
    const { list, allow, path } = await house();
    allow(11, 33);
    chmodSync(path, 0o666);
    expect(list.people()).toEqual(["11"]);
    chmodSync(path, 0o600);
    expect(list.people()).toEqual(["11", "33"]);
  });

  it("does not wait for a pipe that lies where the file belongs", async () => {
    const { list, path } = await house();
    execFileSync("mkfifo", [path]);
    expect(list.people()).toEqual(["11"]);
  });

  it("is the same for the worker that a bot starts: it is given the variable, and not the token", () => {
    expect(workerVariables({ CODEX_AUTH_ALLOW_FROM: "11", CODEX_AUTH_BOT_TOKEN: "made-up" })).toEqual({
      CODEX_AUTH_ALLOW_FROM: "11",
    });
  });
});
