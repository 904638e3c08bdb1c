// Changing a profile from the chat: preview, confirmation, receipt, undo; and who may not.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY, MINUTE } from "../../src/config/defaults.ts";
import { alice, bob, chatLab, signedIn } from "./chat-lab.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { changeLab } from "./change-lab.ts";

const [HOME, WORK] = ["openai-codex:home", "openai-codex:work"];
const carol = { ...alice, user: "carol", email: "carol@example.com" };

/** One chat that is bound to `home`: by OpenClaw itself, or by a person. */
const pinnedHome = async () => [{ profileId: HOME ?? "", byPerson: false }];
const chosenHome = async () => [{ profileId: HOME ?? "", byPerson: true }];

/** A chat in which logins are saved up to their receipt. */
async function savingLab() {
  const lab = await changeLab();
  const save = async (profileId: string, user: typeof alice, replace = "") => {
    lab.signIns.next = async () => signedIn(user);
    await lab.say(`paste ${profileId}`);
    const attempts = await lab.signIns.waiting(lab.asker);
    await lab.text(lab.signIns.callback(attempts.at(-1)?.id ?? ""));
    if ((lab.out.lastReply.buttons ?? []).length > 0) await lab.press(replace === "" ? "use first" : replace);
    await lab.drain();
    return (await lab.receipts.list(1))[0];
  };
  return { lab, save };
}

describe("/codex_auth use and only", () => {
  it("shows the order now and then, changes it after the press, and takes it back", async () => {
    const lab = await changeLab();
    const before = lab.readStore();
    const shown = await lab.say("use work");
    expect(shown).toContain("Order now: home, work.");
    expect(shown).toContain("Order then: work, home.");
    expect(shown).toContain("/codex_auth use work yes");
    expect(await lab.queue.open()).toEqual([]);
    expect(lab.readStore()).toEqual(before);

    await lab.press("Use it first");
    expect(lab.kicks()).toBe(1);
    const receipt = await lab.drain();
    expect(receipt).toContain("✅ work is used first.");
    expect(receipt).toContain("Order: work, home.");
    expect(lab.readStore().order).toEqual({ "openai-codex": [WORK, HOME] });

    expect(await lab.press("Undo")).toContain("Order then: home, work.");
    await lab.press("Take it back");
    expect(await lab.drain()).toContain("That took an earlier change back.");
    expect(lab.readStore()).toEqual(before);
  });

  it("says that there is no failover, and which chats are bound elsewhere", async () => {
    const lab = await changeLab({ pins: pinnedHome });
    expect(await lab.say("use work")).toContain("1 chat is bound to home and may stay there");
    const only = await lab.say("only work");
    expect(only).toContain("nothing else is tried");
    expect(only).toContain("1 chat is bound to home now and will use this one");
    await lab.press("Use only this");
    await lab.drain();
    expect(lab.readStore().order).toEqual({ "openai-codex": [WORK] });
  });

  it("claims of no order that it moves a chat that a person has bound", async () => {
    const lab = await changeLab({ pins: chosenHome });
    for (const verb of ["use", "only"]) {
      const shown = await lab.say(`${verb} work`);
      expect(shown).toContain("1 chat is bound to home by a person's choice and may stay there.");
      expect(shown).toContain("/model openai-codex/<model>@openai-codex:work");
      expect(shown).not.toContain("will use this one");
    }
    await lab.press("Use only this");
    await lab.drain();
    const card = await lab.say("show work");
    expect(card).toContain("A person has bound chats to another profile with /model.");
    expect(
      (lab.out.lastReply.buttons ?? []).flat().filter((button) => "style" in button && button.style === "primary"),
    ).toEqual([]);
  });

  it("a card whose order lists one profile alone speaks of no chat that OpenClaw has bound elsewhere", async () => {
    const lab = await changeLab({ pins: pinnedHome });
    await lab.say("use work");
    await lab.press("Use it first");
    await lab.drain();
    expect(await lab.say("show work")).toContain("Chats are bound to another profile");
    await lab.press("Only this");
    await lab.press("Use only this");
    await lab.drain();
    expect(await lab.say("show work")).toContain("Nothing known keeps the next call from using work");
  });

  it("says where an order is written down for the first time, and its undo leaves none", async () => {
    const lab = await changeLab();
    await lab.writeStore({ home: bob, work: alice });
    expect(await lab.say("use work")).toContain("Only these are tried from then on.");
    await lab.press("Use it first");
    await lab.drain();
    expect(await lab.press("Undo")).toContain("Order then: none, OpenClaw chooses itself.");
    await lab.press("Take it back");
    await lab.drain();
    expect(lab.readStore().order).toBeUndefined();
  });

  it("pressed twice is one job, and later again the same wish is another one", async () => {
    const lab = await changeLab();
    await lab.say("use work");
    const { data } = lab.out.button("Use it first");
    await Promise.all([1, 2].map(() => lab.incoming({ kind: "press", data, messageId: "m1" })));
    expect(await lab.queue.open()).toHaveLength(1);
    await lab.drain();
    await lab.incoming({ kind: "press", data, messageId: "m1" });
    expect(await lab.queue.open()).toEqual([]);
    for (const [name, order] of [
      ["home", [HOME, WORK]],
      ["work", [WORK, HOME]],
    ] as const) {
      await lab.say(`use ${name}`);
      await lab.press("Use it first");
      await lab.drain();
      expect(lab.readStore().order).toEqual({ "openai-codex": order });
    }
  });

  it("a confirmation is for what was shown: after another order it is stale", async () => {
    const lab = await changeLab();
    await lab.say("use work");
    await lab.writeStore({ home: bob, work: alice, more: carol }, { order: ["more", "home", "work"] });
    const store = await readFile(lab.storePath(), "utf8");
    await lab.press("Use it first");
    expect(lab.out.everything).toContain("too old, or what it was about has changed");
    expect(await lab.queue.open()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(store);
  });

  it("a typed yes needs the preview too, and a stranger's press does nothing", async () => {
    const lab = await changeLab();
    await lab.say("use work yes");
    expect(lab.out.last).toContain("Order then: work, home.");
    expect(await lab.queue.open()).toEqual([]);
    const { data } = lab.out.button("Use it first");
    await lab.incoming({ kind: "press", data, messageId: "m1" }, { personId: "2", chatId: "2" });
    expect(await lab.queue.open()).toEqual([]);
    await lab.say("use work yes");
    expect(await lab.queue.open()).toMatchObject([{ kind: "order", how: "first", profileId: WORK }]);
  });

  it.each([
    ["use home", "It is the first already."],
    ["use nobody", "no such profile"],
    ["remove nobody", "no such profile"],
    ["reset work", "holds nothing against it"],
    ["rename work work", "has that name already"],
    ["rename work home", "a profile of that name already"],
    ["rename work 12", "digits alone"],
    ["rollback job-none", "no such receipt"],
  ])("%s is refused with words, and makes no job", async (args, words) => {
    const lab = await changeLab();
    const store = await readFile(lab.storePath(), "utf8");
    expect(await lab.say(args)).toContain(words);
    expect(await lab.queue.list()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(store);
  });

  it("is for private chats alone", async () => {
    const lab = await changeLab();
    for (const args of ["use work", "remove work yes", "show work", "show", "rollback"])
      expect(await lab.say(args, { private: false, chatId: "-5" })).toContain("private chat only");
  });
});

describe("/codex_auth remove", () => {
  it("keeps the login, says what follows, and puts it back to the letter", async () => {
    const lab = await changeLab();
    const before = lab.readStore();
    lab.writeState("openclaw.json", {
      auth: { order: { "openai-codex": [WORK] } },
      agents: { defaults: { model: { primary: `openai-codex/gpt@${WORK}` } } },
    });
    const shown = await lab.say("remove work");
    expect(shown).toContain("alice@example.com");
    expect(shown).toContain("kept here until you throw it away");
    expect(shown).toContain("Order then: home.");
    expect(shown).toContain("openclaw.json names it (auth.order.openai-codex, agents.defaults.model.primary)");
    expect(shown).toContain("openclaw config set");
    await lab.press("Remove it");
    const receipt = await lab.drain();
    expect(receipt).toContain("✅ work is removed.");
    expect(receipt).toMatch(/throw it away: \/codex_auth discard p-[0-9a-f]{16}/);
    expect(Object.keys(lab.readStore().profiles)).toEqual([HOME]);
    // It waits for nothing: no count in the picker, no daily reminder.
    expect(await lab.say("")).not.toContain("📥");
    expect(await lab.say("parked")).toContain("you removed it");

    await lab.say("rollback");
    expect(await lab.press("Undo")).toContain("unspent, as far as can be known here");
    await lab.press("Take it back");
    await lab.drain();
    expect(lab.readStore()).toEqual(before);
    expect(await lab.parked.list()).toEqual([]);
    const last = (await lab.receipts.list(1))[0];
    expect(last).toMatchObject({ kind: "save-login", outcome: "done" });
    const [removal] = (await lab.receipts.list()).filter(({ kind }) => kind === "remove-profile");
    expect(last?.undoes).toBe(removal?.id);
    expect(await lab.say(`rollback ${removal?.id}`)).toContain("taken back already");
  });

  it("cannot be taken back where the login was thrown away, or lies elsewhere by now", async () => {
    const lab = await changeLab();
    const entry = lab.readStore().profiles[WORK ?? ""];
    await lab.say("remove work");
    await lab.press("Remove it");
    await lab.drain();
    const [receipt] = await lab.receipts.list();
    lab.writeState("agents/main/agent/auth-profiles.json", { version: 1, profiles: { "openai-codex:else": entry } });
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("The same login lies in another profile by now");
    await lab.writeStore({ home: bob, work: carol });
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("another login under that name");
    await lab.say(`discard ${receipt?.parkedId} yes`);
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("not kept for that any more");
    expect(await lab.queue.open()).toEqual([]);
  });

  it("a confirmation is for the login that was shown, which a renewal leaves the same", async () => {
    const lab = await changeLab();
    await lab.say("remove work");
    await lab.writeStore(
      { home: bob, work: { ...alice, expiresAtMs: alice.expiresAtMs + DAY } },
      { order: ["home", "work"] },
    );
    const { data } = lab.out.button("Remove it");
    await lab.writeStore({ home: bob, work: carol }, { order: ["home", "work"] });
    await lab.incoming({ kind: "press", data });
    expect(await lab.queue.open()).toEqual([]);
    await lab.writeStore(
      { home: bob, work: { ...alice, expiresAtMs: alice.expiresAtMs + DAY } },
      { order: ["home", "work"] },
    );
    await lab.incoming({ kind: "press", data });
    expect(await lab.queue.open()).toMatchObject([{ kind: "remove-profile", profileId: WORK }]);
  });

  it("leaves what another program or the lease keeps, and says whose it is", async () => {
    const lab = await changeLab();
    const store = lab.readStore();
    const managed = { ...store.profiles[WORK ?? ""], managedBy: "other-tool" };
    const leased = { type: "token", provider: "openai-codex", token: "t", expires: bob.expiresAtMs };
    lab.writeState("agents/main/agent/auth-profiles.json", {
      ...store,
      profiles: { ...store.profiles, [WORK ?? ""]: managed, "openai-codex:lease": leased },
    });
    for (const args of ["remove work", "rename work mine"]) expect(await lab.say(args)).toContain("kept by other-tool");
    for (const args of ["remove lease", "rename lease mine"])
      expect(await lab.say(args)).toContain("Give the lease back with `/lease release`".replaceAll("`", ""));
    expect(await lab.say("show work")).toContain("kept by other-tool");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).not.toContain("Remove");
    expect(await lab.queue.list()).toEqual([]);
  });
});

describe("/codex_auth rename", () => {
  it("shows old and new name, renames after the press, and back", async () => {
    const lab = await changeLab();
    const before = lab.readStore();
    const shown = await lab.say("rename work use");
    expect(shown).toContain("Rename work to use?");
    await lab.press("Rename it");
    expect(await lab.drain()).toContain("It is called use now.");
    expect(lab.readStore().order).toEqual({ "openai-codex": [HOME, "openai-codex:use"] });
    // It is reached by its full id, and every button's typed command does that.
    expect(await lab.say("show openai-codex:use")).toContain("openai-codex:use");
    expect(lab.out.button("Sign in again").typed).toBe("/codex_auth openai-codex:use");
    await lab.say("openai-codex:use");
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:use" }]);
    await lab.say("");
    const [, second] = lab.out.lastReply.buttons ?? [];
    expect(second).toMatchObject([{ typed: "/codex_auth openai-codex:use" }]);

    const [receipt] = await lab.receipts.list();
    await lab.say(`rollback ${receipt?.id}`);
    await lab.press("Take it back");
    await lab.drain();
    expect(lab.readStore()).toEqual(before);
  });
});

describe("/codex_auth reset", () => {
  it("clears the cooldown and can be taken back", async () => {
    const lab = await changeLab();
    const until = lab.clock.now + 60 * MINUTE;
    const stats = { lastUsed: 1, cooldownUntil: until, cooldownReason: "rate_limit", errorCount: 3 };
    lab.writeState("agents/main/agent/auth-profiles.json", { ...lab.readStore(), usageStats: { [WORK ?? ""]: stats } });
    expect(await lab.say("reset work")).toContain("cooling down (rate_limit)");
    await lab.press("Reset it");
    await lab.drain();
    expect(lab.readStore().usageStats).toEqual({ [WORK ?? ""]: { lastUsed: 1, errorCount: 0 } });
    await lab.press("Undo");
    await lab.press("Take it back");
    await lab.drain();
    expect(lab.readStore().usageStats).toEqual({ [WORK ?? ""]: stats });
  });
});

describe("taking a saved login back", () => {
  it("removes a new profile again, keeps its login, and leaves the order of before", async () => {
    const { lab, save } = await savingLab();
    const before = lab.readStore();
    const receipt = await save("new-one", carol);
    expect(lab.readStore().order?.["openai-codex"]?.[0]).toBe("openai-codex:new-one");
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("the tokens that were saved then, unspent");
    await lab.press("Take it back");
    await lab.drain();
    expect(lab.readStore()).toEqual(before);
    expect(await lab.parked.list()).toMatchObject([{ reason: "removed", email: "carol@example.com" }]);
  });

  it("says where OpenClaw has renewed it since, and keeps the renewed one", async () => {
    const { lab, save } = await savingLab();
    const receipt = await save("new-one", carol);
    const store = lab.readStore();
    const entry = { ...store.profiles["openai-codex:new-one"], refresh: "renewed-by-openclaw" };
    lab.writeState("agents/main/agent/auth-profiles.json", {
      ...store,
      profiles: { ...store.profiles, "openai-codex:new-one": entry },
    });
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("OpenClaw has renewed its tokens since");
    await lab.press("Take it back");
    await lab.drain();
    const [parked] = await lab.parked.list();
    expect((await lab.parked.tokens(parked?.id ?? ""))?.refresh.expose()).toBe("renewed-by-openclaw");
  });

  it("says of a login that was replaced that it is not kept", async () => {
    const { lab, save } = await savingLab();
    const receipt = await save("work", carol, "Replace");
    expect(await lab.say(`rollback ${receipt?.id}`)).toContain("The login before it is not kept");
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_UNDO_IMPOSSIBLE" });
    expect(await lab.queue.open()).toEqual([]);
    // The list offers nothing that is known to lead nowhere.
    expect(await lab.say("rollback")).toBe("Nothing was done yet that could be taken back.");
  });

  it("is offered once: what was taken back is not in the list any more", async () => {
    const { lab, save } = await savingLab();
    await save("new-one", carol);
    expect(await lab.say("rollback")).toContain("new-one saved");
    await lab.press("Undo");
    await lab.press("Take it back");
    await lab.drain();
    const list = await lab.say("rollback");
    expect(list).not.toContain("new-one saved");
    expect(list).toContain("new-one removed");
  });
});

describe("a script without a terminal", () => {
  const approver = { host: "telegram", chatId: "1", personId: "1" };

  it("changes nothing itself: allow-listed people are asked, and their press does it", async () => {
    const script = await changeLab({ approvers: [approver] });
    const person = await changeLab();
    await script.say("remove work yes", { host: "cli" });
    expect(script.out.last).toContain("A person must allow it");
    expect(await script.queue.list()).toEqual([]);
    const [message, ...more] = await script.outbox.list("telegram");
    expect(more).toEqual([]);
    expect(message?.content).toEqual({
      kind: "change",
      wanted: { kind: "remove", agentId: "main", profileId: WORK },
    });
    // The same wish again is the same question.
    await script.say("remove work yes", { host: "cli" });
    expect(await script.outbox.list("telegram")).toHaveLength(1);

    if (message === undefined) throw new Error("nobody was asked");
    const { schemaVersion: _version, createdAt: _at, ...rest } = message;
    await person.outbox.put(rest);
    await person.deliver();
    expect(person.out.last).toContain("A script on this machine asks for a change");
    const question = person.out.button("Remove it");
    await person.press("No");
    expect(person.out.last).toBe("You said no: nothing was changed.\nIf others were asked too, they can still decide.");
    expect(await person.queue.list()).toEqual([]);
    // Only this copy has ended: another one of the same question is as good as before.
    await person.incoming({ kind: "press", data: question.data, messageId: person.out.lastId });
    await person.drain();
    expect(Object.keys(person.readStore().profiles)).toEqual([HOME]);
  });

  it("is refused where nobody could be asked", async () => {
    const lab = await changeLab({ approvers: [] });
    await lab.say("use work yes", { host: "cli" });
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_CONFIRMATION_NEEDED" });
    expect(await lab.queue.list()).toEqual([]);
  });
});

describe("the card of a profile", () => {
  it("names who else has its login, wherever that is, and nobody where it is alone", async () => {
    const file = join(await temporaryFolder(), "auth.json");
    const lab = await changeLab({ codexFiles: [file, `${file}.missing`] });
    expect(await lab.say("show work")).not.toContain("The same login lies in");
    const { profiles } = lab.readStore();
    const { access, refresh } = profiles[WORK ?? ""] ?? {};
    const tokens = { id_token: access, access_token: access, refresh_token: refresh, account_id: "acc-alice" };
    await writeFile(file, JSON.stringify({ auth_mode: "chatgpt", tokens }), { mode: 0o600 });
    const card = await lab.say("show work");
    expect(card).toContain(`The same login lies in the Codex CLI's login file (${file}) too.`);
    expect(card).toContain("Sign in again to give this profile a login of its own.");
    expect(card).not.toContain(String(refresh));
    expect(await lab.say("show home")).not.toContain("The same login lies in");
    // A file that cannot be read keeps no card from being shown.
    await writeFile(file, "{");
    expect(await lab.say("show work")).toContain("openai-codex:work");
  });

  it("says what is stored, loaded, tried and bound, and the line that binds one chat", async () => {
    const lab = await changeLab({
      gateway: {
        interruptedByRestart: async () => [],
        loaded: async () => ({ kind: "listed", profileIds: [HOME ?? "", WORK ?? ""] }),
      },
      pins: chosenHome,
    });
    const card = await lab.say("show work");
    expect(card).toContain("alice@example.com (plus)");
    expect(card).toContain("Gateway: has loaded it");
    expect(card).toContain("Order: tried as number 2 (home, work)");
    expect(card).toContain("Chats: 0 bound to this one, 1 to home, 1 by a person's choice");
    expect(card).toContain("First of all the order prefers another one");
    expect(card).toContain("/model openai-codex/<model>@openai-codex:work");
    const [first] = lab.out.lastReply.buttons ?? [];
    expect(first).toMatchObject([{ label: "Use first", style: "primary" }]);
  });

  it("is reached from the picker, and each of its buttons leads on", async () => {
    const lab = await changeLab();
    for (const [label, words] of [
      ["Use first", "Order then: work, home."],
      ["Only this", "nothing else is tried"],
      ["Rename", "/codex_auth rename work office"],
      ["Remove", "Remove work from OpenClaw?"],
    ] as const) {
      await lab.say("");
      await lab.press("Manage");
      await lab.press("work");
      expect(await lab.press(label)).toContain(words);
    }
    await lab.say("show work");
    await lab.press("Sign in again");
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: WORK }]);
  });

  it("does not offer what is so already", async () => {
    const lab = await changeLab();
    const labels = (): readonly string[] => (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
    await lab.say("show home");
    expect(labels()).not.toContain("Use first");
    expect(labels()).toContain("Only this");
    await lab.press("Only this");
    await lab.press("Use only this");
    await lab.drain();
    await lab.say("show home");
    expect(labels()).not.toContain("Use first");
    expect(labels()).not.toContain("Only this");
  });

  it("answers to a number of the list, and numbers still mean that list", async () => {
    const lab = await changeLab();
    await lab.say("show");
    expect(await lab.say("show 2")).toContain("openai-codex:work");
  });

  it("of an agent that inherits says so, and that a change is everybody's", async () => {
    const lab = await chatLab();
    await lab.writeStore({ home: bob, work: alice }, { order: ["home", "work"] });
    await lab.writeStore({ own: carol }, { agent: "ops" });
    expect(await lab.say("show work --agent ops")).toContain("inherited by this agent");
    const shown = await lab.say("use work --agent ops");
    expect(shown).toContain("This lies in main, so it changes for every agent that inherits it.");
    expect(lab.out.button("Use it first").typed).toBe("/codex_auth use work --agent ops yes");
  });
});
