// The outbox: an answer stays until its host has shown it.

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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

describe("a receipt that was shown", () => {
  it("is not told again by whoever ends its job once more, and the note of it goes in time", async () => {
    let now = 1;
    const folder = await temporaryFolder();
    const outbox = new Outbox({ folder, now: () => now });
    await outbox.put({ id: "job-1", address, content });
    await outbox.delivered("job-1");
    await outbox.put({ id: "job-1", address, content });
    expect(await outbox.list("telegram")).toEqual([]);
    // Also where it was put again by one who had looked just before the note was made.
    const path = join(folder, "job-1.json");
    await writeFile(path, JSON.stringify({ schemaVersion: 1, id: "job-1", createdAt: 1, address, content }));
    expect(await outbox.list("telegram")).toEqual([]);
    expect(existsSync(path)).toBe(false);
    // A question may be asked again after its answer.
    const question = { id: "q-1", address, content: { kind: "approval", parkedId: "p-1" } } as const;
    await outbox.put(question);
    await outbox.delivered("q-1");
    await outbox.put(question);
    expect(await outbox.list("telegram")).toMatchObject([{ id: "q-1" }]);
    now += APPLY.outboxTtlMs + 1;
    await outbox.sweep();
    await outbox.put({ id: "job-1", address, content });
    expect(await outbox.list("telegram")).toMatchObject([{ id: "job-1" }]);
  });
});
