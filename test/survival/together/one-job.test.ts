// One wish however often it is pressed, two bots on one machine, and clocks that jump in the middle of a job.

import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { Executor } from "../../../src/apply/executor.ts";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { withReign } from "../../../src/apply/reign.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { startTelegramBot } from "../../../src/hosts/telegram/compose.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { OWNER, PARTNER } from "../../hosts/telegram/bot-lab.ts";
import { LoginLab } from "../../hosts/telegram/login-lab.ts";
import { applyWorld, receivedTokens, REQUESTED_BY } from "../../support/apply-world.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { SOON } from "../../support/launch-lab.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { dirname } from "node:path";
import { tellFigure } from "../lab/run.ts";

const YEAR_MS = 365 * 86_400_000;

describe("a hundred presses of one button", () => {
  it("are one job, one receipt and one answer", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    lab.works = false;
    owner.sends(await lab.signIn("carol"));
    const question = await lab.telegram.shows(OWNER, /Signed in as carol/);
    const data = lab.buttonsOf(question).find(({ text }) => text === "Save and use first")?.callback_data ?? "";
    const presses = Array.from({ length: 100 }, () => owner.pressesData(question.messageId, data).answer);
    await Promise.all(presses);
    const jobs = await lab.world.queue.list();
    expect(jobs).toHaveLength(1);
    await lab.world.drain();
    await lab.telegram.shows(OWNER, /✅ carol is saved/);
    expect(await lab.world.receipts.list()).toMatchObject([{ id: jobs[0]?.id, outcome: "done" }]);
    await expect.poll(() => lab.world.outbox.list("telegram"), SOON).toEqual([]);
    const answers = lab.telegram.everything(OWNER).filter(({ text }) => text.startsWith("✅ carol is saved"));
    expect(answers).toHaveLength(1);
    // Pressed once more when all is over: nothing new comes of it.
    await owner.pressesData(question.messageId, data).answer;
    expect(await lab.world.queue.list()).toHaveLength(1);
    tellFigure("together, presses of one button", presses.length + 1, "presses");
  });
});

describe("two bots on one state folder", () => {
  it("each serve their own people, and every login is saved and told once, where it was asked for", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const second = await FakeTelegram.start({ token: ["700000002", "fake-token-of-the-other-bot"].join(":") });
    onTestFinished(() => second.close());
    let working: Promise<unknown> = Promise.resolve();
    const bot = await startTelegramBot({
      environment: readEnvironment({
        HOME: dirname(dirname(lab.world.paths.root)),
        CODEX_AUTH_API_ROOT: second.url,
        CODEX_AUTH_BOT_TOKEN: second.token,
        CODEX_AUTH_ISSUER: lab.issuer.origin,
      }),
      log: silentLog,
      print: () => undefined,
      launch: async (parts) => void (working = working.then(() => executeOpenJobs(parts, "foreground"))),
    });
    onTestFinished(async () => {
      await bot.stop();
      await working;
    });
    const sides = [
      { telegram: lab.telegram, id: OWNER, name: "carol", email: "carol@example.com", account: undefined },
      { telegram: second, id: PARTNER, name: "team", email: "alice@example.com", account: "account-team" },
    ] as const;
    await Promise.all(
      sides.map(async ({ telegram, id, name, email, account }) => {
        const person = telegram.person(id);
        person.sends(`/codex_auth paste ${name}`);
        const card = await telegram.shows(id, new RegExp(`^New login ${name}`));
        const shown = telegram
          .everything(id)
          .findLast(({ messageId, kind }) => messageId === card.messageId && kind !== "toast");
        const page = shown?.buttons.find(({ url }) => url !== undefined)?.url ?? "";
        person.sends(lab.issuer.approve(page, email, account));
        const question = await telegram.shows(id, /Signed in as/);
        await person.presses(question.messageId, "Save, keep the order").answer;
        await telegram.shows(id, new RegExp(`✅ ${name} is saved`), 30_000);
      }),
    );
    await expect.poll(() => lab.world.outbox.list("telegram"), SOON).toEqual([]);
    expect(lab.stored).toEqual(expect.arrayContaining(["openai-codex:carol", "openai-codex:team"]));
    // It is told before its end is written down.
    await expect.poll(() => lab.world.queue.open(), SOON).toEqual([]);
    for (const [index, { telegram, id, name }] of sides.entries()) {
      const said = telegram.everything(id).filter(({ text }) => text.startsWith(`✅ ${name} is saved`));
      expect(said, name).toHaveLength(1);
      const other = sides[1 - index];
      expect(telegram.botOutput()).not.toContain(`✅ ${other?.name} is saved`);
    }
  });
});

/** Ends a login's job while the clock jumps by `byMs` at its `at`-th reading; gives how often it was read. */
async function drainWithJump(byMs: number, at: number): Promise<number> {
  const world = applyWorld(await temporaryFolder());
  const { paths } = world;
  let readings = 0;
  const now = (): number => Date.now() + ((readings += 1) > at ? byMs : 0);
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  const services = {
    ...world.services,
    parked,
    queue: new JobQueue({ paths, parked, now }),
    receipts: new Receipts({ folder: paths.receipts, now }),
    outbox: new Outbox({ folder: paths.outbox, now }),
    now,
  };
  const before = world.readStore();
  const tokens = receivedTokens("carol", Date.now() + 2 * YEAR_MS);
  const job = await world.enqueue(tokens, { requestedBy: REQUESTED_BY });
  // The next start looks at the same clock.
  for (let start = 0; start < 2; start += 1) {
    await withReign({ paths, kind: "foreground", version: "test", now, waitMs: 1_000 }, (reign) =>
      new Executor(services, reign).drain(),
    );
  }
  expect(await services.queue.open(), `jump at ${at}`).toEqual([]);
  const { profiles } = world.readStore();
  for (const [id, entry] of Object.entries(before.profiles)) expect(profiles[id]).toEqual(entry);
  const waiting = await parked.list();
  // Saved, or kept: never lost, and never both.
  const isSaved = profiles["openai-codex:carol"]?.["refresh"] === tokens.refresh.expose();
  expect([isSaved, waiting.length], `jump at ${at}`).toEqual([true, 0]);
  expect(await services.receipts.get(job.id), `jump at ${at}`).toMatchObject({ outcome: "done" });
  // An answer is kept for a week by the clock, so a clock that stays a year ahead drops it: here it is right again.
  const { outbox } = byMs > 0 ? world : services;
  expect(await outbox.list("telegram"), `jump at ${at}`).toHaveLength(1);
  return readings;
}

describe("a clock that jumps in the middle of a job", () => {
  it.each([
    ["a year ahead", YEAR_MS],
    ["a year back", -YEAR_MS],
    ["an hour back", -3_600_000],
  ])("by %s does not cost the job, the login or the answer", async (_what, byMs) => {
    const readings = await drainWithJump(0, 0);
    expect(readings).toBeGreaterThan(5);
    for (let at = 0; at <= readings; at += 1) await drainWithJump(byMs, at);
    tellFigure(`together, a clock that jumps by ${byMs}`, readings + 1, "clock jumps");
  });
});
