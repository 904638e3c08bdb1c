// The one connection of a request that must not be sent twice: held back until it may leave, and never made anew.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { buildConnector } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConnectionGone, singleConnection } from "../../src/oauth/single-connection.ts";

/** `beforeSend` is given both ends of the connection that stands. */
async function lab(beforeSend: (client: Socket, far: Socket) => Promise<void> = () => Promise.resolve()) {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  // A server's address is a text only where it listens on a pipe.
  const { port } = server.address() as AddressInfo;
  const plain = buildConnector({ timeout: 10_000 });
  const clients: Socket[] = [];
  const kept: typeof plain = (target, done) =>
    plain(target, (...answer) => {
      if (answer[1] !== null) clients.push(answer[1]);
      done(...answer);
    });
  const connector = singleConnection(kept, async () => {
    await expect.poll(() => accepted.length).toBe(1);
    const [[client], [far]] = [clients, accepted];
    if (client !== undefined && far !== undefined) await beforeSend(client, far);
  });
  const target = { hostname: "127.0.0.1", host: `127.0.0.1:${port}`, protocol: "http:", port: `${port}` };
  const connect = () =>
    new Promise<Socket>((resolve, reject) => {
      connector(target, (error, socket) => (error === null ? resolve(socket) : reject(error)));
    });
  return { accepted, connect };
}

describe("a single connection", () => {
  it("is given once: who asks again is refused, and the server sees no second one", async () => {
    const { accepted, connect } = await lab();
    const socket = await connect();
    expect(socket.readyState).toBe("open");
    await expect(connect()).rejects.toThrow(ConnectionGone);
    socket.destroy();
    await expect(connect()).rejects.toThrow(ConnectionGone);
    await expect.poll(() => accepted.length).toBe(1);
  });

  it("is not given where it has ended while the request was held back", async () => {
    const { connect } = await lab(async (client, far) => {
      far.destroy();
      await once(client, "close");
    });
    await expect(connect()).rejects.toThrow(ConnectionGone);
  });

  it("ends with the reason for which the request was held back", async () => {
    const reason = new Error("not now");
    const { accepted, connect } = await lab(() => Promise.reject(reason));
    await expect(connect()).rejects.toBe(reason);
    await expect.poll(() => accepted.map(({ destroyed }) => destroyed)).toEqual([true]);
  });
});
