import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { MINUTE, SECOND } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { COMMANDS } from "../../src/hosts/cli/commands.ts";
import { alice } from "./chat-lab.ts";
import { deviceLab, type DeviceLab } from "./device-lab.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

function labels({ chat }: DeviceLab): readonly string[] {
  return (chat.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
}

function expectNoSecret({ chat, logged }: DeviceLab): void {
  const links = chat.out.everything.replaceAll(/Open the sign-in page: \S+/g, "");
  const said = `${links}\n${logged.join("\n")}`;
  expect(shownSecrets(said, /\brt_|\bac_|deviceauth_|code=|state=|verifier/)).toEqual([]);
}

describe("/codex_auth <profile> in a chat", () => {
  it("shows a code with its page and the warning; nothing secret crosses the chat", async () => {
    const lab = await deviceLab();
    await lab.chat.writeStore({ work: alice });
    const shown = await lab.chat.say("work");
    expect(shown).toContain("Renew work");
    expect(shown).toContain("Now: alice@example.com (plus)");
    expect(lab.code()).toBe(lab.issuer.device.waiting[0]);
    expect(shown).toContain("If a website or another person gives you a code, never enter that one.");
    expect(shown).toContain("⏳ Waiting for you. At most 15 min are left.");
    expect(labels(lab)).toEqual(["Open the page for the code", "Paste instead", "Cancel"]);
    expect(lab.chat.out.lastReply.buttons?.[0]?.[0]).toMatchObject({ url: `${lab.issuer.origin}/codex/device` });
    expect(shown).not.toMatch(/authorize|state/);
    expectNoSecret(lab);
  });

  it("goes on by itself when the code was entered: parked first, asked in the same message, saved by a press", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const card = lab.chat.out.lastId;
    await lab.look();
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.lastLook();
    expect(lab.chat.out.lastId).toBe(card);
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com (pro)");
    const [parked] = await lab.chat.parked.list();
    expect(parked).toMatchObject({ reason: "first-login", profileId: "openai-codex:work", email: "bob@example.com" });
    const tokens = await lab.chat.parked.tokens(parked?.id ?? "");
    expect(lab.issuer.standing(tokens?.refresh.expose() ?? "")).toBe("live");
    expect(await lab.onDisk()).toEqual([]);
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toEqual([]);
    await lab.chat.press("Save and use first");
    expect(await lab.chat.queue.list()).toMatchObject([{ profileId: "openai-codex:work", makeFirst: true }]);
    expectNoSecret(lab);
  });

  it("by the same account goes straight to the queue", async () => {
    const lab = await deviceLab();
    await lab.chat.writeStore({ work: alice });
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "alice@example.com", "acc-alice");
    await lab.lastLook();
    expect(await lab.chat.queue.list()).toMatchObject([{ profileId: "openai-codex:work", makeFirst: false }]);
    expect(lab.chat.kicks()).toBeGreaterThan(0);
  });

  it("by the same e-mail in another workspace stays another profile", async () => {
    const lab = await deviceLab();
    await lab.chat.writeStore({ work: alice });
    const before = await readFile(lab.chat.storePath(), "utf8");
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "alice@example.com", "acc-team");
    await lab.lastLook();
    expect(lab.chat.out.last).toContain("Another account signed in.");
    expect(labels(lab)).toEqual(['Save as new profile "alice"', 'Replace what "work" holds', "Discard", "Revoke it"]);
    expect(await lab.chat.parked.list()).toMatchObject([
      { reason: "other-identity", identity: { userId: "user-alice", accountId: "acc-team" } },
    ]);
    expect(await lab.chat.queue.list()).toEqual([]);
    await lab.chat.press("Save as new");
    expect(await lab.chat.queue.list()).toMatchObject([{ profileId: "openai-codex:alice" }]);
    expect(await readFile(lab.chat.storePath(), "utf8")).toBe(before);
  });

  it("names the security setting after a minute, and says how much time is left in one edited message", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const setting = /device code authorization for Codex/;
    await lab.look(55 * SECOND);
    expect(lab.chat.out.last).not.toMatch(setting);
    await lab.look(5 * SECOND);
    expect(lab.chat.out.last).toMatch(setting);
    await lab.look(9 * MINUTE);
    expect(lab.chat.out.last).toContain("At most 5 min are left.");
    expect(lab.chat.out.messages.size).toBe(1);
    // One edit for each of the two: pending alone is nothing to show.
    expect(lab.chat.out.history).toHaveLength(3);
  });

  it("ends after fifteen minutes, in words", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.look(14 * MINUTE);
    await lab.clock.rests();
    lab.clock.advance(1 * MINUTE);
    await lab.chat.router.codesEntered();
    expect(lab.chat.out.last).toContain("has expired. Nothing was changed.");
    expect(lab.chat.out.last).toContain("/codex_auth work");
    expect(labels(lab)).toEqual([]);
    expect(await lab.onDisk()).toEqual([]);
  });
});

describe("the sign-in server's answers", () => {
  it("slow_down makes us slower for good, also after a restart", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const slow = { kind: "nested-error", code: "slow_down" } as const;
    lab.issuer.device.pollFaults.next(slow);
    await lab.look();
    expect(lab.chat.out.last).toContain("asks me to look less often");
    await lab.look(9 * SECOND);
    expect(lab.looks()).toBe(1);
    await lab.look(1 * SECOND);
    expect(lab.looks()).toBe(2);
    expect(lab.chat.out.last).toContain("⏳ Waiting for you. ");
    await lab.restart();
    await lab.look(9 * SECOND);
    expect(lab.looks()).toBe(2);
    await lab.look(1 * SECOND);
    expect(lab.looks()).toBe(3);
  });

  it("that say nothing are ridden out: drops, 5xx, Cloudflare's page, 429 with its Retry-After", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const { pollFaults } = lab.issuer.device;
    const text = { body: "", contentType: "text/plain" };
    const passes = async (ms: number, words: string): Promise<void> => {
      await lab.look(ms);
      expect(lab.chat.out.last).toContain(words);
    };
    pollFaults.next({ kind: "drop-before-read" });
    await passes(5 * SECOND, "does not answer at the moment");
    pollFaults.next({ kind: "status", status: 503, ...text });
    await passes(5 * SECOND, "a problem of its own");
    pollFaults.next({ kind: "html403" });
    await passes(10 * SECOND, "blocks this machine");
    pollFaults.next({ kind: "status", status: 429, retryAfter: "90", ...text });
    await passes(20 * SECOND, "asks for fewer requests");
    expect(lab.looks()).toBe(4);
    await lab.look(89 * SECOND);
    expect(lab.looks()).toBe(4);
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.clock.rests();
    lab.clock.advance(1 * SECOND);
    await lab.chat.router.codesEntered();
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
  });

  it.each([
    ["access_denied", "was declined on the sign-in page"],
    ["deviceauth_expired", "has expired"],
    ["some_new_reason", "some_new_reason"],
  ])("%s ends the sign-in, in words", async (code, words) => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    lab.issuer.device.pollFaults.next({ kind: "nested-error", code });
    await lab.lastLook();
    expect(lab.chat.out.last).toContain(words);
    expect(await lab.onDisk()).toEqual([]);
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toEqual([]);
  });

  it("404 (not enabled) and others fall back to the link, with a sentence", async () => {
    const lab = await deviceLab();
    lab.issuer.device.isEnabled = false;
    await lab.chat.say("work");
    expect(lab.chat.out.last).toContain("gives no device codes. The link below does it as well.");
    expect(labels(lab)).toEqual(["Open the sign-in page", "Cancel"]);
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toHaveLength(1);
    lab.issuer.device.codeFaults.next({ kind: "html403" });
    expect(await lab.chat.say("home")).toContain("blocks this machine");
  });

  it("where codes alone are offered lead out of this chat: the link is refused here", async () => {
    const lab = await deviceLab("5", { codesOnly: () => true });
    lab.issuer.device.isEnabled = false;
    const shown = await lab.chat.say("home");
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_DEVICE_NOT_ENABLED");
    expect(shown).toContain("gives no device codes.\n→ Try again later, or sign in by a link: in a terminal");
    expect(shown).not.toMatch(/paste|address/i);
    const [, name, option = ""] = /codex-auth-skill (\w+) home (--\w+)/.exec(shown) ?? [];
    // The command is one that there is.
    expect(COMMANDS.find((one) => one.name === name)?.options?.map(({ flags }) => flags)).toContain(option);
    expect(await lab.chat.say("paste home")).toContain("Sign-ins go by a code here");
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toEqual([]);
    // Asked again before the server's time is over, it is the same way on.
    lab.issuer.device.isEnabled = true;
    lab.issuer.device.codeFaults.next({ kind: "status", status: 429, body: "", contentType: "text/plain" });
    for (const time of ["first", "again"]) {
      const words = await lab.chat.say("home");
      expect(lab.chat.out.lastReply.problem?.code, time).toBe("ERR_DEVICE_UNAVAILABLE");
      expect(words).toContain("codex-auth-skill start home --link");
    }
  });

  it("that end a sign-in name a way on that every chat has", async () => {
    const lab = await deviceLab("5", { codesOnly: () => true });
    await lab.chat.say("work");
    lab.issuer.device.pollFaults.next({ kind: "nested-error", code: "some_new_reason" });
    await lab.lastLook();
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_DEVICE_REFUSED");
    expect(lab.chat.out.last).toContain("codex-auth-skill start <profile> --link");
    expect(lab.chat.out.last).not.toContain("paste the address");
  });

  it("429 to the first question: the next one waits as long as it says", async () => {
    const lab = await deviceLab();
    const { codeFaults } = lab.issuer.device;
    codeFaults.next({ kind: "status", status: 429, body: "", contentType: "text/plain", retryAfter: "120" });
    expect(await lab.chat.say("work")).toContain("asks for fewer requests");
    const asked = lab.issuer.log.length;
    lab.clock.advance(119 * SECOND);
    expect(await lab.chat.say("work")).toContain("asks for fewer requests");
    expect(lab.issuer.log).toHaveLength(asked);
    lab.clock.advance(1 * SECOND);
    expect(await lab.chat.say("work")).toContain("Enter this code there");
  });

  it("an exchange that fails is told, and the code is spent", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    lab.issuer.faults.next({ kind: "drop-after-process" });
    await lab.lastLook();
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_TOKEN_UNREACHABLE");
    expect(await lab.chat.parked.list()).toEqual([]);
    expect(await lab.onDisk()).toEqual([]);
    expectNoSecret(lab);
  });
});

describe("a sign-in by code", () => {
  it("is given up by its button, and nobody asks the server any more", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.press("Cancel");
    await lab.chat.router.codesEntered();
    expect(lab.chat.out.last).toContain("is given up");
    expect(labels(lab)).toEqual([]);
    expect([lab.looks(), await lab.onDisk()]).toEqual([0, []]);
  });

  it("is given up by `cancel`: its card says so, too", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const card = lab.chat.out.lastId;
    await lab.chat.say("cancel");
    await lab.chat.router.codesEntered();
    expect(JSON.stringify(lab.chat.out.messages.get(card))).toContain("is given up");
  });

  it("is replaced by a newer one for the same profile", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const [card, first] = [lab.chat.out.lastId, lab.code()];
    await lab.chat.say("work");
    await lab.clock.rests();
    await expect.poll(() => JSON.stringify(lab.chat.out.messages.get(card))).toContain("has replaced this one");
    expect(await lab.onDisk()).toHaveLength(1);
    // Entered all the same, the old one signs nobody in.
    lab.issuer.approveDevice(first, "bob@example.com");
    await lab.look();
    expect(await lab.chat.parked.list()).toEqual([]);
  });

  it("of somebody who is taken off the list ends without a word", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.clock.rests();
    const shown = lab.chat.out.history.length;
    lab.gone.add("1");
    await lab.lastLook();
    expect([lab.looks(), await lab.chat.parked.list(), await lab.onDisk()]).toEqual([0, [], []]);
    expect(lab.chat.out.history).toHaveLength(shown);
  });

  it("without room on the disk is not begun, and not finished", async () => {
    const lab = await deviceLab();
    const real = lab.chat.parked.assertRoom.bind(lab.chat.parked);
    const full = new CodexAuthError("ERR_DISK_FULL", { message: "There is no room.", next: "Free some space." });
    lab.chat.parked.assertRoom = () => Promise.reject(full);
    expect(await lab.chat.say("work")).toContain("There is no room.");
    expect(lab.issuer.log).toEqual([]);
    lab.chat.parked.assertRoom = real;
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    lab.chat.parked.assertRoom = () => Promise.reject(full);
    await lab.lastLook();
    expect(lab.chat.out.last).toContain("There is no room.");
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
  });

  it("is offered at a terminal beside the link, and never to a command line", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work", { host: "cli" });
    expect(labels(lab)).toEqual(["Open the sign-in page", "Cancel"]);
    await lab.chat.say("work", { host: "terminal" });
    expect(labels(lab)).toEqual(["Open the sign-in page", "Use a code instead", "Cancel"]);
    expect(lab.issuer.log).toEqual([]);
    await lab.chat.press("Use a code instead", { host: "terminal" });
    expect(lab.chat.out.last).toContain("Enter this code there");
  });

  it("is refused in a group, by command and by both of its words", async () => {
    const lab = await deviceLab();
    for (const typed of ["work", "device work", "paste work"])
      expect(await lab.chat.say(typed, { private: false })).toContain("private chat only");
    expect(lab.issuer.log).toEqual([]);
  });
});
