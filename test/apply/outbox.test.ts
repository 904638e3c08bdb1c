// The outbox: an answer stays until its host has shown it.

import { describe, expect, it } from "vitest";
import { Outbox } from "../../src/apply/outbox.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const address = { host: "telegram", chatId: "1", personId: "1", messageId: "9" };
const content = { kind: "receipt", receiptId: "job-1" } as const;

describe("Outbox", () => {
  it("hands a message to its own host only, and again until it was shown", async () => {
    const outbox = new Outbox({ folder: await temporaryFolder(), now: () => 1 });
    await outbox.put({ id: "m-1", address, content });

    expect(await outbox.list("terminal")).toEqual([]);
    const stop = new AbortController();
    const tries: string[] = [];
    await outbox.watch(
      "telegram",
      async (message) => {
        tries.push(message.id);
        if (tries.length === 2) stop.abort();
        return tries.length === 2;
      },
      stop.signal,
    );

    expect(tries).toEqual(["m-1", "m-1"]);
    expect(await outbox.list("telegram")).toEqual([]);
  });

  it("keeps one message of one id", async () => {
    const outbox = new Outbox({ folder: await temporaryFolder(), now: () => 1 });
    await outbox.put({ id: "m-1", address, content });
    await outbox.put({ id: "m-1", address: { ...address, chatId: "2" }, content });
    expect((await outbox.list("telegram")).map((message) => message.address.chatId)).toEqual(["1"]);
  });

  it("drops what nobody fetched for too long", async () => {
    let time = 1;
    const outbox = new Outbox({ folder: await temporaryFolder(), now: () => time });
    await outbox.put({ id: "m-1", address, content });
    time += APPLY.outboxTtlMs + 1;
    expect(await outbox.list("telegram")).toEqual([]);
  });
});
