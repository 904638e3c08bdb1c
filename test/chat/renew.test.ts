// Having a login renewed from the chat: what is shown before, what a press sets going, and what is said of the end.

import { describe, expect, it } from "vitest";
import { plainText } from "../../src/chat/reply.ts";
import { chatLab } from "./chat-lab.ts";
import { changeLab } from "./change-lab.ts";
import { receiptOf } from "./job-play.ts";

const WORK = "openai-codex:work";

describe("/codex_auth refresh", () => {
  it("says what it does and that it cannot be taken back, and makes one job of a press", async () => {
    const lab = await changeLab();
    const before = lab.readStore();
    const shown = await lab.say("refresh work");
    expect(shown).toContain("Renew work?");
    expect(shown).toContain("It cannot be taken back");
    expect(shown).toContain("/codex_auth refresh work yes");
    expect(await lab.queue.open()).toEqual([]);
    await lab.press("Renew it");
    expect(await lab.queue.open()).toMatchObject([
      { kind: "renew-login", profileId: WORK, previewed: expect.any(String) },
    ]);
    expect(lab.readStore()).toEqual(before);
    expect(lab.kicks()).toBe(1);
  });

  it("is a button of the card of a login that can be renewed, and of no other", async () => {
    const lab = await changeLab();
    await lab.say("show work");
    expect(lab.out.button("Renew now").typed).toBe("/codex_auth refresh work");
    await lab.press("Renew now");
    expect(lab.out.last).toContain("Renew work?");
    const store = lab.readStore();
    const token = { type: "token", provider: "openai-codex", token: "t" };
    lab.writeState("agents/main/agent/auth-profiles.json", {
      ...store,
      profiles: { ...store.profiles, [WORK]: token },
    });
    await lab.say("show work");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).not.toContain("Renew now");
    expect(await lab.say("refresh work")).toContain("nothing that could be renewed");
    expect(await lab.queue.open()).toEqual([]);
  });

  it("leaves what another program keeps, and is for private chats alone", async () => {
    const lab = await changeLab();
    const store = lab.readStore();
    const kept = { ...store.profiles[WORK], managedBy: "vault" };
    lab.writeState("agents/main/agent/auth-profiles.json", { ...store, profiles: { ...store.profiles, [WORK]: kept } });
    expect(await lab.say("refresh work")).toContain("kept by vault");
    expect(await lab.queue.open()).toEqual([]);
  });

  it("says why where it did not come about, and offers nothing to take back", async () => {
    const lab = await changeLab();
    await lab.say("refresh work");
    await lab.press("Renew it");
    const receipt = await lab.drain();
    expect(receipt).toContain("⚠️ work was not renewed.");
    expect(receipt).toContain("renews its logins itself");
    expect(lab.out.lastReply.buttons ?? []).toEqual([]);
  });
});

describe("the answer to a renewal", () => {
  const job = {
    id: "job-0123456789abcdef",
    agentId: "main",
    profileId: WORK,
    requestedBy: { host: "telegram", chatId: "1", personId: "1" },
  };
  const words = async (parts: Parameters<typeof receiptOf>[1]): Promise<string> => {
    const lab = await chatLab();
    return plainText(await lab.router.renderReceipt({ ...receiptOf(job, parts), kind: "renew-login" }, lab.asker));
  };

  it("names the account and until when, and has no undo", async () => {
    const text = await words({
      outcome: "done",
      files: [{ path: "auth-profiles.json", before: "sha256:1", after: "sha256:2" }],
      email: "a@example.com",
      planType: "plus",
      expiresAtMs: Date.now() + 86_400_000,
    });
    expect(text).toContain("✅ work is renewed.");
    expect(text).toContain("a@example.com");
    expect(text).not.toContain("Undo");
  });

  it("says that somebody else was first", async () => {
    const note = "Somebody else has renewed it meanwhile; theirs was left as it is.";
    const text = await words({ outcome: "done", files: [], note });
    expect(text).toContain("Nothing had to be done about work.");
    expect(text).toContain(note);
    expect(text).not.toContain("Signed in as");
  });
});
