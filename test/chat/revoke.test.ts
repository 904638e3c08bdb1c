import { describe, expect, it } from "vitest";
import { lineText } from "../../src/chat/reply.ts";
import { entryOf, loginAt, revocationLab } from "./revocation-lab.ts";
import { changeLab } from "./change-lab.ts";

function labels(lab: {
  readonly out: { readonly lastReply: { readonly buttons?: readonly (readonly { label: string }[])[] } };
}) {
  return (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
}

describe("/codex_auth revoke", () => {
  it("says what follows, and revokes behind a second press", async () => {
    const lab = await revocationLab();
    await lab.say("parked");
    await lab.press("1. work");
    await lab.press("Revoke it");
    expect(lab.out.last).toContain("Revoke this login? grace@example.com, kept for work.");
    expect(lab.out.last).toContain("ends it everywhere");
    expect(lab.out.last).toContain("This cannot be undone");
    expect(lab.asked()).toEqual([]);
    await lab.press("Revoke it for good");
    expect(lab.out.last).toContain("✅ Revoked: grace@example.com");
    expect(lab.sandbox.standing(lab.token)).toBe("revoked");
    expect(lab.asked()).toHaveLength(1);
    expect(await lab.parked.list()).toEqual([]);
    expect(lab.out.everything).not.toContain(lab.token);
  });

  it("by typing takes a yes only for what was shown", async () => {
    const lab = await revocationLab();
    await lab.say(`revoke ${lab.waiting.id} yes`);
    expect(lab.out.last).toContain("Revoke this login?");
    expect(lab.asked()).toEqual([]);
    // What it concerns has changed since: another login of the account has come.
    await lab.putStore({ "openai-codex:same": entryOf(await loginAt(lab.sandbox)) });
    await lab.say(`revoke ${lab.waiting.id} yes`);
    expect(lab.out.last).toContain(
      "⚠️ Another login of the same account may end with it: the profile same of agent main.",
    );
    expect(lab.asked()).toEqual([]);
    await lab.say(`revoke ${lab.waiting.id} yes`);
    expect(lab.out.last).toContain("✅ Revoked");
    expect(lab.asked()).toHaveLength(1);
  });

  it("is one request for two presses of one button", async () => {
    const lab = await revocationLab();
    await lab.say(`revoke ${lab.waiting.id}`);
    const { data } = lab.out.button("Revoke it for good");
    await Promise.all([lab.incoming({ kind: "press", data }), lab.incoming({ kind: "press", data })]);
    expect(lab.asked()).toHaveLength(1);
  });

  it("calls a button stale that was shown before another login of the account came", async () => {
    const lab = await revocationLab();
    await lab.say(`revoke ${lab.waiting.id}`);
    await lab.putStore({ "openai-codex:same": entryOf(await loginAt(lab.sandbox)) });
    await lab.press("Revoke it for good");
    expect(lab.out.toasts.join()).toContain("what it was about has changed");
    expect(lab.asked()).toEqual([]);
  });

  it("names who else holds the login, and asks nobody", async () => {
    const lab = await revocationLab();
    await lab.putStore({ "openai-codex:copy": entryOf(lab.tokens) });
    await lab.say(`revoke ${lab.waiting.id}`);
    expect(lab.out.last).toContain("The same login lies in the profile copy of agent main too");
    expect(lab.out.lastReply.problem?.code).toBe("ERR_REVOKE_SHARED");
    expect(labels(lab)).toEqual([]);
    expect(await lab.parked.list()).toHaveLength(1);
    expect(lab.asked()).toEqual([]);
  });

  it.each([
    [{ kind: "error", shape: "flat", code: "invalid_client", status: 401 } as const, "ERR_REVOKE_REFUSED", false],
    [{ kind: "drop-after-process" } as const, "ERR_REVOKE_UNKNOWN", true],
  ])("keeps the login at %o, says what is known, and can ask again", async (fault, code, isMarked) => {
    const lab = await revocationLab();
    lab.sandbox.revokeFaults.next(fault);
    await lab.say(`revoke ${lab.waiting.id}`);
    await lab.press("Revoke it for good");
    expect(lab.out.lastReply.problem?.code).toBe(code);
    expect(await lab.parked.list()).toMatchObject([{ id: lab.waiting.id }]);
    await lab.press("Ask again");
    expect(lab.out.last.includes("This login may be revoked already")).toBe(isMarked);
    await lab.press("Revoke it for good");
    expect(await lab.parked.list()).toEqual([]);
  });

  it("is refused to a script, in a group, and to another person's button", async () => {
    const script = await revocationLab({ approvers: [{ host: "telegram", chatId: "1", personId: "1" }] });
    await script.say(`revoke ${script.waiting.id}`);
    await script.press("Revoke it for good");
    expect(script.out.lastReply.problem?.code).toBe("ERR_CONFIRMATION_NEEDED");
    expect(script.out.last).toContain("A script may not revoke a login.");
    const lab = await revocationLab();
    await lab.say(`revoke ${lab.waiting.id}`, { private: false, chatId: "-100" });
    expect(lab.out.lastReply.problem?.code).toBe("ERR_PRIVATE_CHAT_ONLY");
    await lab.say(`revoke ${lab.waiting.id}`);
    await lab.press("Revoke it for good", { personId: "2", chatId: "2" });
    expect([...script.asked(), ...lab.asked()]).toEqual([]);
    expect(await lab.parked.list()).toHaveLength(1);
  });

  it.each(["revoke", "revoke 1", "revoke 1 no", "revoke p-0000 yes", "revoke ../../x"])(
    "refuses %j and asks nobody",
    async (args) => {
      const lab = await revocationLab();
      await lab.say(args);
      expect(lab.out.last).toMatch(/^⚠️ .+\n→ .+/);
      expect(lab.asked()).toEqual([]);
      expect(await lab.parked.list()).toHaveLength(1);
    },
  );
});

describe("a login whose revocation ended unclear", () => {
  it("is taken over only behind a card that warns", async () => {
    const lab = await revocationLab();
    await lab.parked.update(lab.waiting.id, { revokingAt: lab.clock.now });
    await lab.say("parked");
    expect(lab.out.last).toContain("may be revoked already");
    await lab.say(`take ${lab.waiting.id}`);
    expect(lab.out.last).toContain("⚠️ This login may be revoked already:");
    expect(await lab.queue.list()).toEqual([]);
    const typed = lab.out.button("Save, keep the order").typed;
    await lab.say(typed.replace("/codex_auth ", ""));
    expect(await lab.queue.list()).toHaveLength(1);
    expect(lab.asked()).toEqual([]);
  });
});

describe("the receipt of a removal", () => {
  it("offers to revoke the login that was kept; where nobody is reached, it stays", async () => {
    const lab = await changeLab();
    await lab.say("remove work");
    await lab.press("Remove it");
    await lab.drain();
    expect(labels(lab)).toEqual([expect.stringContaining("Undo"), "Revoke it"]);
    const [kept] = await lab.parked.list();
    await lab.press("Revoke it");
    expect(lab.out.last).toContain("Revoke this login? alice@example.com (plus), kept for work.");
    await lab.press("Revoke it for good");
    expect(lab.out.last).toContain("nothing was sent");
    expect(await lab.parked.list()).toEqual([kept]);
  });

  it("is not taken back without a word when the login may be revoked", async () => {
    const lab = await changeLab();
    await lab.say("remove work");
    await lab.press("Remove it");
    await lab.drain();
    const [kept] = await lab.parked.list();
    await lab.parked.update(kept?.id ?? "", { revokingAt: lab.clock.now });
    await lab.press("Undo");
    expect(lab.out.lastReply.lines.map(lineText).join("\n")).toContain("This login may be revoked already");
  });
});
