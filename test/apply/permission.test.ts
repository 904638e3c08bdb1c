// Whoever asked for a job is asked after again before anything is written: a person may have been taken off the list since.

import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Address } from "../../src/apply/job.ts";
import { applyWorld, receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A world whose list answers with `answer`, and what it was asked. */
async function world(answer: (address: Address, times: number) => boolean | Promise<boolean>) {
  const asked: Address[] = [];
  const mayStill = (address: Address): boolean | Promise<boolean> => {
    asked.push(address);
    return answer(address, asked.length);
  };
  return { ...applyWorld(await temporaryFolder(), { mayStill }), asked };
}

describe("a job of a person who was taken off the list", () => {
  it("writes nothing and parks the login again", async () => {
    const w = await world(() => false);
    const before = readFileSync(w.storePath, "utf8");
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    await w.drain();
    expect(w.asked).toEqual([REQUESTED_BY]);
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(w.gateway.calls).toEqual([]);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "parked", problem: { code: "ERR_NOT_ALLOWED" } });
    expect((await w.parked.tokens(receipt?.parkedId ?? ""))?.refresh.expose()).toBe(tokens.refresh.expose());
  });

  it("ends failed where it is about a leased credential", async () => {
    const w = await world(() => false);
    const job = await enqueueLeased(w, leased("pool"), { requestedBy: REQUESTED_BY });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_NOT_ALLOWED" } });
    expect(w.readStore().profiles["openai-codex:lease"]).toBeUndefined();
  });

  it("writes nothing either where they were taken off while it waited for OpenClaw's lock", async () => {
    let isListed = true;
    const w = await world(() => isListed);
    const lock = `${w.storePath}.lock`;
    writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    const job = await w.enqueue(receivedTokens("carol"));
    const before = readFileSync(w.storePath, "utf8");
    const draining = w.drain();
    await expect.poll(async () => (await w.queue.get(job.id))?.progress?.step).toBe("waiting-for-store");
    isListed = false;
    unlinkSync(lock);
    await draining;
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_NOT_ALLOWED" } });
  });

  it("goes on to its end once its file is written: half a change helps nobody", async () => {
    let isListed = true;
    const w = await world(() => isListed);
    const reload = w.gateway.reload.bind(w.gateway);
    w.gateway.reload = () => {
      isListed = false;
      return reload();
    };
    w.gateway.writesBack = 0;
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });
});

describe("a job that nobody's place on a list decides", () => {
  it("is not asked about: one of the command line, of the terminal, or of nobody", async () => {
    const w = await world(() => false);
    const cli = await w.enqueue(receivedTokens("carol"), { requestedBy: { ...REQUESTED_BY, host: "cli" } });
    const terminal = await w.enqueue(receivedTokens("dave"), {
      profileId: "openai-codex:dave",
      requestedBy: { ...REQUESTED_BY, host: "terminal" },
    });
    const keeper = await enqueueLeased(w, leased("pool"));
    await w.drain();
    expect(w.asked).toEqual([]);
    for (const { id } of [cli, terminal, keeper]) expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
  });
});

describe("a list that cannot be read", () => {
  it("leaves the job as it stands for the next executor, with nothing written, and does not hold others up", async () => {
    let isBroken = true;
    const w = await world((address) => {
      if (isBroken && address.chatId === REQUESTED_BY.chatId) throw new Error("no list");
      return true;
    });
    const before = w.readStore();
    const job = await w.enqueue(receivedTokens("carol"));
    const other = await w.enqueue(receivedTokens("dave"), {
      profileId: "openai-codex:dave",
      requestedBy: { ...REQUESTED_BY, chatId: "1" },
    });
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_PERMISSION_UNKNOWN", retryable: true });
    expect(await w.queue.get(job.id)).toMatchObject({ state: "queued" });
    expect(await w.receipts.get(job.id)).toBeUndefined();
    expect(await w.receipts.get(other.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles["openai-codex:carol"]).toEqual(before.profiles["openai-codex:carol"]);

    isBroken = false;
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });

  it("leaves a prepared job as it stands too, under the lock and before its first byte", async () => {
    let times = 0;
    const w = await world(() => {
      // Queued, prepared, and then under the lock.
      if (++times === 3) throw new Error("no list");
      return true;
    });
    const before = readFileSync(w.storePath, "utf8");
    const job = await w.enqueue(receivedTokens("carol"));
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_PERMISSION_UNKNOWN" });
    expect(await w.queue.get(job.id)).toMatchObject({ state: "prepared" });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });
});
