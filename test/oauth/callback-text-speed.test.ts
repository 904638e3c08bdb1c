// How much work reading a pasted text may be, in processor time; kept apart, for a limit means nothing while mutants run beside it.

import { describe, expect, it } from "vitest";
import {
  callbackAddresses,
  extractCallbackUrl,
  looksLikeCallbackUrl,
  statesIn,
} from "../../src/oauth/callback-text.ts";

describe("looksLikeCallbackUrl", () => {
  it("stays fast on long hostile texts", () => {
    const texts = [
      "http://".repeat(20_000),
      "&code=".repeat(20_000),
      `?code=${"a".repeat(200_000)}`,
      "localhost:1".repeat(20_000),
      "%25".repeat(70_000),
      "http://localhost:1455/auth/callback?code=a\n".repeat(5_000),
      "a\n".repeat(100_000),
    ];
    const started = process.cpuUsage();
    for (const text of texts) {
      looksLikeCallbackUrl(text);
      callbackAddresses(text);
      statesIn(text);
    }
    expect(spentMs(started)).toBeLessThan(2_000);
  });
});

describe("a long run of what may stand behind an address", () => {
  it("is read in time that grows with its length, and not faster", () => {
    const text = `http://localhost:1455/auth/callback?code=a&state=${")".repeat(30_000)}x`;
    const started = process.cpuUsage();
    for (const read of [extractCallbackUrl, looksLikeCallbackUrl, statesIn]) read(text);
    // It took 3.4 s; a slow machine takes a twentieth of that now.
    expect(spentMs(started)).toBeLessThan(1_500);
  });
});

/** Processor time of this process since `started`, in milliseconds: it does not grow while others have the machine. */
function spentMs(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
}
