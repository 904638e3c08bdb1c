// The bot's systemd unit as `setup --unit` prints it, under a real user manager: answers, comes back after a crash, and leaves a job its worker.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { applyWorld } from "../support/apply-world.ts";
import { FakeTelegram } from "../support/fake-telegram/fake-telegram.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { startUserManager, type Ran, type UserManager } from "./lab/systemd.ts";
import { must } from "./lab/systemd-gateway.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const UNIT = "codex-auth-bot.service";
const OWNER = 4242;
/** A bot that starts: Node, the settings, Telegram. */
const STARTS_MS = 60_000;

interface Lab {
  readonly manager: UserManager;
  readonly telegram: FakeTelegram;
  readonly issuer: SandboxIssuer;
  readonly world: ReturnType<typeof applyWorld>;
  readonly home: string;
  systemctl(...words: string[]): Promise<Ran>;
  show(property: string): Promise<string>;
}

describe("the unit of the bot", () => {
  let lab: Lab | string;

  beforeEach(async () => {
    lab = await startLab();
  });

  test("is enabled, answers, is started again after SIGKILL, and stops in order", async ({ skip }) => {
    if (typeof lab === "string") return skip(lab);
    const { systemctl, show, telegram, home } = lab;
    const unit = await installUnit(lab);
    expect(unit).toContain(`ExecStart=${process.execPath} ${PROGRAM} bot\n`);

    must(await systemctl("enable", "--now", UNIT));
    telegram.person(OWNER).sends("/codex_auth");
    await telegram.shows(OWNER, /Codex logins[\s\S]*alice/, STARTS_MS);
    const first = await show("MainPID");
    // What the bot writes is nobody else's, and its memory goes into no file.
    expect((await lab.manager.run(["cat", `/proc/${first}/status`])).stdout).toMatch(/^Umask:\s+0077$/m);
    expect((await lab.manager.run(["cat", `/proc/${first}/limits`])).stdout).toMatch(/^Max core file size\s+0\s/m);

    must(await systemctl("kill", "--signal=KILL", UNIT));
    await expect.poll(async () => ["0", first].includes(await show("MainPID")), { timeout: STARTS_MS }).toBe(false);
    telegram.person(OWNER).sends("/codex_auth help");
    await telegram.shows(OWNER, /\/codex_auth status/, STARTS_MS);
    expect(await show("NRestarts")).toBe("1");

    must(await systemctl("stop", UNIT));
    expect(await show("Result")).toBe("success");
    expect(await show("ActiveState")).toBe("inactive");
    // `enable` has put it where the next start of the manager looks.
    const { stdout } = await lab.manager.run(["ls", join(home, ".config", "systemd", "user", "default.target.wants")]);
    expect(stdout.trim()).toBe(UNIT);
  });

  test("keeps nothing from a worker in it that has to restart the gateway's unit", async ({ skip }) => {
    if (typeof lab === "string") return skip(lab);
    const { systemctl, manager, home } = lab;
    const folder = join(home, ".config", "systemd", "user");
    const unit = await installUnit(lab);
    writeFileSync(join(folder, "gateway.service"), "[Service]\nExecStart=/usr/bin/sleep 600\n");
    const asked = "/usr/bin/systemctl --user restart -- gateway.service";
    const same = unit.replace(/^ExecStart=.*$/m, `ExecStart=${asked}`).replace("Type=exec", "Type=oneshot");
    writeFileSync(join(folder, "asks.service"), same);
    const invocation = async (): Promise<string> =>
      (await manager.run(["systemctl", "--user", "show", "--property=InvocationID", "gateway.service"])).stdout;
    must(await systemctl("daemon-reload"));
    must(await systemctl("start", "gateway.service"));
    const before = await invocation();
    must(await systemctl("start", "asks.service"));
    expect(await invocation()).not.toBe(before);
  });

  test("leaves a change that is under way to its worker when it is stopped", async ({ skip }) => {
    if (typeof lab === "string") return skip(lab);
    const { systemctl, telegram, issuer, world, manager } = lab;
    await installUnit(lab);
    must(await systemctl("start", UNIT));
    telegram.person(OWNER).sends("/codex_auth paste work");
    const card = await telegram.shows(OWNER, /Open the sign-in page/, STARTS_MS);
    const sent = telegram.everything(OWNER).findLast(({ messageId }) => messageId === card.messageId);
    const url = sent?.buttons.find((button) => button.url !== undefined)?.url ?? "";
    telegram.person(OWNER).sends(issuer.approve(url, "grace@example.com"));
    const question = await telegram.shows(OWNER, /Signed in as grace@example\.com/, STARTS_MS);

    // OpenClaw's own lock, held by somebody who lives: the worker waits for it in the middle of the job.
    const lock = `${world.storePath}.lock`;
    writeFileSync(lock, JSON.stringify({ pid: 1, createdAt: new Date().toISOString() }), { mode: 0o600 });
    await telegram.person(OWNER).presses(question.messageId, "Save and use first").answer;
    const worker = await expectWorker(world);
    expect((await manager.run(["cat", `/proc/${worker}/cgroup`])).stdout).toContain(UNIT);

    must(await systemctl("stop", UNIT));
    expect(await lab.show("ActiveState")).toBe("inactive");
    expect((await manager.run(["test", "-d", `/proc/${worker}`])).code).toBe(0);
    expect(world.readStore().profiles["openai-codex:work"]).toBeUndefined();

    rmSync(lock);
    await expect
      .poll(() => world.readStore().profiles["openai-codex:work"], { timeout: STARTS_MS })
      .toMatchObject({ email: "grace@example.com" });
    await expect.poll(async () => (await world.queue.open()).length, { timeout: STARTS_MS }).toBe(0);
    expect(await world.receipts.list()).toMatchObject([{ outcome: "done" }]);
    // The bot was not there to tell; the next one does.
    must(await systemctl("start", UNIT));
    await telegram.shows(OWNER, /✅ work is saved/, STARTS_MS);
  });
});

/** Starts everything, or says why it cannot be. */
async function startLab(): Promise<Lab | string> {
  // A space and a percent sign: systemd reads both in its own way.
  const home = join(await temporaryFolder(), "a home of 100%");
  mkdirSync(home, { mode: 0o700 });
  const started = await startUserManager(home);
  if (!started.ok) return started.reason;
  const { manager } = started;
  onTestFinished(() => manager.stop());
  const telegram = await FakeTelegram.start({ answerWithinMs: STARTS_MS });
  onTestFinished(() => telegram.close());
  const issuer = await startSandboxIssuer();
  onTestFinished(() => issuer.close());
  const world = applyWorld(home);
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }));
  mkdirSync(world.paths.root, { recursive: true, mode: 0o700 });
  const settings = {
    telegram: { botTokenFile: "bot-token", allowFrom: [OWNER], apiRoot: telegram.url },
    issuer: issuer.origin,
  };
  writeFileSync(join(world.paths.root, "bot-token"), telegram.token, { mode: 0o600 });
  writeFileSync(world.paths.config, JSON.stringify(settings), { mode: 0o600 });
  const systemctl = (...words: string[]): Promise<Ran> => manager.run(["systemctl", "--user", ...words]);
  return {
    manager,
    telegram,
    issuer,
    world,
    home,
    systemctl,
    show: async (property) => must(await systemctl("show", `--property=${property}`, "--value", UNIT)).stdout.trim(),
  };
}

/** Puts the unit where the person would, as it is printed for a shell whose OpenClaw a variable names. */
async function installUnit({ manager, home, systemctl }: Lab): Promise<string> {
  const env = { OPENCLAW_STATE_DIR: join(home, ".openclaw") };
  const { stdout: unit } = must(await manager.run([process.execPath, PROGRAM, "setup", "--unit"], { env }));
  const path = join(home, ".config", "systemd", "user", UNIT);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, unit);
  must(await systemctl("daemon-reload"));
  return unit;
}

/** The pid of the executor that has begun, as the namespaces see it. */
async function expectWorker({ paths }: Lab["world"]): Promise<number> {
  const read = (): number | undefined => {
    try {
      return (JSON.parse(readFileSync(join(paths.queue, "executor.json"), "utf8")) as { pid?: number }).pid;
    } catch {
      return undefined;
    }
  };
  await expect.poll(read, { timeout: STARTS_MS }).toBeTypeOf("number");
  return read() ?? 0;
}
