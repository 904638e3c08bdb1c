import { describe, expect, it } from "vitest";
import { authJsonBody, ownerBody, telemetryBody } from "../../src/lease/broker-body.ts";
import { Secret } from "../../src/secrets/secret.ts";

const refused = expect.objectContaining({ code: "ERR_BROKER_REQUEST" });
const AT = Date.UTC(2026, 10, 21, 2, 26, 5);

describe("an owner", () => {
  it("is sent exactly as it is", () => {
    expect(ownerBody({ machineId: "debian", agentId: "openclaw:main" })).toEqual({
      machine_id: "debian",
      agent_id: "openclaw:main",
    });
  });

  it.each(["", " ", " debian", "debian\n", "de\u200Bbian", "de\u202Ebian", "x".repeat(257)])(
    "is not sent as %j, which the broker would change or we would not take back",
    (name) => {
      expect(() => ownerBody({ machineId: name, agentId: "a" })).toThrow(refused);
      expect(() => ownerBody({ machineId: "m", agentId: name })).toThrow(refused);
    },
  );
});

describe("a row of telemetry", () => {
  it("is sent in the broker's names, whole", () => {
    const report = {
      capturedAtMs: AT,
      requestsCount: 3,
      tokensIn: 1_200,
      tokensOut: 0,
      utilizationPct: 42.5,
      quotaRemaining: 100_000,
      rateLimitRemaining: 57,
      errorRate1h: 0.25,
      status: "ok",
      lastSuccessAtMs: AT,
      lastErrorAtMs: AT + 1,
      metadata: { batch_id: "b1", models: ["gpt-5.1"] },
    };
    expect(telemetryBody(report)).toEqual({
      captured_at: "2026-11-21T02:26:05.000Z",
      requests_count: 3,
      tokens_in: 1_200,
      tokens_out: 0,
      utilization_pct: 42.5,
      quota_remaining: 100_000,
      rate_limit_remaining: 57,
      error_rate_1h: 0.25,
      status: "ok",
      last_success_at: "2026-11-21T02:26:05.000Z",
      last_error_at: "2026-11-21T02:26:05.001Z",
      metadata: { batch_id: "b1", models: ["gpt-5.1"] },
    });
  });

  it("has no field for what is not known, and none for what is no number or no moment", () => {
    const report = {
      capturedAtMs: AT,
      requestsCount: Number.NaN,
      tokensIn: -1,
      tokensOut: 0.5,
      utilizationPct: Number.POSITIVE_INFINITY,
      quotaRemaining: 1e300,
      lastSuccessAtMs: 1e308,
    };
    expect(telemetryBody(report)).toEqual({ captured_at: "2026-11-21T02:26:05.000Z" });
  });

  it.each([Number.NaN, 1e308, -1, 0])("of the time %d is not sent", (capturedAtMs) => {
    expect(() => telemetryBody({ capturedAtMs })).toThrow(refused);
  });
});

describe("tokens that are pushed back", () => {
  it("are sent as the object that they are", () => {
    expect(authJsonBody(Secret.of('{"tokens":{"account_id":"a"},"extra":1}'))).toEqual({
      tokens: { account_id: "a" },
      extra: 1,
    });
  });

  it.each(["", "{", "null", "[]", '"text"', "1"])("are not sent as %j, and nothing is said of them", (text) => {
    expect(() => authJsonBody(Secret.of(text))).toThrow(expect.objectContaining({ code: "ERR_BROKER_REQUEST" }));
    expect(() => authJsonBody(Secret.of("{secret-token"))).toThrow(
      expect.not.objectContaining({ cause: expect.anything() }),
    );
  });
});
