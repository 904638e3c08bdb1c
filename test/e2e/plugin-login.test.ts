// Signing in and switching inside a real gateway's own Telegram bot: by code, by a pasted address, by buttons; who may not; and what an uninstall leaves.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownPaths } from "../../src/config/paths.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import type { VisibleMessage } from "../support/fake-telegram/chat-book.ts";
import { shownSecrets } from "../support/shown-secrets.ts";
import { loginData, readDisk, type LoginData } from "./lab/disk.ts";
import { openClawCli, PATIENCE_MS, until, type LabGateway } from "./lab/gateway.ts";
import { watchHealth, type Watched } from "./lab/health-watch.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { callModel } from "./lab/model-call.ts";
import { labels, Phone } from "./lab/phone.ts";
import { buildPlugin, GUEST, makePluginLab, OWNER, type BuiltPlugin, type PluginLab } from "./lab/plugin.ts";

/** One whom the channel does not let in. */
const STRANGER = 999;
const ACCOUNTS = ["alice", "bob", "grace"].map((name) => ({
  email: `${name}@example.com`,
  userId: `user-${name}`,
  accountId: `account-${name}`,
  planType: "plus",
}));

let out: string;
let plugin: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  plugin = await buildPlugin(out, "0.0.1");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("OpenClaw %s", { timeout: 900_000 }, (version) => {
  const provider = version === "2026.9.6" ? "openai" : "openai-codex";
  /** The next model call of 2026.5.28 shows what was said in the chat before, deleted or not: an address is not asked for there. */
  const takesPastes = version !== "2026.5.28";
  let installed: InstallResult;
  let issuer: SandboxIssuer;
  let lab: PluginLab;
  let gateway: LabGateway;
  let phone: Phone;
  let startedAt: { readonly pid: number; readonly uptimeMs: number };
  let endWatch: (() => Promise<Watched>) | undefined;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    issuer = await startSandboxIssuer({ accounts: ACCOUNTS });
    issuer.device.interval = 1;
    lab = await makePluginLab(installed.openclaw, { issuer: issuer.origin });
    await lab.install(plugin.folder);
    gateway = await lab.start();
    phone = new Phone({ telegram: lab.telegram, issuer });
    startedAt = { pid: gateway.pid(), uptimeMs: await uptime() };
    endWatch = watchHealth(lab.home.port);
  });

  afterAll(async () => {
    await endWatch?.();
    await lab?.stop();
    await issuer?.close();
  });

  test("a new login by a code that a button asked for is what the next model call uses", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await accountOfCall()).toBe("account-alice");
    await phone.presses(await phone.asks("/codex_auth", /Codex logins/), /New login/, /Choose a name/);
    const card = await phone.asks("/codex_auth grace", /Enter this code there/);
    phone.enter(card, "grace@example.com");
    const question = await shows(/Signed in as grace@example.com/);
    expect(Object.keys((await stored()).profiles)).not.toContain(`${provider}:grace`);
    await phone.presses(question, /^Save and use first$/, /✅ grace.* is saved/);
    expect((await stored()).order).toEqual([`${provider}:grace`, `${provider}:work`]);
    expect(await accountOfCall()).toBe("account-grace");
  });

  test.runIf(takesPastes)(
    "a pasted address leaves the chat, becomes a login, and no model ever reads it",
    async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const card = await phone.asks("/codex_auth paste bob", /Open the sign-in page: \S+/);
      const [, url = ""] = /Open the sign-in page: (\S+)/.exec(card.text) ?? [];
      const address = issuer.approve(url, "bob@example.com");
      const sent = lab.telegram.person(OWNER).sends(address);
      const question = await shows(/Signed in as bob@example.com/);
      expect(lab.telegram.visible(OWNER).map(({ messageId }) => messageId)).not.toContain(sent);
      await phone.presses(question, /^Save, keep the order$/, /✅ bob.* is saved/);
      expect(Object.keys((await stored()).profiles)).toContain(`${provider}:bob`);
      await chatsWithModel();
      await expectUnread(address);
    },
  );

  test.runIf(!takesPastes)(
    "an address is not asked for, and one that is pasted all the same is deleted and burnt",
    async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      await phone.asks("/codex_auth paste bob", /Sign-ins go by a code here/);
      const card = await phone.asks("/codex_auth device bob", /Enter this code there/);
      expect(labels(card).join()).not.toContain("Paste");
      const before = await stored();
      const exchanges = exchangeCount();
      const attempt = await waitingAttempt();
      const sent = lab.telegram
        .person(OWNER)
        .sends(`http://localhost:1455/auth/callback?code=a-code-of-nobody&state=${String(attempt["state"])}`);
      await shows(/That address is a key[\s\S]*cannot be used any more/);
      expect(lab.telegram.visible(OWNER).map(({ messageId }) => messageId)).not.toContain(sent);
      const ended = join(ownPaths(lab.home.stateDir).pending, "ended", `${String(attempt["id"])}.json`);
      expect(JSON.parse(await readFile(ended, "utf8"))).toMatchObject({ reason: "leaked" });
      expect(exchangeCount()).toBe(exchanges);
      expect(await stored()).toEqual(before);
    },
  );

  test("buttons switch what a new chat uses: first, alone, and back", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    await phone.confirms(await phone.cardOf("work"), /^Use first$/, /^Use it first$/, /✅ work.* is used first/);
    expect(await accountOfCall()).toBe("account-alice");
    await phone.confirms(await phone.cardOf("grace"), /^Only this$/, /^Use only this$/, /✅ grace.* is used alone/);
    expect((await stored()).order).toEqual([`${provider}:grace`]);
    expect(await accountOfCall()).toBe("account-grace");
  });

  test("a removed login is not used any more, and its undo brings the same one back", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await stored();
    const removed = await phone.confirms(await phone.cardOf("grace"), /^Remove$/, /^Remove it$/, /✅ grace.* removed/);
    expect(Object.keys((await stored()).profiles)).not.toContain(`${provider}:grace`);
    expect(await accountOfCall()).not.toBe("account-grace");
    await phone.confirms(removed, /^↩️ Undo/, /^Take it back$/, /✅ grace.* is saved/);
    expect(await stored()).toEqual(before);
    expect(await accountOfCall()).toBe("account-grace");
  });

  test("a stranger and one who owns nothing get no word of the logins, and nothing of what they do counts", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const [before, jobs] = [await stored(), await jobNames()];
    const question = await phone.asks("/codex_auth remove work", /Remove work from OpenClaw\?/);
    const yes = lab.telegram
      .everything(OWNER)
      .findLast(({ messageId }) => messageId === question.messageId)
      ?.buttons.find(({ text }) => text === "Remove it")?.callback_data;
    expect(yes).toBeDefined();
    for (const [person, refusal] of [
      [STRANGER, /not authorized/],
      [GUEST, /Only the owners|operator\.admin/],
    ] as const) {
      lab.telegram.person(person).pressesData(question.messageId, yes ?? "");
      // One chat is answered in order: what comes before is over when the second one is refused.
      for (const command of ["/codex_auth remove work yes", "/codex_auth only work"])
        await refused(person, command, refusal);
      const said = lab.telegram.everything(person).filter(({ from }) => from === "bot");
      expect(said.map(({ text }) => text).join("\n")).not.toMatch(/alice|grace|work|Codex logins/);
    }
    expect(await stored()).toEqual(before);
    expect(await jobNames()).toEqual(jobs);
    // The question that they answered still waits for its owner.
    expect(shownTo(OWNER, question.messageId)?.text).toMatch(/Remove work from OpenClaw\?/);
  });

  test("the doctor in the chat and the command line know what is there", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { text } = await phone.asks("/codex_auth doctor", /openclaw:/);
    expect(text).toContain(version);
    expect(text).toContain(`at work in process ${startedAt.pid}`);
    expect(text).toContain(`telegram:${OWNER}`);
    expect(text).toMatch(takesPastes ? /sign-in: by code, or by an address pasted/ : /sign-in: by code only/);
    if (!installed.ok) return;
    const status = String(await openClawCli(installed.openclaw, lab.home, ["codex-auth", "status"]));
    expect(status).toMatch(/Done[\s\S]*grace/);
    expect(shownSecrets(`${text}\n${status}`)).toEqual([]);
  });

  test("all of that happened in one gateway that never missed a probe, and nothing that was said holds a token", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const { probes, failures } = (await endWatch?.()) ?? { probes: 0, failures: ["never watched"] };
    expect(failures).toEqual([]);
    expect(probes).toBeGreaterThan(50);
    expect(gateway.pid()).toBe(startedAt.pid);
    expect(await uptime()).toBeGreaterThan(startedAt.uptimeMs);
    expect(shownSecrets(`${lab.telegram.botOutput()}\n${await gateway.log()}`)).toEqual([]);
  });

  test("an uninstall leaves every stored login, and the next model call uses the same one", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = JSON.stringify(await stored());
    await lab.uninstall();
    // 2026.4.5 restarts itself for that.
    if (version === "2026.4.5") await until(() => pidNow() !== startedAt.pid, PATIENCE_MS);
    await until(async () => (await gateway.readiness())?.ready === true && pidNow() !== undefined, PATIENCE_MS);
    expect(JSON.stringify(await stored())).toBe(before);
    expect(await accountOfCall()).toBe("account-grace");
  });

  /** Whose token a model call in a new chat carries. */
  async function accountOfCall(): Promise<string | undefined> {
    return (await callModel(lab.home, lab.backend)).tokenAccount;
  }

  /** Writes to the model in the owner's own chat, up to its answer. */
  async function chatsWithModel(): Promise<void> {
    const calls = lab.backend.calls.length;
    const sent = lab.telegram.person(OWNER).sends("hello there");
    await shows(/answer \d/, sent);
    expect(lab.backend.calls.length).toBeGreaterThan(calls);
  }

  /** What the bot shows its owner from the message `from` on. */
  function shows(pattern: RegExp, from = 0): Promise<VisibleMessage> {
    const isIt = (one: VisibleMessage): boolean =>
      one.from === "bot" && one.messageId >= from && pattern.test(one.text);
    return lab.telegram.waitFor(
      () => lab.telegram.visible(OWNER).findLast(isIt),
      () => `${String(pattern)}; it shows ${lab.telegram.visible(OWNER).at(-1)?.text ?? "nothing"}`,
      PATIENCE_MS,
    );
  }

  function shownTo(person: number, id: number): VisibleMessage | undefined {
    return lab.telegram.visible(person).find(({ messageId }) => messageId === id);
  }

  async function refused(person: number, command: string, refusal: RegExp): Promise<void> {
    const sent = lab.telegram.person(person).sends(command);
    await lab.telegram.waitFor(
      () =>
        lab.telegram
          .visible(person)
          .find((one) => one.from === "bot" && one.messageId > sent && refusal.test(one.text)),
      () => `${String(refusal)} to ${person}; it shows ${lab.telegram.visible(person).at(-1)?.text ?? "nothing"}`,
      PATIENCE_MS,
    );
  }

  /** The stored entries and the order: what OpenClaw notes of its calls beside them is its own. */
  async function stored(): Promise<Pick<LoginData, "profiles"> & { readonly order: readonly string[] }> {
    const { profiles, order } =
      version === "2026.9.6" ? rowsIn(await lab.storedLogins()) : loginData(await readDisk(lab.home));
    return { profiles, order: order?.[provider] ?? [] };
  }

  /** The one sign-in that waits, as it lies on the disk. */
  async function waitingAttempt(): Promise<Record<string, unknown>> {
    const { pending } = ownPaths(lab.home.stateDir);
    const [name = ""] = (await readdir(pending)).filter((one) => one.endsWith(".json"));
    return JSON.parse(await readFile(join(pending, name), "utf8")) as Record<string, unknown>;
  }

  /** Every change that was ever asked for. */
  async function jobNames(): Promise<readonly string[]> {
    return (await readdir(join(ownPaths(lab.home.stateDir).queue, "jobs"))).toSorted();
  }

  function exchangeCount(): number {
    return issuer.log.filter(({ path }) => path === "/oauth/token").length;
  }

  /** Neither the address nor what counts in it stands in any request that a model was sent. */
  async function expectUnread(address: string): Promise<void> {
    const { searchParams } = new URL(address);
    const heard = await lab.heard();
    expect(heard).toMatch(/"model":"gpt-5\.4"[\s\S]*hello there/);
    for (const secret of ["auth/callback", searchParams.get("code"), searchParams.get("state")])
      expect(heard.includes(secret ?? "auth/callback")).toBe(false);
  }

  function pidNow(): number | undefined {
    try {
      return gateway.pid();
    } catch {
      return undefined;
    }
  }

  async function uptime(): Promise<number> {
    return (await gateway.readiness())?.uptimeMs ?? Number.NaN;
  }
});

/** The rows of 2026.9.6 as one. */
function rowsIn(text: string): LoginData {
  const rows = JSON.parse(text) as readonly { readonly value_json: string }[];
  const parts = rows.map(({ value_json: row }) => JSON.parse(row) as object);
  return Object.assign({ profiles: {} }, ...parts) as LoginData;
}
