// The outbox: an answer stays until its host has shown it.

import { existsSync } from "node:fs";
import { mkdir, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outbox } from "../../src/apply/outbox.ts";
import { APPLY, CHAT, MINUTE } from "../../src/config/defaults.ts";
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

describe("a message that was shown and cannot be forgotten", () => {
  it("is shown once and holds up no other; only the note of it is tried again, ever less often", async () => {
    const clock = { now: 1 };
    const folder = await temporaryFolder();
    const outbox = new Outbox({ folder, now: () => clock.now });
    // Nothing can be written there, as on a full disk; root is no exception.
    const note = join(folder, "told", "job-1.json");
    await mkdir(join(folder, "told"), { mode: 0o700 });
    await symlink(join(folder, "not-mounted", "note"), note);
    await outbox.put({ id: "job-1", address, content });
    const shown: string[] = [];
    let count = 0;
    /** One look of a host, which a question that came meanwhile ends; gives the error's code. */
    const look = async (): Promise<unknown> => {
      const id = `q-${++count}`;
      clock.now += 1;
      await outbox.put({ id, address, content: { kind: "approval", parkedId: "p-1" } });
      const stop = new AbortController();
      const deliver = (message: { readonly id: string }): Promise<boolean> => {
        shown.push(message.id);
        if (message.id === id) stop.abort();
        return Promise.resolve(true);
      };
      return outbox.watch("telegram", deliver, stop.signal).catch((error: { code?: unknown }) => error.code);
    };

    expect(await look()).toBe("ERR_FILE_UNWRITABLE");
    expect(await outbox.list("telegram")).toEqual([]);
    const tried: number[] = [];
    const start = clock.now;
    for (let waited = 0; waited < 3 * MINUTE; waited += CHAT.deliveryRetryMs, clock.now = start + waited)
      if ((await look()) === "ERR_FILE_UNWRITABLE") tried.push(waited);
    const waits = tried.map((at, index) => at - (tried[index - 1] ?? 0));
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((factor) => factor * CHAT.deliveryRetryMs));
    expect(Math.max(...waits)).toBe(MINUTE);
    expect(shown.filter((id) => id === "job-1")).toHaveLength(1);
    expect(shown).toHaveLength(1 + count);

    await unlink(note);
    clock.now += MINUTE;
    expect(await look()).toBeUndefined();
    expect([existsSync(note), existsSync(join(folder, "job-1.json"))]).toEqual([true, false]);
    expect(shown.filter((id) => id === "job-1")).toHaveLength(1);
  });

  it("does not keep another message of its id from being shown", async () => {
    const clock = { now: 1 };
    const folder = await temporaryFolder();
    const outbox = new Outbox({ folder, now: () => clock.now });
    const note = join(folder, "told", "job-1.json");
    await mkdir(join(folder, "told"), { mode: 0o700 });
    await symlink(join(folder, "not-mounted", "note"), note);
    await outbox.put({ id: "job-1", address, content });
    await expect(outbox.delivered("job-1")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await outbox.list("telegram")).toEqual([]);
    await unlink(join(folder, "job-1.json"));
    clock.now += 1;
    await outbox.put({ id: "job-1", address, content });
    expect(await outbox.list("telegram")).toMatchObject([{ id: "job-1", createdAt: 2 }]);
  });
});
