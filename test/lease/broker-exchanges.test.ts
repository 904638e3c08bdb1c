// Every exchange that was recorded with the real broker, replayed against our client (facts/lease-broker.md).

import { describe, expect, it } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import { refusalOf } from "../../src/lease/broker-answer.ts";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import type { LeaseBroker } from "../../src/lease/broker.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { loadExchanges, wireBody, type Exchange } from "../support/broker-exchanges.ts";
import { brokerServer, type SeenRequest } from "../support/broker-server.ts";
import { callOf, sameTimes } from "./exchange-call.ts";
import { EXCHANGES } from "./exchange-table.ts";
import { told } from "./exchange-told.ts";

const RECORDED = loadExchanges();
const TOKEN = "internal-token-of-the-replay";

/** A client of a server that gives this exchange's answer, whatever it is asked. */
async function replay(exchange: Exchange): Promise<{ broker: LeaseBroker; seen: readonly SeenRequest[] }> {
  const isText = typeof exchange.response === "string";
  const server = await brokerServer((_request, response) => {
    response.writeHead(exchange.status, { "content-type": isText ? "text/plain; charset=utf-8" : "application/json" });
    response.end(wireBody(exchange));
  });
  const broker = createLeaseBroker({
    baseUrl: server.origin,
    token: Secret.of(TOKEN),
    random: () => 0,
    sleep: async () => undefined,
  });
  return { broker, seen: server.seen };
}

async function outcomeOf(call: () => Promise<object>): Promise<string> {
  try {
    return told(await call());
  } catch (error) {
    if (isCodexAuthError(error)) return error.code;
    throw error;
  }
}

function recordedBody(exchange: Exchange): Record<string, unknown> {
  const { request } = exchange;
  return typeof request === "object" && request !== null ? { ...request } : {};
}

describe("the recording", () => {
  it("has a row in the table for each of its 140 exchanges, in order", () => {
    expect(RECORDED).toHaveLength(140);
    expect(EXCHANGES.map(([number, title]) => [number, title])).toEqual(RECORDED.map((one) => [one.number, one.title]));
  });

  it("lists as not ours only what the port has no call for, with the reason", async () => {
    const rows = EXCHANGES.filter(([, , sent]) => sent.kind === "not-ours");
    const { broker } = await replay(RECORDED[0]!);
    for (const [number, , , reason] of rows) {
      expect(reason).not.toMatch(/^ERR_|^$/);
      expect(callOf(broker, RECORDED[number]!), `exchange ${number}`).toBeUndefined();
    }
    expect(rows.map(([number]) => number)).toEqual([0, 84, 103, 106, 108, 110, 112, 113, 120, 138]);
  });
});

describe("our client", () => {
  const ours = EXCHANGES.filter(([, , sent]) => sent.kind !== "not-ours");

  it.each(ours)("asks and understands as recorded: %i %s", async (number, _title, sent, outcome) => {
    const exchange = RECORDED[number]!;
    const { broker, seen } = await replay(exchange);
    const call = callOf(broker, exchange);
    if (call === undefined) {
      expect(sent.kind).toBe("answer");
      const answer = { status: exchange.status, headers: {}, body: wireBody(exchange) };
      expect(refusalOf(answer).code).toBe(outcome);
      return;
    }
    expect(await outcomeOf(call)).toBe(outcome);
    const [request] = seen;
    if (sent.kind === "refused") expect(request).toBeUndefined();
    if (sent.kind !== "same" && sent.kind !== "adds") return;

    expect([request?.method, request?.url]).toEqual([exchange.method, exchange.path]);
    expect(request?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    if (exchange.request === null) {
      expect(request?.body).toBe("");
      return;
    }
    const body = JSON.parse(request?.body ?? "") as Record<string, unknown>;
    const added = sent.kind === "adds" ? sent.fields : [];
    const shared = Object.fromEntries(Object.entries(body).filter(([field]) => !added.includes(field)));
    expect(sameTimes(shared)).toEqual(sameTimes(recordedBody(exchange)));
    expect(Object.keys(body)).toEqual(expect.arrayContaining([...added]));
  });

  it("says whose lease it was given where the machine's belongs to another agent", async () => {
    const { broker } = await replay(RECORDED[24]!);
    const wish = { requestedTtlSeconds: 60, reason: "test" };
    const { lease } = await broker.acquire({ machineId: "m1", agentId: "other" }, wish);
    expect([lease.machineId, lease.agentId]).toEqual(["m1", "openclaw"]);
  });

  it("keeps nothing of a refusal: no text of the broker, and of a 422 not even a cause", async () => {
    for (const exchange of RECORDED.filter(({ status }) => status >= 400)) {
      const error = refusalOf({ status: exchange.status, headers: {}, body: wireBody(exchange) });
      expect(error.cause).toBeUndefined();
      expect(Object.keys(error).toSorted()).toEqual(["code", "name", "next", "retryable"]);
      for (const word of ["machine_id", "denied", "detail", "pydantic", "loc", "Provide", "sub:", "lease_"])
        expect(`${error.message} ${error.next}`).not.toContain(word);
    }
  });
});
