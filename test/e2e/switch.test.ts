// Switching on real gateways, by buttons alone: a sign-in by device code, then use, only, reset, rename, remove and their undo.

import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BackendCall } from "./lab/codex-backend.ts";
import { OWNER, startLabBot, type LabBot } from "./lab/bot.ts";
import { changedFiles, loginData, readDisk, type Disk, type LoginData } from "./lab/disk.ts";
import { PATIENCE_MS, until } from "./lab/gateway.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, fakeToken, startLab, type Lab } from "./lab/lab.ts";
import { callModel, writeInChat } from "./lab/model-call.ts";
import { labels, Phone } from "./lab/phone.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const HOUR_MS = 3_600_000;
const [ALICE, BOB, GRACE, OFFICE] = ["alice", "bob", "grace", "office"].map((name) => `openai-codex:${name}`) as [
  string,
  string,
  string,
  string,
];
const ACCOUNTS = [
  { email: "alice@example.com", userId: "user-alice", accountId: "account-alice", planType: "plus" },
  { email: "grace@example.com", userId: "user-grace", accountId: "account-grace", planType: "pro" },
];
/** One chat that goes on during all of this. */
const CHAT = "one-running-chat";

const isLock = (name: string): boolean => /auth-.*\.lock$/.test(name);

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let bot: LabBot;
  let phone: Phone;
  let startedAt: { readonly pid: number; readonly uptimeMs: number };

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    const failed = { errorCount: 3, failureCounts: { rate_limit: 3 }, lastFailureAt: Date.now() };
    lab = await startLab(installed.openclaw, {
      agents: ["helper"],
      stores: {
        main: {
          profiles: {
            [ALICE]: fakeLogin("alice"),
            [BOB]: fakeLogin("bob"),
            "anthropic:spare": { ...fakeToken("spare"), provider: "anthropic" },
          },
          order: { "openai-codex": [ALICE, BOB] },
          usageStats: { [BOB]: { ...failed, cooldownUntil: Date.now() + HOUR_MS, cooldownReason: "rate_limit" } },
        },
        helper: { profiles: { "openai-codex:own": fakeLogin("own", Date.now() + 9 * HOUR_MS) } },
      },
    });
    bot = await startLabBot(lab.home, "auto", { accounts: ACCOUNTS });
    bot.issuer.device.interval = 1;
    phone = new Phone(bot);
    startedAt = { pid: lab.gateway.pid(), uptimeMs: await uptime() };
  });

  afterAll(async () => {
    await bot?.stop();
    await lab?.stop();
  });

  test("a device code that a button asked for renews the login that the running chat uses", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await writes("hello");
    expect(before.tokenAccount).toBe("account-alice");
    const picker = await phone.asks("/codex_auth", /Codex logins/);
    const card = await phone.presses(picker, /^alice ·/, /Enter this code there/);
    phone.enter(card, "alice@example.com");
    // The same account as before: nothing is left to ask.
    await bot.telegram.shows(OWNER, /✅ alice of agent main is saved/, PATIENCE_MS);

    const after = await writes("hello again");
    expect(after).toMatchObject({ tokenAccount: "account-alice" });
    expect(after.tokenId).not.toBe(before.tokenId);
  });

  test("a new login by device code is used by the next new chat; the running one stays, and the card says why", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await writes("good morning")).toMatchObject({ tokenAccount: "account-alice" });
    await phone.presses(await phone.asks("/codex_auth", /Codex logins/), /New login/, /Choose a name and send it/);
    const card = await phone.asks("/codex_auth grace", /grace[\s\S]*Enter this code there/);
    phone.enter(card, "grace@example.com");
    const question = await bot.telegram.shows(OWNER, /Signed in as grace@example.com/, PATIENCE_MS);
    const disk = await readDisk(lab.home);
    await phone.presses(question, /^Save and use first$/, /✅ grace of agent main is saved/);
    await onlyChanged(disk, (data) => ({
      ...data,
      profiles: { ...data.profiles, [GRACE]: expect.objectContaining({ type: "oauth" }) as never },
      order: { "openai-codex": [GRACE, ALICE, BOB] },
    }));

    expect(await calls()).toMatchObject({ tokenAccount: "account-grace" });
    expect(await writes("are you still there?")).toMatchObject({ tokenAccount: "account-alice" });
    const shown = await phone.cardOf("grace");
    expect(shown.text).toMatch(/Order: tried first/);
    expect(shown.text).toMatch(/Chats: 0 bound to this one, 1 to alice/);
    expect(shown.text).toMatch(/⚠️ Chats are bound to another profile/);
    // What mends it comes first.
    expect(labels(shown)[0]).toBe("Only this");
    if (version === "2026.5.28") expect(shown.text).toMatch(/Gateway: has loaded it/);
  });

  test("the button that the card names moves the running chat, and its undo gives the order back", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const disk = await readDisk(lab.home);
    const receipt = await phone.confirms(
      await phone.cardOf("grace"),
      /^Only this$/,
      /^Use only this$/,
      /✅ grace .* is used alone/,
    );
    await onlyChanged(disk, (data) => ({ ...data, order: { "openai-codex": [GRACE] } }));
    // OpenClaw lets go of the bond at the chat's next message; the card does not speak of it any more.
    expect((await phone.cardOf("grace")).text).toMatch(/✅ Nothing known keeps the next call from using grace/);
    expect(await writes("and who are you now?")).toMatchObject({ tokenAccount: "account-grace" });

    const used = await readDisk(lab.home);
    await phone.confirms(receipt, /^↩️ Undo/, /^Take it back$/, /That took an earlier change back/);
    await onlyChanged(used, (data) => ({ ...data, order: { "openai-codex": [GRACE, ALICE, BOB] } }));
  });

  test("a chat that a person has bound is moved by the line on the card, and only says what an order does to it", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    await bind(ALICE);
    expect(await writes("a question for alice")).toMatchObject({ tokenAccount: "account-alice" });
    const shown = await phone.cardOf("grace");
    expect(shown.text).toMatch(/1 to alice, 1 by a person's choice/);
    expect(shown.text).toMatch(/⚠️ A person has bound chats to another profile with \/model/);
    const question = await phone.presses(shown, /^Only this$/, /\?/);
    expect(question.text).toMatch(/by a person's choice and may stay there/);
    const receipt = await phone.presses(question, /^Use only this$/, /✅ grace .* is used alone/);
    // 2026.5.28 keeps to what a person chose, whatever the order lists; 2026.4.5 does not.
    const kept = version === "2026.5.28" ? "account-alice" : "account-grace";
    expect(await writes("still alice?")).toMatchObject({ tokenAccount: kept });

    const [, line = ""] = /(\/model \S+@openai-codex:grace)/.exec((await phone.cardOf("grace")).text) ?? [];
    await bind(line.split("@")[1] ?? "");
    expect(await writes("grace now?")).toMatchObject({ tokenAccount: "account-grace" });
    await phone.confirms(receipt, /^↩️ Undo/, /^Take it back$/, /That took an earlier change back/);
  });

  test("a profile that OpenClaw leaves alone is reset by the button that its card names", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const card = await phone.cardOf("bob");
    expect(card.text).toMatch(/cooling down \(rate_limit\)/);
    expect(card.text).toMatch(/⚠️ First of all OpenClaw leaves it alone/);
    expect(labels(card)[0]).toBe("Reset");
    const disk = await readDisk(lab.home);
    const receipt = await phone.confirms(card, /^Reset$/, /^Reset it$/, /✅ bob .* reset/);
    const { errorCount, ...rest } = (loginData(disk).usageStats?.[BOB] ?? {}) as Record<string, unknown>;
    expect(errorCount).toBe(3);
    const kept = Object.fromEntries(
      Object.entries(rest).filter(([field]) => !/^(cooldown|failureCounts)/.test(field)),
    ) as Record<string, unknown>;
    await onlyChanged(disk, (data) => ({
      ...data,
      usageStats: { ...data.usageStats, [BOB]: expect.objectContaining(kept) as never },
    }));
    expect((await phone.cardOf("bob")).text).not.toMatch(/cooling down/);

    await phone.confirms(receipt, /^↩️ Undo/, /^Take it back$/, /That took an earlier change back/);
    expect(loginData(await readDisk(lab.home))).toEqual(loginData(disk));
    await phone.confirms(await phone.cardOf("bob"), /^Reset$/, /^Reset it$/, /✅ bob .* reset/);
  });

  test("use puts a profile first, and the next new chat uses it", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const disk = await readDisk(lab.home);
    await phone.confirms(await phone.cardOf("bob"), /^Use first$/, /^Use it first$/, /✅ bob .* is used first/);
    await onlyChanged(disk, (data) => ({ ...data, order: { "openai-codex": [BOB, GRACE, ALICE] } }));
    expect(await calls()).toMatchObject({ tokenAccount: "account-bob" });
  });

  test("rename keeps the login byte for byte, and its undo gives the name back", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const disk = await readDisk(lab.home);
    const help = await phone.presses(await phone.cardOf("bob"), /^Rename$/, /Choose the new name of bob/);
    expect(help.text).toContain("/codex_auth rename bob office");
    const question = await phone.asks("/codex_auth rename bob office", /Rename bob to office\?/);
    const receipt = await phone.presses(question, /^Rename it$/, /It is called office now/);
    await onlyChanged(disk, (data) => renamed(data, BOB, OFFICE));
    expect(await calls()).toMatchObject({ tokenAccount: "account-bob" });

    const used = await readDisk(lab.home);
    await phone.confirms(receipt, /^↩️ Undo/, /^Take it back$/, /That took an earlier change back/);
    await onlyChanged(used, (data) => renamed(data, OFFICE, BOB));
    expect(loginData(await readDisk(lab.home)).profiles).toEqual(loginData(disk).profiles);
  });

  test("remove takes one profile out, and its undo puts the same login back in its place", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const disk = await readDisk(lab.home);
    await phone.confirms(await phone.cardOf("bob"), /^Remove$/, /^Remove it$/, /✅ bob .* removed/);
    await onlyChanged(disk, (data) => ({
      ...data,
      profiles: without(data.profiles, BOB),
      order: { "openai-codex": [GRACE, ALICE] },
    }));
    expect(await calls()).toMatchObject({ tokenAccount: "account-grace" });

    // By the list of what may be taken back this time, not by the receipt.
    const used = await readDisk(lab.home);
    const list = await phone.asks("/codex_auth rollback", /What may be taken back/);
    await phone.confirms(list, /^↩️ Undo: bob/, /^Take it back$/, /✅ bob .* is saved/);
    await onlyChanged(used, (data) => ({
      ...data,
      profiles: { ...data.profiles, [BOB]: loginData(disk).profiles[BOB] as Record<string, unknown> },
      order: { "openai-codex": [BOB, GRACE, ALICE] },
    }));
    expect(await calls()).toMatchObject({ tokenAccount: "account-bob" });
  });

  test("the gateway was never restarted, no lock is left, and nothing that was said holds a token", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    expect(lab.gateway.pid()).toBe(startedAt.pid);
    expect(await uptime()).toBeGreaterThan(startedAt.uptimeMs);
    const receipts = await bot.parts.engine.receipts.list(50);
    expect(receipts).toHaveLength(14);
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({ outcome: "done", activation: { used: "reload" } });
    }
    // The gateway takes the same lock for a moment now and then; one that was left lies there for good.
    await until(() => !readdirSync(lab.home.stateDir, { recursive: true }).map(String).some(isLock), PATIENCE_MS);
    expect(shownSecrets([bot.telegram.botOutput(), ...bot.output].join("\n"))).toEqual([]);
  });

  /** A model call in a new chat. */
  async function calls(): Promise<BackendCall> {
    return noted(() => callModel(lab.home, lab.backend));
  }

  /** What its person writes in the running chat, up to the model call that it leads to. */
  async function writes(message: string): Promise<BackendCall> {
    const before = lab.backend.calls.length;
    return noted(async () => {
      await writeInChat(lab.home, lab.backend, message, CHAT);
      // A message that comes while the run before is being put away waits its turn.
      await until(() => lab.backend.calls.length > before, PATIENCE_MS);
      return lab.backend.calls[before] as BackendCall;
    });
  }

  /** A model call is over when the gateway has also noted which login it used: that is a write of its own. */
  async function noted(work: () => Promise<BackendCall>): Promise<BackendCall> {
    const startedAtMs = Date.now();
    const call = await work();
    await until(async () => {
      const used = Object.values(loginData(await readDisk(lab.home)).usageStats ?? {}) as { lastUsed?: number }[];
      return used.some(({ lastUsed = 0 }) => lastUsed >= startedAtMs);
    }, PATIENCE_MS);
    return call;
  }

  /** The line that the card prints, with a model, in the running chat. */
  async function bind(profileId: string): Promise<void> {
    await writeInChat(lab.home, lab.backend, `/model openai-codex/gpt-5.4@${profileId}`, CHAT);
  }

  /** Main's logins are what `wanted` makes of those before, and no other file and no other entry differs by a byte. */
  async function onlyChanged(before: Disk, wanted: (data: LoginData) => LoginData): Promise<void> {
    const after = await readDisk(lab.home);
    expect(loginData(after)).toEqual(wanted(loginData(before)));
    const files = changedFiles(before, after);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(file).toMatch(/^agents\/main\/agent\/auth-(profiles|state)\.json$/);
    const [was, is] = [loginData(before).profiles, loginData(after).profiles];
    for (const id of Object.keys(was))
      if (Object.hasOwn(is, id)) expect(JSON.stringify(is[id])).toBe(JSON.stringify(was[id]));
  }

  async function uptime(): Promise<number> {
    return (await lab.gateway.readiness())?.uptimeMs ?? Number.NaN;
  }
});

function without<T>(record: Readonly<Record<string, T>>, id: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== id));
}

/** The logins with one id in place of another wherever it stands. */
function renamed(data: LoginData, from: string, to: string): LoginData {
  return JSON.parse(JSON.stringify(data).replaceAll(`"${from}"`, `"${to}"`)) as LoginData;
}
