// What waits under a signal that lives as long as the program leaves nothing on it: with each wait the program would hold a little more.

import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

/** How many signals Node.js has noted on `signal` to be told of its end: they are never taken away where one was made of several. */
function noted(signal: AbortSignal): number {
  const key = Object.getOwnPropertySymbols(signal).find(({ description }) => description === "kDependantSignals");
  const { size } = (key === undefined ? {} : Reflect.get(signal, key)) as { readonly size?: number };
  if (size === undefined) throw new Error("this Node.js keeps such notes elsewhere");
  return size;
}

it("a job that was watched to its end leaves nothing on the signal of the host that watched", async () => {
  const world = applyWorld(await temporaryFolder());
  const job = await world.enqueue(receivedTokens(randomBytes(4).toString("hex")), {});
  await world.drain();
  const stopping = new AbortController();
  // As the bot's: one signal made of two reasons to stop.
  const host = AbortSignal.any([stopping.signal, new AbortController().signal]);
  expect(noted(stopping.signal)).toBe(1);
  const seen: string[] = [];
  for (let time = 0; time < 100; time += 1)
    expect((await world.queue.watch(job.id, ({ state }) => void seen.push(state), host)).state).toBe("done");
  expect(noted(stopping.signal)).toBe(1);
  expect(getEventListeners(host, "abort")).toEqual([]);
  expect(seen).toHaveLength(100);
});
