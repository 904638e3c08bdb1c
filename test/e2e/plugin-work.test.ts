// The plugin at work in real gateways: each signed button pressed, the lease kept, jobs of others executed, and nothing lost by a restart.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import PQueue from "p-queue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readExecutor } from "../../src/apply/reign.ts";
import type { ActionName } from "../../src/chat/button.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { withProcessLock } from "../../src/storage/process-lock.ts";
import { badRequest } from "../support/fake-telegram/api-error.ts";
import { PATIENCE_MS, until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { allActions } from "./lab/plugin-phone.ts";
import { leaseCard, pressChanges, pressLease, pressSignIns, pressUsage } from "./lab/plugin-presses.ts";
import { buildPlugin, GUEST, OWNER, type BuiltPlugin } from "./lab/plugin.ts";
import { startPluginWorld, type PluginWorld } from "./lab/plugin-world.ts";
import { placeOwnSkills } from "./lab/skills.ts";
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

/** The same where an address is not asked for: 2026.5.28 would show it to the model. */
const PASTING: Partial<Record<ActionName, string>> = {
  codex_auth_paste: "a sign-in goes by a code alone",
  codex_auth_device: "there is no other way to come back from",
};

const starts = new PQueue({ concurrency: 1 });
let out: string;
let plugin: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  plugin = await buildPlugin(out, "0.0.1");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

// Most of the time is waiting: a chat of Telegram takes one message a second from a bot. Only their starts keep a machine busy.
describe.concurrent.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)(
  "OpenClaw %s",
  { timeout: 900_000 },
  (version) => {
    let installed: InstallResult;
    let world: PluginWorld;

    beforeAll(async () => {
      installed = await installOpenClaw(version);
      if (!installed.ok) return;
      const { openclaw } = installed;
      world = await starts.add(() => startPluginWorld(openclaw, plugin));
      // The last one waits for the starts of the others.
    }, 1_200_000);

    afterAll(async () => {
      await world?.stop();
    });

    test.sequential("keeps the lease: its login is stored without the refresh token, used, counted where it was forced, and given back", async ({
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

    test.sequential("answers each button that it shows, and none of them reaches the model", async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const { lab, phone } = world;
      const calls = lab.backend.calls.length;
      await pressSignIns(world);
      await pressUsage(world);
      expect(lab.backend.calls.length).toBe(calls);
      await pressChanges(world, held);
      const list = await phone.asks("/codex_auth", /Codex logins/);
      const unseen = world.takesPastes ? ELSEWHERE : { ...ELSEWHERE, ...PASTING };
      for (const action of allActions().filter((one) => unseen[one] !== undefined))
        await phone.pressesUnseen(list, action, /too old|said no/);
      expect([...phone.pressed, ...Object.keys(unseen)].toSorted()).toEqual(allActions().toSorted());
      // 2026.9.6 sends them packed.
      const heard = await lab.heard();
      for (const action of allActions()) expect(heard).not.toContain(`${action}:`);
    });

    test.sequential("leaves nothing to a caller outside: what the command line asks for is done in the gateway", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const { lab, engine } = world;
      expect(process.versions.node).toMatch(/^20\./);
      const { home } = lab;
      const env = { ...bareEnvironment(), HOME: home.home, TMPDIR: home.tmp };
      await run(process.execPath, [PROGRAM, "use", "second", "--sure"], { cwd: home.home, env, timeout: PATIENCE_MS });
      const [receipt] = await engine.receipts.list();
      expect(receipt).toMatchObject({ outcome: "done", kind: "order", profileId: expect.stringMatching(/:second$/) });
      const executor = await readExecutor(ownPaths(home.stateDir));
      expect(executor).toMatchObject({ kind: "plugin", pid: world.gateway().pid() });
      await world.phone.asks("/codex_auth show second", /Order: tried first/);
    });

    test.sequential("answers whatever is typed, once, and a command whose answer Telegram refuses is carried out once", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const { lab, phone, engine } = world;
      const calls = lab.backend.calls.length;
      const odd = [
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
      ];
      const { mark } = phone;
      for (const typed of odd) lab.telegram.person(OWNER).sends(typed);
      await lab.telegram.waitFor(
        () => phone.since(mark).length >= odd.length,
        () => `${odd.length} answers; it showed ${JSON.stringify(phone.since(mark).map(({ text }) => text))}`,
        PATIENCE_MS,
      );
      // The next answer tells that there was no second one to any of these.
      await phone.asks("/codex_auth", /Codex logins/);
      const answers = phone.since(mark).map(({ text }) => text);
      expect(answers).toHaveLength(odd.length + 1);
      expect(answers.filter((text) => NOT_OURS.test(text))).toEqual([]);
      lab.telegram.person(GUEST).sends("/lease");
      expect((await lab.telegram.shows(GUEST, /\S/, PATIENCE_MS)).text).toMatch(/owners|operator\.admin/);

      const done = (await engine.receipts.list(100)).length;
      await phone.asks("/codex_auth use third", /first\?/);
      const sent = lab.telegram.callsOf("sendMessage").length;
      lab.telegram.faults.fail("sendMessage", badRequest("not enough rights to send text messages to the chat"));
      lab.telegram.person(OWNER).sends("/codex_auth use third yes");
      await lab.telegram.waitFor(
        () => lab.telegram.callsOf("sendMessage").length > sent,
        () => "a refused answer",
        PATIENCE_MS,
      );
      await until(async () => (await engine.receipts.list(100)).length > done, PATIENCE_MS);
      await phone.asks("/codex_auth", /Codex logins/);
      expect((await engine.receipts.list(100)).length).toBe(done + 1);
      expect(lab.backend.calls.length).toBe(calls);
      const complaints = (await world.logged()).filter((line) =>
        /plugin\.(?:command|press|work|executor|resume)|"chat"/.test(line),
      );
      expect(complaints).toEqual([]);
    });

    test.sequential("a job that a restart of the gateway interrupts ends after the start, and is told once to the chat that asked", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const { phone, engine } = world;
      const question = await phone.asks("/codex_auth use second", /first\?/);
      const { mark } = phone;
      await held(async () => {
        await phone.presses(question, "codex_auth_useyes", /second: (?:queued|writing)/);
        await until(async () => (await engine.queue.open()).some(({ state }) => state === midway()), PATIENCE_MS);
        // Else the press comes once more after the start, and is refused there where its job has ended by then.
        await until(() => world.lab.telegram.updates.pending().length === 0, PATIENCE_MS);
        await world.end();
        expect((await engine.queue.open()).map(({ state }) => state)).toEqual([midway()]);
        // For the next test.
        await placeOwnSkills(world.lab.home);
      });
      await world.start();
      await phone.shows(/✅ second/, mark);
      // Its answer is put out before its end.
      await until(async () => (await engine.queue.open()).length === 0, PATIENCE_MS);
      await until(async () => (await engine.outbox.list("openclaw")).length === 0, PATIENCE_MS);
      const told = phone.since(mark).filter(({ text }) => /✅|⚠️|❌/.test(text));
      expect(told.map(({ text }) => text)).toHaveLength(1);
      expect((await engine.receipts.list())[0]).toMatchObject({ outcome: "done" });
    });

    test.sequential("has its commands and buttons still where our skills have taken their names, and the model is not asked", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const { lab, phone } = world;
      // Else nothing stood before our commands.
      for (const name of ["codex_auth", "lease"])
        await until(
          async () => (await world.gateway().log()).includes(`Plugin command "/${name}" conflicts with an existing`),
          PATIENCE_MS,
        );
      const calls = lab.backend.calls.length;
      const { mark } = phone;
      const list = await phone.asks("/codex_auth", /Codex logins/);
      expect(list.text).toContain("alice@example.com");
      await phone.asks("/codex_auth status", /^Done$/m);
      const card = await phone.asks("/lease", /No lease now/);
      await phone.asks("/codex_usage", /of which profile/);
      expect(phone.since(mark)).toHaveLength(4);
      await phone.presses(list, "codex_auth_manage", /Which profile\?/);
      await phone.presses(card, "lease_refresh", /No lease now/);
      expect(lab.backend.calls.length).toBe(calls);
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
      await until(async () => holds(await stored()) && (await world.engine.queue.open()).length === 0, PATIENCE_MS);
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
  },
);
