import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { askTelegram } from "../../../../src/hosts/cli/setup/telegram-check.ts";
import { Secret } from "../../../../src/secrets/secret.ts";
import { FakeTelegram } from "../../../support/fake-telegram/fake-telegram.ts";

const SIGNAL = new AbortController().signal;

describe("the question to Telegram", () => {
  it("fetches no message and sets nothing", async () => {
    const telegram = await FakeTelegram.start();
    onTestFinished(() => telegram.close());
    telegram.person(4242).sends("waits for the bot");
    const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
    expect(await askTelegram(door, SIGNAL)).toMatchObject({ kind: "ok", username: telegram.username });
    expect(telegram.calls.map(({ method }) => method)).toEqual(["getMe", "getWebhookInfo"]);
    expect(telegram.updates.pending()).toHaveLength(1);
  });

  it("has an end where no answer comes, and takes a proxy's page for none", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const token = Secret.of(["700000001", "x".repeat(30)].join(":"));
    const silent = await askTelegram({ token, apiRoot: `http://127.0.0.1:${port}` }, SIGNAL, 100);
    expect(silent.kind).toBe("unreachable");

    const telegram = await FakeTelegram.start();
    onTestFinished(() => telegram.close());
    telegram.faults.page("getMe");
    const door = { token: Secret.of(telegram.token), apiRoot: telegram.url };
    const page = await askTelegram(door, SIGNAL);
    expect(page.kind).toBe("unreachable");
    expect(JSON.stringify([silent, page])).not.toContain("xxx");
  });
});
