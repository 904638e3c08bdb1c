import { describe, expect, it } from "vitest";
import { parseCredential } from "../../src/profiles/profile.ts";
import { summarize, type ProfileFacts } from "../../src/profiles/summary.ts";
import { parseUsageStats, withoutCooldown } from "../../src/profiles/usage-stats.ts";
import { fakeAccessToken } from "../support/jwt.ts";
import { login, NOW } from "../support/openclaw-state.ts";

const DAY = 86_400_000;

function summary(entry: unknown, parts: Partial<ProfileFacts> = {}): ReturnType<typeof summarize> {
  const id = "openai-codex:work";
  return summarize({
    id,
    provider: "openai-codex",
    credential: parseCredential(entry),
    usage: undefined,
    position: undefined,
    inherited: false,
    now: NOW,
    ...parts,
  });
}

function expiring(inMs: number, extra: Record<string, unknown> = {}): Record<string, unknown> {
  const expiresAtMs = NOW + inMs;
  return { type: "oauth", provider: "openai-codex", access: fakeAccessToken({ expiresAtMs }), ...extra };
}

function usage(stats: unknown): Partial<ProfileFacts> {
  return { usage: parseUsageStats(stats) };
}

describe("what a chat sees of a profile", () => {
  it("is whose it is, from the token, and how it is; and no token", () => {
    const entry = login("ada", { email: "stale@example.com", managedBy: "keeper" });
    const seen = summary(entry, { position: 1, inherited: true });
    expect(seen).toEqual({
      id: "openai-codex:work",
      provider: "openai-codex",
      type: "oauth",
      state: "ok",
      email: "ada@example.com",
      planType: "plus",
      identity: { userId: "user-ada", accountId: "account-ada" },
      expiresAtMs: NOW + 10 * DAY,
      renewsItself: true,
      position: 1,
      inherited: true,
      managedBy: "keeper",
    });
    for (const secret of [entry["access"], entry["refresh"]]) expect(JSON.stringify(seen)).not.toContain(secret);
  });

  it("falls back to the stored fields where the token cannot be read", () => {
    const entry = {
      type: "oauth",
      provider: "openai-codex",
      access: "opaque",
      refresh: "r",
      expires: NOW + 9 * DAY,
      email: "e@x",
      chatgptPlanType: "team",
    };
    expect(summary(entry)).toMatchObject({ email: "e@x", planType: "team", expiresAtMs: NOW + 9 * DAY, state: "ok" });
    expect(summary(entry)).not.toHaveProperty("identity");
    expect(summary(entry)).not.toHaveProperty("position");
  });

  it("goes by the token's own end and not by the stored one", () => {
    expect(summary(expiring(-1_000, { expires: NOW + 9 * DAY }))).toMatchObject({
      state: "expired",
      renewsItself: false,
    });
    expect(summary(expiring(-1_000, { refresh: "r" }))).toMatchObject({ state: "expired", renewsItself: true });
    expect(summary(expiring(DAY))).toMatchObject({ state: "expiring" });
    expect(summary(expiring(DAY + 1_000))).toMatchObject({ state: "ok" });
  });

  it("is in cooldown or disabled while OpenClaw leaves it alone, and no longer", () => {
    expect(summary(login("a"), usage({ cooldownUntil: NOW + 5, cooldownReason: "rate_limit" }))).toMatchObject({
      state: "cooldown",
      cooldownUntilMs: NOW + 5,
      cooldownReason: "rate_limit",
    });
    expect(
      summary(login("a"), usage({ cooldownUntil: NOW + 9, disabledUntil: NOW + 5, disabledReason: "auth_permanent" })),
    ).toMatchObject({ state: "disabled", cooldownUntilMs: NOW + 9, cooldownReason: "auth_permanent" });
    expect(summary(login("a"), usage({ blockedUntil: NOW + 5, blockedReason: "subscription_limit" })).state).toBe(
      "cooldown",
    );
    expect(summary(login("a"), usage({ cooldownUntil: NOW })).state).toBe("ok");
    expect(summary(login("a"), usage({ cooldownUntil: "soon", lastUsed: [] })).state).toBe("ok");
    expect(summary(login("a"), usage("nonsense")).state).toBe("ok");
    expect(summary(login("a"), usage({ cooldownUntil: NOW + 5, cooldownReason: "<b>x" }))).not.toHaveProperty(
      "cooldownReason",
    );
  });

  it("is unreadable where there is no credential, no token, or only OpenClaw's refresh fence", () => {
    const fence = "openclaw-oauth-refresh-fence:v1:c:access:0";
    for (const entry of [
      null,
      { type: "?" },
      { type: "oauth", provider: "openai-codex" },
      expiring(0, { access: fence, refresh: fence }),
    ]) {
      expect(summary(entry).state).toBe("unreadable");
    }
    expect(JSON.stringify(summary(expiring(0, { access: fence })))).not.toContain("fence");
  });
});

describe("forgetting a cooldown", () => {
  it("takes away what keeps a profile from being tried and nothing else", () => {
    const stats = {
      lastUsed: 5,
      cooldownUntil: 9,
      cooldownReason: "auth",
      disabledUntil: 9,
      errorCount: 3,
      failureCounts: { auth: 3 },
      lastFailureAt: 4,
      mine: 1,
    };
    expect(withoutCooldown(stats)).toEqual({ lastUsed: 5, errorCount: 0, lastFailureAt: 4, mine: 1 });
  });
});
