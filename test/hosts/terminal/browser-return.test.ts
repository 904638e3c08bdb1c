// A sign-in at a terminal whose browser comes back to this machine, against a paste in both orders, in the real chat.

import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Answer } from "../../oauth/loopback-lab.ts";
import { LEAVE_OPEN, linkOn, pick, ScriptedUi, terminalLab, type Step } from "./terminal-lab.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";

type Lab = Awaited<ReturnType<typeof terminalLab>>;

/** Types the command that starts a sign-in. */
const start = (profile: string): readonly Step[] => [pick("Type a command"), () => `/codex_auth ${profile}`];

/** Leaves the question open, and signs in with the browser meanwhile. */
function browserSignsIn(lab: Lab, email: string, answers: Answer[]): Step {
  return (screen) => {
    void lab.browse(lab.issuer.approve(linkOn(screen), email)).then((answer) => answers.push(answer));
    return LEAVE_OPEN;
  };
}

async function isListening(lab: Lab, port = 1455): Promise<boolean> {
  return lab.browse(`http://localhost:${port}/`).then(
    () => true,
    () => false,
  );
}

/** Saves where that is asked, and else leaves the question open. */
const saveWhenAsked: Step = (_screen, labels) =>
  labels.some((label) => label.startsWith("Save and use first")) ? "Save and use first" : LEAVE_OPEN;

async function hold(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ port, host: "127.0.0.1" }, () => resolve()));
  onTestFinished(() => void server.close());
}

describe("a browser that comes back to the terminal", () => {
  it("finishes the sign-in while the paste is being asked for, and says so in both places", async () => {
    const lab = await terminalLab();
    const answers: Answer[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Paste the address"),
      browserSignsIn(lab, "grace@example.com", answers),
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(ui.closed).toBe(1);
    expect(answers).toMatchObject([
      { status: 200, text: expect.stringContaining("Go back to the terminal") as string },
    ]);
    expect(screen).toContain("Your browser comes back to this machine by itself");
    expect(screen).toContain("there is nothing to paste any more");
    expect(screen).toContain("✅ work is saved");
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
    expect(shownSecrets(screen + lab.logged.join("\n"))).toEqual([]);
    // The chat is over, and so is the listening.
    expect(await isListening(lab)).toBe(false);
  });

  it("finishes it just as well while a choice is open", async () => {
    const lab = await terminalLab();
    const answers: Answer[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      browserSignsIn(lab, "grace@example.com", answers),
      pick("Save, keep the order"),
      pick("Quit"),
    ]);
    await lab.talk(ui);
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
  });

  it("after the paste is told that the sign-in is over, and nothing is fetched or asked twice", async () => {
    const lab = await terminalLab();
    let late: Answer | undefined;
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Paste the address"),
      (screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"),
      async (screen) => {
        late = await lab.browse(lab.issuer.approve(linkOn(screen), "ada@example.com", "acct-ada"));
        return "Save and use first";
      },
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(late).toMatchObject({ status: 409, text: expect.stringContaining("already over") as string });
    expect(ui.closed).toBe(0);
    expect(screen).not.toContain("nothing to paste");
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toHaveLength(1);
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
  });

  it("and a paste of the same instant give one login, whoever is first", async () => {
    const lab = await terminalLab();
    const answers: Promise<Answer>[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Paste the address"),
      (screen) => {
        const address = lab.issuer.approve(linkOn(screen), "grace@example.com");
        // Two browsers and a paste, at once.
        answers.push(lab.browse(address), lab.browse(address));
        return address;
      },
      pick("Quit"),
    ]);
    await lab.talk(ui);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toMatchObject([{ status: 200 }]);
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ profileId: "openai-codex:work" }]);
  });

  it("with a refusal ends the sign-in, shows its words as text, and says so at the terminal", async () => {
    const lab = await terminalLab();
    const before = lab.world.readStore();
    const hostile = "<script>alert(1)</script>\u001b[2Jowned";
    let answer: Answer | undefined;
    let again: Answer | undefined;
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Paste the address"),
      (screen) => {
        const address = lab.issuer.deny(linkOn(screen), "access_denied", hostile);
        void (async () => {
          answer = await lab.browse(address);
          again = await lab.browse(address);
        })();
        return LEAVE_OPEN;
      },
      async () => {
        await expect.poll(() => again).toBeDefined();
        return "Quit";
      },
    ]);
    const screen = await lab.talk(ui);
    expect(answer).toMatchObject({
      status: 400,
      text: expect.stringContaining("declined on the sign-in page") as string,
    });
    expect(answer?.text).toContain("&#60;script&#62;alert(1)&#60;/script&#62;[2Jowned");
    expect(again?.status).toBe(409);
    expect(screen.match(/declined on the sign-in page/g)).toHaveLength(1);
    expect(screen).not.toContain("owned");
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
    expect(lab.world.readStore()).toEqual(before);
  });

  it("with somebody else's state, no code, or a guess leaves the terminal alone", async () => {
    const lab = await terminalLab();
    const seen: number[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      async (screen) => {
        const right = new URL(lab.issuer.approve(linkOn(screen), "grace@example.com"));
        const wrong = new URL(right);
        wrong.searchParams.set("state", "x".repeat(43));
        const denied = new URL(lab.issuer.deny(linkOn(screen)));
        denied.searchParams.set("state", "x".repeat(43));
        const empty = new URL(right);
        empty.searchParams.delete("code");
        for (const address of [wrong, denied, empty]) seen.push((await lab.browse(address.href)).status);
        seen.push((await lab.browse(right.href)).status);
        return LEAVE_OPEN;
      },
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(seen).toEqual([400, 400, 400, 200]);
    expect(screen).toContain("✅ work is saved");
    expect(screen).not.toMatch(/another sign-in \(its state|exactly one code/);
  });

  it("is heard for two sign-ins of one chat, each for its own profile", async () => {
    const lab = await terminalLab();
    const links: string[] = [];
    const answers: Answer[] = [];
    const ui = new ScriptedUi([
      ...start("one"),
      (screen) => {
        links.push(linkOn(screen));
        return "Type a command";
      },
      () => "/codex_auth two",
      (screen) => {
        links.push(linkOn(screen));
        const [first = ""] = links;
        void lab.browse(lab.issuer.approve(first, "grace@example.com")).then((answer) => answers.push(answer));
        return LEAVE_OPEN;
      },
      pick("Save, keep the order"),
      () => {
        const [, second = ""] = links;
        const address = lab.issuer.approve(second, "ada@example.com", "acct-team");
        void lab.browse(address).then((answer) => answers.push(answer));
        return LEAVE_OPEN;
      },
      pick("Save, keep the order"),
      pick("Quit"),
    ]);
    await lab.talk(ui);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(lab.world.readStore().profiles).toMatchObject({
      "openai-codex:one": { email: "grace@example.com" },
      "openai-codex:two": { email: "ada@example.com" },
    });
  });

  it("is not waited for any more after a cancel, and told so", async () => {
    const lab = await terminalLab();
    let late: Answer | undefined;
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Cancel"),
      async (screen) => {
        late = await lab.browse(lab.issuer.approve(linkOn(screen), "grace@example.com"));
        return "Quit";
      },
    ]);
    await lab.talk(ui);
    expect(late?.status).toBe(409);
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
  });
});

describe("a device code at the terminal", () => {
  it("is one key away, and when it was entered the question on the screen makes way for the decision", async () => {
    const lab = await terminalLab();
    lab.issuer.device.interval = 1;
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Use a code instead"),
      (screen) => {
        const userCode = /Enter this code there: (\S+)/.exec(screen)?.[1] ?? "";
        lab.issuer.approveDevice(userCode, "grace@example.com");
        return LEAVE_OPEN;
      },
      saveWhenAsked,
      (screen, labels) => (screen.includes("is saved") ? "Quit" : saveWhenAsked(screen, labels)),
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(ui.closed).toBeGreaterThanOrEqual(1);
    expect(screen).toContain("Signed in as grace@example.com");
    expect(screen).toContain("✅ work is saved");
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
  });
});

describe("the ports of a sign-in at a terminal", () => {
  it("move to 1457 where another login has the first, and the link and the exchange say so", async () => {
    const lab = await terminalLab();
    await hold(lab.listenAt(1455));
    const answers: Answer[] = [];
    const ui = new ScriptedUi([
      ...start("work"),
      browserSignsIn(lab, "grace@example.com", answers),
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(new URL(linkOn(screen)).searchParams.get("redirect_uri")).toBe("http://localhost:1457/auth/callback");
    expect(screen).toContain("http://localhost:1457/");
    expect(answers).toMatchObject([{ status: 200 }]);
    expect(screen).toContain("✅ work is saved");
  });

  it("that are both held are named, and the paste is left", async () => {
    const lab = await terminalLab();
    await hold(lab.listenAt(1455));
    await hold(lab.listenAt(1457));
    const ui = new ScriptedUi([
      ...start("work"),
      pick("Paste the address"),
      (screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"),
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await lab.talk(ui);
    expect(screen).toContain("Other sign-ins hold the ports 1455 and 1457 of this machine");
    expect(screen).not.toContain("comes back to this machine by itself");
    expect(screen).toContain("✅ work is saved");
  });

  it("are listened on from the first sign-in to its end, and not before or after", async () => {
    const lab = await terminalLab();
    const listening: boolean[] = [];
    const look: Step = async () => {
      listening.push(await isListening(lab));
      return "Type a command";
    };
    const ui = new ScriptedUi([look, () => "/codex_auth work", look, () => "/codex_auth status", () => undefined]);
    await lab.talk(ui);
    listening.push(await isListening(lab));
    expect(listening).toEqual([false, true, false]);
  });

  it("of a machine that one has come to by SSH come with the line that leads the browser there", async () => {
    const lab = await terminalLab({ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" });
    const screen = await lab.talk(new ScriptedUi([...start("work"), pick("Quit")]));
    expect(screen).toContain(`ssh -L 1455:localhost:1455 ${lab.parts.environment.hostname}`);
    const other = await terminalLab();
    expect(await other.talk(new ScriptedUi([...start("work"), pick("Quit")]))).not.toContain("ssh -L");
  });
});
