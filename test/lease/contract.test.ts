import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { processAnswer } from "../../src/lease/broker-answer.ts";
import {
  acquireAnswerSchema,
  importAnswerSchema,
  leaseAnswerSchema,
  leaseStatusSchema,
  materializeAnswerSchema,
  reconcileAnswerSchema,
  telemetryAnswerSchema,
} from "../../src/lease/contract.ts";
import type { LeaseMaterial } from "../../src/lease/broker.ts";
import { fakeAccessToken, fakeRefreshToken } from "../support/jwt.ts";
import { recorded } from "./broker-lab.ts";

type Body = Record<string, unknown>;

/** The recorded answer with `change` in its lease (or its status). */
function changed(number: number, change: Body): unknown {
  return recorded(number, (body) => Object.assign(body["lease"] ?? body, change));
}

function accepted(schema: { safeParse: (value: unknown) => { success: boolean } }, value: unknown): boolean {
  return schema.safeParse(value).success;
}

/** The recorded material with `change` at its top and `tokens` in place of its tokens. */
function material(tokens: unknown, change: Body = {}): LeaseMaterial | undefined {
  const answer = recorded(27, (body) => {
    const wire = body["credential_material"] as Body;
    Object.assign(wire, change);
    if ("auth_json" in change) return;
    (wire["auth_json"] as Body)["tokens"] = tokens;
  });
  return materializeAnswerSchema.parse(answer).material;
}

/** The broker's own block, saying when `token` ends. */
function said(token: string, ms: unknown): Body {
  return { openclaw_auth_json: { openai_cid_tokens: { "../other": { access_token: token, expires_at_ms: ms } } } };
}

describe("a lease", () => {
  it("is read whole, in our words", () => {
    expect(acquireAnswerSchema.parse(recorded(22))).toEqual({
      reused: false,
      lease: {
        leaseId: "lease_G_2QKJJQTUy3J9MP",
        credentialId: "sub:auth0|alpha",
        machineId: "m1",
        agentId: "openclaw",
        state: "active",
        issuedAtMs: Date.parse("2026-11-21T02:26:05.273Z"),
        expiresAtMs: Date.parse("2026-11-21T02:56:05.273Z"),
        lastSeenAtMs: Date.parse("2026-11-21T02:26:05.273Z"),
        utilizationPct: 10,
        quotaRemaining: undefined,
        replacementLeaseId: undefined,
      },
    });
  });

  it("that was rotated away names the one in its place", () => {
    const { lease } = acquireAnswerSchema.parse(changed(22, { replacement_lease_id: "lease_new" }));
    expect(lease.replacementLeaseId).toBe("lease_new");
  });

  it("as a look gives it is read whole, in our words", () => {
    expect(leaseStatusSchema.parse(recorded(42))).toEqual({
      leaseId: "lease_G_2QKJJQTUy3J9MP",
      credentialId: "sub:auth0|alpha",
      machineId: "m1",
      agentId: "openclaw",
      state: "active",
      issuedAtMs: Date.parse("2026-11-21T02:26:05.273Z"),
      expiresAtMs: Date.parse("2026-11-21T03:26:05.788Z"),
      lastSeenAtMs: Date.parse("2026-11-21T02:26:05.915Z"),
      utilizationPct: 42.5,
      quotaRemaining: 100_000,
      credentialState: "leased",
      rotationRecommended: false,
      replacementRequired: false,
      authRefreshRequired: false,
      credentialAuthUpdatedAt: "2026-11-21T02:26:01.576025+00:00",
    });
  });

  it.each([
    ["an unknown state", { state: "frozen" }, { state: "unknown" }],
    ["a state that is no text", { state: null }, { state: "unknown" }],
    ["an unknown state of its credential", { credential_state: "stolen" }, { credentialState: "unknown" }],
    ["no state of its credential", { credential_state: null }, { credentialState: "unknown" }],
    ["fields that we do not know", { moon: { phase: 1 } }, { state: "active" }],
    ["a date in a wrong place", { last_seen_at: "yesterday" }, { lastSeenAtMs: undefined }],
    ["numbers as text", { latest_utilization_pct: "12" }, { utilizationPct: undefined }],
    [
      "numbers that are none",
      { latest_utilization_pct: -1, latest_quota_remaining: 0.5 },
      { utilizationPct: undefined, quotaRemaining: undefined },
    ],
    ["an overdrawn quota", { latest_quota_remaining: -5 }, { quotaRemaining: -5 }],
    ["odd text for equality", { credential_auth_updated_at: "\u202E" }, { credentialAuthUpdatedAt: undefined }],
  ])("is taken with %s", (_what, change, expected) => {
    expect(leaseStatusSchema.parse(changed(26, change))).toMatchObject(expected);
  });

  it.each([
    ["a date in the year 9999", { expires_at: "9999-12-31T23:59:59+00:00" }],
    ["a date of 1970", { issued_at: "1970-01-01T00:00:00+00:00" }],
    ["a date without its offset", { expires_at: "2026-11-21T02:56:05" }],
    ["a date that is a number", { expires_at: 1e308 }],
    ["no end", { expires_at: null }],
    ["a date that is words", { expires_at: "next week" }],
    ["an id that is a path", { lease_id: "../../admin" }],
    ["an id of dots", { lease_id: ".." }],
    ["an id with a space", { lease_id: "lease x" }],
    ["an id that is too long", { lease_id: "x".repeat(129) }],
    ["no id", { lease_id: "" }],
    ["a credential that is a path", { credential_id: "../../etc/passwd" }],
    ["a credential with a line break", { credential_id: "sub:auth0|a\nb" }],
    ["a machine with an invisible character", { machine_id: "m1\u200B" }],
    ["an agent written backwards", { agent_id: "\u202Ewalcnepo" }],
    ["a machine that is a number", { machine_id: 1 }],
    ["a judgement that is text", { replacement_required: "false" }],
    ["no judgement", { rotation_recommended: undefined }],
    ["a judgement that is null", { auth_refresh_required: null }],
  ])("is refused with %s", (_what, change) => {
    expect(accepted(leaseStatusSchema, changed(26, {}))).toBe(true);
    expect(accepted(leaseStatusSchema, changed(26, change))).toBe(false);
  });

  it("is refused where the answer does not say that it is good, or has none", () => {
    for (const [number, schema] of [
      [22, acquireAnswerSchema],
      [36, leaseAnswerSchema],
      [27, materializeAnswerSchema],
      [41, telemetryAnswerSchema],
    ] as const) {
      expect(accepted(schema, recorded(number))).toBe(true);
      for (const change of [
        { status: "denied" },
        { status: undefined },
        { lease: null },
        { lease: [] },
        { lease: "x" },
      ])
        expect(
          accepted(
            schema,
            recorded(number, (body) => Object.assign(body, change)),
          ),
        ).toBe(false);
    }
  });

  it("brings nothing into objects that are not its own", () => {
    const text = JSON.stringify(recorded(26)).replace(
      "{",
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},',
    );
    const status = processAnswer({ status: 200, headers: {}, body: text }, leaseStatusSchema, () => true);
    expect(Object.keys(status)).not.toContain("constructor");
    expect(Object.getPrototypeOf(status)).toBe(Object.prototype);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(Reflect.get(status, "polluted")).toBeUndefined();
  });
});

describe("a credential", () => {
  it("is read whole, in our words, and cleaned", () => {
    const answer = recorded(41, (body) => {
      const credential = body["credential"] as Body;
      credential["label"] = `al\u202Epha\u0007 ${"x".repeat(500)}`;
    });
    const { credential } = telemetryAnswerSchema.parse(answer);
    expect(credential).toMatchObject({
      credentialId: "sub:auth0|alpha",
      email: "alpha@example.invalid",
      state: "leased",
      utilizationPct: 42.5,
      quotaRemaining: 100_000,
    });
    expect(credential?.label).toMatch(/^alpha x+…$/);
    expect(credential?.label).toHaveLength(120);
  });

  it("that is not usable does not spoil the lease beside it", () => {
    for (const credential of [null, undefined, "x", {}, { id: "a b" }]) {
      const answer = recorded(41, (body) => Object.assign(body, { credential }));
      expect(telemetryAnswerSchema.parse(answer)).toMatchObject({ credential: undefined, lease: { state: "active" } });
    }
  });
});

describe("a material", () => {
  const expiresAtMs = Date.UTC(2026, 11, 1);
  const access = fakeAccessToken({ expiresAtMs, email: "a@example.com", userId: "u", accountId: "acct-own" });

  it("whose token says another end than the broker ends when the token says", () => {
    for (const openclaw of [said(access, expiresAtMs + 1e9), said(access, 1e308), null, undefined, "x"])
      expect(material({ access_token: access }, { openclaw })?.expiresAtMs).toBe(expiresAtMs);
    const past = fakeAccessToken({ expiresAtMs: 1_000 });
    expect(material({ access_token: past }, { openclaw: said(past, expiresAtMs) })?.expiresAtMs).toBe(1_000);
  });

  it("whose token says no end, or an absurd one, ends when the broker says of exactly that token", () => {
    const never = fakeAccessToken({ expiresAtMs: 1e15 });
    for (const token of ["opaque", never]) {
      expect(material({ access_token: token }, { openclaw: said(token, expiresAtMs) })?.expiresAtMs).toBe(expiresAtMs);
      for (const openclaw of [said("other", expiresAtMs), said(token, 1e308), said(token, "soon"), null])
        expect(material({ access_token: token }, { openclaw })?.expiresAtMs).toBeUndefined();
    }
  });

  it("without the broker's own block is whole as long as there is an access token", () => {
    expect(material({ access_token: access }, { openclaw: null, label: null, email: null })).toMatchObject({
      label: undefined,
      email: "a@example.com",
      accountId: "acct-own",
      refreshToken: undefined,
      idToken: undefined,
      lastRefresh: "2026-11-21T02:26:01+00:00",
    });
  });

  it("belongs to the account that its token names", () => {
    expect(material({ access_token: access, account_id: "acct-other" })?.accountId).toBe("acct-own");
    expect(material({ access_token: "opaque", account_id: "acct-other" })?.accountId).toBe("acct-other");
    expect(material({ access_token: "opaque", account_id: "../x" }, { provider_account_id: "p" })?.accountId).toBe("p");
  });

  it("is none without an access token that could be sent", () => {
    for (const tokens of [
      null,
      undefined,
      {},
      { access_token: null },
      { access_token: "" },
      { access_token: "a b" },
      { access_token: "x\r\ny" },
      { access_token: "x".repeat(40_000) },
      [],
    ])
      expect(material(tokens)).toBeUndefined();
    expect(material({}, { auth_json: null })).toBeUndefined();
    expect(material({}, { auth_json: "x" })).toBeUndefined();
  });

  it("drops other tokens and texts that are not usable", () => {
    const odd = material({ access_token: access, refresh_token: "a\nb", id_token: 7 }, { label: "\u200B", email: 5 });
    expect(odd).toMatchObject({
      refreshToken: undefined,
      idToken: undefined,
      label: undefined,
      email: "a@example.com",
    });
  });

  it("shows no token when it is printed", () => {
    const refresh = fakeRefreshToken();
    const printed = material({ access_token: access, refresh_token: refresh, id_token: access });
    expect(printed?.refreshToken?.expose()).toBe(refresh);
    const text = `${inspect(printed, { depth: 9, showHidden: true })} ${JSON.stringify(printed)}`;
    for (const token of [access, refresh]) expect(text).not.toContain(token);
  });
});

describe("the other answers", () => {
  it("are refused where they do not say what became of it", () => {
    expect(reconcileAnswerSchema.parse(recorded(90))).toEqual({ decision: "client_updated_manager" });
    expect(importAnswerSchema.parse(recorded(115))).toEqual({ imported: true, dailyRows: 1, sessionRows: 1 });
    for (const decision of [null, "perhaps", undefined])
      expect(
        accepted(
          reconcileAnswerSchema,
          recorded(90, (body) => Object.assign(body, { decision })),
        ),
      ).toBe(false);
    for (const change of [{ imported: "yes" }, { daily_rows: -1 }, { session_rows: 1e308 }, { daily_rows: null }])
      expect(
        accepted(
          importAnswerSchema,
          recorded(115, (body) => Object.assign(body, change)),
        ),
      ).toBe(false);
  });
});
