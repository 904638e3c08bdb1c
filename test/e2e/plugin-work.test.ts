// The plugin at work in real gateways: each signed button pressed, the lease kept, jobs of others executed, and nothing lost by a restart.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readExecutor } from "../../src/apply/reign.ts";
import type { ActionName } from "../../src/chat/button.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { withProcessLock } from "../../src/storage/process-lock.ts";
import { badRequest } from "../support/fake-telegram/api-error.ts";
import { until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { allActions } from "./lab/plugin-phone.ts";
import { leaseCard, pressChanges, pressLease, pressSignIns, pressUsage } from "./lab/plugin-presses.ts";
import { buildPlugin, GUEST, OWNER, type BuiltPlugin } from "./lab/plugin.ts";
import { startPluginWorld, type PluginWorld } from "./lab/plugin-world.ts";
import { bareEnvironment } from "./lab/surroundings.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const run = promisify(execFile);

/** What OpenClaw says where a handler threw, gave nothing, or was not there. */
const NOT_OURS = /command failed|no response generated|command not found|something went wrong/i;

/** The leased login in a store: a token and nothing to renew it with. */
const LEASED = /"openai(?:-codex)?:lease":\s*\{[^}]*"type":\s*"token"/;

/** Buttons that nobody is ever shown inside OpenClaw, and why. */
const ELSEWHERE: Partial<Record<ActionName, string>> = {
  codex_auth_reload: "inside the gateway a change is in force at once, so nothing has to be read again",
  codex_auth_refresh: "OpenClaw's plugin code offers no lock under which a refresh token may be used up",
  codex_auth_refreshyes: "the same",
  codex_auth_no: "a script's question goes to the people of the bot, who are asked by the bot alone",
};

let out: string;
let plugin: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  plugin = await buildPlugin(out, "0.0.1");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let world: PluginWorld;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (installed.ok) world = await startPluginWorld(installed.openclaw, plugin);
  });

  afterAll(async () => {
    await world?.stop();
  });

  test("keeps the lease: its login is stored without the refresh token, used, counted where it was forced, and given back", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const { lab, phone, broker } = world;
    await leaseCard(world, /alpha[\s\S]*Profile lease: stored/);
    const leaseId = broker.leases()[0]?.id ?? "";
    await untilStored((text) => LEASED.test(text));
    expect(await stored()).not.toContain(broker.tokens("alpha").refreshToken?.expose());

    // Two profiles may be tried: nobody knows whose call it was.
    expect(await says("hello")).toMatchObject({ tokenAccount: "acct-alpha" });
    let card = await leaseCard(world, /Of no known lease: \d+ request/);
    card = await phone.presses(card, "lease_flush", /Lease of/);
    expect(broker.telemetryRows(leaseId).filter(({ requestsCount }) => requestsCount !== null)).toEqual([]);

    const only = await phone.asks("/codex_auth only lease", /alone\?/);
    await phone.presses(only, "codex_auth_onlyyes", /✅/);
    const before = lab.backend.calls.length;
    expect(await says("hello again")).toMatchObject({ tokenAccount: "acct-alpha" });
    card = await leaseCard(world, /Not told yet: \d+ request|Told the broker: [1-9]/);
    await phone.presses(card, "lease_flush", /Told the broker: [1-9]/);
    const rows = broker.telemetryRows(leaseId);
    const requests = lab.backend.calls.length - before;
    expect(rows.reduce((sum, row) => sum + (row.requestsCount ?? 0), 0)).toBe(requests);
    expect(rows.reduce((sum, row) => sum + (row.tokensIn ?? 0), 0)).toBe(10 * requests);
    expect(rows.reduce((sum, row) => sum + (row.tokensOut ?? 0), 0)).toBe(2 * requests);
    expect(await leaseCard(world, /Of no known lease/)).toBeDefined();

    await pressLease(world);
    await untilStored((text) => !LEASED.test(text));
    expect(await says("and now")).toMatchObject({ tokenAccount: "account-alice" });
  });

  test("answers each button that it shows, and none of them reaches the model", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { lab, phone } = world;
    const calls = lab.backend.calls.length;
    await pressSignIns(world);
    await pressUsage(world);
    expect(lab.backend.calls.length).toBe(calls);
    await pressChanges(world, held);
    const list = await phone.asks("/codex_auth", /Codex logins/);
    for (const action of allActions().filter((one) => ELSEWHERE[one] !== undefined))
      await phone.pressesUnseen(list, action, /too old|said no/);
    expect([...phone.pressed, ...Object.keys(ELSEWHERE)].toSorted()).toEqual(allActions().toSorted());
    for (const action of allActions()) expect(lab.backend.bodies.join("\n")).not.toContain(`${action}:`);
  });

  test("leaves nothing to a caller outside: what the command line asks for is done in the gateway", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const { lab, engine } = world;
    expect(process.versions.node).toMatch(/^20\./);
    const { home } = lab;
    const env = { ...bareEnvironment(), HOME: home.home, TMPDIR: home.tmp };
    await run(process.execPath, [PROGRAM, "use", "second", "--sure"], { cwd: home.home, env, timeout: 60_000 });
    const [receipt] = await engine.receipts.list();
    expect(receipt).toMatchObject({ outcome: "done", kind: "order", profileId: expect.stringMatching(/:second$/) });
    const executor = await readExecutor(ownPaths(home.stateDir));
    expect(executor).toMatchObject({ kind: "plugin", pid: world.gateway().pid() });
    await world.phone.asks("/codex_auth show second", /Order: tried first/);
  });

  test("a job that a restart of the gateway interrupts ends after the start, and is told once to the chat that asked", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const { phone, engine } = world;
    const question = await phone.asks("/codex_auth use third", /first\?/);
    const { mark } = phone;
    await held(async () => {
      await phone.presses(question, "codex_auth_useyes", /third: (?:queued|writing)/);
      await until(async () => (await engine.queue.open()).some(({ state }) => state === midway()), 30_000);
      await world.end();
      expect((await engine.queue.open()).map(({ state }) => state)).toEqual([midway()]);
    });
    await world.start();
    await phone.shows(/✅ third/, mark, 90_000);
    await until(async () => (await engine.outbox.list("openclaw")).length === 0, 30_000);
    const told = phone.since(mark).filter(({ text }) => /✅|⚠️|❌/.test(text));
    expect(told.map(({ text }) => text)).toHaveLength(1);
    expect(await engine.queue.open()).toEqual([]);
    expect((await engine.receipts.list())[0]).toMatchObject({ outcome: "done" });
  });

  test("answers whatever is typed, once, and a command whose answer Telegram refuses is carried out once", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const { lab, phone, engine } = world;
    const calls = lab.backend.calls.length;
    for (const typed of [
      "/codex_auth no such command",
      "/codex_auth take 99",
      "/codex_auth show nobody",
      "/codex_auth --agent nobody",
      "/codex_auth finish nothing",
      "/codex_auth <b>&amp;`*_[x](y)",
      `/codex_auth ${"x".repeat(3_500)}`,
      "/codex_auth status \u0000\u202E",
      "/lease bogus",
      "/lease auto renew maybe",
      "/codex_usage nobody",
    ]) {
      const { mark } = phone;
      const answer = await phone.asks(typed, /\S/);
      expect(answer.text, typed).not.toMatch(NOT_OURS);
      // The next answer tells that there was no second one to this.
      await phone.asks("/codex_auth", /Codex logins/);
      expect(
        phone.since(mark).map(({ text }) => text),
        typed,
      ).toHaveLength(2);
    }
    lab.telegram.person(GUEST).sends("/lease");
    expect((await lab.telegram.shows(GUEST, /\S/, 60_000)).text).toMatch(/owners|operator\.admin/);

    const done = (await engine.receipts.list(100)).length;
    await phone.asks("/codex_auth use second", /first\?/);
    const sent = lab.telegram.callsOf("sendMessage").length;
    lab.telegram.faults.fail("sendMessage", badRequest("not enough rights to send text messages to the chat"));
    lab.telegram.person(OWNER).sends("/codex_auth use second yes");
    await lab.telegram.waitFor(
      () => lab.telegram.callsOf("sendMessage").length > sent,
      () => "a refused answer",
      60_000,
    );
    await until(async () => (await engine.receipts.list(100)).length > done, 60_000);
    await phone.asks("/codex_auth", /Codex logins/);
    expect((await engine.receipts.list(100)).length).toBe(done + 1);
    expect(lab.backend.calls.length).toBe(calls);
    const complaints = (await world.logged()).filter((line) =>
      /plugin\.(?:command|press|work|executor|resume)|"chat"/.test(line),
    );
    expect(complaints).toEqual([]);
  });

  /** Says something to the model; gives the call that answered. */
  async function says(text: string) {
    await world.phone.asks(text, /answer \d+/);
    return world.lab.backend.calls.at(-1);
  }

  async function stored(): Promise<string> {
    return (await world.lab.storedLogins()).replaceAll(String.raw`\"`, '"');
  }

  async function untilStored(holds: (text: string) => boolean): Promise<void> {
    await until(async () => holds(await stored()) && (await world.engine.queue.open()).length === 0, 60_000);
  }

  /** Where a job stands while {@link held} keeps it. */
  function midway(): "prepared" | "queued" {
    return version === "2026.9.6" ? "queued" : "prepared";
  }

  /** Keeps jobs from going on during `body`: OpenClaw's lock of its store; a database has none that would not stop the gateway too. */
  async function held(body: () => Promise<void>): Promise<void> {
    const { home } = world.lab;
    if (version !== "2026.9.6") return withOpenClawLock(storePath(home), body);
    return withProcessLock(join(ownPaths(home.stateDir).queue, "executor.json"), body);
  }
});
