// Makes the gateway call its model once: the `agent` request over its WebSocket, then waiting for that run to end.

import { randomUUID } from "node:crypto";
import { withGatewayConnection } from "../../../src/gateway/rpc.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import type { BackendCall, CodexBackend } from "./codex-backend.ts";
import type { OpenClawHome } from "./home.ts";

const RUN_MS = 120_000;

/** Calls any method of the gateway with the home's token. */
export async function gatewayCall(
  home: OpenClawHome,
  method: string,
  params: Record<string, unknown>,
): Promise<unknown> {
  const credential = { kind: "token", secret: Secret.of(home.token) } as const;
  const target = { port: home.port, credential };
  return await withGatewayConnection(target, ({ call }) => call(method, params), { timeoutMs: RUN_MS });
}

/** Sends one message to `agentId` and gives the backend call that it led to. Each call is a session of its own unless `session` is given. */
export async function callModel(
  home: OpenClawHome,
  backend: CodexBackend,
  agentId = "main",
  session: string = randomUUID(),
): Promise<BackendCall> {
  const before = backend.calls.length;
  const credential = { kind: "token", secret: Secret.of(home.token) } as const;
  const outcome = await withGatewayConnection(
    { port: home.port, credential },
    async ({ call }) => {
      const started = (await call("agent", {
        message: "hello",
        agentId,
        sessionKey: `agent:${agentId}:${session}`,
        idempotencyKey: randomUUID(),
      })) as { runId: string };
      return await call("agent.wait", { runId: started.runId, timeoutMs: RUN_MS });
    },
    { timeoutMs: RUN_MS + 5_000 },
  );
  const seen = backend.calls[before];
  if (seen === undefined) throw new Error(`the run ended without a model call: ${JSON.stringify(outcome)}`);
  return seen;
}

/**
 * Writes `message` in a chat of `agentId` as its person does: what a chat is bound to, and `/model`, count only there. Gives the
 * model calls that it led to; none for a command.
 */
export async function writeInChat(
  home: OpenClawHome,
  backend: CodexBackend,
  message: string,
  session: string,
  agentId = "main",
): Promise<readonly BackendCall[]> {
  const before = backend.calls.length;
  const credential = { kind: "token", secret: Secret.of(home.token) } as const;
  await withGatewayConnection(
    { port: home.port, credential },
    async ({ call }) => {
      const sessionKey = `agent:${agentId}:${session}`;
      const started = (await call("chat.send", { sessionKey, message, idempotencyKey: randomUUID() })) as {
        runId: string;
      };
      return await call("agent.wait", { runId: started.runId, timeoutMs: RUN_MS });
    },
    { timeoutMs: RUN_MS + 5_000 },
  );
  return backend.calls.slice(before);
}
