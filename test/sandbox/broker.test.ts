// What the facts say of the broker beyond the captured exchanges (facts/lease-broker.md); those are replayed in broker-replay.test.ts.

import { describe, expect, it } from "vitest";
import { HOUR, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { sandboxAccessToken } from "../../src/sandbox/tokens.ts";
import { openBroker, OWNER, type BrokerLab } from "../support/sandbox-broker.ts";

function telemetry(lab: BrokerLab, id: string, body: Readonly<Record<string, unknown>> = {}) {
  const captured = { captured_at: new Date(lab.now()).toISOString() };
  return lab.post(`/api/leases/${id}/telemetry`, { ...OWNER, ...captured, ...body });
}

async function stateOf(lab: BrokerLab, id: string): Promise<string> {
  const { body } = await lab.get(`/api/leases/${id}`);
  return `${body.state} ${body.rotation_recommended} ${body.replacement_required} ${body.credential_state}`;
}

describe("a lease", () => {
  it("ends after 180 s without contact, and a look each minute keeps it", async () => {
    const lab = await openBroker();
    const id = await lab.lease("m1", { requested_ttl_seconds: 86_400 });
    for (let minute = 0; minute < 30; minute += 1) {
      lab.pass(1 * MINUTE);
      expect(await stateOf(lab, id)).toBe("active false false leased");
    }
    lab.pass(179 * SECOND);
    expect(lab.broker.lease(id)?.state).toBe("active");
    lab.pass(1 * SECOND);
    expect(lab.broker.lease(id)).toMatchObject({ state: "expired", reason: "lease_heartbeat_timeout" });
    expect(await stateOf(lab, id)).toBe("expired false true available");
  });

  it("does not tell why it ended where it was acquired with a reason", async () => {
    const lab = await openBroker();
    const id = await lab.lease("m1", { reason: "startup" });
    lab.pass(1 * HOUR);
    expect(lab.broker.lease(id)).toMatchObject({ state: "expired", reason: "startup" });
  });

  it.each([
    [1_800, 1_800],
    [null, 3_600],
    [0, 60],
    [-5, 60],
    [true, 60],
    ["120", 120],
    [90.7, 90],
  ])("that is wished for %j s gets %i s", async (requested_ttl_seconds, seconds) => {
    const lab = await openBroker();
    const lease = lab.broker.lease(await lab.lease("m1", { requested_ttl_seconds }));
    expect(lease?.expiresAtMs).toBe(lab.now() + seconds * SECOND);
  });

  it.each(["abc", "90.7", [], 1e12])("cannot be wished for %j s: a 500, and nothing was leased", async (ttl) => {
    const lab = await openBroker();
    const answer = await lab.post("/api/leases/acquire", { ...OWNER, requested_ttl_seconds: ttl });
    expect(answer).toMatchObject({ status: 500, body: "Internal Server Error" });
    expect(lab.broker.leases()).toEqual([]);
  });

  it("is the machine's: another agent gets the first agent's, and cannot use it", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const other = { ...OWNER, agent_id: "other" };
    const again = await lab.post("/api/leases/acquire", other);
    expect(again.body).toMatchObject({ reason: "existing_machine_lease_reused", lease: { id, agent_id: "openclaw" } });
    const denied = { status: 409, body: { status: "denied", reason: "lease_not_found_or_not_owned", lease: null } };
    for (const call of ["renew", "materialize", "release"])
      expect(await lab.post(`/api/leases/${id}/${call}`, other)).toMatchObject(denied);
    expect(lab.broker.lease(id)?.state).toBe("active");
  });

  it("is shortened by a renewal where it was long, and lengthened where it was short", async () => {
    const lab = await openBroker();
    const [long, short] = [await lab.lease("m1", { requested_ttl_seconds: 86_400 }), await lab.lease("m2")];
    lab.pass(2 * MINUTE);
    await lab.post(`/api/leases/${long}/renew`, OWNER);
    await lab.post(`/api/leases/${short}/renew`, { ...OWNER, machine_id: "m2" });
    for (const id of [long, short]) expect(lab.broker.lease(id)?.expiresAtMs).toBe(lab.now() + 1 * HOUR);
  });

  it("is acquired beside the old one when its credential is spent; the old one ends by itself", async () => {
    const lab = await openBroker();
    const first = await lab.lease();
    lab.broker.setUtilization("alpha", 100);
    expect(await stateOf(lab, first)).toBe("active false true exhausted");
    const second = await lab.lease();
    expect(second).not.toBe(first);
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["active", "active"]);
    lab.pass(2 * MINUTE);
    await lab.get(`/api/leases/${second}`);
    lab.pass(1 * MINUTE);
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["expired", "active"]);
  });

  it("goes to whose week starts anew soonest", async () => {
    const lab = await openBroker({
      credentials: [
        { label: "late", weeklyResetInMs: 9 * HOUR, utilizationPct: 80 },
        { label: "soon", weeklyResetInMs: 2 * HOUR },
        { label: "used", weeklyResetInMs: 9 * HOUR, utilizationPct: 90 },
        { label: "full", weeklyResetInMs: 1 * HOUR, utilizationPct: 99 },
      ],
    });
    for (const machine of ["m1", "m2", "m3"]) await lab.lease(machine);
    expect(lab.broker.leases().map(({ credentialId }) => credentialId)).toEqual(
      ["soon", "used", "late"].map((label) => `sub:auth0|${label}`),
    );
    const none = await lab.post("/api/leases/acquire", { ...OWNER, machine_id: "m4" });
    expect(none.body).toEqual({ status: "denied", reason: "no_eligible_credentials_available", lease: null });
  });

  it("in another's hands dies of late telemetry of somebody who has released his", async () => {
    const lab = await openBroker({ credentials: [{ label: "alpha" }] });
    const mine = await lab.lease("m1");
    await lab.post(`/api/leases/${mine}/release`, OWNER);
    const theirs = await lab.lease("m2");
    const late = await telemetry(lab, mine, { utilization_pct: 100 });
    expect(late.body).toMatchObject({ status: "ok", lease: { state: "released" }, credential: { state: "exhausted" } });
    expect(lab.broker.lease(theirs)).toMatchObject({ state: "revoked", reason: "credential_exhausted" });
    // The manager's own figure wins at the next call, and the same credential is leased again.
    await lab.lease("m2");
    expect(lab.broker.leases().at(-1)).toMatchObject({ state: "active", credentialId: "sub:auth0|alpha" });
  });

  it("that must be rotated stays so, and low quota is as good a reason", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    await telemetry(lab, id, { quota_remaining: 0 });
    await telemetry(lab, id, { utilization_pct: 5, quota_remaining: 1_000 });
    expect(lab.broker.lease(id)).toMatchObject({ state: "rotation_required", reason: "low_quota_remaining" });
    expect(await lab.lease()).toBe(id);
  });

  it("cannot be rotated where clients may not", async () => {
    const lab = await openBroker({ settings: { allow_client_initiated_rotation: false } });
    const body = { ...OWNER, lease_id: await lab.lease(), reason: "unhealthy_credential" };
    const answer = await lab.post("/api/leases/rotate", body);
    expect(answer).toMatchObject({ status: 409, body: { reason: "client_rotation_disabled", lease: null } });
    lab.broker.configure({ allow_client_initiated_rotation: true });
    expect((await lab.post("/api/leases/rotate", body)).status).toBe(200);
  });
});

describe("a credential", () => {
  const CASES: readonly (readonly [string, (lab: BrokerLab) => void, string, string | null])[] = [
    ["in cooldown", ({ broker }) => broker.cooldown("alpha"), "active false false cooldown", "credential_not_usable"],
    ["revoked", ({ broker }) => broker.revoke("alpha"), "active false true revoked", "credential_not_usable"],
    [
      "used to 99 %",
      ({ broker }) => broker.setUtilization("alpha", 99),
      "active false true unavailable_for_assignment",
      "credential_not_usable",
    ],
    [
      "without quota",
      ({ broker }) => broker.setQuota("alpha", 0),
      "active false true unavailable_for_assignment",
      "credential_not_usable",
    ],
    ["used to 95 %", ({ broker }) => broker.setUtilization("alpha", 95), "active false false leased", null],
    ["disabled, which the next call wipes", ({ broker }) => broker.disable("alpha"), "active false false leased", null],
  ];
  it.each(CASES)("%s shows in a lease on it", async (_name, act, expected, refusal) => {
    const lab = await openBroker();
    const id = await lab.lease();
    act(lab);
    expect(await stateOf(lab, id)).toBe(expected);
    for (const call of ["renew", "materialize"]) {
      const { body } = await lab.post(`/api/leases/${id}/${call}`, OWNER);
      expect(body.reason).toBe(refusal);
    }
  });

  it("comes back from a cooldown by itself", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    lab.broker.cooldown("alpha", 1 * MINUTE);
    expect(await stateOf(lab, id)).toContain("cooldown");
    lab.pass(1 * MINUTE);
    expect(await stateOf(lab, id)).toBe("active false false leased");
  });

  it("marked exhausted has its leases revoked and is available again at the next call", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    lab.broker.markExhausted("alpha", "bench");
    expect(lab.broker.lease(id)).toMatchObject({ state: "revoked", reason: "bench" });
    expect(await stateOf(lab, id)).toBe("revoked false true available");
  });

  it("without a profile is a ghost: leased again and again, never materialized; only a rotation leads away", async () => {
    const lab = await openBroker();
    lab.broker.deleteProfile("alpha");
    for (const round of [1, 2]) {
      const id = await lab.lease();
      expect(lab.broker.lease(id)?.credentialId, String(round)).toBe("sub:auth0|alpha");
      const answer = await lab.post(`/api/leases/${id}/materialize`, OWNER);
      expect(answer).toMatchObject({ status: 404, body: { reason: "credential_material_not_found" } });
      await lab.post(`/api/leases/${id}/release`, OWNER);
    }
    const body = { ...OWNER, lease_id: await lab.lease(), reason: "unhealthy_credential" };
    const rotated = await lab.post("/api/leases/rotate", body);
    expect(rotated.body.lease.credential_id).toBe("sub:auth0|bravo");
  });

  it("of a login without a refresh token has no openclaw part, and no such key", async () => {
    const lab = await openBroker({ credentials: [{ label: "alpha", hasRefreshToken: false }] });
    const { body } = await lab.post(`/api/leases/${await lab.lease()}/materialize`, OWNER);
    expect(body.credential_material.openclaw).toBeNull();
    expect(Object.keys(body.credential_material.auth_json.tokens)).toEqual(["id_token", "access_token", "account_id"]);
  });

  it("is refreshed by the manager: other tokens, told to the lease, until it materializes again", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    await lab.post(`/api/leases/${id}/materialize`, OWNER);
    const before = lab.broker.tokens("alpha");
    lab.pass(1 * MINUTE);
    lab.broker.refreshCredential("alpha");
    expect((await lab.get(`/api/leases/${id}`)).body.auth_refresh_required).toBe(true);
    const { body } = await lab.post(`/api/leases/${id}/materialize`, OWNER);
    const { access_token: access, refresh_token: refresh } = body.credential_material.auth_json.tokens;
    expect(access).not.toBe(before.accessToken.expose());
    expect(refresh).not.toBe(before.refreshToken?.expose());
    expect((await lab.get(`/api/leases/${id}`)).body.auth_refresh_required).toBe(false);
  });

  it("is handed out with an expired access token as if nothing were wrong", async () => {
    const lab = await openBroker();
    lab.broker.refreshCredential("alpha", -1 * MINUTE);
    const { status, body } = await lab.post(`/api/leases/${await lab.lease()}/materialize`, OWNER);
    const [held] = Object.values(body.credential_material.openclaw.openclaw_auth_json.openai_cid_tokens);
    expect(status).toBe(200);
    expect(held).toMatchObject({ expires_at_ms: lab.now() - 1 * MINUTE });
  });

  it("takes another account's tokens from whoever holds the lease, and is a ghost from then on", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const claims = { email: "mallory@example.invalid", userId: "user-mallory", accountId: "acct-mallory" };
    const access_token = sandboxAccessToken({
      ...claims,
      planType: "plus",
      expiresInMs: 2 * HOUR,
      now: lab.now() + 1 * MINUTE,
    });
    const last_refresh = new Date(lab.now() + 1 * MINUTE).toISOString();
    const auth_json = { auth_mode: "chatgpt", tokens: { access_token, account_id: "acct-mallory" }, last_refresh };
    const pushed = await lab.post(`/api/leases/${id}/reconcile-auth`, { ...OWNER, auth_json });
    expect(pushed).toMatchObject({ status: 200, body: { decision: "client_updated_manager", profile_label: "alpha" } });
    expect(lab.broker.tokens("alpha").accessToken.expose()).toBe(access_token);
    const answer = await lab.post(`/api/leases/${id}/materialize`, OWNER);
    expect(answer).toMatchObject({ status: 404, body: { reason: "credential_material_not_found" } });
  });

  it("is released, and its tokens may still be pushed", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    await lab.post(`/api/leases/${id}/release`, OWNER);
    const answer = await lab.post(`/api/leases/${id}/reconcile-auth`, { ...OWNER, auth_json: {} });
    expect(answer).toMatchObject({ status: 200, body: { decision: "manager_updated_client" } });
    expect(answer.body.auth_json.tokens.access_token).toBe(lab.broker.tokens("alpha").accessToken.expose());
  });
});

describe("telemetry", () => {
  it("is kept as it was sent, the same one twice", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const report = { requests_count: "7", tokens_in: "junk", tokens_out: -5, metadata: { batch_id: "b1" } };
    await telemetry(lab, id, report);
    await telemetry(lab, id, report);
    const row = { requestsCount: 7, tokensIn: null, tokensOut: -5, metadata: { batch_id: "b1" } };
    expect(lab.broker.telemetryRows(id)).toMatchObject([row, row]);
  });

  it.each([{ utilization_pct: "x" }, { quota_remaining: "7" }, { status: {} }, { captured_at: "not-a-date" }])(
    "with %j is a 500, and nothing of it is kept",
    async (report) => {
      const lab = await openBroker();
      const id = await lab.lease();
      const before = lab.broker.lease(id);
      expect((await telemetry(lab, id, report)).status).toBe(500);
      expect(lab.broker.telemetryRows(id)).toEqual([]);
      expect(lab.broker.lease(id)).toEqual(before);
    },
  );

  it("of an hour ago ends the lease, since its time becomes the last contact", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const captured_at = new Date(lab.now() - 1 * HOUR).toISOString();
    const { body } = await telemetry(lab, id, { captured_at });
    expect(body.lease).toMatchObject({ state: "active", is_stale: true, seconds_since_seen: 3_600 });
    expect(lab.broker.lease(id)?.state).toBe("expired");
  });
});
