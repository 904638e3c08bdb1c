import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { LeaseCounters } from "../../src/lease/counters.ts";
import { readUsage } from "../../src/lease/usage-shape.ts";

const number = fc.oneof(
  fc.nat({ max: 5_000 }),
  fc.constantFrom(0, -0, -1, 1.5, Number.NaN, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32, 1e12, 1e12 + 1, "7", null),
  fc.constant(undefined),
);
const name = fc.constantFrom("gpt-5.4", "gpt-5.3-codex", "", "a b", undefined, null, 7);
const status = fc.constantFrom("ok", "OK", "error", "failed", "queued", "", 200, 500, undefined, null);
const usage = fc.record(
  { prompt_tokens: number, completion_tokens: number, input_tokens: number, output_tokens: number },
  { requiredKeys: [] },
);
const claw = fc.record({ input: number, output: number, cacheRead: number, cacheWrite: number }, { requiredKeys: [] });
const direct = fc.record(
  { requests_count: number, tokens_in: number, tokens_out: number, requestsCount: number, tokensIn: number },
  { requiredKeys: [] },
);
const beside = fc.record(
  { model: name, source: name, status, utilization_pct: number, quotaRemaining: number },
  { requiredKeys: [] },
);
const event = fc.oneof(
  fc.tuple(fc.oneof(usage, claw, direct), beside).map(([counts, more]) => ({ usage: counts, ...more })),
  fc.tuple(fc.oneof(usage, claw, direct), beside).map(([counts, more]) => ({ ...counts, ...more })),
  fc.tuple(fc.oneof(usage, claw), direct, beside).map(([counts, more, most]) => ({ usage: counts, ...more, ...most })),
  fc.constantFrom(undefined, null, 5, "text", [], { usage: null }, { usage: 5 }, { usage: "text", tokens_in: 2 }),
);

describe("the counters of a batch", () => {
  it("add up exactly what each event says, whichever way they are added", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const counters = new LeaseCounters({ now: () => 1 });
        const sums = { requests: 0, tokensIn: 0, tokensOut: 0 };
        let last: string | undefined;
        for (const given of events) {
          const said = readUsage(given);
          expect(counters.observe(given)).toBe(said !== undefined);
          sums.requests += said?.requests ?? 0;
          sums.tokensIn += said?.tokensIn ?? 0;
          sums.tokensOut += said?.tokensOut ?? 0;
          last = said?.status ?? last;
        }
        const { requests = 0, tokensIn = 0, tokensOut = 0, status: told } = counters.totals();
        expect({ requests, tokensIn, tokensOut }).toEqual(sums);
        expect(told).toBe(last);
        expect(counters.requests).toBe(sums.requests);
      }),
      { numRuns: 1_000 },
    );
  });

  it("count the usual event many times over, and past 2^31, without losing one", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    const given = { usage: { prompt_tokens: 1_000_003, completion_tokens: 7 }, model: "gpt-5.4", status: "ok" };
    for (let time = 0; time < 100_000; time += 1) counters.observe(given);
    expect(counters.totals()).toMatchObject({ requests: 100_000, tokensIn: 100_000_300_000, tokensOut: 700_000 });
  });

  it("stay at the largest number that is exact", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    for (let time = 0; time < 9_010; time += 1) counters.observe({ tokens_in: 1e12, tokens_out: 1 });
    expect(counters.totals()).toEqual({ tokensIn: Number.MAX_SAFE_INTEGER, tokensOut: 9_010 });
    counters.observe({ requests_count: 1, tokens_in: 5, tokens_out: 1 });
    expect(counters.totals()).toMatchObject({ tokensIn: Number.MAX_SAFE_INTEGER, tokensOut: 9_011 });
  });

  it("leave out what no event said", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    expect(counters.totals()).toEqual({});
    counters.observe({ usage: { prompt_tokens: 5 } });
    expect(counters.totals()).toEqual({ requests: 1, tokensIn: 5 });
  });

  it("keep nothing of an event but numbers, status and names", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    const prompt = `tell me a secret ${"!".repeat(200)}`;
    counters.observe({ usage: { prompt_tokens: 1, completion_tokens: 1 }, model: prompt, source: { prompt }, prompt });
    counters.observe({ usage: { prompt_tokens: 1, completion_tokens: 1, prompt }, status: prompt, messages: [prompt] });
    const kept = JSON.stringify(counters.totals()) + inspect(counters, { depth: 9, showHidden: true });
    expect(kept).not.toContain("secret");
    expect(counters.totals()).toEqual({ requests: 2, tokensIn: 2, tokensOut: 2 });
  });

  it("name at most ten models and ten sources", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    for (let index = 0; index < 30; index += 1)
      counters.observe({ usage: { input: 1, output: 1 }, model: `m${index}`, source: `s${index % 12}` });
    const { models, sources, requests } = counters.totals();
    expect([models?.length, sources?.length, requests]).toEqual([10, 10, 30]);
  });

  it("survive events whose getters throw, and count the next one", () => {
    const counters = new LeaseCounters({ now: () => 1 });
    const hostile = {
      get usage(): never {
        throw new Error("no");
      },
    };
    const halfHostile = {
      usage: { prompt_tokens: 5, completion_tokens: 5 },
      get model(): never {
        throw new Error("no");
      },
    };
    expect([counters.observe(hostile), counters.observe(halfHostile)]).toEqual([false, false]);
    expect(counters.observe({ usage: { prompt_tokens: 1, completion_tokens: 1 } })).toBe(true);
    expect(counters.totals()).toEqual({ requests: 1, tokensIn: 1, tokensOut: 1 });
  });

  it("date successes and errors in their order, without reading the clock for each event", () => {
    let now = 0;
    let reads = 0;
    const counters = new LeaseCounters({
      now: () => {
        reads += 1;
        return now;
      },
    });
    const observe = (at: number, statusNow: string): void => {
      now = at;
      counters.observe({ usage: { prompt_tokens: 1, completion_tokens: 1 }, status: statusNow });
    };
    for (let at = 100; at < 200; at += 1) observe(at, "ok");
    expect(reads).toBeLessThan(5);
    observe(200, "error");
    observe(300, "ok");
    expect(counters.totals()).toMatchObject({ lastErrorAtMs: 200, lastSuccessAtMs: 300, status: "ok" });
    observe(400, "ok");
    expect(counters.totals()).toMatchObject({ lastErrorAtMs: 200, lastSuccessAtMs: 400 });
  });

  it("believe no time that lies ahead", () => {
    const counters = new LeaseCounters({ now: () => Date.parse("2027-01-01") });
    counters.observe({
      status: "queued",
      last_success_at: "2027-01-02T00:00:00Z",
      last_error_at: "2026-12-31T00:00:00Z",
    });
    expect(counters.totals()).toEqual({ status: "queued", lastErrorAtMs: Date.parse("2026-12-31") });
  });

  it("say once when as many requests are there as were asked for, however they come", () => {
    let due = 0;
    const counters = new LeaseCounters({ now: () => 1, dueAt: 10, onDue: () => (due += 1) });
    const usual = { usage: { prompt_tokens: 1, completion_tokens: 1 } };
    for (let time = 0; time < 9; time += 1) counters.observe(usual);
    counters.totals();
    expect(due).toBe(0);
    counters.observe(usual);
    expect(due).toBe(1);
    counters.observe({ requests_count: 50, tokens_in: 1, tokens_out: 1 });
    counters.observe(usual);
    expect([due, counters.requests]).toEqual([1, 61]);
  });
});
