// A machine that has only one of the two loopback addresses, or none: the kernel's answers, given in its place.

import { Server } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { listenOnLoopback } from "../../src/oauth/loopback-server.ts";
import { askAt } from "./loopback-lab.ts";

const ANSWER = (_request: unknown, response: { end(text: string): unknown }): Promise<void> =>
  Promise.resolve(void response.end("ours"));

/** Lets listening on `hosts` fail with `code` as the kernel would, and counts the servers that were closed. */
function failOn(hosts: readonly string[], code: string | undefined): { closed(): number } {
  const { listen, close } = Server.prototype;
  let closed = 0;
  onTestFinished(() => void Object.assign(Server.prototype, { listen, close }));
  Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
    const [{ host } = { host: "" }] = args as [{ host?: string } | undefined];
    if (!hosts.includes(host ?? "")) return listen.apply(this, args as never);
    process.nextTick(() => this.emit("error", Object.assign(new Error("no"), code === undefined ? {} : { code })));
    return this;
  } as typeof listen;
  Server.prototype.close = function (this: Server, done) {
    closed += 1;
    return close.call(this, done);
  };
  return { closed: () => closed };
}

it.each([
  ["::1", "EADDRNOTAVAIL", "127.0.0.1"],
  ["::1", "EAFNOSUPPORT", "127.0.0.1"],
])("without %s (%s) the other address alone is listened on", async (host, code, family) => {
  failOn([host], code);
  const server = await listenOnLoopback(0, ANSWER);
  onTestFinished(() => server?.close());
  expect((await askAt(server?.port ?? 0)("/", { family })).text).toBe("ours");
});

it("without either address there is no server", async () => {
  failOn(["127.0.0.1", "::1"], "EADDRNOTAVAIL");
  expect(await listenOnLoopback(0, ANSWER)).toBeUndefined();
});

it.each(["EADDRINUSE", "EACCES"])("where the second address is held (%s), the first is let go of", async (code) => {
  const { closed } = failOn(["::1"], code);
  expect(await listenOnLoopback(0, ANSWER)).toBeUndefined();
  expect(closed()).toBe(1);
});

it.each(["EMFILE", undefined])(
  "where it fails for another reason (%s), that is passed on, and the first is let go of",
  async (code) => {
    const { closed } = failOn(["::1"], code);
    await expect(listenOnLoopback(0, ANSWER)).rejects.toThrow("no");
    expect(closed()).toBe(1);
  },
);
