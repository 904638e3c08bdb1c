// The bot as a process through thousands of updates: it holds no more at the end than at the beginning, and answers as fast.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { OWNER, STRANGER } from "../../hosts/telegram/bot-lab.ts";
import { openClawHome } from "../../hosts/cli/cli-lab.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { countObjects, grown } from "../lab/heap-count.ts";
import { endurance, tellFigure, times } from "../lab/run.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));
const REPORTER = new URL("../lab/heap-reporter.mjs", import.meta.url).href;
const ANSWERS = new Set(["sendMessage", "editMessageText", "answerCallbackQuery"]);
const WORDS = [
  "/codex_auth",
  "/codex_auth help",
  "/codex_auth status",
  "/codex_auth show alice",
  "/codex_auth parked",
  "7",
];
const MB = 1024 * 1024;

interface Held {
  readonly heap: number;
  readonly descriptors: number;
  /** How many objects there are of each kind. */
  readonly objects: ReadonlyMap<string, number>;
}

/** A share of `numbers` is not above this one. */
function percentile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) * share)] ?? 0;
}

it("the bot holds no more after thousands of updates, and answers as fast", { timeout: 10_800_000 }, async () => {
  const { home, world } = await openClawHome();
  const telegram = await FakeTelegram.start();
  onTestFinished(() => telegram.close());
  const child = spawn(process.execPath, ["--expose-gc", "--import", REPORTER, PROGRAM, "bot"], {
    cwd: home,
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TMPDIR: home,
      CODEX_AUTH_BOT_TOKEN: telegram.token,
      CODEX_AUTH_ALLOW_FROM: String(OWNER),
      CODEX_AUTH_API_ROOT: telegram.url,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await expect.poll(() => output, { timeout: 15_000 }).toContain("listens");
  const held = async (): Promise<Held> => {
    const told = once(child, "message") as Promise<[Omit<Held, "objects">]>;
    const snapshot = join(home, "heap.heapsnapshot");
    child.send({ snapshot });
    return { ...(await told)[0], objects: countObjects(snapshot) };
  };
  /** Milliseconds of processor that it has used so far. */
  const spent = async (): Promise<number> => {
    const told = once(child, "message") as Promise<[NodeJS.CpuUsage]>;
    child.send({});
    const [{ user, system }] = await told;
    return (user + system) / 1_000;
  };
  const owner = telegram.person(OWNER);
  let looked = 0;
  /** Does something and waits for the bot's next answer; gives the milliseconds. */
  const answered = async (act: () => void): Promise<number> => {
    looked = telegram.calls.length;
    const began = performance.now();
    act();
    await telegram.waitFor(
      () => {
        while (looked < telegram.calls.length) if (ANSWERS.has(telegram.calls[looked++]?.method ?? "")) return true;
        return undefined;
      },
      () => "an answer",
      30_000,
    );
    return performance.now() - began;
  };
  await answered(() => owner.sends("/codex_auth"));
  const picker = telegram.visible(OWNER).findLast(({ from }) => from === "bot");
  const data =
    telegram.everything(OWNER).findLast(({ messageId }) => messageId === picker?.messageId)?.buttons[0]
      ?.callback_data ?? "";
  const deeds: readonly (() => void)[] = [
    ...WORDS.map((text) => () => void owner.sends(text)),
    () => void owner.pressesData(1, `${data.slice(0, -4)}AAAA`),
    () => {
      telegram.person(STRANGER).sends("/codex_auth");
      owner.sends("/codex_auth help");
    },
  ];
  const before = readFileSync(world.storePath, "utf8");
  const count = times(2_000) * endurance;
  const tenth = Math.floor(count / 10);
  const took: number[] = [];
  const used: number[] = [];
  const marks: Held[] = [];
  for (let at = 0; at < count; at += 1) {
    if ([0, tenth, count - tenth].includes(at)) used.push(await spent());
    took.push(await answered(deeds[at % deeds.length] ?? (() => undefined)));
    // What is made once is there by then: code that is compiled, lists that are full.
    if (at === tenth * 5) marks.push(await held());
  }
  used.push(await spent());
  marks.push(await held());
  const [half, end] = marks;
  const told = JSON.stringify(marks.map(({ heap, descriptors }) => ({ heap, descriptors })));
  expect((end?.heap ?? 0) - (half?.heap ?? 0), told).toBeLessThan(4 * MB);
  // One object kept for each update would be hundreds by now.
  expect(grown(half?.objects ?? new Map(), end?.objects ?? new Map(), Math.max(100, count / 10))).toEqual([]);
  expect((end?.descriptors ?? 0) - (half?.descriptors ?? 0), told).toBeLessThan(4);
  const tenths = [took.slice(0, tenth), took.slice(-tenth)];
  const [first, last] = tenths.map((some) => percentile(some, 0.99));
  // What grows with each update makes every answer many times as slow,
  const [early = 0, late = 0] = tenths.map((some) => percentile(some, 0.5));
  expect(late, `${early} ms at first`).toBeLessThan(early * 3 + 50);
  // the slowest among them, of which two hundred answers have too few to tell them from what others do on the machine,
  const many = Math.min(Math.max(tenth, 1_000), Math.floor(count / 2));
  const [slow = 0, slowAtLast = 0] = [took.slice(0, many), took.slice(-many)].map((some) => percentile(some, 0.99));
  expect(slowAtLast, `p99 ${slow} ms at first`).toBeLessThan(slow * 3 + 50);
  // and takes more of the processor, whose time is nobody else's.
  const [start = 0, firstEnd = 0, lastStart = 0, over = 0] = used;
  expect(over - lastStart, `${firstEnd - start} ms of processor at first`).toBeLessThan((firstEnd - start) * 2 + 100);
  expect(readFileSync(world.storePath, "utf8")).toBe(before);
  expect(readdirSync(join(world.paths.root, "chat")).length).toBeLessThan(20);
  tellFigure("endurance, the bot", count, "updates answered");
  tellFigure("endurance, p99 of the first tenth", Math.round(first ?? 0), "ms at first");
  tellFigure("endurance, p99 of the last tenth", Math.round(last ?? 0), "ms at last");
  tellFigure(
    "endurance, growth of the heap",
    Math.round(((end?.heap ?? 0) - (half?.heap ?? 0)) / 1024),
    "KB from half to the end",
  );
});
