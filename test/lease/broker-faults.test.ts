// What a broken, slow or hostile broker can do to the client: real sockets, small time-outs.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { BROKER } from "../../src/config/defaults.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { reply } from "../support/broker-server.ts";
import { brokerLab, everyCall, failure, LEASE_ID, OWNER, recorded, REPEATABLE, TOKEN } from "./broker-lab.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

// Long enough for a request to arrive on a busy machine.
const QUICK = { connectTimeoutMs: 10_000, headersTimeoutMs: 700, bodyTimeoutMs: 700, tryTimeoutMs: 10_000 };
const CALLS = ["acquire", "get", "renew", "rotate", "release", "materialize", "telemetry", "reconcile", "import"];

describe("a call that got no whole answer", () => {
  it.each(CALLS)("%s over a reset connection is sent again only where twice does no harm", async (name) => {
    const { broker, server } = await brokerLab((_request, _response, raw) => raw.socket.resetAndDestroy());
    const error = await failure(everyCall(broker)[name]!());
    expect([error.code, error.retryable]).toEqual(["ERR_BROKER_UNREACHABLE", true]);
    expect(server.seen).toHaveLength(REPEATABLE.includes(name) ? BROKER.tries : 1);
  });

  it.each(CALLS)("%s answered with 500 is sent again only where twice does no harm", async (name) => {
    const { broker, server } = await brokerLab((_request, response) => reply(response, 500, "Internal Server Error"));
    const error = await failure(everyCall(broker)[name]!());
    expect([error.code, error.retryable]).toEqual(["ERR_BROKER_BUSY", true]);
    expect(server.seen).toHaveLength(REPEATABLE.includes(name) ? BROKER.tries : 1);
  });

  it.each(CALLS)("%s where nobody listens is tried again in every case: nothing was sent", async (name) => {
    const { broker, waits } = await brokerLab(() => undefined, { baseUrl: `http://127.0.0.1:${await freePort()}` });
    const error = await failure(everyCall(broker)[name]!());
    expect(error).toMatchObject({ code: "ERR_BROKER_UNREACHABLE", wasSent: false });
    expect(error.message).toMatch(/nothing was sent/);
    expect(waits).toEqual([250, 500]);
  });

  it("is answered in the second try, after a wait", async () => {
    let tries = 0;
    const { broker, waits } = await brokerLab((_request, response, raw) => {
      tries += 1;
      if (tries === 1) raw.socket.resetAndDestroy();
      else reply(response, 200, recorded(26));
    });
    expect((await broker.get(LEASE_ID)).state).toBe("active");
    expect(waits).toEqual([250]);
  });

  it("ends by the time-out for the head of an answer", async () => {
    const { broker, server } = await brokerLab(() => undefined, { timeouts: QUICK });
    const error = await failure(broker.rotate(LEASE_ID, OWNER, "expiry_approaching"));
    expect(error).toMatchObject({ code: "ERR_BROKER_UNREACHABLE", wasSent: true });
    expect(error.cause).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
    expect(server.seen).toHaveLength(1);
  });

  it("ends by the time-out for its body", async () => {
    const { broker } = await brokerLab(
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write("{");
      },
      { timeouts: { ...QUICK, headersTimeoutMs: 5_000, tryTimeoutMs: 5_000 } },
    );
    const error = await failure(broker.release(LEASE_ID, OWNER, "test"));
    expect(error.code).toBe("ERR_BROKER_UNREACHABLE");
    expect(error.cause).toMatchObject({ code: "UND_ERR_BODY_TIMEOUT" });
  });

  it("ends by the time-out for the whole try where the body drips", async () => {
    const { broker } = await brokerLab(
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const drip = setInterval(() => response.write(" "), 5);
        response.on("close", () => clearInterval(drip));
      },
      { timeouts: { ...QUICK, headersTimeoutMs: 5_000, bodyTimeoutMs: 5_000, tryTimeoutMs: 1_500 } },
    );
    const error = await failure(broker.telemetry(LEASE_ID, OWNER, { capturedAtMs: Date.UTC(2026, 10, 21) }));
    expect(error).toMatchObject({ code: "ERR_BROKER_UNREACHABLE", wasSent: true });
  });

  it("does not keep what the broker sent, not even as a cause", async () => {
    const secret = ["very", "secret", "token"].join("-");
    const { broker } = await brokerLab((_request, _response, raw) => raw.socket.end(`HTTP/1.1 2OO ${secret}\r\n\r\n`));
    const error = await failure(broker.materialize(LEASE_ID, OWNER));
    expect(error.code).toBe("ERR_BROKER_UNREACHABLE");
    expect(error.cause).toMatchObject({ message: "HTTPParserError" });
    const all = inspect(error, { depth: 9, showHidden: true });
    for (const text of [secret, TOKEN]) expect(all).not.toContain(text);
  });
});

describe("an answer that is not the broker's", () => {
  const html = "<!doctype html><title>Sign in to the hotel</title>";
  const judged: readonly (readonly [string, number, unknown, string])[] = [
    ["HTML with 200", 200, html, "ERR_BROKER_RESPONSE"],
    ["truncated JSON", 200, JSON.stringify(recorded(26)).slice(0, 200), "ERR_BROKER_RESPONSE"],
    ["null", 200, "null", "ERR_BROKER_RESPONSE"],
    ["an empty object", 200, {}, "ERR_BROKER_RESPONSE"],
    ["nothing", 200, "", "ERR_BROKER_RESPONSE"],
    ["201", 201, recorded(26), "ERR_BROKER_RESPONSE"],
    ["204", 204, "", "ERR_BROKER_RESPONSE"],
    ["HTML with 404, which is no word on the lease", 404, html, "ERR_BROKER_RESPONSE"],
    ["an unknown path", 404, { detail: "Not Found" }, "ERR_BROKER_RESPONSE"],
    ["HTML with 403", 403, html, "ERR_BROKER_AUTH"],
    ["an unknown refusal", 409, { status: "denied", reason: "the_moon", lease: null }, "ERR_BROKER_REQUEST"],
    [
      "a refusal named like a part of every object",
      409,
      { status: "denied", reason: "constructor" },
      "ERR_BROKER_REQUEST",
    ],
    ["a state that we do not know", 409, { status: "denied", reason: "lease_not_renewable:moon" }, "ERR_LEASE_STATE"],
    ["418", 418, html, "ERR_BROKER_REQUEST"],
    ["a proxy without its server", 503, html, "ERR_BROKER_BUSY"],
    [
      "a broker without its token",
      503,
      { detail: "API key is required for this action, but INTERNAL_API_TOKEN is not configured on the server." },
      "ERR_BROKER_AUTH",
    ],
  ];

  it.each(judged)("%s", async (_what, status, body, code) => {
    const { broker } = await brokerLab((_request, response) => reply(response, status, body));
    const error = await failure(broker.get(LEASE_ID));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.next}`).not.toMatch(/hotel|moon|constructor|doctype/);
    expect(error.cause).toBeUndefined();
  });

  it.each([301, 302, 307, 308])("a redirect (%i) is not followed, so the token goes nowhere else", async (status) => {
    const elsewhere = await brokerLab((_request, response) => reply(response, 200, recorded(26)));
    const { broker } = await brokerLab((_request, response) =>
      reply(response, status, "", { location: `${elsewhere.server.origin}/api/leases/${LEASE_ID}` }),
    );
    const error = await failure(broker.get(LEASE_ID));
    expect(error.code).toBe("ERR_BROKER_RESPONSE");
    expect(error.message).toMatch(/not followed/);
    expect(elsewhere.server.seen).toEqual([]);
  });

  it("that is larger than the cap is dropped, and the rest of it is not read", async () => {
    const chunk = `"${"x".repeat(64 * 1024)}",`;
    let written = 0;
    const { broker } = await brokerLab((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        while (!response.destroyed && written < 64 * BROKER.maxBodyBytes) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on("drain", more);
      more();
    });
    const error = await failure(broker.get(LEASE_ID));
    expect(error.code).toBe("ERR_BROKER_RESPONSE");
    expect(error.message).toMatch(/too large/);
    expect(written).toBeLessThan(32 * BROKER.maxBodyBytes);
  });

  it.each([
    ["another lease", 26, "get", { lease_id: "lease_other" }],
    ["another machine's lease", 22, "acquire", { machine_id: "m2" }],
    ["another agent's lease", 36, "renew", { agent_id: "other" }],
    ["the same lease after a rotation", 71, "rotate", { id: LEASE_ID }],
    ["another lease's tokens", 27, "materialize", { id: "lease_other" }],
  ])("about %s is refused", async (_what, number, name, change) => {
    const answer = recorded(number, (body) => Object.assign(body["lease"] ?? body, change));
    const { broker } = await brokerLab((_request, response) => reply(response, 200, answer));
    expect((await failure(everyCall(broker)[name]!())).code).toBe("ERR_BROKER_RESPONSE");
  });
});

describe("a broker that asks for patience", () => {
  it.each([
    ["seconds", { "retry-after": "7" }, 7_250],
    [
      "a date, by the broker's own clock",
      { "retry-after": "Sat, 21 Nov 2026 02:00:30 GMT", date: "Sat, 21 Nov 2026 02:00:00 GMT" },
      30_250,
    ],
    [
      "a date in the past",
      { "retry-after": "Sat, 21 Nov 2020 02:00:00 GMT", date: "Sat, 21 Nov 2026 02:00:00 GMT" },
      250,
    ],
    ["nothing", {}, 250],
    ["nonsense", { "retry-after": "soon" }, 250],
  ] as const)("by 429 with %s is obeyed", async (_what, headers, wait) => {
    let tries = 0;
    const { broker, waits } = await brokerLab((_request, response) => {
      tries += 1;
      if (tries === 1) reply(response, 429, "slow down", headers);
      else reply(response, 200, recorded(26));
    });
    await broker.get(LEASE_ID);
    expect(waits).toEqual([wait]);
  });

  it("for longer than we wait gets a failure at once", async () => {
    const { broker, server, waits } = await brokerLab((_request, response) =>
      reply(response, 429, "slow down", { "retry-after": "3600" }),
    );
    expect(await failure(broker.get(LEASE_ID))).toMatchObject({ code: "ERR_BROKER_BUSY", retryable: true });
    expect([server.seen.length, waits]).toEqual([1, []]);
  });

  it("is not asked twice to count the same telemetry", async () => {
    const { broker, server } = await brokerLab((_request, response) =>
      reply(response, 429, "slow down", { "retry-after": "0" }),
    );
    await failure(broker.telemetry(LEASE_ID, OWNER, { capturedAtMs: Date.UTC(2026, 10, 21), requestsCount: 3 }));
    expect(server.seen).toHaveLength(1);
  });
});

describe("a call that is given up", () => {
  it.each(CALLS)("%s ends at once and leaves its connection", async (name) => {
    const stop = new AbortController();
    let isGone = false;
    const { broker, server } = await brokerLab((_request, response) => {
      response.on("close", () => (isGone = true));
    });
    const call = failure(everyCall(broker, stop.signal)[name]!());
    await expect.poll(() => server.seen).toHaveLength(1);
    stop.abort();
    expect((await call).code).toBe("ERR_CANCELLED");
    await expect.poll(() => isGone).toBe(true);
    expect(server.seen).toHaveLength(1);
  });

  it("before it began sends nothing, nor does one that waits for its turn", async () => {
    const { broker, server } = await brokerLab(() => undefined);
    expect((await failure(broker.get(LEASE_ID, { signal: AbortSignal.abort() }))).code).toBe("ERR_CANCELLED");
    const stop = new AbortController();
    const first = failure(broker.get(LEASE_ID));
    const second = failure(broker.renew(LEASE_ID, OWNER, { signal: stop.signal }));
    await expect.poll(() => server.seen).toHaveLength(1);
    stop.abort();
    expect((await second).code).toBe("ERR_CANCELLED");
    await broker.close();
    expect((await first).code).toBe("ERR_CANCELLED");
    expect(server.seen.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("between two tries makes no other one", async () => {
    const stop = new AbortController();
    const { broker, server } = await brokerLab((_request, response) => reply(response, 500, "no"), {
      sleep: async (_ms, signal) => {
        stop.abort();
        signal.throwIfAborted();
      },
    });
    expect((await failure(broker.get(LEASE_ID, { signal: stop.signal }))).code).toBe("ERR_CANCELLED");
    expect(server.seen).toHaveLength(1);
  });

  it("by closing the client: later calls are refused too", async () => {
    const { broker, server } = await brokerLab((_request, response) => reply(response, 200, recorded(26)));
    await broker.get(LEASE_ID);
    await broker.close();
    expect((await failure(broker.get(LEASE_ID))).code).toBe("ERR_CANCELLED");
    expect(server.seen).toHaveLength(1);
  });
});

it("has no listener left on a signal that lives on, after calls of every kind", async () => {
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => ((listeners += 1), add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => ((listeners -= 1), remove(...args));
  const { broker } = await brokerLab((_request, response) => reply(response, 200, recorded(26)));
  await broker.get(LEASE_ID, { signal });
  await failure(broker.renew(LEASE_ID, OWNER, { signal }));
  expect(listeners).toBe(0);
});

it("refuses a token that the broker would answer with 500", () => {
  for (const token of ["", "schlüssel", "two words", "line\nbreak"]) {
    const make = () => createLeaseBroker({ baseUrl: "https://broker.example", token: Secret.of(token) });
    expect(make).toThrow(expect.objectContaining({ code: "ERR_BROKER_AUTH" }));
  }
});
