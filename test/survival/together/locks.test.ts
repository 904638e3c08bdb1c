// What can lie where OpenClaw keeps its lock, and what a job, and whoever asked for it, makes of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { tellFigure } from "../lab/run.ts";

async function world() {
  const made = applyWorld(await temporaryFolder());
  const tokens = receivedTokens("carol");
  const before = readFileSync(made.storePath, "utf8");
  const job = await made.enqueue(tokens);
  return {
    ...made,
    job,
    before,
    lock: `${made.storePath}.lock`,
    store: () => readFileSync(made.storePath, "utf8"),
    saved: () => made.readStore().profiles["openai-codex:carol"]?.["refresh"] === tokens.refresh.expose(),
  };
}

/** A pid that nobody has any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}

const createdAt = "2020-01-01T00:00:00.000Z";
/** Locks whose owner is surely gone: taken over at once, without a word to anybody. */
const ABANDONED: Readonly<Record<string, (pid: number) => string>> = {
  "a dead process": (pid) => JSON.stringify({ pid, createdAt }),
  "a dead process, as another shape of JSON": (pid) => `{"createdAt":"${createdAt}","more":[1],"pid":${pid}}`,
  "a living process that has this number since": () => JSON.stringify({ pid: process.pid, createdAt, starttime: 1 }),
  "a dead process of another host": (pid) => JSON.stringify({ pid, createdAt, hostname: `not-${hostname()}` }),
};
/** Text that names no process: it may be somebody's who lives, so it is waited for and never taken away. */
const NAMELESS = [
  "other-host:4711",
  "{",
  '{"pid":"4711"}',
  '{"pid":-1}',
  '{"owner":"somebody"}',
  "null",
  "\u0000\u0001",
];

describe("a lock that lies in the way of a job", () => {
  it.each(Object.keys(ABANDONED))("of %s is taken over, and the login is saved", async (whose) => {
    const one = await world();
    writeFileSync(one.lock, ABANDONED[whose]?.(await deadPid()) ?? "");
    await one.drain();
    expect(await one.receipts.get(one.job.id)).toMatchObject({ outcome: "done" });
    expect(one.saved()).toBe(true);
    expect(existsSync(one.lock)).toBe(false);
  });

  it("with text that names nobody is left as it is and waited for, and the job goes on when it is taken away by hand", async () => {
    await Promise.all(
      NAMELESS.map(async (text) => {
        const one = await world();
        writeFileSync(one.lock, text);
        const drained = one.drain();
        await expect
          .poll(async () => (await one.queue.get(one.job.id))?.progress?.step, { timeout: 10_000 })
          .toBe("waiting-for-store");
        expect(readFileSync(one.lock, "utf8")).toBe(text);
        expect(one.store()).toBe(one.before);
        rmSync(one.lock);
        await drained;
        expect(one.saved()).toBe(true);
      }),
    );
    tellFigure("together, locks", NAMELESS.length + Object.keys(ABANDONED).length + 3, "locks in the way");
  });

  it("that is a folder or a link is refused in words that say what to do; the login waits, and can be taken afterwards", async () => {
    const kinds: readonly ((path: string) => void)[] = [
      (path) => mkdirSync(path),
      (path) => {
        mkdirSync(path);
        writeFileSync(`${path}/inside`, "");
      },
      (path) => symlinkSync("/dev/null", path),
    ];
    await Promise.all(
      kinds.map(async (lay) => {
        const one = await world();
        lay(one.lock);
        const inode = lstatSync(one.lock).ino;
        await one.drain();
        const receipt = await one.receipts.get(one.job.id);
        expect(receipt).toMatchObject({ outcome: "parked", problem: { code: "ERR_LOCK_BLOCKED" } });
        expect(receipt?.problem?.message).toContain(one.lock);
        expect(receipt?.problem?.next).toContain("rmdir");
        // Not ours to take away, and nothing was changed.
        expect(lstatSync(one.lock).ino).toBe(inode);
        expect(one.store()).toBe(one.before);
        const [waiting, ...more] = await one.parked.list();
        expect(more).toEqual([]);
        rmSync(one.lock, { recursive: true });
        const { requestedBy } = one.job;
        const again = {
          agentId: "main",
          profileId: "openai-codex:carol",
          makeFirst: true,
          activation: "auto",
        } as const;
        await one.queue.enqueueLogin({ ...again, parkedId: waiting?.id ?? "", requestedBy });
        await one.drain();
        expect(one.saved()).toBe(true);
      }),
    );
  });
});
