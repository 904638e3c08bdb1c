// Whatever the sign-in server, the broker and the gateway answer: it is understood or refused, at once, and never repeated.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processAnswer, refusalOf } from "../../../src/lease/broker-answer.ts";
import {
  acquireAnswerSchema,
  importAnswerSchema,
  leaseAnswerSchema,
  leaseStatusSchema,
  materializeAnswerSchema,
  reconcileAnswerSchema,
  telemetryAnswerSchema,
} from "../../../src/lease/contract.ts";
import { trimUsageExport, usageExportSchema } from "../../../src/lease/usage-export.ts";
import { readUsage } from "../../../src/lease/usage-shape.ts";
import { processDeviceCode, processDevicePoll } from "../../../src/oauth/device-code.ts";
import { processExchangeResponse } from "../../../src/oauth/token-response.ts";
import { decodeAccessToken, identityOf } from "../../../src/profiles/claims.ts";
import { loadExchanges } from "../../support/broker-exchanges.ts";
import { fakeAccessToken, fakeIdToken } from "../../support/jwt.ts";
import { anyJson, damaged } from "../lab/bad-json.ts";
import { anyText } from "../lab/bad-text.ts";
import { CANARY, Guard, repeatsCanary } from "../lab/guard.ts";

const NOW = Date.UTC(2026, 10, 21);
const owner = {
  email: "a@example.com",
  userId: "user-a",
  accountId: "account-a",
  planType: "plus",
  expiresAtMs: NOW + 1e9,
};
const token = (): string => fakeAccessToken(owner);

const ISSUED = Array.from({ length: 3 }, () => ({
  access_token: token(),
  refresh_token: `rt_${CANARY}`,
  id_token: fakeIdToken(owner),
  expires_in: 3_600,
}));

const headers = fc.record(
  {
    "content-type": fc.constantFrom("application/json", "text/html; charset=utf-8", CANARY),
    "retry-after": fc.oneof(
      fc.constantFrom("1", "-5", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT", CANARY),
      anyText(12),
    ),
    "x-request-id": fc.constantFrom("req_1", `<${CANARY}>`),
  },
  { requiredKeys: [] },
);
const status = fc.constantFrom(
  200,
  200,
  200,
  200,
  201,
  204,
  302,
  400,
  401,
  403,
  404,
  408,
  409,
  422,
  429,
  500,
  503,
  999,
  0,
);

function answers(...documents: readonly unknown[]) {
  const page = fc.constantFrom(`<html>${CANARY}</html>`, "", CANARY);
  return fc.record({
    status,
    headers,
    body: fc.oneof({ weight: 9, arbitrary: fc.option(damaged(...documents), { nil: undefined, freq: 20 }) }, page),
  }) as fc.Arbitrary<{ status: number; headers: Record<string, string>; body: string | undefined }>;
}

describe("an answer of the sign-in server", () => {
  const errors = [
    { error: "invalid_grant", error_description: CANARY },
    { error: { code: "token_expired", message: CANARY, type: CANARY } },
    { code: "deviceauth_authorization_pending", message: CANARY },
    { error: { code: CANARY } },
  ];

  it("to a code is a login with an owner, or an error", () => {
    const guard = new Guard("answers of the token endpoint");
    guard.check(15_000, answers(...ISSUED, ...errors), (answer) => {
      const tokens = guard.sync(() => processExchangeResponse(answer, NOW));
      if (tokens === undefined) return;
      expect(tokens.identity.userId).toMatch(/./);
      expect(Number.isFinite(tokens.expiresAtMs)).toBe(true);
      expect(repeatsCanary(JSON.stringify(tokens.refresh) + String(tokens.refresh))).toBe(false);
    });
  });

  it("to a wish for a device code is one that can be typed, or an error", () => {
    const guard = new Guard("answers with a device code");
    const good = { device_auth_id: `da_${CANARY}`, user_code: "ABCD-EFGH", interval: "5" };
    guard.check(10_000, answers(good, good, { ...good, interval: 5 }, ...errors), (answer) => {
      const code = guard.sync(() => processDeviceCode(answer));
      if (code === undefined) return;
      expect(code.userCode).toMatch(/^[A-Za-z0-9-]{4,32}$/);
      expect(code.intervalMs).toBeGreaterThanOrEqual(1_000);
      expect(code.intervalMs).toBeLessThanOrEqual(60_000);
    });
  });

  it("to a look at a device code says how it stands, and an unknown one ends nothing", () => {
    const guard = new Guard("looks at a device code");
    const good = { authorization_code: `ac_${CANARY}`, code_verifier: CANARY.repeat(2) };
    guard.check(10_000, answers(good, ...errors), (answer) => {
      const poll = guard.sync(() => processDevicePoll(answer, NOW));
      if (poll === undefined) throw new Error("a look does not throw");
      if (poll.kind === "failed") guard.error(poll.error);
      if (poll.kind === "authorised") expect(answer.status).toBe(200);
      if ("retryAfterMs" in poll) expect(poll.retryAfterMs).toBeGreaterThanOrEqual(0);
    });
  });

  it("is read for its claims whatever its token holds", () => {
    const guard = new Guard("claims of tokens");
    const claims = JSON.parse(Buffer.from(token().split(".")[1] ?? "", "base64url").toString()) as unknown;
    const made = damaged(claims).map((text) => `e30.${Buffer.from(text).toString("base64url")}.x`);
    guard.check(10_000, fc.oneof({ weight: 5, arbitrary: made }, anyText(80)), (text) => {
      const read = guard.sync(() => decodeAccessToken(text));
      if (read !== undefined) guard.sync(() => identityOf(read));
      for (const value of Object.values(read ?? {})) {
        if (typeof value === "string") expect(value).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        else expect(Number.isFinite(value)).toBe(true);
      }
    });
  });
});

describe("an answer of the lease broker", () => {
  const recorded = loadExchanges().map(({ response }) => response);
  const schemas = [
    leaseStatusSchema,
    leaseAnswerSchema,
    acquireAnswerSchema,
    materializeAnswerSchema,
    telemetryAnswerSchema,
    reconcileAnswerSchema,
    importAnswerSchema,
  ];

  it("is what was asked for, or an error without a word of it", () => {
    const guard = new Guard("answers of the broker");
    guard.check(15_000, fc.tuple(answers(...recorded), fc.constantFrom(...schemas)), ([answer, schema]) => {
      const value = guard.sync(() => processAnswer<unknown>(answer, schema, () => true));
      if (value !== undefined) expect(answer.status).toBe(200);
      if (answer.status !== 200) guard.error(refusalOf(answer));
    });
  });
});

describe("what others say of usage", () => {
  it("is counted in whole numbers or not at all", () => {
    const guard = new Guard("usage events and exports");
    const row = { date: "2026-11-20", input: 1, output: 2, totalTokens: 3, model: CANARY };
    const session = { ...row, key: "agent:main:main", updatedAt: NOW, usage: row, text: CANARY };
    const event = {
      usage: { input: 10, output: 2, cacheRead: 1, total: 13 },
      model: CANARY,
      headers: { "x-codex-primary-used-percent": "7" },
    };
    const exported = { totals: { input: 1 }, daily: [row], sessions: [session] };
    const text = fc.oneof(
      damaged(event, event, exported),
      anyJson.map((value) => JSON.stringify(value) ?? "null"),
    );
    guard.check(10_000, text, (one) => {
      const value = guard.sync(() => parsed(one));
      const counts = guard.sync(() => readUsage(value));
      for (const count of [counts?.requests, counts?.tokensIn, counts?.tokensOut]) {
        if (count !== undefined) expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      }
      const found = usageExportSchema.safeParse(value);
      if (found.success) guard.sync(() => trimUsageExport(found.data, { days: 30, nowMs: NOW }));
    });
  });
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
