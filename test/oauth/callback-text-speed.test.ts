// How long reading a pasted text may take; kept apart, for the clock means nothing while mutants run beside it.

import { performance } from "node:perf_hooks";
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
    const started = performance.now();
    for (const text of texts) {
      looksLikeCallbackUrl(text);
      callbackAddresses(text);
      statesIn(text);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("a long run of what may stand behind an address", () => {
  it("is read in time that grows with its length, and not faster", () => {
    const text = `http://localhost:1455/auth/callback?code=a&state=${")".repeat(30_000)}x`;
    const startedAt = performance.now();
    for (const read of [extractCallbackUrl, looksLikeCallbackUrl, statesIn]) read(text);
    // It took 3.4 s; a slow machine takes a twentieth of that now.
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });
});
