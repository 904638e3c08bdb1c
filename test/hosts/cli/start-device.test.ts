// `start --device` with a person at the terminal: the code, its live state, Ctrl-C, and a code that a killed call has left.

import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { runCli } from "../../../src/hosts/cli/program.ts";
import { leaveCode } from "../terminal/left-code.ts";
import { linkOn, pick, ScriptedUi, terminalLab, type Step } from "../terminal/terminal-lab.ts";

type Lab = Awaited<ReturnType<typeof terminalLab>>;

const SSH = { SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" };

function terminalStream(): PassThrough & { readonly isTTY: true } {
  return Object.assign(new PassThrough(), { isTTY: true as const });
}

const codeOn = (screen: string): string => /.*Enter this code there: (\S+)/s.exec(screen)?.[1] ?? "";

/** Calls the program as at a terminal; `onCode` is what the person does elsewhere once a code is on the screen. */
async function call(
  lab: Lab,
  args: readonly string[],
  { steps = [], onCode }: { readonly steps?: readonly Step[]; readonly onCode?: (code: string) => void } = {},
) {
  const signals = new EventEmitter();
  let written = "";
  let isShown = false;
  const [stdin, stdout, stderr] = [terminalStream(), terminalStream(), terminalStream()];
  for (const stream of [stdout, stderr])
    stream.on("data", (chunk: Buffer) => {
      written += chunk.toString("utf8");
      if (isShown || !written.includes("Ctrl-C gives it up")) return;
      isShown = true;
      if (onCode === undefined) signals.emit("SIGINT");
      else onCode(codeOn(written));
    });
  const ui = new ScriptedUi(
    steps.map(
      (step): Step =>
        (_screen, labels) =>
          step(written, labels),
    ),
  );
  const code = await runCli({
    argv: args,
    environment: lab.parts.environment,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    signals,
    person: { ui, loopback: lab.loopback },
  });
  return { code, written, isShown, listeners: signals.listenerCount("SIGINT") };
}

async function deviceLab(env: Readonly<Record<string, string>> = {}): Promise<Lab> {
  const lab = await terminalLab(env);
  lab.issuer.device.interval = 1;
  return lab;
}

const codesGiven = (lab: Lab): number => lab.issuer.log.filter(({ path }) => path.endsWith("/usercode")).length;

describe("start --device", () => {
  it("shows a code, says how it stands, and goes on by itself when it was entered", { timeout: 20_000 }, async () => {
    const lab = await deviceLab();
    lab.issuer.device.pollFaults.next({ kind: "status", status: 500, body: "", contentType: "text/plain" });
    const { code, written, listeners } = await call(lab, ["start", "work", "--device"], {
      steps: [pick("Decide later")],
      onCode: (shown) => lab.issuer.approveDevice(shown, "grace@example.com"),
    });
    expect(code).toBe(0);
    expect(written).toContain("⏳ Waiting for you.");
    // Of the same card only the line that has changed is written again.
    expect(written).toContain("has a problem of its own at the moment");
    expect(written.split("Enter this code there").length).toBe(2);
    expect(written).toContain("the code was entered, getting the login");
    expect(written).toContain("Signed in as grace@example.com");
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ email: "grace@example.com" }]);
    expect([listeners, written.includes("authorize")]).toEqual([0, false]);
  });

  it("gives the code up on Ctrl-C, says so, and leaves nothing that waits", async () => {
    const lab = await deviceLab();
    const before = lab.world.readStore();
    const { code, written, listeners } = await call(lab, ["start", "work", "--device"]);
    expect(code).toBe(1);
    expect(written).toContain("The sign-in for work is given up; its code and its link are of no use any more.");
    expect(written).toContain("codex-auth-skill start work --device");
    expect(listeners).toBe(0);
    const again = await call(lab, ["status"]);
    expect(again.written).not.toContain("Enter this code");
    expect(lab.world.readStore()).toEqual(before);
    expect(await lab.parts.engine.parked.list()).toEqual([]);
  });

  it("ends with a failure where the sign-in was declined", async () => {
    const lab = await deviceLab();
    const { code, written } = await call(lab, ["start", "work", "--device"], {
      onCode: () => lab.issuer.device.pollFaults.next({ kind: "nested-error", code: "access_denied" }),
    });
    expect(code).toBe(1);
    expect(written).toContain("was declined on the sign-in page. Nothing was changed.");
  });

  it("takes the link where the server has no code to give", async () => {
    const lab = await deviceLab();
    lab.issuer.device.isEnabled = false;
    const { code, written, isShown } = await call(lab, ["start", "work", "--device"], {
      steps: [(screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"), pick("Decide later")],
    });
    expect([code, isShown]).toEqual([0, false]);
    expect(written).toContain("The link below does it as well.");
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ email: "grace@example.com" }]);
  });

  it("is the default where the person has come by SSH, unless they want a link", async () => {
    const lab = await deviceLab(SSH);
    const byCode = await call(lab, ["start", "work"]);
    expect([byCode.isShown, byCode.written.includes("ssh -L")]).toEqual([true, false]);
    const byLink = await call(lab, ["start", "work", "--link"], { steps: [() => undefined] });
    expect([byLink.isShown, byLink.written.includes("ssh -L")]).toEqual([false, true]);
    const here = await call(await deviceLab(), ["start", "work"], { steps: [() => undefined] });
    expect([here.isShown, linkOn(here.written) === ""]).toEqual([false, false]);
  });

  it("is refused beside --link, before anything is asked", async () => {
    const lab = await deviceLab();
    const { code, written } = await call(lab, ["start", "work", "--device", "--link"]);
    expect([code, codesGiven(lab)]).toEqual([2, 0]);
    expect(written).toContain("by a code or by a link, not by both");
  });
});

describe("start at a terminal after a kill", () => {
  it("takes the waiting code of that profile up again, and asks for no other", { timeout: 20_000 }, async () => {
    const lab = await deviceLab();
    const left = await leaveCode(lab.parts, "openai-codex:work");
    const { code, written } = await call(lab, ["start", "work"], {
      steps: [pick("Decide later")],
      onCode: (shown) => {
        expect(shown).toBe(left.userCode);
        lab.issuer.approveDevice(shown, "grace@example.com");
      },
    });
    expect(code).toBe(0);
    expect(written).toContain("That is the code that an earlier call was waiting for.");
    expect(codesGiven(lab)).toBe(1);
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ email: "grace@example.com" }]);
  });

  it("tells how it ended in between, and then begins anew", async () => {
    const lab = await deviceLab();
    await leaveCode(lab.parts, "openai-codex:work", { endedBy: "denied" });
    const { code, written, isShown } = await call(lab, ["start", "work"]);
    expect([code, isShown, codesGiven(lab)]).toEqual([1, true, 2]);
    expect(written.indexOf("was declined on the sign-in page")).toBeLessThan(written.indexOf("Enter this code there"));
    expect(written).toContain("was declined on the sign-in page");
  });

  it("leaves another profile's code to the chat, and says so", async () => {
    const lab = await deviceLab();
    await leaveCode(lab.parts, "openai-codex:spare");
    const { written, isShown } = await call(lab, ["start", "work"], { steps: [() => undefined] });
    expect([isShown, codesGiven(lab)]).toEqual([false, 1]);
    expect(written).toContain("A code for spare was left waiting: `codex-auth-skill chat` takes it up again.");
  });
});
