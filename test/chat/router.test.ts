import * as fc from "fast-check";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ACTIONS, ButtonCodec, refOf, type ActionName } from "../../src/chat/button.ts";
import { withReign } from "../../src/apply/reign.ts";
import { APPLY, CHAT, HOUR } from "../../src/config/defaults.ts";
import { alice, bob, chatLab, signedIn } from "./chat-lab.ts";
import { end } from "./job-play.ts";

const isAction = (name: string): name is ActionName => Object.hasOwn(ACTIONS, name);

describe("who is heard", () => {
  it("a stranger gets silence for every kind of message, and nothing is made", async () => {
    const lab = await chatLab();
    const data = lab.services.buttons.encode("codex_auth_new", refOf("new", "main"), {
      ...lab.asker,
      personId: "666",
      chatId: "666",
    });
    for (const incoming of [
      { kind: "command", name: "codex_auth", args: "" },
      { kind: "command", name: "lease", args: "" },
      { kind: "press", data },
      { kind: "text", text: "hello" },
      { kind: "text", text: lab.signIns.callback("a1") },
    ] as const) {
      expect(await lab.incoming(incoming, { personId: "666", chatId: "666" })).toBe("ignored");
    }
    expect(lab.out.history).toEqual([]);
    expect(lab.out.toasts).toEqual([]);
    expect(lab.out.deletions).toBe(0);
    expect(await readdir(lab.paths.chat)).toEqual(["button.key"]);
  });

  it("asks the allow-list again at the press", async () => {
    const allowed = new Set(["1"]);
    const lab = await chatLab({ allow: ({ personId }) => allowed.has(personId) });
    await lab.say("");
    const { data } = lab.out.button("New login");
    allowed.clear();
    expect(await lab.incoming({ kind: "press", data })).toBe("ignored");
    expect(lab.out.history).toHaveLength(1);
  });

  it("leaves plain chatter alone", async () => {
    const lab = await chatLab();
    for (const text of ["hello there", "work", "7", "", " ", "x".repeat(5_000)]) {
      expect(await lab.incoming({ kind: "text", text })).toBe("ignored");
    }
    expect(lab.out.history).toEqual([]);
  });
});

describe("buttons", () => {
  it("of somebody else, of another bot, forged or out of time do nothing and are answered politely", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("");
    const { data } = lab.out.button("work");
    const shown = lab.out.history.length;
    await lab.incoming({ kind: "press", data }, { personId: "2", chatId: "2" });
    await lab.incoming({ kind: "press", data }, { botId: "10" });
    await lab.incoming({ kind: "press", data: "codex_auth_login:AAAAAAAAAAAA.zzzzzz.AAAAAAAAAAAAAAAA" });
    await lab.incoming({ kind: "press", data: "x".repeat(10_000) });
    lab.clock.now += CHAT.pickerTtlMs + HOUR;
    await lab.incoming({ kind: "press", data });
    expect(lab.out.toasts).toHaveLength(5);
    expect(lab.out.history).toHaveLength(shown);
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    expect(await lab.signIns.waiting({ ...lab.asker, personId: "2", chatId: "2" })).toEqual([]);
  });

  it("are answered by a message where the host has no notes", async () => {
    const lab = await chatLab();
    const { out } = lab;
    const plain = { send: out.send.bind(out), edit: out.edit.bind(out), deleteIncoming: out.deleteIncoming.bind(out) };
    await lab.router.handle(lab.asker, { kind: "press", data: "codex_auth_new:x" }, plain);
    expect(out.last).toContain("not made for you");
  });

  it("work after a restart of the bot", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("");
    const { data } = lab.out.button("work");
    const buttons = await ButtonCodec.open({ folder: lab.paths.chat, now: lab.services.now });
    const next = await chatLab({ ...lab.services, buttons });
    await next.incoming({ kind: "press", data });
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("of every action on nothing that exists are stale, and none of them throws", async () => {
    const lab = await chatLab();
    const always: readonly string[] = ["codex_auth_parked"];
    for (const name of Object.keys(ACTIONS).filter(isAction)) {
      if (always.includes(name)) continue;
      const data = lab.services.buttons.encode(name, refOf("nothing"), lab.asker);
      const before = lab.out.toasts.length;
      expect(await lab.incoming({ kind: "press", data })).toBe("handled");
      if (!name.startsWith("lease_")) expect(lab.out.toasts.length, name).toBe(before + 1);
      // Without a broker there is no lease that could be another one.
      else expect(lab.out.lastReply.problem?.code, name).toBe("ERR_BROKER_NOT_SET");
    }
    expect(lab.out.history.filter(({ problem }) => problem === undefined)).toEqual([]);
  });

  it("do nothing in a group, where none are shown", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    const group = { private: false, chatId: "-100" };
    const data = lab.services.buttons.encode("codex_auth_login", refOf("login", "main", "openai-codex:work"), {
      ...lab.asker,
      ...group,
    });
    await lab.incoming({ kind: "press", data }, group);
    expect(lab.out.last).toContain("private chat only");
    const list = lab.services.buttons.encode("codex_auth_parked", refOf("parked"), { ...lab.asker, ...group });
    await lab.incoming({ kind: "press", data: list }, group);
    expect(lab.out.messages.size).toBe(2);
    expect(lab.out.last).toContain("private chat only");
  });

  it("show what they open in place of the message they stood under", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("");
    await lab.press("work");
    expect(lab.out.messages.size).toBe(1);
    expect(lab.out.last).toContain("Renew work");
  });
});

describe("the other commands", () => {
  it("/codex_usage shows the profiles to choose from", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.incoming({ kind: "command", name: "codex_usage", args: "" });
    expect(lab.out.last).toContain("1. work: not seen in the last two weeks");
  });

  it("help lists what can be typed", async () => {
    const lab = await chatLab();
    await lab.say("help");
    for (const word of ["finish", "status", "cancel", "parked", "take", "discard"]) {
      expect(lab.out.last).toContain(`/codex_auth ${word}`);
    }
  });
});

describe("status", () => {
  it("shows what runs, what waits and what was done, for all profiles or one", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice, home: bob });
    await lab.say("status");
    expect(lab.out.last).toBe("Nothing is running, and nothing was done yet.");
    lab.signIns.next = async () => signedIn(alice);
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    await lab.say("home");
    await lab.say("status");
    expect(lab.out.last).toBe(
      "Running\nwork: queued, asked now\nWaiting for your sign-in\nhome: the link ends in 10 min",
    );
    await end(lab, { outcome: "rolled-back" });
    lab.clock.now += 5 * 60_000;
    await lab.say("status work");
    expect(lab.out.last).toBe("Done\nwork: ❌ rolled back 5 min ago");
    await lab.say("status home");
    expect(lab.out.last).toBe("Waiting for your sign-in\nhome: the link ends in 5 min");
  });

  it("says that nothing is at work on a job, and what to do, once one should be", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    lab.signIns.next = async () => signedIn(alice);
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    lab.clock.now += APPLY.executorSilentMs;
    await lab.say("status");
    expect(lab.out.last).toBe("Running\nwork: queued, asked 15 s ago");
    lab.clock.now += 1_000;
    await lab.say("status");
    expect(lab.out.last).toBe(
      "Running\nwork: queued, asked 16 s ago\n⚠️ Nothing is at work on it. Run codex-auth-skill apply on the machine of the gateway.",
    );
    await lab.say("status home");
    expect(lab.out.last).toBe("Nothing is running, and nothing was done yet.");
  });

  it("does not say so while an executor lives, and again when its heart has stopped", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    lab.signIns.next = async () => signedIn(alice);
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    lab.clock.now += 60_000;
    const { paths, clock } = lab;
    const executor = { paths, kind: "worker", version: "0", waitMs: 0 } as const;
    await withReign({ ...executor, now: () => clock.now }, async () => {
      await lab.say("status");
      expect(lab.out.last).toBe("Running\nwork: queued, asked 1 min ago");
    });
    clock.now += APPLY.executorSilentMs + 1;
    await lab.say("status");
    expect(lab.out.last).toContain("Nothing is at work on it.");
    // Beaten before the clock was set back: that is no life for the hour to come.
    await withReign({ ...executor, now: () => clock.now + HOUR }, async () => undefined);
    await lab.say("status");
    expect(lab.out.last).toContain("Nothing is at work on it.");
  });

  it("does not tell one person about another's sign-in", async () => {
    const lab = await chatLab();
    await lab.say("secret-project", { personId: "2", chatId: "2" });
    await lab.say("status");
    expect(lab.out.last).not.toContain("secret-project");
  });
});

describe("before a restart", () => {
  it.each([
    ["auto", true],
    ["restart", true],
    ["reload", false],
    ["none", false],
  ] as const)("with activation %s the answer names what would be interrupted: %s", async (activation, isNamed) => {
    const lab = await chatLab({
      activation,
      gateway: { interruptedByRestart: async () => ["2 running tasks", "a \u202Echat"] },
    });
    await lab.writeStore({ work: alice });
    lab.signIns.next = async () => signedIn(alice);
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    expect(lab.out.everything.includes("interrupted: 2 running tasks, a chat.")).toBe(isNamed);
    expect(await lab.queue.list()).toMatchObject([{ activation }]);
  });

  it("a gateway that does not answer keeps nobody from saving", async () => {
    const lab = await chatLab({ gateway: { interruptedByRestart: () => Promise.reject(new Error("down")) } });
    await lab.writeStore({ work: alice });
    lab.signIns.next = async () => signedIn(alice);
    await lab.say("work");
    await lab.text(lab.signIns.callback("a1"));
    expect(await lab.queue.list()).toHaveLength(1);
  });
});

describe("any text at all", () => {
  it("up to 5,000 characters is answered or ignored, never thrown and never echoed", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    // A valid name is shown, and rightly.
    const mark = fc
      .string({ minLength: 12, maxLength: 19, unit: fc.constantFrom("Q", "Z", "~", "^", "<") })
      .map((rest) => `~${rest}`);
    const text = fc.oneof(
      fc.string({ maxLength: 5_000, unit: "binary" }),
      fc.constantFrom("take", "finish", "status", "a b c", "12"),
    );
    await fc.assert(
      fc.asyncProperty(mark, text, async (word, rest) => {
        for (const args of [`${word} ${rest}`, `${rest} ${word}`]) {
          await lab.incoming({ kind: "command", name: "codex_auth", args });
          await lab.incoming({ kind: "text", text: args });
          await lab.incoming({ kind: "press", data: args });
          expect(lab.out.everything).not.toContain(word);
          lab.out.history.length = 0;
          lab.out.toasts.length = 0;
        }
      }),
      { numRuns: 60 },
    );
  });
});
