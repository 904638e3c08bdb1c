// The skill by itself: its folder in a real OpenClaw, its program by the `npm i -g` that it names, and each command that it tells an agent to run.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { startSandboxUsage, type SandboxUsage } from "../../src/sandbox/usage-server.ts";
import { FakeTelegram } from "../support/fake-telegram/fake-telegram.ts";
import { readFile as readOurs } from "../support/repo-files.ts";
import { OWNER } from "./lab/bot.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";
import { installGlobally, packNpm, packSkill } from "./lab/packages.ts";
import { installSkill, skillInfo } from "./lab/skills.ts";
import { bareEnvironment } from "./lab/surroundings.ts";

const run = promisify(execFile);
const PROGRAM = "codex-auth-skill";
const ACCOUNT = { email: "alice@example.com", userId: "user-alice", accountId: "account-alice", planType: "plus" };

interface Answer extends Readonly<Record<string, unknown>> {
  readonly schemaVersion: number;
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string; readonly next: string };
}

describe("the skill alone on OpenClaw 2026.5.28", () => {
  let installed: InstallResult;
  let lab: Lab;
  let out: string;
  let programs: string;
  let telegram: FakeTelegram;
  let issuer: SandboxIssuer;
  let usage: SandboxUsage;
  let bot: ChildProcess | undefined;

  beforeAll(async () => {
    installed = await installOpenClaw("2026.5.28");
    if (!installed.ok) return;
    out = await mkdtemp(join(tmpdir(), "codex-auth-alone-"));
    programs = await installGlobally(await packNpm(join(out, "npm")), join(out, "prefix"));
    [telegram, issuer, usage] = [
      await FakeTelegram.start({ answerWithinMs: PATIENCE_MS }),
      await startSandboxIssuer({ accounts: [ACCOUNT] }),
      await startSandboxUsage(),
    ];
    issuer.device.interval = 1;
    // In ten days: today's would be "expiring".
    const later = Date.now() + 10 * 86_400_000;
    lab = await startLab(installed.openclaw, {
      stores: {
        main: {
          profiles: { "openai-codex:alice": fakeLogin("alice", later), "openai-codex:bob": fakeLogin("bob", later) },
        },
      },
    });
    const skill = await packSkill(join(out, "skill"));
    await installSkill(installed.openclaw, lab.home, skill["codex-auth"]);
    await installSkill(installed.openclaw, lab.home, skill.lease);
    await writeSettings();
  });

  afterAll(async () => {
    if (bot?.exitCode === null) {
      const ended = once(bot, "exit");
      bot.kill("SIGTERM");
      await ended;
    }
    await lab?.stop();
    await telegram?.close();
    await issuer?.close();
    await usage?.close();
    if (out !== undefined) await rm(out, { recursive: true, force: true });
  });

  /** What `setup` would write; the program finds it by itself. */
  async function writeSettings(): Promise<void> {
    const folder = join(lab.home.stateDir, "codex-auth");
    await mkdir(folder, { mode: 0o700 });
    const settings = {
      telegram: { botToken: telegram.token, allowFrom: [String(OWNER)], apiRoot: telegram.url },
      issuer: issuer.origin,
      usageServer: usage.origin,
    };
    await writeFile(join(folder, "config.json"), JSON.stringify(settings), { mode: 0o600 });
  }

  function environment(): NodeJS.ProcessEnv {
    const bare = bareEnvironment();
    const path = [programs, bare["PATH"] ?? ""].join(delimiter);
    return { ...bare, PATH: path, HOME: lab.home.home, TMPDIR: lab.home.tmp };
  }

  /** Runs a command line as an agent's shell finds it, and reads its one document. */
  async function runs(line: string): Promise<{ readonly code: number; readonly answer: Answer }> {
    const [program = "", ...args] = line.split(" ");
    const ended = await run(program, args, { env: environment(), cwd: lab.home.home }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    );
    return { code: ended.code, answer: JSON.parse(ended.stdout) as Answer };
  }

  test("is offered once its program is installed, and the program runs from there", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const { openclaw } = installed;
    expect(await skillInfo(openclaw, lab.home, "codex-auth")).toMatchObject({ eligible: false });
    for (const name of ["codex-auth", "lease"]) {
      expect(await skillInfo(openclaw, lab.home, name, programs)).toMatchObject({ eligible: true });
    }
    const { stdout } = await run(PROGRAM, ["--version"], { env: environment(), cwd: lab.home.home });
    expect(stdout.trim()).toBe((JSON.parse(readOurs("package.json")) as { version: string }).version);
  });

  test("lists the profiles of the gateway", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const { code, answer } = await runs(told("SKILL.md", "list"));
    expect(code).toBe(0);
    expect(answer).toMatchObject({
      ok: true,
      profiles: [
        { id: "openai-codex:alice", state: "ok", email: "alice@example.com", expiresAtMs: expect.any(Number) },
        { id: "openai-codex:bob", state: "ok" },
      ],
    });
    documented("list", answer);
  });

  test("shows how much of the limits is used, of all or of one", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const line = told("SKILL.md", "usage");
    const { answer } = await runs(line);
    expect(answer).toMatchObject({
      ok: true,
      profiles: [
        {
          id: "openai-codex:alice",
          outcome: "report",
          seenAtMs: expect.any(Number),
          report: { limits: [{ windows: [{ seconds: expect.any(Number), usedPercent: 32 }, {}] }] },
        },
        { id: "openai-codex:bob" },
      ],
    });
    documented("usage", answer);
    const one = await runs(`${line} --profile bob`);
    expect(one.answer["profiles"]).toMatchObject([{ id: "openai-codex:bob" }]);
  });

  test("says of the machine what is right and what is next", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const { code, answer } = await runs(told("SKILL.md", "doctor"));
    expect(code).toBe(answer.ok ? 0 : 1);
    const findings = answer["findings"] as readonly { what: string; state: string; text: string; next?: string }[];
    expect(findings.find(({ what }) => what === "gateway")).toMatchObject({ state: "ok" });
    for (const { state, next } of findings) if (state !== "ok") expect(next).toMatch(/\w/);
    documented("doctor", answer);
  });

  test("starts a sign-in that a person presses in the bot, and reads how it went", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    const [before, uptime] = [await storedToken("alice"), (await lab.gateway.readiness())?.uptimeMs ?? Number.NaN];
    bot = spawn(PROGRAM, ["bot"], { env: environment(), cwd: lab.home.home, stdio: "ignore" });
    await telegram.waitFor(
      () => (telegram.callsOf("getUpdates").length > 0 ? true : undefined),
      () => "the bot",
      PATIENCE_MS,
    );
    // Telegram lets no bot write to somebody who has never written to it.
    telegram.person(OWNER).sends("/codex_auth");
    await telegram.shows(OWNER, /Codex logins/, PATIENCE_MS);

    const start = told("SKILL.md", "start").replace("<name>", "alice");
    const { code, answer } = await runs(start);
    expect(code).toBe(0);
    expect(answer).toMatchObject({ ok: true, invitation: "asked", finishWith: "/codex_auth alice" });
    expect(JSON.stringify(answer)).not.toMatch(/https?:/);
    documented("start", answer);
    const invitation = await telegram.waitFor(
      () => telegram.visible(OWNER).findLast(({ buttons }) => buttons.flat().includes("Sign in")),
      () => "the question",
      PATIENCE_MS,
    );
    expect((await runs(told("SKILL.md", "status"))).answer).toMatchObject({
      invitations: [{ profileId: "openai-codex:alice" }],
      receipts: [],
    });
    expect(await storedToken("alice")).toBe(before);

    await telegram.person(OWNER).presses(invitation.messageId, "Sign in").answer;
    const card = await telegram.shows(OWNER, /Enter this code there/, PATIENCE_MS);
    issuer.approveDevice(/Enter this code there: (\S+)/.exec(card.text)?.[1] ?? "", ACCOUNT.email);
    await telegram.shows(OWNER, /✅ alice (?:of agent main )?is saved/, PATIENCE_MS);

    // The answer is put out before the job's end.
    const openJobs = async (): Promise<unknown> => (await runs(told("SKILL.md", "status"))).answer["jobs"];
    await expect.poll(openJobs, { timeout: PATIENCE_MS }).toEqual([]);
    const status = (await runs(told("SKILL.md", "status"))).answer;
    expect(status).toMatchObject({
      jobs: [],
      receipts: [{ profileId: "openai-codex:alice", outcome: "done", activation: { proven: "listed-by-gateway" } }],
    });
    documented("status", status);
    expect(await storedToken("alice")).not.toBe(before);
    // The running gateway uses it, and was not restarted for it.
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "account-alice" });
    expect((await lab.gateway.readiness())?.uptimeMs).toBeGreaterThan(uptime);
  });

  test("of a lease, where no broker is set, says that there is none, and asks nobody", async ({ skip }) => {
    if (!installed.ok) return skip(installed.reason);
    for (const line of ["lease --json", "lease refresh", "lease flush"]) {
      const { code, answer } = await runs(told("lease/SKILL.md", line));
      expect({ code, answer }).toMatchObject({ code: 1, answer: { ok: false, lease: null, receipts: [] } });
      expect(answer.error).toMatchObject({
        code: "ERR_BROKER_NOT_SET",
        next: expect.stringContaining("lease.baseUrl"),
      });
      documented("lease", answer);
    }
    expect(told("lease/SKILL.md", "doctor")).toBe(told("SKILL.md", "doctor"));
  });

  async function storedToken(name: string): Promise<unknown> {
    const store = JSON.parse(await readFile(storePath(lab.home), "utf8")) as {
      profiles: Record<string, { access?: string }>;
    };
    return store.profiles[`openai-codex:${name}`]?.access;
  }
});

/** The command line in that document which begins with the program and `start`, by its exact words. */
function told(document: string, start: string): string {
  const lines = [...readOurs(document).matchAll(/`(codex-auth-skill [^`\n]*)`/g)].map(([, line]) => line ?? "");
  const found = lines.find((line) => line.startsWith(`${PROGRAM} ${start}`));
  if (found === undefined) throw new Error(`${document} tells nobody to run ${start}`);
  return found;
}

/** Holds the names of an answer against references/answers.md: none that an agent could not look up. */
function documented(command: string, answer: Answer): void {
  const page = readOurs("references/answers.md");
  const [head = ""] = page.split("\n## ");
  const section = page.split(`\n## \`${command}\`\n`)[1]?.split("\n## ")[0] ?? "";
  const words = new Set([...`${head}${section}`.matchAll(/`([^`]+)`/g)].flatMap(([, text = ""]) => text.split(/\W+/)));
  expect(Object.keys(answer).filter((name) => !words.has(name))).toEqual([]);
}
