// `/codex_usage` in a chat, on a real store, against the sandbox's usage server.

import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseCodexUsage, typedForUsage } from "../../src/chat/codex-usage-command.ts";
import { plainText } from "../../src/chat/reply.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { CHAT, DAY, HOUR, MINUTE, PLUGIN, SECOND } from "../../src/config/defaults.ts";
import { USAGE_SHAPES } from "../../src/sandbox/usage-shapes.ts";
import { startSandboxUsage, type SandboxUsage } from "../../src/sandbox/usage-server.ts";
import { accessToken, alice, bob, chatLab, type Account, type ChatLab } from "./chat-lab.ts";

const group = { private: false, chatId: "-100" };

interface UsageChat extends ChatLab {
  readonly server: SandboxUsage;
  usage(args: string, as?: Parameters<ChatLab["say"]>[1]): Promise<string>;
}

async function usageChat(options: Partial<ChatServices> = {}): Promise<UsageChat> {
  const clock: { lab?: ChatLab } = {};
  const server = await startSandboxUsage({ now: () => clock.lab?.clock.now ?? 0 });
  onTestFinished(() => server.close());
  const lab = await chatLab({ ...options, usageServer: server.origin });
  clock.lab = lab;
  const usage: UsageChat["usage"] = async (args, as) => {
    await lab.incoming({ kind: "command", name: "codex_usage", args }, as);
    return lab.out.last;
  };
  return { ...lab, server, usage };
}

const carol: Account = { user: "carol", email: "carol@example.com", plan: "team", expiresAtMs: bob.expiresAtMs };

describe("/codex_usage work", () => {
  it("says at once that it looks, and puts windows, resets, credits and plan in the place of that", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.hold();
    const answered = lab.usage("work");
    await expect.poll(() => lab.out.last).toBe("⏳ Checking the usage of work…");
    lab.server.release();
    await answered;
    expect(lab.out.messages.size).toBe(1);
    expect(
      lab.out.lastReply.lines.map((line) => line.map((span) => (typeof span === "string" ? span : span.text)).join("")),
    ).toEqual([
      "work · alice@example.com (plus)",
      "5 h: ▓▓▓░░░░░░░ 32 % used, 68 % left; resets in 3 hours (15:00 UTC)",
      "week: ▓▓▓▓▓▓▓░░░ 71 % used, 29 % left; resets in 2 days (Mon 23 Nov 12:00 UTC)",
      "Credits: 12.5",
      "Limit resets to spend: 2. Only you can spend them, at the provider.",
      "Times are in UTC; the setting timeZone shows them in yours.",
    ]);
    expect(lab.out.lastReply.problem).toBeUndefined();
  });

  it("shows the times of the reader's own zone where the settings name it, and says nothing of UTC", async () => {
    const lab = await usageChat({ timeZone: "Europe/Berlin" });
    await lab.writeStore({ work: alice });
    expect(await lab.usage("work")).toContain("resets in 3 hours (16:00 CET)");
    expect(lab.out.last).not.toContain("UTC");
  });

  it.each([
    [
      "a limit that is over",
      USAGE_SHAPES.over,
      ["▓▓▓▓▓▓▓▓▓▓ 104 % used, 0 % left", "⛔ The limit is reached (workspace member usage limit reached)."],
    ],
    ["one month", USAGE_SHAPES.free, ["month: ░░░░░░░░░░ 4 % used, 96 % left; resets in 20 days"]],
    ["the week alone", USAGE_SHAPES.weekFirst, ["week: ▓░░░░░░░░░ 11 % used", "Credits: unlimited"]],
    [
      "further limits",
      USAGE_SHAPES.rich,
      [
        "3 days: ▓░░░░░░░░░ 9 % used",
        "Example-Spark · day: ▓▓░░░░░░░░ 20 % used",
        "Without windows: unknown",
        "code review · week:",
        "Your spending: 40.00 of 100.00 used (40 %), 60.00 left; resets in 9 days",
      ],
    ],
    [
      "nothing but nulls",
      USAGE_SHAPES.nulls,
      ["window of unknown length: use unknown; reset unknown", "Credits: unknown"],
    ],
  ] as const)("shows %s", async (_what, shape, texts) => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.setUsage("acc-alice", shape);
    const shown = await lab.usage("work");
    for (const text of texts) expect(shown).toContain(text);
    if (shape === USAGE_SHAPES.nulls) expect(shown.split("\n").slice(1).join()).not.toMatch(/\b0 %|░/);
  });

  it("means what /codex_auth means by `default`, by an id and by a word, and refuses what is none", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob }, { order: ["home", "work"] });
    expect(await lab.usage("default")).toContain("home · bob@example.com");
    expect(await lab.usage("openai-codex:work")).toContain("work · alice@example.com");
    expect(await lab.usage("nobody")).toContain("no Codex profile of that name");
    expect(await lab.usage("anthropic:work")).toContain("left alone");
    expect(await lab.usage("work home")).toContain("stands one profile, or `all`");
    expect(lab.server.log).toHaveLength(2);
  });

  it("is answered from the check under way where somebody else asks the same", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.hold();
    const both = Promise.all([lab.usage("work"), lab.usage("work", { personId: "2", chatId: "2" })]);
    await expect.poll(() => lab.out.messages.size).toBe(2);
    lab.server.release();
    await both;
    expect(lab.server.log).toHaveLength(1);
    for (const reply of lab.out.messages.values()) expect(plainText(reply)).toContain("32 % used");
  });
});

describe("a check that brings no figures", () => {
  it("after a 401 says that the sign-in needs renewal, with the button that begins it; the store is untouched", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.revoke(accessToken(alice));
    const before = await readFile(lab.storePath(), "utf8");
    expect(await lab.usage("work")).toContain("The sign-in needs renewal");
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_USAGE_UNAVAILABLE" });
    await lab.press("Sign in again: work");
    expect(lab.out.last).toContain("Renew work");
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:work" }]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(before);
    expect(await lab.queue.open()).toEqual([]);
  });

  it("with a token that is over asks nobody, says so, and offers the sign-in", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: { ...alice, expiresAtMs: lab.clock.now - 2 * HOUR } });
    expect(await lab.usage("work")).toContain("Its access token expired 2 hours ago, so nobody was asked.");
    expect(lab.out.button("Sign in again: work").typed).toBe("/codex_auth work");
    expect(lab.server.log).toEqual([]);
  });

  it("offers no sign-in for what the lease or another program keeps, and says who renews that", async () => {
    const lab = await usageChat();
    const expiresAtMs = lab.clock.now - 1 * HOUR;
    await lab.writeStore({ work: { ...alice, expiresAtMs } });
    const store = JSON.parse(await readFile(lab.storePath(), "utf8"));
    const [entry] = Object.values<Record<string, unknown>>(store.profiles);
    store.profiles["openai-codex:other"] = { ...entry, managedBy: "a manager" };
    const { access: token, expires, provider } = entry ?? {};
    store.profiles["openai-codex:lease"] = { type: "token", provider, token, expires };
    await writeFile(lab.storePath(), JSON.stringify(store));
    expect(await lab.usage("lease")).toContain("lease is the leased login: see /lease.");
    expect(lab.out.last).toContain("The sign-in needs renewal.");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).toEqual([
      "Check again",
      "Other profiles",
    ]);
    expect(await lab.usage("other")).toContain("other is kept by a manager, which renews it.");
    expect(lab.out.last).not.toContain("Sign in again");
    await lab.usage("all");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).toEqual([
      "Sign in again: work",
      "Check again",
      "Other profiles",
    ]);
  });

  it("by a block page is no sign-in problem, and shows what was seen before with its age", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    await lab.usage("work");
    lab.clock.now += 2 * HOUR;
    lab.server.fail({ kind: "html403" });
    const shown = await lab.usage("work");
    expect(shown).toContain("The provider blocked the check. That says nothing about the sign-in.");
    expect(shown).toContain("As it was 2 hours ago (12:00 UTC):");
    expect(shown).toContain("32 % used");
    expect(shown).not.toMatch(/Sign in again|renewal/);
    lab.clock.now += 2 * HOUR;
    lab.server.fail({ kind: "garbage" });
    expect(await lab.usage("work")).toContain("5 h: has reset since, 60 min ago; use unknown");
  });

  it("says no more that the limit is reached when every window of it has reset since", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.setUsage("acc-alice", USAGE_SHAPES.over);
    expect(await lab.usage("work")).toContain("⛔");
    lab.clock.now += 2 * HOUR;
    lab.server.fail({ kind: "html403" });
    expect(await lab.usage("work")).toContain("⛔");
    lab.clock.now += 1 * DAY;
    lab.server.fail({ kind: "html403" });
    expect(await lab.usage("work")).toContain("week: has reset since");
    expect(lab.out.last).not.toContain("⛔");
  });

  it("because the check itself failed, says so in the place of the message that it looks", async () => {
    const failing = { check: () => Promise.reject(new Error("inside")), known: async () => new Map() };
    const lab = await usageChat({ usage: () => failing });
    await lab.writeStore({ work: alice });
    expect(await lab.usage("work")).toContain("Something went wrong");
    expect(lab.out.messages.size).toBe(1);
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_INTERNAL" });
    expect(lab.out.last).not.toMatch(/Checking|inside/);
  });

  it.each([
    ["drop", "The connection to the provider broke off."],
    ["closed", "The provider could not be reached from this machine."],
  ] as const)("says how no answer came (%s)", async (how, words) => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    if (how === "closed") await lab.server.close();
    else for (const kind of [how, how]) lab.server.fail({ kind });
    expect(await lab.usage("work")).toContain(words);
  });

  it("from another account shows none of its figures", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.fail({ kind: "other-account" });
    expect(await lab.usage("work")).toContain("Unavailable (another account answered).");
    expect(lab.out.last).not.toMatch(/%|else@/);
  });

  it("that do not say whose figures they are, are shown with that doubt", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    const nobody = { user_id: null, account_id: null, email: null };
    lab.server.setUsage("acc-alice", (now) => ({ ...USAGE_SHAPES.plus(now), ...nobody }));
    expect(await lab.usage("work")).toContain("32 % used");
    expect(lab.out.last).toContain("The answer does not say whose figures these are.");
    lab.clock.now += 1 * MINUTE;
    lab.server.setUsage("acc-alice", USAGE_SHAPES.plus);
    expect(await lab.usage("work")).not.toContain("does not say whose");
  });

  it("after too many questions says when to ask again, and asks nobody before", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.fail({ kind: "status", status: 429, retryAfter: "300" });
    expect(await lab.usage("work")).toContain("ask again in 5 min");
    lab.clock.now += 1 * MINUTE;
    expect(await lab.press("Check again")).toContain("ask again in 4 min");
    expect(lab.server.log).toHaveLength(1);
  });
});

describe("/codex_usage all", () => {
  it("shows every profile, good and bad, in the order of the store, in one message", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob, late: { ...carol, expiresAtMs: lab.clock.now - DAY } });
    lab.server.setUsage("acc-bob", USAGE_SHAPES.weekFirst);
    const shown = await lab.usage("all");
    expect(shown).toMatch(
      /work · alice[\s\S]+home · bob@example.com \(pro\)\nweek: [\s\S]+late · carol[\s\S]+expired 24 hours ago/,
    );
    expect(shown).toMatch(/Credits: 12\.5[\s\S]+Credits: unlimited/);
    expect(lab.out.messages.size).toBe(1);
    expect(lab.out.lastReply.problem).toBeUndefined();
    expect((lab.out.lastReply.buttons ?? []).map((row) => row.map(({ label }) => label))).toEqual([
      ["Sign in again: late"],
      ["Check again", "Other profiles"],
    ]);
  });

  it("is short where there are many, and fits into a message of Telegram", async () => {
    const lab = await usageChat();
    const users = Array.from({ length: 12 }, (_, index) => `person${index}`);
    await lab.writeStore(
      Object.fromEntries(users.map((user) => [user, { ...bob, user, email: `${user}@example.com` }])),
    );
    for (const user of users) lab.server.setUsage(`acc-${user}`, USAGE_SHAPES.rich);
    const shown = await lab.usage("all");
    expect(shown).not.toMatch(/Credits|Your spending|Spark/);
    expect(shown).toContain("In short; /codex_usage <profile> tells all about one.");
    expect(shown.match(/3 days: /g)).toHaveLength(12);
    expect(plainText({ lines: lab.out.lastReply.lines }).length).toBeLessThan(CHAT.maxReplyChars);
  });

  it.each([
    [16, 12],
    [40, 30],
    [90, 30],
  ])("has a line for each of %i profiles with names of %i letters, and fits into a message", async (count, length) => {
    const lab = await usageChat();
    const users = Array.from({ length: count }, (_, index) => `p${index}-`.padEnd(length, "x"));
    const late = lab.clock.now - DAY;
    await lab.writeStore(
      Object.fromEntries(
        users.map((user, index) => [user, { ...bob, user, ...(index % 2 === 0 ? {} : { expiresAtMs: late }) }]),
      ),
    );
    const shown = await lab.usage("all");
    expect(shown.length).toBeLessThanOrEqual(PLUGIN.maxTextChars);
    for (const index of users.keys()) expect(shown).toMatch(new RegExp(`^p${index}-.*: .*(?:%|expired)`, "m"));
    expect(shown).toContain("/codex_usage <profile>");
  });

  it("leaves out what stands beside the limits where the whole text of a few profiles is too long", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob });
    const more = Array.from({ length: 11 }, (_, index) => ({
      limit_name: `limit ${index} `.padEnd(48, "y"),
      rate_limit: { a_window: { used_percent: 1 }, b_window: { used_percent: 2 }, c_window: { used_percent: 3 } },
    }));
    for (const account of ["acc-alice", "acc-bob"])
      lab.server.setUsage(account, (now) => ({ ...USAGE_SHAPES.plus(now), additional_rate_limits: more }));
    const shown = await lab.usage("all");
    expect(shown.length).toBeLessThanOrEqual(PLUGIN.maxTextChars);
    expect(shown).toMatch(/work · [\s\S]+32 % used[\s\S]+home · [\s\S]+32 % used/);
    expect(shown).toContain("In short;");
  });

  it("without a profile says how to make one", async () => {
    const lab = await usageChat();
    expect(await lab.usage("all")).toContain("There is no Codex profile yet");
    expect(lab.server.log).toEqual([]);
  });
});

describe("the picker of /codex_usage", () => {
  it("offers default, all and each profile, with what was seen last", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob });
    await lab.usage("work");
    lab.clock.now += 12 * MINUTE;
    await lab.usage("");
    expect(lab.out.last).toContain("1. work: 5 h 32 % used, week 71 % used, seen 12 min ago");
    expect(lab.out.last).toContain("2. home: not seen in the last two weeks");
    expect((lab.out.lastReply.buttons ?? []).map((row) => row.map(({ label }) => label))).toEqual([
      ["Default (work)", "All 2"],
      ["work"],
      ["home"],
    ]);
    expect(await lab.press("home")).toContain("home · bob@example.com");
    expect(await lab.press("Other profiles")).toContain("2. home: 5 h 32 % used");
    expect(await lab.press("All 2")).toContain("work · alice");
  });

  it("is answered by number or name, and then looks; the numbers of /codex_auth still mean a sign-in", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob });
    await lab.usage("");
    expect(await lab.text("2")).toContain("home · bob@example.com");
    expect(await lab.text("work")).toContain("work · alice@example.com");
    await lab.say("");
    expect(await lab.usage("2")).toContain("no list here");
    expect(await lab.text("2")).toContain("Renew home");
  });

  it("shows a group nothing of the provider's words that may be an address or a link, and a private chat all of it", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice });
    lab.server.setUsage("acc-alice", (now) => {
      const shape = USAGE_SHAPES.rich(now);
      return {
        ...shape,
        plan_type: "see https://example.org",
        additional_rate_limits: [{ limit_name: "of bob@example.org", rate_limit: { limit_reached: true } }],
        rate_limit_reached_type: "ask_admin@example.org",
      };
    });
    expect(await lab.usage("work", group)).toContain("another limit");
    expect(lab.out.last).toContain("plan unknown");
    expect(lab.out.last).toContain("⛔ The limit is reached.");
    expect(lab.out.everything).not.toMatch(/@|:\/\/|admin/);
    lab.clock.now += 1 * MINUTE;
    lab.server.fail({ kind: "html403" });
    expect(await lab.usage("work", group)).toContain("another limit");
    expect(lab.out.everything).not.toMatch(/@|:\/\/|admin/);
    lab.clock.now += 1 * MINUTE;
    expect(await lab.usage("work")).toContain("of bob@example.org");
  });

  it("shows a group neither addresses nor buttons", async () => {
    const lab = await usageChat();
    await lab.writeStore({ "alice@example.com": alice });
    await lab.usage("", group);
    expect(lab.out.lastReply.buttons).toBeUndefined();
    await lab.usage("all", group);
    expect(lab.out.everything).not.toContain("@");
    expect(lab.out.everything).toContain("32 % used");
    expect(lab.out.lastReply.buttons).toBeUndefined();
  });

  it("goes stale with its profile", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob });
    await lab.usage("");
    const { data } = lab.out.button("home");
    await lab.writeStore({ work: alice });
    await lab.incoming({ kind: "press", data, messageId: lab.out.lastId });
    expect(lab.out.toasts.join()).toContain("too old, or what it was about has changed");
    expect(lab.server.log).toEqual([]);
  });
});

describe("the picker of /codex_auth", () => {
  it("shows the newest usage that was seen of each profile, with its age, and asks nobody", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, home: bob });
    await lab.usage("work");
    lab.clock.now += 3 * HOUR + 30 * SECOND;
    await lab.say("");
    expect(lab.out.last).toMatch(
      /1\. work: .*\n   ↳ 5 h has reset since, week 71 % used, seen 3 hours ago\n2\. home: .*\n\nAnswer/,
    );
    expect(lab.server.log).toHaveLength(1);
  });
});

describe("what is typed behind /codex_usage", () => {
  it.each([
    ["", { kind: "menu" }],
    ["  ALL ", { kind: "all" }],
    ["all --agent ops", { kind: "all", agentId: "ops" }],
    ["--agent=ops work", { kind: "one", selector: "work", agentId: "ops" }],
    ["openai-codex:all", { kind: "one", selector: "openai-codex:all" }],
    ["--profile work", { kind: "one", selector: "work" }],
    ["help", { kind: "help" }],
  ])("`%s`", (args, command) => {
    expect(parseCodexUsage(args)).toEqual(command);
  });

  it.each([
    ["openai-codex:42", "openai-codex:42"],
    ["openai-codex:All", "openai-codex:All"],
    ["openai-codex:work2", "work2"],
  ])("names %s so that it means that profile: %s", (profileId, typed) => {
    expect(typedForUsage(profileId)).toBe(typed);
  });

  it("takes a profile that a host has found as it is, whatever its name", async () => {
    const lab = await usageChat();
    await lab.writeStore({ work: alice, "--agent ops": bob, all: carol });
    for (const [name, email] of [
      ["--agent ops", bob.email],
      ["all", carol.email],
    ]) {
      const command = { kind: "profile", profileId: `openai-codex:${name}` } as const;
      await lab.incoming({ kind: "usage", command });
      expect(lab.out.last).toContain(email);
      expect(lab.out.last).not.toContain(alice.email);
    }
    await lab.incoming({ kind: "usage", command: { kind: "profile", profileId: "openai-codex:gone" } });
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_PROFILE_UNKNOWN" });
    expect(lab.server.log).toHaveLength(2);
  });

  it.each(["a b", "--agent", "--agent ../x", "x".repeat(5_000)])("is refused where it is none (%#)", (args) => {
    expect(() => parseCodexUsage(args)).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });
});
