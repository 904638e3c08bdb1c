// The edges of a summary: kinds without a token, the very moment of an end, reasons that are no plain word.

import { describe, expect, it } from "vitest";
import { parseCredential } from "../../src/profiles/profile.ts";
import { summarize, type ProfileFacts, type ProfileSummary } from "../../src/profiles/summary.ts";
import { failureNotes, parseUsageStats, unusableWindow, withoutCooldown } from "../../src/profiles/usage-stats.ts";
import { fakeAccessToken } from "../support/jwt.ts";
import { NOW } from "../support/openclaw-state.ts";

const DAY = 86_400_000;
const provider = "openai-codex";
const facts: Omit<ProfileFacts, "credential"> = {
  id: "openai-codex:work",
  provider,
  usage: undefined,
  position: undefined,
  inherited: false,
  now: NOW,
};

function summaryOf(entry: unknown, parts: Partial<ProfileFacts> = {}): ProfileSummary {
  return summarize({ ...facts, credential: parseCredential(entry), ...parts });
}

const shared = { id: facts.id, provider, inherited: false };

describe("a summary", () => {
  it("of what is no credential says no more than that", () => {
    expect(summaryOf("text", { position: 2 })).toStrictEqual({
      ...shared,
      position: 2,
      type: "unknown",
      state: "unreadable",
      renewsItself: false,
    });
  });

  it("of a key is in order without any token, and has neither an end nor a plan, whatever lies beside it", () => {
    const stray = { expires: NOW - 1, chatgptPlanType: "team", access: "a", refresh: "r" };
    expect(summaryOf({ type: "api_key", provider, key: "k", ...stray })).toStrictEqual({
      ...shared,
      type: "api_key",
      renewsItself: false,
      state: "ok",
    });
  });

  it("of a static token has its end, and no plan but the token's own", () => {
    const entry = { type: "token", provider, token: "opaque", expires: NOW + 9 * DAY, chatgptPlanType: "team" };
    expect(summaryOf(entry)).toStrictEqual({
      ...shared,
      type: "token",
      renewsItself: false,
      expiresAtMs: NOW + 9 * DAY,
      state: "ok",
    });
    expect(summaryOf({ type: "token", provider }).state).toBe("unreadable");
  });

  it("is expired from the very moment of its end on, and expiring a day before it", () => {
    const at = (expiresAtMs: number): string =>
      summaryOf({ type: "oauth", provider, access: fakeAccessToken({ expiresAtMs }) }).state;
    expect([NOW - 1_000, NOW, NOW + 1_000, NOW + DAY, NOW + DAY + 1_000].map(at)).toEqual([
      "expired",
      "expired",
      "expiring",
      "expiring",
      "ok",
    ]);
    expect(summaryOf({ type: "oauth", provider, refresh: "r" })).toMatchObject({ state: "ok" });
  });
});

const reason = (cooldownReason: unknown): unknown =>
  unusableWindow(parseUsageStats({ cooldownUntil: NOW + 1, cooldownReason }) ?? {}, NOW);

describe("why OpenClaw leaves a profile alone", () => {
  it("is repeated only where it is one plain word", () => {
    const shown = { state: "cooldown", untilMs: NOW + 1 };
    expect(reason("rate_limit")).toStrictEqual({ ...shown, reason: "rate_limit" });
    expect(reason("x".repeat(40))).toStrictEqual({ ...shown, reason: "x".repeat(40) });
    for (const odd of [undefined, 7, "", "rate_limit<b>", " rate_limit", "x".repeat(41), "Rate"]) {
      expect(reason(odd), String(odd)).toStrictEqual(shown);
    }
  });

  it("is none once all of it has passed, and lasts until the last of it has", () => {
    const usage = { cooldownUntil: NOW + 5, blockedUntil: NOW + 9, disabledUntil: NOW };
    expect(unusableWindow({ ...usage, blockedReason: "limit" }, NOW)).toStrictEqual({
      state: "cooldown",
      untilMs: NOW + 9,
    });
    expect(unusableWindow(usage, NOW + 9)).toBeUndefined();
    expect(unusableWindow({}, NOW)).toBeUndefined();
  });
});

describe("notes of failures", () => {
  const failures = {
    cooldownUntil: 1,
    cooldownReason: "a",
    cooldownModel: "m",
    disabledUntil: 2,
    disabledReason: "b",
    blockedUntil: 3,
    blockedReason: "c",
    blockedSource: "s",
    blockedModel: "m",
    failureCounts: { auth: 1 },
  };
  const others = { lastUsed: 1, lastFailureAt: 2, xcooldownUntil: 3, cooldownUntilX: 4, disabled: 5, mine: {} };

  it("are the fields that keep a profile from being tried, and a count of errors that is not nought", () => {
    expect(failureNotes({ ...failures, ...others, errorCount: 2 })).toStrictEqual({ ...failures, errorCount: 2 });
    expect(failureNotes({ ...others, errorCount: 0 })).toStrictEqual({});
    expect(failureNotes(undefined)).toStrictEqual({});
  });

  it("go, and the count of errors is nought, and nothing else changes", () => {
    expect(withoutCooldown({ ...failures, ...others, errorCount: 2 })).toStrictEqual({ ...others, errorCount: 0 });
    expect(withoutCooldown({ ...others })).toStrictEqual(others);
  });
});
