import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUsage } from "../../src/lease/usage-shape.ts";

/** The same request (1,200 tokens in, of which 1,000 were cached, 340 out) in every shape that hosts give. */
const SAME_REQUEST: readonly (readonly [string, unknown])[] = [
  ["chat completions", { usage: { prompt_tokens: 1200, completion_tokens: 340, total_tokens: 1540 } }],
  [
    "responses",
    {
      usage: {
        input_tokens: 1200,
        input_tokens_details: { cached_tokens: 1000 },
        output_tokens: 340,
        total_tokens: 1540,
      },
    },
  ],
  ["OpenAI without the wrapper", { prompt_tokens: 1200, completion_tokens: 340, total_tokens: 1540 }],
  ["direct counters", { requests_count: 1, tokens_in: 1200, tokens_out: 340 }],
  ["direct counters in camel case", { requestsCount: 1, tokensIn: 1200, tokensOut: 340 }],
  ["direct counters in usage", { usage: { requests_count: 1, tokens_in: 1200, tokens_out: 340 } }],
  ["OpenClaw", { input: 200, output: 340, cacheRead: 900, cacheWrite: 100, total: 1540 }],
  ["OpenClaw in usage", { usage: { input: 200, output: 340, cacheRead: 900, cacheWrite: 100, total: 1540 } }],
];

const event = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
  fc.dictionary(
    fc.constantFrom(
      ...[
        "usage",
        "model",
        "status",
        "source",
        "requests_count",
        "tokens_in",
        "tokensOut",
        "prompt_tokens",
        "input",
      ].concat([
        "output",
        "cacheRead",
        "utilization_pct",
        "quotaRemaining",
        "last_success_at",
        "lastErrorAt",
        "__proto__",
      ]),
    ),
    fc.anything({ maxDepth: 2 }),
  ),
);

function read(value: unknown): number | undefined {
  return readUsage({ utilization_pct: value })?.utilizationPct;
}

describe("what a usage event says", () => {
  it.each(SAME_REQUEST)("is the same request in the shape of %s", (_shape, given) => {
    expect(readUsage(given)).toEqual({ requests: 1, tokensIn: 1200, tokensOut: 340 });
  });

  it("keeps model, source and status beside the counts", () => {
    const said = readUsage({
      usage: { prompt_tokens: 1 },
      model: "gpt-5.1-codex-mini",
      source: "openclaw",
      status: "OK",
    });
    expect(said).toEqual({ requests: 1, tokensIn: 1, model: "gpt-5.1-codex-mini", source: "openclaw", status: "ok" });
  });

  it.each([
    ["only the total", { usage: { total_tokens: 10 } }, undefined],
    ["only one side", { usage: { prompt_tokens: 10 } }, { requests: 1, tokensIn: 10 }],
    ["counters without a number of requests", { tokens_in: 10, tokens_out: 2 }, { tokensIn: 10, tokensOut: 2 }],
    ["cached tokens without the others", { cacheRead: 10, output: 2 }, { requests: 1, tokensOut: 2 }],
    ["a damaged part of a sum", { input: 10, cacheRead: -1, output: 2 }, { requests: 1, tokensOut: 2 }],
    ["a number of requests beside a usage", { requests_count: 3, usage: { input: 5 } }, { requests: 3, tokensIn: 5 }],
    ["status alone", { status: "failed" }, { status: "failed" }],
    ["status and utilization", { status: "ok", utilization_pct: 42.5 }, { status: "ok", utilizationPct: 42.5 }],
    ["a model alone", { model: "gpt-5.4" }, undefined],
    ["an HTTP status", { status: 429 }, { status: "error" }],
    [
      "the output of a response",
      { output: [{ text: "…" }], usage: { input_tokens: 4, output_tokens: 1 } },
      { requests: 1, tokensIn: 4, tokensOut: 1 },
    ],
  ])("adds nothing that is not there: %s", (_what, given, said) => {
    expect(readUsage(given)).toEqual(said);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e12 + 1, 1e300, "7", 7n, null, [7], { valueOf: () => 7 }])(
    "does not count %s",
    (value) => {
      expect(readUsage({ requests_count: value, tokens_in: value, tokens_out: value })).toBeUndefined();
      expect(readUsage({ usage: { prompt_tokens: value, completion_tokens: 3 } })).toEqual({
        requests: 1,
        tokensOut: 3,
      });
    },
  );

  it("takes utilization from 0 to 100 only: on another scale it would revoke a lease", () => {
    expect([0, 99.9, 100].map(read)).toEqual([0, 99.9, 100]);
    expect([100.1, 4250, -1, Number.NaN, "50"].map(read)).toEqual(Array.from({ length: 5 }));
  });

  it("takes quota, rate limit and the times of success and error where they are observed", () => {
    const at = "2027-03-01T12:00:00Z";
    expect(
      readUsage({ quota_remaining: 9, rateLimitRemaining: 8, last_success_at: at, lastErrorAt: Date.parse(at) + 1 }),
    ).toEqual({
      quotaRemaining: 9,
      rateLimitRemaining: 8,
      lastSuccessAtMs: Date.parse(at),
      lastErrorAtMs: Date.parse(at) + 1,
    });
    expect(readUsage({ last_success_at: "garbage", last_error_at: 1e308 })).toBeUndefined();
  });

  it("takes no text for a name or a status that could be a prompt or a token", () => {
    const token = `sk-${"a".repeat(40)}`;
    for (const model of ["please write a poem", token, "x".repeat(65), "a\u202Eb", "<b>"]) {
      expect(readUsage({ usage: { prompt_tokens: 1 }, model, source: model, status: `${model} ${model}` })).toEqual({
        requests: 1,
        tokensIn: 1,
      });
    }
  });

  it("says believable numbers and short plain words of anything, and leaves the event as it is", () => {
    fc.assert(
      fc.property(event, (given) => {
        const said = readUsage(given) ?? {};
        for (const value of Object.values(said)) {
          if (typeof value === "string") expect(value).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,63}$/);
          else expect(value).toSatisfy((number: number) => Number.isFinite(number) && number >= 0 && number <= 5e12);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("counts the same tokens for the same request, whatever the request", () => {
    const tokens = fc.nat({ max: 1_000_000 });
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, (input, cacheRead, cacheWrite, output) => {
        const all = input + cacheRead + cacheWrite;
        const shapes = [
          { input, cacheRead, cacheWrite, output },
          { usage: { prompt_tokens: all, completion_tokens: output } },
          { usage: { input_tokens: all, output_tokens: output } },
          { requests_count: 1, tokens_in: all, tokens_out: output },
        ];
        for (const shape of shapes) expect(readUsage(shape)).toEqual({ requests: 1, tokensIn: all, tokensOut: output });
      }),
    );
  });
});
