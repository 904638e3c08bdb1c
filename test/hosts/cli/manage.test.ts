// The changes of a profile from the command line, as real processes with real workers: previews, exit codes, one document.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { terminalLab } from "../terminal/terminal-lab.ts";
import { openClawHome } from "./cli-lab.ts";
import { callAtTerminal } from "./terminal-call.ts";

const [ALICE, BOB] = ["openai-codex:alice", "openai-codex:bob"];

describe("a script without a terminal", () => {
  it("shows a profile as data and changes nothing by itself: a person is asked, or it is refused", async () => {
    const { call, world } = await openClawHome();
    const before = readFileSync(world.storePath, "utf8");
    const shown = await call(["show", "bob", "--json"]);
    expect(shown.code).toBe(0);
    expect(shown.json()).toMatchObject({ ok: true, command: "show", profile: { id: BOB, state: "expiring" } });
    expect(shown.stdout).not.toContain(String(world.readStore().profiles[BOB ?? ""]?.["refresh"]));

    const refused = await call(["use", "bob", "--sure", "--json"]);
    expect(refused.code).toBe(1);
    expect(refused.json()).toMatchObject({ ok: false, error: { code: "ERR_CONFIRMATION_NEEDED" } });

    const env = { CODEX_AUTH_BOT_TOKEN: "1:not-a-token", CODEX_AUTH_ALLOW_FROM: "4242" };
    const asked = await call(["remove", "bob", "--sure"], { env });
    expect(asked.code).toBe(0);
    expect(asked.stdout).toContain("A person must allow it");
    expect(await world.outbox.list("telegram")).toMatchObject([
      { content: { kind: "change", wanted: { kind: "remove", profileId: BOB } } },
    ]);
    expect(await world.queue.list()).toEqual([]);
    expect(readFileSync(world.storePath, "utf8")).toBe(before);
  });

  it("may have the gateway read its logins again; one that does not run is no failure", async () => {
    const { call, world } = await openClawHome();
    const before = readFileSync(world.storePath, "utf8");
    const answer = await call(["reload", "--json"]);
    expect(answer.code).toBe(0);
    expect(answer.json()).toMatchObject({
      ok: true,
      command: "reload",
      messages: ["The gateway is not running; it reads the logins when it starts."],
    });
    expect(readFileSync(world.storePath, "utf8")).toBe(before);
  });

  it.each([
    [["use"], 2, "ERR_USAGE"],
    [["use", "nobody"], 2, "ERR_PROFILE_UNKNOWN"],
    [["rename", "bob", "alice"], 1, "ERR_PROFILE_EXISTS"],
    [["remove", "1", "--sure"], 1, "ERR_CONFIRMATION_NEEDED"],
    [["rollback", "job-none"], 1, "ERR_RECEIPT_UNKNOWN"],
  ])("%j ends with exit code %i and %s", async (args, code, name) => {
    const { call } = await openClawHome();
    const ended = await call([...args, "--json"]);
    expect(ended.code).toBe(code);
    expect(ended.json()).toMatchObject({ ok: false, error: { code: name } });
  });

  it("may, where the settings file allows it: previews first, does it with --sure, and takes it back", async () => {
    const { call, world } = await openClawHome();
    writeFileSync(world.paths.config, JSON.stringify({ allowUnattended: true }), { mode: 0o600 });
    const before = world.readStore();
    const preview = await call(["rename", "bob", "show"]);
    expect(preview.stdout).toContain("codex-auth-skill rename bob openai-codex:show --sure");
    expect(world.readStore()).toEqual(before);

    const done = await call(["remove", BOB ?? "", "--sure", "--json"]);
    expect(done.code, done.stdout).toBe(0);
    const [receipt] = await world.receipts.list();
    expect(done.json()).toMatchObject({ receipts: [{ kind: "remove-profile", outcome: "done", id: receipt?.id }] });
    expect(Object.keys(world.readStore().profiles)).toEqual([ALICE, "anthropic:x"]);

    const back = await call(["rollback", receipt?.id ?? "", "--sure", "--json"]);
    expect(back.code, back.stdout).toBe(0);
    expect(world.readStore()).toEqual(before);
  });
});

describe("a person at a terminal", () => {
  it("is asked nothing more after --sure: the command ends with its change", async () => {
    const lab = await terminalLab();
    const asked: string[] = [];
    const answer = (_screen: string, labels: readonly string[]): undefined => void asked.push(...labels);
    const { queue } = lab.parts.engine;
    const call = callAtTerminal(lab, ["use", "bob", "--sure"], { steps: [answer] });
    await expect.poll(async () => (await queue.open()).length).toBe(1);
    await executeOpenJobs(lab.parts, "foreground");
    const { code, written } = await call;
    expect(code, written).toBe(0);
    expect(asked).toEqual([]);
    const [receipt] = await lab.parts.engine.receipts.list();
    expect(receipt).toMatchObject({ profileId: BOB, outcome: "done" });
    expect(await queue.open()).toEqual([]);
  });

  it("may press on without it", async () => {
    const lab = await terminalLab();
    const before = lab.world.readStore();
    const asked: string[] = [];
    const answer = (_screen: string, labels: readonly string[]): undefined => void asked.push(...labels);
    const { code } = await callAtTerminal(lab, ["use", "bob"], { steps: [answer] });
    expect(code).toBe(0);
    expect(asked).toContain("Decide later");
    expect(lab.world.readStore()).toEqual(before);
  });
});
