import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { plainText } from "../../src/chat/reply.ts";
import { HOUR, MINUTE } from "../../src/config/defaults.ts";
import { alice, bob, chatLab } from "./chat-lab.ts";

const group = { private: false, chatId: "-100" };

describe("/codex_auth", () => {
  it("lists every profile with account, plan, expiry and place in the order, and a button for each", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, home: bob, old: "broken" }, { order: ["home", "work"] });
    await lab.say("");
    const { lastReply } = lab.out;
    expect(lastReply.choices).toEqual(["home", "work", "old"]);
    expect(lab.out.last).toContain("1. home: bob@example.com (pro), expires in 10 days, first in the order");
    expect(lab.out.last).toContain("2. work: alice@example.com (plus), expires in 3 days");
    expect(lab.out.last).toMatch(/3\. old: .*expired .*not in the order/);
    expect((lastReply.buttons ?? []).map((row) => row[0]?.label)).toEqual([
      "home · expires in 10 days",
      "work · expires in 3 days",
      expect.stringContaining("old · "),
      "➕ New login",
      "⚙️ Manage…",
    ]);
  });

  it("answers before anything is written, and a number means this list as soon as the turn is over", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, home: bob });
    const shown = join(lab.paths.chat, "shown.json");
    const { send } = lab.out;
    let wasWritten: boolean | undefined;
    lab.out.send = async (reply) => {
      wasWritten = existsSync(shown);
      return send.call(lab.out, reply);
    };
    await lab.say("");
    expect([wasWritten, existsSync(shown)]).toEqual([false, true]);
    expect(await lab.services.lists.pick(lab.asker, "profiles", 2)).toEqual({
      agentId: "main",
      entry: "openai-codex:home",
    });
  });

  it("says how an expired and a cooling profile are", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: { ...alice, expiresAtMs: lab.clock.now - 2 * HOUR }, home: bob });
    const store = JSON.parse(await readFile(lab.storePath(), "utf8"));
    store.usageStats = {
      "openai-codex:home": { cooldownUntil: lab.clock.now + 20 * MINUTE, cooldownReason: "rate_limit" },
    };
    await writeFile(lab.storePath(), JSON.stringify(store));
    await lab.say("");
    expect(lab.out.last).toContain("expired 2 hours ago (OpenClaw renews it at its next use)");
    expect(lab.out.last).toContain("cooling down (rate_limit), back in 20 min");
  });

  it("offers a new login where there is none yet, and `default` as its name", async () => {
    const lab = await chatLab();
    await lab.say("");
    expect(lab.out.last).toContain("There is none yet.");
    await lab.press("New login");
    expect(lab.out.last).toContain("/codex_auth work");
    await lab.press('Name it "default"');
    expect(lab.out.last).toContain("openai-codex:default");
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([
      { profileId: "openai-codex:default", agentId: "main" },
    ]);
  });

  it("does not offer `default` as a name where it is somebody's profile", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("new");
    expect(lab.out.lastReply.buttons).toBeUndefined();
  });

  it("has a row for each other agent, whose profiles are then meant by numbers and names", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.writeStore({ mine: bob }, { agent: "ops" });
    await lab.say("");
    expect(lab.out.last).toContain("of agent main");
    await lab.press("Agent ops");
    expect(lab.out.last).toContain("of agent ops");
    expect(lab.out.lastReply.choices).toContain("mine");
    const number = (lab.out.lastReply.choices?.indexOf("mine") ?? 0) + 1;
    await lab.say(String(number));
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:mine", agentId: "ops" }]);
  });

  it("names an agent that does not exist as an error and starts nothing", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("work --agent nobody");
    expect(lab.out.last).toContain("no agent of that name");
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
  });

  it("shows a group neither e-mail addresses nor buttons, and a profile named by an address only by its first letter", async () => {
    const lab = await chatLab();
    await lab.writeStore({ "alice@example.com": alice, work: bob });
    await lab.say("", group);
    expect(lab.out.last).not.toContain("@");
    expect(lab.out.last).toMatch(/\d\. a…: plus, expires in 3 days/);
    expect(lab.out.last).toMatch(/\d\. work: pro, expires in 10 days/);
    expect(lab.out.lastReply.buttons).toBeUndefined();
  });

  it("says what is wrong with a store and what to do, and leaves it as it is", async () => {
    const lab = await chatLab();
    await mkdir(dirname(lab.storePath()), { recursive: true });
    await writeFile(lab.storePath(), "{ broken");
    await lab.say("");
    expect(lab.out.last).toMatch(/^⚠️ .+\n→ .+/);
    expect(await readFile(lab.storePath(), "utf8")).toBe("{ broken");
  });

  it("shows markup, control and direction characters of a store as harmless data", async () => {
    const lab = await chatLab();
    const email = "<b>\u202Eevil\u0007\u200B@x.example\n1. fake line";
    await lab.writeStore({ work: { ...alice, email } });
    await lab.say("");
    expect(lab.out.last).not.toMatch(/\p{Cf}|[^\P{Cc}\n]/u);
    const line = lab.out.lastReply.lines.find((spans) =>
      spans.some((span) => typeof span !== "string" && span.text.includes("evil")),
    );
    // Kept as one span of data: the host escapes it.
    expect(line).toContainEqual({ text: "<b>evil@x.example 1. fake line", style: "bold" });
  });
});

describe("the list that a number means", () => {
  it("is answered by number or name, as a command or as a plain message", async () => {
    for (const answer of ["2", "work"]) {
      const lab = await chatLab();
      await lab.writeStore({ home: bob, work: alice }, { order: ["home", "work"] });
      await lab.say("");
      expect(plainText(lab.out.lastReply)).toContain("Answer by number or name.");
      expect(await lab.incoming({ kind: "text", text: answer })).toBe("handled");
      expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:work" }]);
    }
  });

  it("is another person's own, and nobody's after ten minutes", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob });
    await lab.say("");
    expect(await lab.incoming({ kind: "text", text: "1" }, { personId: "2", chatId: "2" })).toBe("ignored");
    lab.clock.now += 10 * MINUTE;
    expect(await lab.incoming({ kind: "text", text: "1" })).toBe("ignored");
    await lab.say("1");
    expect(lab.out.last).toContain("older than ten minutes");
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
  });

  it("is not answered by a plain number in a group, where people count other things too", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob });
    await lab.say("", group);
    expect(await lab.incoming({ kind: "text", text: "1" }, group)).toBe("ignored");
  });

  it("has an end, and says so", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob });
    await lab.say("");
    await lab.say("2");
    expect(lab.out.last).toContain("has 1 entry");
  });

  it("stays the list that was shown, also where the store has changed since", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob, work: alice }, { order: ["home", "work"] });
    await lab.say("");
    await lab.writeStore({ home: bob, work: alice }, { order: ["work", "home"] });
    await lab.say("1");
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:home" }]);
  });
});
