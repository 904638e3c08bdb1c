// `start` with a person at the terminal: the browser against the paste, in the real command line over a real store.

import { createServer } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../../../src/hosts/cli/program.ts";
import { FAMILIES, type Answer } from "../../oauth/loopback-lab.ts";
import { LEAVE_OPEN, linkOn, pick, ScriptedUi, terminalLab, type Step } from "../terminal/terminal-lab.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";

type Lab = Awaited<ReturnType<typeof terminalLab>>;

function terminalStream(): PassThrough & { readonly isTTY: true } {
  return Object.assign(new PassThrough(), { isTTY: true as const });
}

/** Calls the program as at a terminal; its questions are answered by `steps`, which see everything that was written. */
async function call(lab: Lab, args: readonly string[], steps: readonly Step[]) {
  let written = "";
  const [stdin, stdout, stderr] = [terminalStream(), terminalStream(), terminalStream()];
  for (const stream of [stdout, stderr]) stream.on("data", (chunk: Buffer) => (written += chunk.toString("utf8")));
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
    signals: process,
    person: { ui, loopback: lab.loopback },
  });
  return { code, written, ui };
}

async function isHeard(lab: Lab): Promise<boolean> {
  return lab.browse("http://localhost:1455/").then(
    () => true,
    () => false,
  );
}

describe("start at a terminal", () => {
  it("goes on by itself when the browser is back, and listens no longer than that", async () => {
    const lab = await terminalLab();
    let answer: Answer | undefined;
    const { code, written, ui } = await call(
      lab,
      ["start", "work"],
      [
        (screen) => {
          void lab.browse(lab.issuer.approve(linkOn(screen), "grace@example.com")).then((page) => (answer = page));
          return LEAVE_OPEN;
        },
        pick("Decide later"),
      ],
    );
    expect(code).toBe(0);
    expect(ui.closed).toBe(1);
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining("Go back to the terminal") as string });
    expect(written).toContain("there is nothing to paste any more");
    expect(written).toContain("Signed in as grace@example.com");
    expect(written).not.toContain("device code");
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ email: "grace@example.com" }]);
    expect(await isHeard(lab)).toBe(false);
    expect(shownSecrets(written)).toEqual([]);
  });

  it("takes the paste where that is first, and the browser is told", async () => {
    const lab = await terminalLab();
    let late: Answer | undefined;
    const { code, ui } = await call(
      lab,
      ["start", "work"],
      [
        (screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"),
        async (screen) => {
          late = await lab.browse(lab.issuer.approve(linkOn(screen), "grace@example.com"));
          return "Decide later";
        },
      ],
    );
    expect([code, ui.closed, late?.status]).toEqual([0, 0, 409]);
    expect(await lab.parts.engine.parked.list()).toHaveLength(1);
    expect(lab.issuer.log.filter(({ path }) => path === "/oauth/token")).toHaveLength(1);
  });

  it("asks again after a wrong paste, while the browser may still come", async () => {
    const lab = await terminalLab();
    const { code, written } = await call(
      lab,
      ["start", "work"],
      [
        () => "http://localhost:1455/auth/callback?code=x&state=somebody-elses",
        () => "",
        () => "no-address-at-all",
        (screen) => {
          void lab.browse(lab.issuer.approve(linkOn(screen), "grace@example.com"));
          return LEAVE_OPEN;
        },
        pick("Decide later"),
      ],
    );
    expect(code).toBe(0);
    expect(written).toContain("belongs to another sign-in");
    expect(written).toContain("only a part of the callback address");
    expect(written).toContain("Signed in as grace@example.com");
  });

  it("ends with a failure where the sign-in page refused", async () => {
    const lab = await terminalLab();
    let answer: Answer | undefined;
    const { code, written } = await call(
      lab,
      ["start", "work"],
      [
        (screen) => {
          void lab.browse(lab.issuer.deny(linkOn(screen))).then((page) => (answer = page));
          return LEAVE_OPEN;
        },
      ],
    );
    expect(code).toBe(1);
    expect(written).toContain("declined on the sign-in page");
    await expect.poll(() => answer?.status).toBe(400);
    expect(await isHeard(lab)).toBe(false);
  });

  it("stops listening on Ctrl-C, says how to go on, and the address is still good for `finish`", async () => {
    const lab = await terminalLab();
    const stopped = await call(lab, ["start", "work"], [() => undefined]);
    expect(stopped.code).toBe(1);
    expect(stopped.written).toContain("codex-auth-skill finish work");
    expect(await isHeard(lab)).toBe(false);
    const address = lab.issuer.approve(linkOn(stopped.written), "grace@example.com");
    const finished = await call(lab, ["finish", "work"], [() => address, pick("Decide later")]);
    expect(finished.code).toBe(0);
    expect(await lab.parts.engine.parked.list()).toMatchObject([{ email: "grace@example.com" }]);
  });

  it("says so where other sign-ins hold both ports, and takes the paste", async () => {
    const lab = await terminalLab();
    for (const port of [1455, 1457]) {
      const holder = createServer();
      await new Promise<void>((resolve) =>
        holder.listen({ port: lab.listenAt(port), host: FAMILIES.at(-1) }, () => resolve()),
      );
      onTestFinished(() => void holder.close());
    }
    const { code, written } = await call(
      lab,
      ["start", "work"],
      [(screen) => lab.issuer.approve(linkOn(screen), "grace@example.com"), pick("Decide later")],
    );
    expect(code).toBe(0);
    expect(written).toContain("Other sign-ins hold the ports 1455 and 1457");
    expect(written).toContain("Or use a device code");
  });

  it("listens for nobody where no person sits there", async () => {
    const lab = await terminalLab();
    const { code } = await call(lab, ["start", "work", "--json"], []);
    expect(code).toBe(0);
    expect(await isHeard(lab)).toBe(false);
  });
});
