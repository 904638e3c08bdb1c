// The next terminal chat after one that was killed: the waiting code goes on, and what ended in between is told.

import { describe, expect, it } from "vitest";
import { processStartTime } from "../../../src/storage/openclaw-lock-holder.ts";
import { isTerminalAlive, sessionId } from "../../../src/hosts/terminal/session-id.ts";
import { buildChatServices } from "../../../src/hosts/services.ts";
import { GONE, leaveCode } from "./left-code.ts";
import { LEAVE_OPEN, pick, ScriptedUi, terminalLab, type Step } from "./terminal-lab.ts";

const WORK = "openai-codex:work";

async function deviceLab() {
  const lab = await terminalLab();
  lab.issuer.device.interval = 1;
  const { devices } = await buildChatServices(lab.parts);
  return { ...lab, left: async () => (await devices?.leftOver("terminal")) ?? [] };
}

const leaveOpen: Step = () => LEAVE_OPEN;

describe("a terminal chat after one that was killed", () => {
  it("waits for its code again, saves the login, and gives up what is still waiting when it is left", async () => {
    const lab = await deviceLab();
    const { userCode } = await leaveCode(lab.parts, WORK);
    const ui = new ScriptedUi([
      (screen) => {
        expect(screen).toContain(userCode);
        lab.issuer.approveDevice(userCode, "grace@example.com");
        return LEAVE_OPEN;
      },
      leaveOpen,
      pick("Save and use first"),
      (screen) => {
        expect(screen).toContain("✅ work is saved");
        return "Quit";
      },
    ]);
    await lab.talk(ui);
    expect(Object.keys(lab.world.readStore().profiles)).toContain(WORK);
    expect(await lab.left()).toEqual([]);
    await leaveCode(lab.parts, WORK);
    const screen = await lab.talk(new ScriptedUi([pick("Quit")]));
    expect(screen).toContain("The sign-in for work is given up");
    expect(await lab.left()).toEqual([]);
  });

  it("tells what ended in between, and shows no code that is of no use any more", async () => {
    const lab = await deviceLab();
    const { userCode } = await leaveCode(lab.parts, WORK, { endedBy: "denied" });
    const screen = await lab.talk(new ScriptedUi([leaveOpen, pick("Quit")]));
    expect(screen).toContain("The sign-in for work was declined on the sign-in page. Nothing was changed.");
    expect(screen).not.toContain(userCode);
    expect(await lab.left()).toEqual([]);
  });

  it("leaves the code of a terminal that is alive alone, and one that was begun this moment", async () => {
    const lab = await deviceLab();
    const alive = `${process.pid}.${processStartTime(process.pid) ?? 0}.abc-1`;
    await leaveCode(lab.parts, WORK, { shownIn: alive });
    await leaveCode(lab.parts, "openai-codex:spare", { shownIn: null });
    const screen = await lab.talk(new ScriptedUi([pick("Quit")]));
    expect(screen).not.toContain("Enter this code there");
    expect(await lab.left()).toHaveLength(2);
  });

  it("knows a terminal by its process and the moment of its start", () => {
    expect(isTerminalAlive(`${sessionId("abc")}-1`)).toBe(true);
    expect(isTerminalAlive(GONE)).toBe(false);
    const start = processStartTime(process.pid);
    if (start !== undefined) expect(isTerminalAlive(`${process.pid}.${start + 1}.abc-1`)).toBe(false);
    expect(isTerminalAlive("0123456789ab-1")).toBe(false);
  });
});

describe("the choices under a code", () => {
  it("have one way to a paste, which leads to the link and its address", async () => {
    const lab = await deviceLab();
    const seen: (readonly string[])[] = [];
    const look =
      (next: string): Step =>
      (_screen, labels) => {
        seen.push(labels.filter((label) => label.startsWith("Paste")));
        return next;
      };
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth device work",
      look("Paste instead"),
      look("Quit"),
    ]);
    await lab.talk(ui);
    expect(seen).toEqual([["Paste instead"], ["Paste the address"]]);
  });
});
