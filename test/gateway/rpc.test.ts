// A conversation with the gateway: both protocols, the token, the start that is not over, and silence.

import { describe, expect, test } from "vitest";
import { readAuthStatus } from "../../src/gateway/auth-status.ts";
import type { GatewayCredential } from "../../src/gateway/handshake.ts";
import { reloadSecrets } from "../../src/gateway/reload.ts";
import { withGatewayConnection } from "../../src/gateway/rpc.ts";
import { RpcFailure, serveRpc } from "../../src/sandbox/gateway-rpc.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { fakeGateway, type FakeGateway } from "../support/fake-gateway-rpc.ts";
import { GATEWAY } from "../../src/config/defaults.ts";

const admin = (answer: unknown) => ({ scope: "operator.admin", call: () => Promise.resolve(answer) });
const target = ({ port, token }: FakeGateway) => ({ port, credential: tokenCredential(token) });

const reload = (gateway: FakeGateway) => withGatewayConnection(target(gateway), reloadSecrets);

describe("withGatewayConnection", () => {
  test.each([3, 4] as const)("speaks protocol %i and is let in as an administrator", async (protocol) => {
    const gateway = await fakeGateway({
      protocol,
      methods: { "secrets.reload": admin({ ok: true, warningCount: 2 }) },
    });
    const { hello, result } = await withGatewayConnection(target(gateway), async (connection) => ({
      hello: connection.hello,
      result: await reloadSecrets(connection),
    }));
    expect(hello).toMatchObject({ protocol, server: { version: "sandbox" } });
    expect(result).toEqual({ warningCount: 2 });
  });

  test("a wrong token is an error that does not hold it", async () => {
    const gateway = await fakeGateway();
    const attempt = withGatewayConnection(
      { ...target(gateway), credential: tokenCredential("not-the-token") },
      reloadSecrets,
    );
    await expect(attempt).rejects.toMatchObject({ code: "ERR_GATEWAY_AUTH" });
    await expect(attempt).rejects.not.toThrow(/not-the-token/);
  });

  test("a refused call, a failed call and an unknown answer are told apart from silence", async () => {
    const fails = {
      scope: "operator.admin",
      call: () => Promise.reject(new RpcFailure("UNAVAILABLE", "secrets.reload failed")),
    };
    const refuses = await fakeGateway({ methods: {} });
    const failing = await fakeGateway({ methods: { "secrets.reload": fails } });
    const strange = await fakeGateway({ methods: { "secrets.reload": admin({ ok: "maybe" }) } });
    await expect(reload(refuses)).rejects.toMatchObject({ code: "ERR_GATEWAY_RPC", retryable: false });
    await expect(reload(failing)).rejects.toMatchObject({ code: "ERR_GATEWAY_RPC", retryable: true });
    await expect(reload(strange)).rejects.toMatchObject({ code: "ERR_GATEWAY_RPC" });
  });

  test("a gateway that is still starting is asked again, and the call is made once", async () => {
    let calls = 0;
    const gateway = await fakeGateway({
      methods: {
        "secrets.reload": {
          call: () => {
            calls += 1;
            return Promise.resolve({ ok: true, warningCount: 0 });
          },
        },
      },
      serve: (connection, number) => (number <= 2 ? unavailable(connection) : undefined),
    });
    expect(await withGatewayConnection(target(gateway), reloadSecrets)).toEqual({ warningCount: 0 });
    expect([gateway.connections(), calls]).toEqual([3, 1]);
  });

  test("a method that a starting gateway does not have yet is called again", async () => {
    let refusals = 0;
    const gateway = await fakeGateway({
      serve: (connection) => {
        const real = serveRpc(connection, {
          protocol: 4,
          token: "the-shared-token",
          methods: { "secrets.reload": admin({ ok: true }) },
        });
        return {
          onMessage: (text) => {
            const { id, method } = JSON.parse(text) as { id: string; method: string };
            if (method === "connect" || refusals > 0) return real.onMessage(text);
            refusals += 1;
            const error = { code: "UNAVAILABLE", details: { reason: "startup-sidecars", method } };
            return connection.send(JSON.stringify({ type: "res", id, ok: false, error }));
          },
        };
      },
    });
    expect(await reload(gateway)).toEqual({ warningCount: 0 });
    expect([refusals, gateway.connections()]).toEqual([1, 1]);
  });

  test("a gateway that goes on starting is said to be starting", async () => {
    const gateway = await fakeGateway({ serve: (connection) => unavailable(connection) });
    // Just under two waits between tries: the second try has most of one for its answer, and there is no third.
    const timeoutMs = 2 * GATEWAY.pollMs - 10;
    const attempt = withGatewayConnection(target(gateway), reloadSecrets, { timeoutMs });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_GATEWAY_STARTING", retryable: true });
  });

  test("another protocol is not mistaken for a wrong token", async () => {
    const gateway = await fakeGateway({
      serve: (connection) =>
        refuseConnect(connection, {
          code: "INVALID_REQUEST",
          details: { code: "PROTOCOL_MISMATCH", expectedProtocol: 9 },
        }),
    });
    await expect(withGatewayConnection(target(gateway), reloadSecrets)).rejects.toMatchObject({
      code: "ERR_GATEWAY_RPC",
    });
  });

  test("silence, a closed port and a cancelled caller end the wait", async () => {
    const silent = await fakeGateway({ serve: () => ({ onMessage: () => undefined }) });
    const given = { timeoutMs: 100 };
    await expect(withGatewayConnection(target(silent), reloadSecrets, given)).rejects.toMatchObject({
      code: "ERR_GATEWAY_UNREACHABLE",
    });
    await expect(withGatewayConnection({ ...target(silent), port: 1 }, reloadSecrets)).rejects.toMatchObject({
      code: "ERR_GATEWAY_UNREACHABLE",
    });
    const controller = new AbortController();
    const cancelled = withGatewayConnection(target(silent), reloadSecrets, { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });
});

describe("readAuthStatus", () => {
  const answer = {
    providers: [
      {
        provider: "openai-codex",
        status: "ok",
        profiles: [{ profileId: "openai-codex:work", type: "oauth", status: "ok", expiry: { at: 5 } }],
      },
      { provider: "anthropic", status: "ok", profiles: [{ profileId: "anthropic:default", type: "api_key" }] },
    ],
  };

  test("lists what the gateway has in memory", async () => {
    const gateway = await fakeGateway({ methods: { "models.authStatus": admin(answer) } });
    const profiles = await withGatewayConnection(target(gateway), (connection) =>
      readAuthStatus(connection, undefined),
    );
    expect(profiles).toEqual([
      { profileId: "openai-codex:work", status: "ok", expiresAtMs: 5 },
      { profileId: "anthropic:default" },
    ]);
  });

  test("is undefined where the gateway has no such method", async () => {
    const gateway = await fakeGateway({ protocol: 3 });
    expect(
      await withGatewayConnection(target(gateway), (connection) => readAuthStatus(connection, undefined)),
    ).toBeUndefined();
  });
});

function tokenCredential(token: string): GatewayCredential {
  return { kind: "token", secret: Secret.of(token) };
}

type Connection = Parameters<NonNullable<Parameters<typeof fakeGateway>[0]>["serve"] & object>[0];

function unavailable(connection: Connection): { onMessage(text: string): void } {
  return refuseConnect(connection, { code: "UNAVAILABLE" });
}

function refuseConnect(connection: Connection, error: Record<string, unknown>): { onMessage(text: string): void } {
  connection.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n" } }));
  return {
    onMessage: (text) => {
      const { id } = JSON.parse(text) as { id: string };
      connection.send(JSON.stringify({ type: "res", id, ok: false, error }));
    },
  };
}
