// `start` by a script, all the way: the program as a process, the outbox, the bot, a person's press, and the saved login.

import { describe, expect, it } from "vitest";
import { OWNER, PARTNER } from "./bot-lab.ts";
import { LoginLab } from "./login-lab.ts";

describe("a script that asks for a sign-in", () => {
  it("has everybody on the list asked in the chat; one of them presses, signs in and saves", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    for (const person of [owner, lab.telegram.person(PARTNER)]) person.sends("hi");
    const started = await lab.script("start", "work");
    expect(started.code, started.stderr).toBe(0);
    expect(started.json()).toMatchObject({ ok: true, profileId: "openai-codex:work", invitation: "asked" });
    expect(started.stdout).not.toMatch(/http/);
    const card = await lab.telegram.shows(OWNER, /A script on this machine asks for a new sign-in of work/);
    expect(card.buttons).toEqual([["Sign in"], ["No"]]);
    const other = await lab.telegram.shows(PARTNER, /asks for a new sign-in of work/);
    await lab.telegram.person(PARTNER).presses(other.messageId, "No").answer;
    await lab.telegram.shows(PARTNER, /You said no: nothing was changed\.\nNo sign-in for work was begun\./);
    await expect.poll(() => lab.world.outbox.list("telegram")).toEqual([]);
    expect((await lab.script("status")).json()).toMatchObject({
      invitations: [{ profileId: "openai-codex:work", agentId: "main" }],
    });

    // Asked in a loop, people are not.
    expect((await lab.script("start", "work")).json()).toMatchObject({ ok: true, invitation: "asked" });
    expect(await lab.world.outbox.list("telegram")).toEqual([]);

    lab.issuer.device.isEnabled = false;
    await owner.presses(card.messageId, "Sign in").answer;
    const login = await lab.telegram.shows(OWNER, /Open the sign-in page/);
    const link = lab.buttonsOf(login).find(({ url }) => url !== undefined)?.url ?? "";
    owner.sends(lab.issuer.approve(link, "carol@example.com"));
    const question = await lab.telegram.shows(OWNER, /Signed in as carol@example\.com/);
    expect(lab.stored).not.toContain("openai-codex:work");
    await owner.presses(question.messageId, "Save and use first").answer;
    await lab.telegram.shows(OWNER, /✅ work is saved/);
    expect(lab.stored).toContain("openai-codex:work");
    expect((await lab.script("status")).json()).toMatchObject({
      invitations: [],
      receipts: [{ outcome: "done", profileId: "openai-codex:work" }],
    });
    expect(lab.seen.match(/asks for a new sign-in/g) ?? []).toHaveLength(0);
  });

  it("while no bot runs is heard when one starts, and its button outlives that bot", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    owner.sends("hi");
    await lab.script("start", "work");
    const bot = await lab.start();
    const card = await lab.telegram.shows(OWNER, /asks for a new sign-in of work/);
    await bot.stop();
    await lab.start();
    lab.issuer.device.isEnabled = false;
    await owner.presses(card.messageId, "Sign in").answer;
    await lab.telegram.shows(OWNER, /Open the sign-in page/);
  });

  it("where nobody is on the list is told where a person goes on, and nobody is asked", async () => {
    const lab = await LoginLab.open();
    lab.allowOnly();
    const started = (await lab.script("start", "work")).json();
    expect(started).toMatchObject({ ok: true, finishWith: "/codex_auth work" });
    expect(started).not.toHaveProperty("invitation");
    expect(await lab.world.outbox.list("telegram")).toEqual([]);
    expect((await lab.script("status")).json()).toMatchObject({ invitations: [] });
  });

  it("for something that is no Codex profile is refused, and nobody is asked", async () => {
    const lab = await LoginLab.open();
    expect((await lab.script("start", "anthropic:work")).json()).toMatchObject({
      ok: false,
      error: { code: "ERR_PROVIDER_OUT_OF_SCOPE" },
    });
    expect((await lab.script("start", "work", "--agent", "nobody")).json()).toMatchObject({
      ok: false,
      error: { code: "ERR_AGENT_UNKNOWN" },
    });
    expect(await lab.world.outbox.list("telegram")).toEqual([]);
  });
});
