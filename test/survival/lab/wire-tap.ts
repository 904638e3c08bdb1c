// A proxy before a server of the sandbox that keeps every secret that goes through it: what a run must not leak is known from there.

import { createServer, request, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** Fields of requests and answers that are secrets. */
const SECRET = /^(?:access_token|refresh_token|id_token|code|authorization_code|code_verifier|device_auth_id|token)$/;

/** A running tap. */
export interface WireTap {
  readonly origin: string;
  /** The secrets that went through, by the name of their field. */
  readonly secrets: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Opens a tap before `target`; it goes with the test. */
export async function openWireTap(target: string): Promise<WireTap> {
  const secrets = new Map<string, Set<string>>();
  const keep = (name: string, value: unknown): void => {
    if (typeof value !== "string" || value.length <= 20 || !SECRET.test(name)) return;
    secrets.set(name, (secrets.get(name) ?? new Set()).add(value));
  };
  const read = (body: string, { headers }: Pick<IncomingMessage, "headers">): void => {
    const isJson = headers["content-type"]?.includes("json") === true;
    const fields = isJson
      ? Object.entries(JSON.parse(body) as object)
      : [...new URLSearchParams(body)].map(([name, value]): [string, unknown] => [name, value]);
    for (const [name, value] of fields) keep(name, value);
  };
  const server = createServer((asked, answer) => {
    void (async () => {
      const body = await buffer(asked);
      read(body.toString(), asked);
      const passed = request(new URL(asked.url ?? "/", target), { method: asked.method, headers: asked.headers });
      passed.on("error", () => answer.destroy());
      passed.on("response", (got) => {
        void (async () => {
          const content = await buffer(got);
          // Kept before it is passed on: nobody has it yet.
          read(content.toString(), got);
          answer.writeHead(got.statusCode ?? 502, got.headers).end(content);
        })().catch(() => answer.destroy());
      });
      passed.end(body);
    })().catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server without a port");
  return { origin: `http://127.0.0.1:${address.port}`, secrets };
}
