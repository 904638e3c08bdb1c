// What scripts ask people for: asked once in ten minutes, shown in the status, answered by whoever begins the sign-in.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Invitations } from "../../src/chat/invitations.ts";
import { CHAT, MINUTE } from "../../src/config/defaults.ts";
import { alice, bob, chatLab, type ChatLab } from "./chat-lab.ts";

const WORK = { agentId: "main", profileId: "openai-codex:work" };
const PEOPLE = ["1", "2"].map((id) => ({ host: "telegram", chatId: id, personId: id }));

async function lab(): Promise<ChatLab> {
  const chat = await chatLab();
  await chat.writeStore({ alice, bob });
  return chat;
}

async function card(chat: ChatLab, subject = WORK): Promise<string> {
  const reply = await chat.router.renderInvitation(subject, chat.asker);
  if (reply === undefined) return "";
  await chat.out.send(reply);
  return chat.out.last;
}

describe("an invitation", () => {
  it("is one message for each person, and no second one for ten minutes, also when the first was read", async () => {
    const { invitations, outbox, clock } = await lab();
    const both = await Promise.all([invitations.invite(WORK, PEOPLE), invitations.invite(WORK, PEOPLE)]);
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    const messages = await outbox.list("telegram");
    expect(messages.map(({ address }) => address.personId).toSorted()).toEqual(["1", "2"]);
    expect(messages[0]?.content).toEqual({ kind: "invitation", ...WORK });
    for (const { id } of messages) await outbox.delivered(id);

    clock.now += CHAT.invitationAgainMs - 1;
    expect((await invitations.invite(WORK, PEOPLE)).isNew).toBe(false);
    expect(await outbox.list("telegram")).toEqual([]);
    expect((await invitations.invite({ ...WORK, profileId: "openai-codex:alice" }, PEOPLE)).isNew).toBe(true);
    expect(await outbox.list("telegram")).toHaveLength(2);

    clock.now += 1;
    expect((await invitations.invite(WORK, PEOPLE)).isNew).toBe(true);
    expect(await outbox.list("telegram")).toHaveLength(4);
  });

  it("for a profile that exists shows it as it is, and its button begins the sign-in", async () => {
    const chat = await lab();
    const subject = { agentId: "main", profileId: "openai-codex:alice" };
    await chat.invitations.invite(subject, PEOPLE);
    const shown = await card(chat, subject);
    expect(shown).toContain("A script on this machine asks for a new sign-in of alice");
    expect(shown).toContain("Now: alice@example.com (plus)");
    expect(shown).toContain("/codex_auth alice");
    expect(await chat.press("Sign in")).toContain("Open the sign-in page");
    expect(await chat.signIns.waiting(chat.asker)).toMatchObject([subject]);
  });

  it("for a profile that does not exist yet has a button that works too, and only for whom it was made", async () => {
    const chat = await lab();
    await chat.invitations.invite(WORK, PEOPLE);
    expect(await card(chat)).toContain("There is no profile openai-codex:work yet");
    const { data } = chat.out.button("Sign in");
    await chat.incoming({ kind: "press", data }, { personId: "2", chatId: "2" });
    expect(chat.out.toasts).toEqual([expect.stringContaining("not made for you")]);
    expect(await chat.signIns.waiting(chat.asker)).toEqual([]);
    await chat.press("Sign in");
    expect(await chat.signIns.waiting(chat.asker)).toMatchObject([WORK]);
  });

  it("stands in the status with the command that begins it, until somebody has begun it", async () => {
    const chat = await lab();
    expect(await chat.say("status")).not.toContain("A script asks");
    await chat.invitations.invite(WORK, PEOPLE);
    chat.clock.now += 3 * MINUTE;
    const status = await chat.say("status");
    expect(status).toContain("A script asks for a sign-in\nwork: asked 3 min ago; /codex_auth work begins it");
    expect(await chat.say("status alice")).not.toContain("A script asks");

    await chat.say("work");
    expect(await chat.say("status")).not.toContain("A script asks");
    // The other one is not asked any more, and a script in a loop asks nobody again so soon.
    expect(await card(chat)).toBe("");
    const again = await chat.invitations.invite(WORK, PEOPLE);
    expect(again).toMatchObject({ isNew: false, invitation: { answeredAt: chat.clock.now } });
    expect(await card(chat)).toBe("");
  });

  it("is forgotten in the end, and its button is stale then", async () => {
    const chat = await lab();
    await chat.invitations.invite(WORK, PEOPLE);
    chat.clock.now += CHAT.invitationTtlMs - MINUTE;
    await card(chat);
    chat.clock.now += MINUTE;
    await chat.press("Sign in");
    expect(chat.out.toasts).toEqual([expect.stringContaining("too old")]);
    expect(await chat.invitations.list()).toEqual([]);
    expect(await card(chat)).toBe("");
    expect(await chat.signIns.waiting(chat.asker)).toEqual([]);
  });

  it("whose script was killed before it was remembered makes the same messages again, not more", async () => {
    const { invitations, outbox, clock } = await lab();
    const put = outbox.put.bind(outbox);
    let puts = 0;
    // Killed behind its last message: the mark that everybody was asked is not there.
    outbox.put = async (message) => {
      puts += 1;
      if (puts > PEOPLE.length) throw new TypeError("killed");
      return put(message);
    };
    const killed = invitations.invite(WORK, [...PEOPLE, { host: "telegram", chatId: "3", personId: "3" }]);
    await expect(killed).rejects.toThrow(TypeError);
    outbox.put = put;
    const before = await outbox.list("telegram");
    expect(before).toHaveLength(2);
    clock.now += MINUTE;
    expect((await invitations.invite(WORK, PEOPLE)).isNew).toBe(true);
    expect(await outbox.list("telegram")).toEqual(before);
  });

  it("is refused when scripts have just asked for many others: a phone does not ring for each name they make up", async () => {
    const { invitations, outbox, clock } = await lab();
    const ask = (name: string) => invitations.invite({ agentId: "main", profileId: `openai-codex:${name}` }, PEOPLE);
    for (let count = 0; count < CHAT.maxInvitations; count += 1) await ask(`name${count}`);
    await expect(ask("one-more")).rejects.toMatchObject({ code: "ERR_CONFIRMATION_NEEDED" });
    expect((await ask("name0")).isNew).toBe(false);
    expect(await outbox.list("telegram")).toHaveLength(2 * CHAT.maxInvitations);
    clock.now += CHAT.invitationAgainMs;
    expect((await ask("one-more")).isNew).toBe(true);
  });

  it("is there before its messages are: a bot that delivers at once finds it", async () => {
    const chat = await lab();
    const seen: boolean[] = [];
    const put = async (): Promise<void> => void seen.push((await chat.invitations.get(WORK)) !== undefined);
    const folder = join(chat.paths.chat, "invitations");
    const invitations = new Invitations({ folder, outbox: { put }, now: () => chat.clock.now });
    await invitations.invite(WORK, PEOPLE);
    expect(seen).toEqual([true, true]);
  });
});
