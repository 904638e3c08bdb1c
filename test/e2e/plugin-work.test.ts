// The plugin at work in real gateways: each signed button pressed, the lease kept, jobs of others executed, and nothing lost by a restart.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
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
import { allActions, type Shown } from "./lab/plugin-phone.ts";
import { buildPlugin, GUEST, OWNER, type BuiltPlugin } from "./lab/plugin.ts";
import { startPluginWorld, type PluginWorld } from "./lab/plugin-world.ts";
import { bareEnvironment } from "./lab/surroundings.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const run = promisify(execFile);

/** What OpenClaw says where a handler threw, gave nothing, or was not there. */
const NOT_OURS = /command failed|no response generated|command not found|something went wrong/i;

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
    await lease(/alpha[\s\S]*Profile lease: stored/);
    const leaseId = broker.leases()[0]?.id ?? "";
    await untilStored((text) => /"openai(?:-codex)?:lease":\s*\{[^}]*"type":\s*"token"/.test(text));
    expect(await stored()).not.toContain(broker.tokens("alpha").refreshToken?.expose());

    // Two profiles may be tried: nobody knows whose call it was.
    expect(await says("hello")).toMatchObject({ tokenAccount: "acct-alpha" });
    let card = await lease(/Of no known lease: \d+ request/);
    card = await phone.presses(card, "lease_flush", /Lease of/);
    expect(broker.telemetryRows(leaseId).filter(({ requestsCount }) => requestsCount !== null)).toEqual([]);

    const only = await phone.asks("/codex_auth only lease", /alone\?/);
    await phone.presses(only, "codex_auth_onlyyes", /✅/);
    const before = lab.backend.calls.length;
    expect(await says("hello again")).toMatchObject({ tokenAccount: "acct-alpha" });
    card = await lease(/Not told yet: \d+ request|Told the broker: [1-9]/);
    await phone.presses(card, "lease_flush", /Told the broker: [1-9]/);
    const rows = broker.telemetryRows(leaseId);
    const requests = lab.backend.calls.length - before;
    expect(rows.reduce((sum, row) => sum + (row.requestsCount ?? 0), 0)).toBe(requests);
    expect(rows.reduce((sum, row) => sum + (row.tokensIn ?? 0), 0)).toBe(10 * requests);
    expect(rows.reduce((sum, row) => sum + (row.tokensOut ?? 0), 0)).toBe(2 * requests);
    expect(await lease(/Of no known lease/)).toBeDefined();

    await pressLease();
    await untilStored((text) => !text.includes("acct-") && !/openai(?:-codex)?:lease"/.test(text));
    expect(await says("and now")).toMatchObject({ tokenAccount: "account-alice" });
  });

  test("answers each button that it shows, and none of them reaches the model", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { lab, phone } = world;
    const calls = lab.backend.calls.length;
    await pressSignIns();
    await pressUsage();
    expect(lab.backend.calls.length).toBe(calls);
    await pressChanges();
    const list = await phone.asks("/codex_auth", /Codex logins/);
    for (const action of allActions().filter((one) => ELSEWHERE[one] !== undefined))
      await phone.pressesUnseen(list, action, /too old|said no/);
    expect([...phone.pressed, ...Object.keys(ELSEWHERE)].toSorted()).toEqual(allActions().toSorted());
    for (const action of allActions()) expect(lab.backend.bodies.join("\n")).not.toContain(`${action}:`);
  });

  test("leaves nothing to a caller outside: what the command line asks for is done in the gateway", async ({ skip }) => {
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
    expect(await says("who is it")).toMatchObject({ tokenAccount: "acct-team" });
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
      expect(phone.since(mark).map(({ text }) => text), typed).toHaveLength(2);
    }
    lab.telegram.person(GUEST).sends("/lease");
    expect((await lab.telegram.shows(GUEST, /\S/, 60_000)).text).toMatch(/owners|operator\.admin/);

    const done = (await engine.receipts.list(100)).length;
    await phone.asks("/codex_auth use second", /first\?/);
    lab.telegram.faults.fail("sendMessage", badRequest("message thread not found"), 2);
    lab.telegram.person(OWNER).sends("/codex_auth use second yes");
    await until(async () => (await engine.receipts.list(100)).length > done, 60_000);
    await phone.asks("/codex_auth", /Codex logins/);
    expect((await engine.receipts.list(100)).length).toBe(done + 1);
    expect(lab.backend.calls.length).toBe(calls);
    const complaints = (await world.logged()).filter((line) => /plugin\.(?:command|press|work|executor|resume)|"chat"/.test(line));
    expect(complaints).toEqual([]);
  });

  /** Asks for the lease's card until it says so. */
  async function lease(pattern: RegExp): Promise<Shown> {
    let card: Shown | undefined;
    await until(async () => {
      card = await world.phone.asks("/lease", /Lease of/);
      return pattern.test(card.text);
    }, 60_000).catch((cause: unknown) => {
      throw new Error(`the card stayed: ${card?.text ?? ""}`, { cause });
    });
    if (card === undefined) throw new Error("no card");
    return card;
  }

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

  /** The rest of the lease's buttons; there is none at the end. */
  async function pressLease(): Promise<void> {
    const { phone, authFile } = world;
    let card = await lease(/active/);
    card = await phone.presses(card, "lease_refresh", /Lease of/);
    card = await phone.presses(card, "lease_renew", /Lease of/);
    card = await phone.presses(card, "lease_autorenew", /Auto renew off/);
    card = await phone.presses(card, "lease_autorenew", /Auto renew on/);
    card = await phone.presses(card, "lease_autorotate", /auto rotate on/);
    card = await phone.presses(card, "lease_autorotate", /auto rotate off/);
    card = await phone.presses(card, "lease_materialize", /Lease of/);
    const take = await phone.presses(card, "lease_takefile", /Use the leased login in the Codex CLI too/);
    card = await phone.presses(take, "lease_fileyes", /Lease of/);
    expect(await readFile(authFile, "utf8")).toContain("acct-alpha");
    const rotate = await phone.presses(card, "lease_rotate", /Exchange this lease/);
    card = await phone.presses(rotate, "lease_rotateyes", /Credential bravo/);
    card = await lease(/Profile lease: stored/);
    const again = await phone.presses(card, "lease_reacquire", /ask for another one/);
    card = await phone.presses(again, "lease_acquireyes", /Lease of/);
    card = await lease(/Profile lease: stored/);
    const release = await phone.presses(card, "lease_release", /Give the lease back/);
    await phone.presses(release, "lease_releaseyes", /No lease now/);
  }

  async function pressSignIns(): Promise<void> {
    const { phone, issuer } = world;
    const list = await phone.asks("/codex_auth", /Codex logins/);
    const names = await phone.presses(list, "codex_auth_manage", /Which profile\?/);
    const menu = await phone.presses(names, "codex_auth_menu", /Codex logins/);
    await phone.presses(menu, "codex_auth_new", /Choose a name/);
    const code = await phone.presses(list, "codex_auth_login", /Enter this code/, /^work ·/);
    const link = await phone.presses(code, "codex_auth_paste", /\/authorize\?/);
    const back = await phone.presses(link, "codex_auth_device", /Enter this code/);
    await phone.presses(back, "codex_auth_stop", /given up/);
    const renew = await phone.asks("/codex_auth default", /Renew that one/);
    await phone.presses(await phone.presses(renew, "codex_auth_renew", /Enter this code/), "codex_auth_stop", /given up/);

    const first = await phone.signsIn(issuer, "second", "ada@example.com");
    const drop = await phone.presses(first, "codex_auth_drop", /Throw this login away/);
    const kept = await phone.presses(drop, "codex_auth_take", /Signed in as/);
    const revoke = await phone.presses(kept, "codex_auth_revoke", /Revoke this login/);
    await phone.presses(revoke, "codex_auth_revokeyes", /✅ Revoked/);
    const saved = await phone.signsIn(issuer, "second", "ada@example.com");
    await phone.presses(saved, "codex_auth_first", /✅ second is saved/);
    const last = await phone.signsIn(issuer, "third", "grace@example.com");
    await phone.presses(last, "codex_auth_keep", /✅ third is saved/);
    await phone.signsIn(issuer, "third", "heidi@example.com");
    const waiting = await phone.asks("/codex_auth", /Codex logins/);
    const parked = await phone.presses(waiting, "codex_auth_parked", /logins that wait/);
    const other = await phone.presses(parked, "codex_auth_take", /Another account/, /third/);
    await phone.presses(other, "codex_auth_replace", /✅ third is saved/);
    const own = await phone.signsIn(issuer, "third", "ivan@example.com");
    await phone.presses(own, "codex_auth_saveas", /✅ ivan is saved/);
    const unwanted = await phone.signsIn(issuer, "third", "grace@example.com");
    const away = await phone.presses(unwanted, "codex_auth_drop", /Throw this login away/);
    await phone.presses(away, "codex_auth_dropyes", /thrown away/);
  }

  async function pressUsage(): Promise<void> {
    const { phone } = world;
    const menu = await phone.asks("/codex_usage", /of which profile/);
    const one = await phone.presses(menu, "codex_usage_one", /^(?!⏳)[\s\S]*second/, /^second/);
    const again = await phone.presses(one, "codex_usage_menu", /of which profile/);
    await phone.presses(again, "codex_usage_all", /^(?!⏳)[\s\S]*second/);
  }

  async function pressChanges(): Promise<void> {
    const { phone, lab } = world;
    const use = await phone.presses(await phone.cardOf("ivan"), "codex_auth_use", /first\?/);
    await held(async () => {
      const queued = await phone.presses(use, "codex_auth_useyes", /ivan: (?:queued|writing|waiting)/);
      await phone.presses(queued, "codex_auth_cancel", /is being given up/);
    });
    await until(async () => (await world.engine.queue.open()).length === 0, 30_000);
    const again = await phone.asks("/codex_auth use ivan", /first\?/);
    await phone.presses(again, "codex_auth_useyes", /✅ ivan/);

    lab.backend.limitNext();
    const { mark } = phone;
    lab.telegram.person(OWNER).sends("meet the limit");
    await phone.shows(/answer \d+|limit/i, mark);
    const reset = await phone.presses(await phone.cardOf("ivan"), "codex_auth_reset", /Reset ivan\?/);
    await phone.presses(reset, "codex_auth_resetyes", /✅/);

    const only = await phone.presses(await phone.cardOf("ivan"), "codex_auth_only", /alone\?/);
    await phone.presses(only, "codex_auth_onlyyes", /✅/);
    await phone.presses(await phone.cardOf("ivan"), "codex_auth_rename", /Choose the new name/);
    const rename = await phone.asks("/codex_auth rename ivan office", /Rename ivan to office\?/);
    await phone.presses(rename, "codex_auth_renameyes", /✅/);
    const remove = await phone.presses(await phone.cardOf("office"), "codex_auth_remove", /Remove office/);
    const removed = await phone.presses(remove, "codex_auth_removeyes", /✅/);
    const undo = await phone.presses(removed, "codex_auth_undo", /\?/);
    await phone.presses(undo, "codex_auth_undoyes", /✅/);
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
