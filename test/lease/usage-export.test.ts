import { describe, expect, it } from "vitest";
import { trimUsageExport, usageExportSchema } from "../../src/lease/usage-export.ts";
import { NOW } from "./auth-file-lab.ts";

const trim = (value: unknown, days = 30) => trimUsageExport(usageExportSchema.parse(value), { days, nowMs: NOW });

describe("what is kept of a usage export", () => {
  it("keeps the numbers that the broker reads, under its names, and no word of the rest", () => {
    const words = { prompt: "a prompt", label: "Ada's chat", origin: { from: "+15550100" }, path: "/home/ada" };
    const kept = trim({
      updatedAt: 1,
      startDate: "2026-11-01",
      ...words,
      totals: { input: 10, output: 5, cacheRead: 3, cacheWrite: 2, totalTokens: 20, totalCost: 0.01, ...words },
      daily: [{ date: "2026-11-21", input: 10, outputTokens: 5, inputCost: 0.004, missingCostEntries: 1, ...words }],
      sessions: [
        {
          key: "agent:main:main",
          sessionId: "s1",
          agentId: "main",
          updatedAt: NOW,
          model: "gpt",
          ...words,
          usage: {
            input: 10,
            outputTokens: 5,
            totalTokens: 15,
            totalCost: 0.01,
            durationMs: 7,
            messageCounts: { total: 4, errors: 1, user: 2 },
            toolUsage: { totalCalls: 3, tools: [{ name: "read", count: 3 }] },
            ...words,
          },
        },
      ],
    });
    expect(kept).toEqual({
      totals: { input: 10, output: 5, cacheRead: 3, cacheWrite: 2, totalTokens: 20, totalCost: 0.01 },
      daily: [{ date: "2026-11-21", input: 10, output: 5, inputCost: 0.004, missingCostEntries: 1 }],
      sessions: [
        {
          key: "agent:main:main",
          agentId: "main",
          updatedAt: NOW,
          usage: {
            inputTokens: 10,
            outputTokens: 5,
            totalTokens: 15,
            totalCost: 0.01,
            durationMs: 7,
            messageCounts: { total: 4, errors: 1 },
            toolUsage: { totalCalls: 3 },
          },
        },
      ],
    });
  });

  it("invents nothing: what is no count stays out", () => {
    const odd = { input: -1, output: 1.5, cacheRead: "7", cacheWrite: null, totalTokens: 1e300, totalCost: -0.1 };
    expect(trim({ totals: odd, daily: [{ date: "2026-11-21", ...odd }], sessions: null })).toEqual({
      totals: {},
      daily: [{ date: "2026-11-21" }],
      sessions: [],
    });
    expect(trim({ totals: {}, daily: [] })).toEqual({ totals: {}, daily: [], sessions: [] });
  });

  it("keeps the last days, with the day more that time zones leave open", () => {
    const dates = ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"];
    const daily = [...dates, "2027-11-21", "yesterday", "2026-11-31", "", 20261121].map((date) => ({ date, input: 1 }));
    const kept = (days: number) =>
      trim({ totals: {}, daily: [...daily, null, "x", {}] }, days).daily.map(({ date }) => date);
    expect(kept(1)).toEqual(["2026-11-20", "2026-11-21", "2026-11-22"]);
    expect(kept(3)).toEqual(["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]);
  });

  it("keeps the last row of a day and of a session, as the broker does", () => {
    const sessions = [
      ["a", 1],
      ["b", 2],
      ["a", 3],
    ].map(([agentId, input]) => ({ key: "k", agentId, updatedAt: 1, usage: { input } }));
    const kept = trim({
      totals: {},
      daily: [1, 2].map((input) => ({ date: "2026-11-21", input })),
      sessions,
    });
    expect(kept.daily).toEqual([{ date: "2026-11-21", input: 2 }]);
    expect(kept.sessions.map(({ usage }) => usage)).toEqual([{ inputTokens: 3 }, { inputTokens: 2 }]);
  });

  it("names no chat: the key of a session that holds an address becomes its fingerprint", () => {
    const keys = ["agent:main:main", "agent:main:whatsapp:direct:+15550100", "agent:main:telegram:direct:5550100"];
    const kept = trim({ totals: {}, daily: [], sessions: keys.map((key) => ({ key, updatedAt: 1 })) }).sessions;
    expect(kept.map(({ key }) => key)).toEqual([
      "agent:main:main",
      expect.stringMatching(/^sha256:[0-9a-f]{16}$/),
      expect.stringMatching(/^sha256:[0-9a-f]{16}$/),
    ]);
    expect(new Set(kept.map(({ key }) => key)).size).toBe(3);
    expect(JSON.stringify(kept)).not.toContain("5550100");
  });

  it("leaves out sessions that the broker would skip", () => {
    const rows = [
      { updatedAt: 1 },
      { key: " ", updatedAt: 1 },
      { key: "k" },
      { key: "k", updatedAt: "now" },
      "x",
      null,
    ];
    expect(trim({ totals: {}, daily: [], sessions: rows }).sessions).toEqual([]);
  });
});
