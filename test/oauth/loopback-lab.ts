// A loopback on free ports, requests to it byte by byte, and a sign-in that waits for its browser.

import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { onTestFinished } from "vitest";
import { Loopback, type LoopbackOptions, type Taken } from "../../src/oauth/loopback.ts";
import { Secret } from "../../src/secrets/secret.ts";

/** The loopback addresses of this machine: some containers have only the first. */
export const FAMILIES: readonly string[] = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
)
  ? ["127.0.0.1", "::1"]
  : ["127.0.0.1"];

/** What a request was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** The state that {@link waitingLoopback} waits for. */
export const STATE = "the-state-of-this-attempt";

/** A loopback for port 1455 that really listens on a free one, with a sign-in that takes what it is told to. */
export async function waitingLoopback(options: LoopbackOptions & { readonly taken?: Taken } = {}) {
  const { taken = { outcome: { kind: "received" } }, ...rest } = options;
  const loopback = await Loopback.open({ ports: [1455], listenAt: () => 0, ...rest });
  if (loopback === undefined) throw new Error("no free port on this machine");
  onTestFinished(() => loopback.close());
  const addresses: string[] = [];
  loopback.expect("attempt", {
    state: Secret.of(STATE),
    take: (address) => {
      addresses.push(address);
      return Promise.resolve(taken);
    },
  });
  return { loopback, addresses, get: askAt(loopback.port) };
}

/** Asks the server at `port` as a browser that was sent to localhost:1455. */
export function askAt(port: number) {
  return (
    target: string,
    { method = "GET", host = "localhost:1455", family = "127.0.0.1", body = "", headers = {} } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request(
        { host: family, port, method, path: target, headers: { ...headers, host }, agent: false },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
}

/** A bare connection: what it has received, and its end. */
export async function rawConnection(port: number, host = "127.0.0.1") {
  const socket: Socket = connect({ port, host });
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  onTestFinished(() => void socket.destroy());
  return { socket, ended, received: () => received };
}
