import { describe, expect, it } from "vitest";
import { alice, bob, chatLab } from "./chat-lab.ts";

describe("/codex_auth <profile>", () => {
  it("shows what the profile holds, the steps, the sign-in page as a link button and Cancel", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("work");
    expect(lab.out.last).toContain("Now: alice@example.com (plus), expires in 3 days, first in the order");
    expect(lab.out.last).toContain("http://localhost:1455/");
    expect(lab.out.lastReply.buttons?.[0]?.[0]).toEqual({
      kind: "url",
      label: "Open the sign-in page",
      url: "https://auth.example/authorize?attempt=a1",
    });
    // Where there are no buttons the address stands in the text.
    expect(lab.out.last).toContain("Open the sign-in page: https://auth.example/authorize?attempt=a1");
    expect(lab.out.last).toContain("Cancel: /codex_auth cancel");
  });

  it("asks the sign-in page for the profile's own account and workspace, and for a fresh sign-in of anybody for a further profile", async () => {
    const lab = await chatLab();
    await lab.say("first");
    await lab.writeStore({ work: alice });
    await lab.say("work");
    await lab.say("second");
    expect(lab.signIns.hints).toEqual([
      { forceSignIn: false },
      { forceSignIn: true, email: "alice@example.com", workspaceId: "acc-alice" },
      { forceSignIn: true },
    ]);
  });

  it("says that a profile is new, and asks about a name that is one slip away from a command", async () => {
    const lab = await chatLab();
    await lab.say("personal");
    expect(lab.out.last).toContain("no profile openai-codex:personal yet");
    expect(lab.out.last).not.toContain("Did you mean");
    await lab.say("statsu");
    expect(lab.out.last).toContain("Did you mean /codex_auth status?");
  });

  it("asks before `default` renews somebody's profile, and the button goes stale with the profile", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    await lab.say("default");
    expect(lab.out.last).toContain("alice@example.com");
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    const renew = lab.out.button("Renew work");
    await lab.writeStore({ work: bob });
    await lab.incoming({ kind: "press", data: renew.data, messageId: lab.out.lastId });
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    expect(lab.out.toasts.join()).toContain("changed");
    await lab.writeStore({ work: alice });
    await lab.incoming({ kind: "press", data: renew.data, messageId: lab.out.lastId });
    expect(await lab.signIns.waiting(lab.asker)).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it.each([
    ["anthropic:work", "Only Codex profiles"],
    ["12345", "digits alone"],
    ["openai-codex:123", "digits alone"],
    ["../../etc", "not a profile name"],
    ["<b>x</b>", "not a profile name"],
    ["x".repeat(65), "not a profile name"],
  ])("refuses %j and starts nothing", async (selector, words) => {
    const lab = await chatLab();
    await lab.say(selector);
    expect(lab.out.last).toContain(words);
    expect(lab.out.last).not.toContain("<b>");
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
  });

  it("is refused in a group, by command and in every other form", async () => {
    const lab = await chatLab();
    await lab.writeStore({ work: alice });
    for (const args of ["work", "new", "take 1", "discard 1"]) {
      await lab.say(args, { private: false, chatId: "-100" });
      expect(lab.out.last).toContain("private chat only");
    }
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
  });

  it("is given up by its button once, and by `cancel`", async () => {
    const lab = await chatLab();
    await lab.say("work");
    const cancel = lab.out.button("Cancel");
    await lab.press("Cancel");
    expect(lab.out.last).toContain("given up");
    expect(await lab.signIns.waiting(lab.asker)).toEqual([]);
    await lab.incoming({ kind: "press", data: cancel.data });
    expect(lab.out.toasts).toHaveLength(1);
    await lab.say("work");
    await lab.say("cancel");
    expect(lab.out.last).toContain("given up");
    await lab.say("cancel");
    expect(lab.out.last).toContain("Nothing of yours");
  });

  it("leaves another person's sign-in alone on `cancel`", async () => {
    const lab = await chatLab();
    await lab.say("work");
    await lab.say("cancel", { personId: "2", chatId: "2" });
    expect(await lab.signIns.waiting(lab.asker)).toHaveLength(1);
  });
});
