import { describe, expect, it } from "vitest";
import { deviceLab, type DeviceLab } from "./device-lab.ts";

/** The link of the last card. */
function linkOf({ chat }: DeviceLab): string {
  const found = (chat.out.lastReply.buttons ?? []).flat().find(({ kind }) => kind === "url");
  return found?.kind === "url" ? found.url : "";
}

describe("*Paste instead*", () => {
  it("shows the link of the same attempt; whoever pastes first wins, and the code is over", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const card = lab.chat.out.lastId;
    const [before] = await lab.services.signIns.waiting(lab.chat.asker);
    const shown = await lab.chat.press("Paste instead");
    expect(shown).toContain("Copy that whole address");
    expect(lab.chat.out.lastId).toBe(card);
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toEqual([before]);
    const code = lab.code();
    await lab.chat.text(lab.issuer.approve(linkOf(lab), "bob@example.com"));
    await lab.chat.router.codesEntered();
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
    expect(JSON.stringify(lab.chat.out.messages.get(card))).toContain("the code is of no use any more");
    // The code may still be entered on the page: nobody asks for its login.
    lab.issuer.approveDevice(code, "alice@example.com");
    expect([lab.looks(), await lab.onDisk()]).toEqual([0, []]);
    expect(await lab.chat.parked.list()).toHaveLength(1);
  });

  it("says nothing untrue of the code's sign-in where the pasted address then brings no login", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const card = lab.chat.out.lastId;
    await lab.chat.press("Paste instead");
    lab.issuer.faults.next({ kind: "drop-after-process" });
    await lab.chat.text(lab.issuer.approve(linkOf(lab), "bob@example.com"));
    await lab.chat.router.codesEntered();
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_TOKEN_UNREACHABLE");
    const shown = JSON.stringify(lab.chat.out.messages.get(card));
    expect(shown).toContain("was taken over by its link; the code is of no use any more.");
    expect(shown).toContain("See the answer to the link.");
    expect(shown).not.toContain("finished");
    expect([await lab.chat.parked.list(), await lab.onDisk()]).toEqual([[], []]);
  });

  it("leaves the code in use: where it is entered first, the pasted address is refused", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.press("Paste instead");
    const address = lab.issuer.approve(linkOf(lab), "alice@example.com");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.lastLook();
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
    await lab.chat.text(address);
    expect(lab.chat.out.lastReply.problem?.code).toBe("ERR_LOGIN_BURNT");
    expect(await lab.chat.parked.list()).toMatchObject([{ email: "bob@example.com" }]);
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toHaveLength(1);
  });

  it("and the entered code at the same moment are one login", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    await lab.chat.press("Paste instead");
    const address = lab.issuer.approve(linkOf(lab), "alice@example.com");
    lab.issuer.approveDevice(lab.code(), "bob@example.com");
    await lab.clock.rests();
    lab.clock.advance(5_000);
    await Promise.all([lab.chat.text(address), lab.chat.router.codesEntered()]);
    expect(await lab.chat.parked.list()).toHaveLength(1);
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toHaveLength(1);
  });

  it("goes back to the code, by its button or typed; typed, the card moves to the end of the chat", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const [card, code] = [lab.chat.out.lastId, lab.code()];
    await lab.chat.press("Paste instead");
    expect(await lab.chat.press("Use the code")).toContain(`Enter this code there: ${code}`);
    expect(lab.chat.out.lastId).toBe(card);
    const typed = lab.chat.out.button("Paste instead").typed;
    expect(typed).toBe("/codex_auth paste work");
    expect(await lab.chat.say(typed.replace("/codex_auth ", ""))).toContain("Copy that whole address");
    expect(lab.chat.out.lastId).not.toBe(card);
    expect(JSON.stringify(lab.chat.out.messages.get(card))).toContain("goes on below");
    expect(await lab.chat.say("device work")).toContain(`Enter this code there: ${code}`);
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toHaveLength(1);
    expect(await lab.onDisk()).toHaveLength(1);
    lab.issuer.approveDevice(code, "bob@example.com");
    await lab.lastLook();
    expect(lab.chat.out.last).toContain("Signed in as bob@example.com");
  });

  it("typed without a sign-in under way begins one by link, which offers the code", async () => {
    const lab = await deviceLab();
    await lab.chat.say("paste work");
    expect(lab.issuer.log).toEqual([]);
    await lab.chat.press("Use a code instead");
    expect(lab.chat.out.last).toContain("Enter this code there");
    expect(await lab.services.signIns.waiting(lab.chat.asker)).toHaveLength(1);
  });

  it("is stale on a sign-in that has ended", async () => {
    const lab = await deviceLab();
    await lab.chat.say("work");
    const { data } = lab.chat.out.button("Paste instead");
    const messageId = lab.chat.out.lastId;
    await lab.chat.say("cancel");
    await lab.chat.router.codesEntered();
    await lab.chat.incoming({ kind: "press", data, messageId });
    expect(lab.chat.out.toasts.join()).toContain("changed");
  });
});
