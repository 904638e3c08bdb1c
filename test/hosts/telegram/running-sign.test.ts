import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isBotRunning, signBot } from "../../../src/hosts/telegram/running-sign.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

describe("the sign of a running bot", () => {
  it("is there for that bot alone while it runs, in a 0600 file, and gone when it has stopped", async () => {
    const { chat, stop, signed } = await lab();
    await expect.poll(() => isBotRunning({ chat }, "700", Date.now)).toBe(true);
    expect(await isBotRunning({ chat }, "70", Date.now)).toBe(false);
    const [name = ""] = readdirSync(chat);
    expect(statSync(join(chat, name)).mode & 0o777).toBe(0o600);
    stop.abort();
    await signed;
    expect(readdirSync(chat)).toEqual([]);
    expect(await isBotRunning({ chat }, "700", Date.now)).toBe(false);
  });

  it("does not speak for a bot that was killed a while ago, nor for one of the future", async () => {
    const { chat } = await lab();
    await expect.poll(() => isBotRunning({ chat }, "700", Date.now)).toBe(true);
    for (const ms of [60_000, -60_000]) expect(await isBotRunning({ chat }, "700", () => Date.now() + ms)).toBe(false);
  });

  it("hinders nothing where it cannot be written", async () => {
    const stop = new AbortController();
    const chat = join(await temporaryFolder(), "missing");
    const signed = signBot({ chat }, "700", { now: Date.now, signal: stop.signal });
    stop.abort();
    await signed;
    expect(await isBotRunning({ chat }, "700", Date.now)).toBe(false);
  });
});

async function lab() {
  const chat = join(await temporaryFolder(), "chat");
  mkdirSync(chat, { mode: 0o700 });
  const stop = new AbortController();
  const signed = signBot({ chat }, "700", { now: Date.now, signal: stop.signal });
  onTestFinished(async () => {
    stop.abort();
    await signed;
  });
  return { chat, stop, signed };
}
