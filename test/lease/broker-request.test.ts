import { describe, expect, it } from "vitest";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { parseBrokerUrl } from "../../src/lease/broker-request.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { reply } from "../support/broker-server.ts";
import { brokerLab, everyCall, failure, LEASE_ID, OWNER, recorded, TOKEN } from "./broker-lab.ts";

describe("the broker's address", () => {
  it.each([
    ["https://broker.example", "https://broker.example"],
    ["https://broker.example/", "https://broker.example"],
    ["https://broker.example:8443/auth/manager//", "https://broker.example:8443/auth/manager"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
    ["http://127.8.9.10", "http://127.8.9.10"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://[::1]:8080/x", "http://[::1]:8080/x"],
  ])("%s is taken", (text, base) => {
    expect(parseBrokerUrl(text, true)).toBe(base);
  });

  it.each([
    "http://broker.example",
    "http://192.168.1.2:8080",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://0.0.0.0:8080",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "https://user:pa55word@broker.example",
    "https://user@broker.example",
    "https://broker.example/?key=pa55word",
    "https://broker.example/#pa55word",
    "broker.example",
    "",
  ])("%s is refused, and not repeated in the refusal", (text) => {
    const refused = expect.objectContaining({
      code: "ERR_CONFIG_INVALID",
      message: expect.not.stringMatching(/pa55word|evil|passwd/),
    });
    expect(() => createLeaseBroker({ baseUrl: text, token: Secret.of(TOKEN) })).toThrow(refused);
  });

  it("is refused without TLS on this machine too where that is not allowed", () => {
    expect(() => parseBrokerUrl("http://127.0.0.1:8080", false)).toThrow(/allowInsecureLocalhost/);
    expect(parseBrokerUrl("https://127.0.0.1:8080", false)).toBe("https://127.0.0.1:8080");
  });
});

describe("a request", () => {
  it("carries the token, our name and JSON, below the path of the address", async () => {
    const { server } = await brokerLab(() => undefined);
    const behind = await brokerLab((_request, response) => reply(response, 200, recorded(36)));
    const broker = createLeaseBroker({ baseUrl: `${behind.server.origin}/auth/manager/`, token: Secret.of(TOKEN) });
    await broker.renew(LEASE_ID, OWNER);
    await broker.close();
    const [request] = behind.server.seen;
    expect([request?.method, request?.url]).toEqual(["POST", `/auth/manager/api/leases/${LEASE_ID}/renew`]);
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      "user-agent": "codex-auth-skill",
      "content-type": "application/json",
      accept: "application/json",
    });
    expect(request?.headers["x-api-key"]).toBeUndefined();
    expect(server.seen).toEqual([]);
  });

  it("without a body says nothing of its type", async () => {
    const { broker, server } = await brokerLab((_request, response) => reply(response, 200, recorded(26)));
    await broker.get(LEASE_ID);
    expect(server.seen[0]).toMatchObject({ method: "GET", body: "" });
    expect(server.seen[0]?.headers["content-type"]).toBeUndefined();
  });

  it.each([
    ["a/../../admin", "/api/leases/a%2F..%2F..%2Fadmin"],
    ["x?y=1#z", "/api/leases/x%3Fy%3D1%23z"],
    ["%2e%2e", "/api/leases/%252e%252e"],
    ["sub:auth0|alpha", "/api/leases/sub%3Aauth0%7Calpha"],
    ["ä\r\nHost: evil", "/api/leases/%C3%A4%0D%0AHost%3A%20evil"],
  ])("for the lease %j asks for exactly that", async (id, path) => {
    const { broker, server } = await brokerLab((_request, response) =>
      reply(response, 404, { detail: "Lease not found" }),
    );
    expect((await failure(broker.get(id))).code).toBe("ERR_LEASE_NOT_FOUND");
    expect(server.seen[0]?.url).toBe(path);
  });

  it.each(["", ".", "..", "...", "\uD800"])("for the lease %j is not sent: it would be another path", async (id) => {
    const { broker, server } = await brokerLab((_request, response) => reply(response, 200, recorded(26)));
    for (const call of [broker.get(id), broker.renew(id, OWNER), broker.release(id, OWNER, "test")])
      expect((await failure(call)).code).toBe("ERR_BROKER_REQUEST");
    expect(server.seen).toEqual([]);
  });

  it("that may be repeated goes over a kept connection, one that may not over its own", async () => {
    const { broker, server } = await brokerLab(({ method }, response) =>
      method === "GET" ? reply(response, 200, recorded(26)) : reply(response, 200, recorded(41)),
    );
    for (let round = 0; round < 4; round += 1) await broker.get(LEASE_ID);
    expect(server.connections()).toBe(1);
    for (let round = 0; round < 3; round += 1)
      await broker.telemetry(LEASE_ID, OWNER, { capturedAtMs: Date.UTC(2026, 10, 21) });
    expect(server.connections()).toBe(4);
  });

  it("waits for its turn: the broker serves one at a time", async () => {
    let underWay = 0;
    let most = 0;
    const { broker, server } = await brokerLab((_request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setImmediate(() => {
        underWay -= 1;
        reply(response, 404, { detail: "Lease not found" });
      });
    });
    await Promise.all([1, 2].flatMap(() => Object.values(everyCall(broker)).map(async (call) => failure(call()))));
    expect([server.seen.length, most]).toEqual([18, 1]);
  });

  it("lets others go first while it waits for its next try", async () => {
    const sleepers: (() => void)[] = [];
    const { broker, server } = await brokerLab(
      (_request, response) =>
        server.seen.length === 1 ? reply(response, 503, "busy") : reply(response, 200, recorded(26)),
      { sleep: async () => new Promise<void>((resolve) => sleepers.push(resolve)) },
    );
    const first = broker.get(LEASE_ID);
    await expect.poll(() => sleepers).toHaveLength(1);
    await broker.get(LEASE_ID);
    expect(server.seen).toHaveLength(2);
    sleepers[0]?.();
    await first;
    expect(server.seen).toHaveLength(3);
  });
});
