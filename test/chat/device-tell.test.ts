import { describe, expect, it } from "vitest";
import { DEVICE, SECOND } from "../../src/config/defaults.ts";
import { plainText } from "../../src/chat/reply.ts";
import { alice } from "./chat-lab.ts";
import { deviceLab, type DeviceLab } from "./device-lab.ts";

const work = { agentId: "main", profileId: "openai-codex:work", forceSignIn: true } as const;

/** The chat cannot be written to, until the returned function is called. */
function cutOff({ chat: { out } }: DeviceLab): () => void {
  out.edit = () => Promise.reject(new Error("no network"));
  out.send = () => Promise.reject(new Error("no network"));
  return () => ["edit", "send"].forEach((name) => Reflect.deleteProperty(out, name));
}

/** A sign-in by code whose login has come while the chat was cut off. */
async function untold(): Promise<{ lab: DeviceLab; back: () => void }> {
  const lab = await deviceLab();
  await lab.chat.say("work");
  lab.issuer.approveDevice(lab.code(), "bob@example.com");
  await lab.clock.rests();
  const back = cutOff(lab);
  await lab.look();
  return { lab, back };
}

/** Lets the next try happen, which is the last one. */
async function lastTry({ clock, chat }: DeviceLab, ms: number = DEVICE.maxBackoffMs): Promise<void> {
  await clock.rests();
  clock.advance(ms);
  await chat.router.codesEntered();
}

function exchanges({ issuer }: DeviceLab): number {
  return issuer.log.filter(({ path }) => path === "/oauth/token").length;
}

describe("a login by code that comes while the chat cannot be written to", () => {
  it("is told by the same process when the chat is back", async () => {
    const { lab, back } = await untold();
    expect(await lab.chat.parked.list()).toMatchObject([{ email: "bob@example.com" }]);
    expect(lab.chat.out.last).toContain("Waiting for you");
    await lab.look(DEVICE.maxBackoffMs);
    expect(await lab.onDisk()).toHaveLength(1);
    back();
    await lastTry(lab);
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
    expect([lab.chat.out.messages.size, await lab.onDisk(), exchanges(lab), lab.looks()]).toEqual([1, [], 1, 1]);
    await lab.chat.press("Save and use first");
    expect(await lab.chat.queue.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("is told at once when its person does something", async () => {
    const { lab, back } = await untold();
    const card = lab.chat.out.lastId;
    back();
    await lab.clock.rests();
    await lab.chat.say("status");
    await lab.chat.router.codesEntered();
    expect(plainText(lab.chat.out.messages.get(card) ?? { lines: [] })).toContain("Signed in as bob@example.com");
  });

  it("is not asked about where it was thrown away meanwhile", async () => {
    const { lab, back } = await untold();
    const [parked] = await lab.chat.parked.list();
    await lab.chat.parked.discard(parked?.id ?? "");
    back();
    await lastTry(lab);
    expect(lab.chat.out.last).toBe("That login is already taken care of.");
    expect([await lab.onDisk(), await lab.chat.queue.list()]).toEqual([[], []]);
  });

  it("is left to the outbox when that lasts; the spent code leaves the disk", async () => {
    const { lab } = await untold();
    const [parked] = await lab.chat.parked.list();
    await lastTry(lab, 2 * DEVICE.ttlMs);
    expect(await lab.chat.outbox.list("telegram")).toMatchObject([
      { address: { chatId: "1", personId: "1" }, content: { kind: "reminder", parkedId: parked?.id } },
    ]);
    expect([await lab.onDisk(), (await lab.chat.parked.list()).length]).toEqual([[], 1]);
  });

  it("of somebody who is taken off the list then is not shown, and stays parked", async () => {
    const { lab, back } = await untold();
    const shown = lab.chat.out.history.length;
    back();
    lab.gone.add("1");
    await lastTry(lab);
    expect([lab.chat.out.history.length, await lab.onDisk()]).toEqual([shown, []]);
    expect(await lab.chat.parked.list()).toHaveLength(1);
  });

  it("of the same account is a job all the same, whose answer finds the card", async () => {
    const lab = await deviceLab();
    await lab.chat.writeStore({ work: alice });
    await lab.chat.say("work");
    const messageId = lab.chat.out.lastId;
    lab.issuer.approveDevice(lab.code(), "alice@example.com", "acc-alice");
    await lab.clock.rests();
    cutOff(lab);
    await lab.lastLook();
    expect(await lab.chat.queue.list()).toMatchObject([
      { profileId: "openai-codex:work", requestedBy: { host: "telegram", chatId: "1", messageId } },
    ]);
    expect(lab.chat.kicks()).toBeGreaterThan(0);
    expect([await lab.chat.parked.list(), await lab.onDisk()]).toEqual([[], []]);
  });
});

describe("an end that could not be shown at once", () => {
  it.each([
    ["deviceauth_expired", "has expired"],
    ["some_new_reason", "some_new_reason"],
  ])("is the same when it can be: %s", async (code, words) => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.clock.rests();
    const back = cutOff(lab);
    lab.issuer.device.pollFaults.next({ kind: "nested-error", code });
    await lab.look();
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toEqual([]);
    back();
    await lastTry(lab);
    expect(lab.chat.out.last).toContain(words);
    expect(lab.chat.out.everything).not.toContain("given up");
    expect([lab.looks(), await lab.onDisk()]).toEqual([1, []]);
  });

  it("is the same when it can be: an exchange that failed", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    lab.issuer.faults.next({ kind: "drop-after-process" });
    await lab.clock.rests();
    const back = cutOff(lab);
    await lab.look();
    back();
    await lastTry(lab);
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_TOKEN_UNREACHABLE");
    expect([exchanges(lab), await lab.onDisk(), await lab.chat.parked.list()]).toEqual([1, [], []]);
  });
});

describe("two sign-ins in one message", () => {
  it("are one: a button that is pressed twice goes on with the code that it gave", async () => {
    const lab = await deviceLab();
    await lab.chat.writeStore({ work: alice });
    await lab.chat.say("");
    const { data } = lab.chat.out.button("work");
    const messageId = lab.chat.out.lastId;
    await lab.chat.incoming({ kind: "press", data, messageId });
    const code = lab.code();
    expect(code).not.toBe("");
    await lab.chat.incoming({ kind: "press", data, messageId });
    await lab.look(SECOND);
    expect(lab.code()).toBe(code);
    expect(lab.chat.out.everything).not.toContain("has replaced this one");
    expect([lab.chat.out.messages.size, lab.issuer.device.waiting, (await lab.onDisk()).length]).toEqual([
      1,
      [code],
      1,
    ]);
    lab.issuer.approveDevice(code, "bob@example.com");
    await lab.lastLook();
    expect(await lab.chat.parked.list()).toMatchObject([{ email: "bob@example.com" }]);
  });

  it("end without a word of the older one over the newer one's card", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const shown = lab.chat.out.history.length;
    const newer = await lab.devices.start(lab.chat.asker, work, lab.chat.out.lastId);
    await lab.lastLook();
    expect(lab.chat.out.history).toHaveLength(shown);
    expect(await lab.onDisk()).toEqual([`${newer.id}.json`]);
  });

  it("are the newer one after a restart", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.router.close();
    const older = lab.code();
    const shown = lab.chat.out.history.length;
    const newer = await lab.devices.start(lab.chat.asker, work, lab.chat.out.lastId);
    await lab.restart();
    await lab.clock.rests();
    expect(lab.code()).toBe(newer.userCode);
    expect(
      lab.chat.out.history
        .slice(shown)
        .map((reply) => plainText(reply))
        .join("\n"),
    ).not.toContain(older);
    expect(await lab.onDisk()).toEqual([`${newer.id}.json`]);
  });
});
