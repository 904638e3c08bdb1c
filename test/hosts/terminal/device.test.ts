// A device code at the terminal: how a renewal ends is told, what is being typed stays, and a closed chat waits for nothing.

import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { plainText } from "../../../src/chat/reply.ts";
import { buildChatServices } from "../../../src/hosts/services.ts";
import { TerminalSession } from "../../../src/hosts/terminal/session.ts";
import { LEAVE_OPEN, pick, ScriptedUi, terminalLab, type Step } from "./terminal-lab.ts";

type Lab = Awaited<ReturnType<typeof terminalLab>>;

const EMAIL = "grace@example.com";

async function deviceLab(): Promise<Lab> {
  const lab = await terminalLab();
  lab.issuer.device.interval = 1;
  return lab;
}

const code = (screen: string): string => /.*Enter this code there: (\S+)/s.exec(screen)?.[1] ?? "";

/** Starts a sign-in of `profile` by device code. */
const start = (profile: string): readonly Step[] => [
  pick("Type a command"),
  () => `/codex_auth ${profile}`,
  pick("Use a code instead"),
];

/** Enters the code on the screen elsewhere, and does nothing here. */
const enter =
  (lab: Lab): Step =>
  (screen) => {
    lab.issuer.approveDevice(code(screen), EMAIL);
    return LEAVE_OPEN;
  };

const times = (count: number, step: Step): readonly Step[] => Array.from({ length: count }, () => step);

/** Saves what is asked about, and leaves when `work` was saved `wanted` times. */
const untilSaved =
  (wanted: number): Step =>
  (screen, labels) => {
    if (labels.some((label) => label.startsWith("Save and use first"))) return "Save and use first";
    return screen.split("✅ work is").length > wanted ? "Quit" : LEAVE_OPEN;
  };

async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name, parentPath }) => `${parentPath}/${name}`);
}

describe("a renewal by device code at the terminal", () => {
  it("tells how it ended, though nothing was done here meanwhile", { timeout: 60_000 }, async () => {
    const lab = await deviceLab();
    const first = new ScriptedUi([...start("work"), enter(lab), ...times(20, untilSaved(1))]);
    expect(await lab.talk(first)).toContain("✅ work is");
    const second = new ScriptedUi([...start("work"), enter(lab), ...times(20, untilSaved(1))]);
    expect(await lab.talk(second)).toContain("✅ work is");
    expect(await lab.parts.engine.outbox.list("terminal")).toEqual([]);
  });
});

describe("a change of a waiting card", () => {
  it("in its words alone closes no question, and is shown before the next one", async () => {
    const { issuer, parts } = await deviceLab();
    const shown: string[] = [];
    let interrupts = 0;
    const session = new TerminalSession({
      parts,
      services: await buildChatServices(parts),
      host: "terminal",
      hasButtons: true,
      show: (reply) => shown.push(plainText(reply)),
      interrupt: () => (interrupts += 1),
    });
    await session.take({ kind: "command", name: "codex_auth", args: "device work" });
    issuer.device.pollFaults.next({ kind: "status", status: 500, body: "", contentType: "text/plain" });
    const now = (): string => (session.last === undefined ? "" : plainText(session.last));
    await expect.poll(now, { timeout: 15_000 }).toContain("has a problem of its own");
    expect(interrupts).toBe(0);
    expect(shown.join("\n")).not.toContain("has a problem of its own");
    session.catchUp();
    expect(shown.join("\n")).toContain("has a problem of its own");
    await session.close();
  });
});

describe("a terminal chat that is closed", () => {
  it("gives up the code that it waits for, says so, and leaves nothing of it on the disk", async () => {
    const lab = await deviceLab();
    const folder = lab.world.paths.root;
    let during: readonly string[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      async () => {
        during = (await filesOf(folder)).filter((path) => path.includes("device"));
        return "Quit";
      },
    ]);
    const screen = await lab.talk(ui);
    expect(during).not.toEqual([]);
    expect(screen).toContain("The sign-in for work is given up; its code and its link are of no use any more.");
    expect((await filesOf(folder)).filter((path) => path.includes("device"))).toEqual([]);
  });

  it("leaves the code of the same person's other terminal alone", { timeout: 60_000 }, async () => {
    const lab = await deviceLab();
    let other = "";
    const ui = new ScriptedUi([
      ...start("work"),
      async (screen, labels) => {
        other = await lab.talk(new ScriptedUi([...start("home"), pick("Quit")]));
        return enter(lab)(screen, labels);
      },
      ...times(20, untilSaved(1)),
    ]);
    expect(await lab.talk(ui)).toContain("✅ work is");
    expect(other).toContain("The sign-in for home is given up");
    expect(other).not.toContain("The sign-in for work is given up");
  });
});
