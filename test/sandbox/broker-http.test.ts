// The sandbox broker's HTTP: what is refused before a call is made, what can be made to go wrong, and a restart.

import { describe, expect, it } from "vitest";
import { openBroker, OWNER } from "../support/sandbox-broker.ts";

const ACQUIRE = "/api/leases/acquire";
const JSON_TYPE = { "content-type": "application/json" };

describe("a request to the sandbox broker", () => {
  it.each([
    ["", { type: "missing", loc: ["body"], msg: "Field required", input: null }],
    ["null", { type: "missing", loc: ["body"], msg: "Field required", input: null }],
    ["[1]", { type: "dict_type", loc: ["body"], input: [1] }],
    ["{bad", { type: "json_invalid", loc: ["body", 1] }],
  ])("with the body %j is a 422 before anybody asks for a token, and repeats it", async (raw, error) => {
    const lab = await openBroker();
    const answer = await lab.post(ACQUIRE, undefined, { raw, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 422, body: { detail: [error] } });
  });

  it("may leave the body of an admin's call out", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const answer = await lab.post(`/api/admin/leases/${id}/release`);
    expect(answer).toMatchObject({
      status: 200,
      body: { lease: { state: "released", reason: "admin_released_lease" } },
    });
  });

  it("without a token at a broker that has none is a 503, and needs none for its health and settings", async () => {
    const lab = await openBroker({ token: null });
    const refused = await lab.post(ACQUIRE, OWNER);
    expect(refused.status).toBe(503);
    expect((await lab.get("/health")).body).toEqual({ status: "ok" });
    expect((await lab.get("/api/settings")).body.runtime).toMatchObject({ lease_reclaim_after_seconds: 180 });
  });

  it("with a slash at its end is sent to the path without one", async () => {
    const lab = await openBroker();
    const answer = await lab.post(`${ACQUIRE}/`, OWNER);
    expect(answer.status).toBe(307);
    expect(answer.headers.get("location")).toBe(ACQUIRE);
    expect(lab.broker.leases()).toEqual([]);
  });

  it("finds a lease by an encoded id, and never one with a slash in it", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    const encoded = Buffer.from(id).toString("hex").replaceAll(/../g, "%$&");
    expect((await lab.get(`/api/leases/${encoded}`)).body.lease_id).toBe(id);
    expect((await lab.get(`/api/leases/..%2F${id}`)).body).toEqual({ detail: "Not Found" });
  });
});

describe("a fault", () => {
  it("is met by the next call of its kind, once, and stands in the log", async () => {
    const lab = await openBroker();
    lab.broker.faults.next({ kind: "text500" }, { on: "renew" });
    const id = await lab.lease();
    const answers = [
      await lab.post(`/api/leases/${id}/renew`, OWNER),
      await lab.post(`/api/leases/${id}/renew`, OWNER),
    ];
    expect(answers.map(({ status }) => status)).toEqual([500, 200]);
    expect(lab.broker.log.map(({ action, fault, status }) => [action, fault, status])).toEqual([
      ["acquire", undefined, 200],
      ["renew", "text500", 500],
      ["renew", undefined, 200],
    ]);
  });

  it("resets the connection before the call, or after it with the answer lost", async () => {
    const lab = await openBroker();
    lab.broker.faults.next({ kind: "reset" });
    await expect(lab.post(ACQUIRE, OWNER)).rejects.toThrow();
    expect(lab.broker.leases()).toEqual([]);
    lab.broker.faults.next({ kind: "lost-answer" });
    await expect(lab.post(ACQUIRE, OWNER)).rejects.toThrow();
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("hangs until the caller has enough, and nothing was done", async () => {
    const lab = await openBroker();
    lab.broker.faults.next({ kind: "hang" });
    const enough = new AbortController();
    const call = lab.post(ACQUIRE, OWNER, { signal: enough.signal, headers: { ...JSON_TYPE } });
    const end = expect(call).rejects.toThrow();
    await expect.poll(() => lab.broker.log.at(-1)?.fault).toBe("hang");
    enough.abort();
    await end;
    expect(lab.broker.leases()).toEqual([]);
  });

  it("answers 429 with or without a time, garbage, half an answer, or whatever is wanted", async () => {
    const lab = await openBroker();
    lab.broker.faults.next({ kind: "busy", retryAfter: "3" });
    lab.broker.faults.next({ kind: "busy" });
    lab.broker.faults.next({ kind: "answer", status: 418, body: "{}", headers: { "x-tea": "yes" } });
    const [first, second, third] = [await lab.get("/health"), await lab.get("/health"), await lab.get("/health")];
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "3"]);
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, null]);
    expect([third.status, third.headers.get("x-tea")]).toEqual([418, "yes"]);
    lab.broker.faults.next({ kind: "garbage" });
    await expect(lab.get("/health")).rejects.toThrow(SyntaxError);
    lab.broker.faults.next({ kind: "truncated" });
    await expect(lab.post(ACQUIRE, OWNER)).rejects.toThrow(SyntaxError);
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("that is slow makes everybody wait, as the one thread of the real one does", async () => {
    const lab = await openBroker();
    lab.broker.faults.next({ kind: "slow", ms: 80 }, { on: "acquire" });
    const slow = lab.post(ACQUIRE, OWNER);
    await expect.poll(() => lab.broker.faults.size).toBe(0);
    await Promise.all([slow, lab.get("/health")]);
    expect(lab.broker.log.map(({ path }) => path)).toEqual([ACQUIRE, "/health"]);
  });
});

describe("a sandbox broker that is started again", () => {
  it("is at the same address and knows its leases; while it was down nobody was answered", async () => {
    const lab = await openBroker();
    const id = await lab.lease();
    await lab.broker.stop();
    await expect(lab.get("/health")).rejects.toThrow();
    await lab.broker.start();
    expect((await lab.get(`/api/leases/${id}`)).body.state).toBe("active");
    await lab.broker.restart();
    expect((await lab.get(`/api/leases/${id}`)).body.state).toBe("active");
  });
});

describe("an import of usage", () => {
  const export_json = { totals: { input: 3 }, daily: [{ date: "2027-03-01", input: 3 }] };

  it("is taken once, and its days are those of the last write", async () => {
    const lab = await openBroker();
    const lease_id = await lab.lease();
    const body = { ...OWNER, lease_id, source_name: "test", export_json };
    const answers = [
      await lab.post("/api/openclaw/usage/import", body),
      await lab.post("/api/openclaw/usage/import", body),
    ];
    expect(answers.map(({ body: { imported, daily_rows } }) => [imported, daily_rows])).toEqual([
      [true, 1],
      [false, 0],
    ]);
    expect(answers[1]?.body).not.toHaveProperty("totals");
    const more = { ...export_json, daily: [{ date: "2027-03-01", input: 9 }] };
    await lab.post("/api/openclaw/usage/import", { ...body, export_json: more });
    expect(lab.broker.imports()).toHaveLength(2);
    const { body: sums } = await lab.get("/api/openclaw/usage/by-credential");
    expect(sums.rows).toMatchObject([{ credential_id: "sub:auth0|alpha", input_tokens: 9, day_count: 1 }]);
  });
});
