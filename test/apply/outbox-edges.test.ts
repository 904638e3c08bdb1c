// The outbox at its edges: in which order, how long, and what delivering one message leaves behind.

import { existsSync } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outbox, personPart, type OutboxMessage } from "../../src/apply/outbox.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;
const address = { host: "telegram", chatId: "1", personId: "1" };
const receipt = (id: string) => ({ id, address, content: { kind: "receipt", receiptId: id } }) as const;
const question = (id: string) => ({ id, address, content: { kind: "approval", parkedId: "p-1" } }) as const;

async function setUp() {
  const folder = join(await temporaryFolder(), "outbox");
  const clock = { now: 1 };
  return { folder, clock, outbox: new Outbox({ folder, now: () => clock.now }) };
}

describe("a person's id in the name of a message", () => {
  it.each(["4242", "a", "z9".repeat(16)])("is itself where it is short and plain: %s", (id) => {
    expect(personPart(id)).toBe(id);
  });

  it.each(["telegram:4242", "A", "", "a".repeat(33), "a b", "../x", "é"])(
    "is a short print of it where it is not: %s",
    (id) => {
      expect(personPart(id)).toMatch(/^[0-9a-f]{16}$/);
      expect(personPart(id)).toBe(personPart(id));
      expect(personPart(id)).not.toBe(personPart(`${id}!`));
    },
  );
});

describe("Outbox.list", () => {
  it("gives a host's messages as they were put, oldest first", async () => {
    const { clock, outbox } = await setUp();
    for (const [id, at] of [
      ["m-c", 2],
      ["m-a", 3],
      ["m-b", 1],
    ] as const) {
      clock.now = at;
      await outbox.put(question(id));
    }
    expect(await outbox.list("telegram")).toEqual<OutboxMessage[]>([
      { ...question("m-b"), schemaVersion: 1, createdAt: 1 },
      { ...question("m-c"), schemaVersion: 1, createdAt: 2 },
      { ...question("m-a"), schemaVersion: 1, createdAt: 3 },
    ]);
  });

  it("removes what is too old, whosever it is, and keeps what is just as old as may be", async () => {
    const { folder, clock, outbox } = await setUp();
    await outbox.put(question("m-1"));
    clock.now = 2;
    await outbox.put(question("m-2"));
    clock.now = 2 + APPLY.outboxTtlMs;
    expect(await outbox.list("terminal")).toEqual([]);
    expect(existsSync(join(folder, "m-1.json"))).toBe(false);
    expect((await outbox.list("telegram")).map(({ id }) => id)).toEqual(["m-2"]);
  });
});

describe("Outbox.delivered", () => {
  it("notes that a receipt was told, and nothing of a question or of a message that is gone", async () => {
    const { folder, outbox } = await setUp();
    await outbox.put(receipt("job-1"));
    await outbox.put(question("q-1"));
    for (const id of ["job-1", "q-1", "m-gone"]) await outbox.delivered(id);
    expect(await readdir(join(folder, "told"))).toEqual(["job-1.json"]);
    expect(await outbox.list("telegram")).toEqual([]);
  });
});

describe("Outbox.sweep", () => {
  it("keeps the note of a receipt as long as its message could come again, and forgets it after", async () => {
    const { folder, clock, outbox } = await setUp();
    await outbox.put(receipt("job-1"));
    await outbox.delivered("job-1");
    clock.now += APPLY.outboxTtlMs;
    await outbox.sweep();
    expect(await readdir(join(folder, "told"))).toEqual(["job-1.json"]);
    clock.now += 1;
    await outbox.sweep();
    expect(await readdir(join(folder, "told"))).toEqual([]);
  });

  it("removes what killed writers left, of messages and of notes, and no message", async () => {
    const { folder, outbox } = await setUp();
    await outbox.put(receipt("job-1"));
    await outbox.delivered("job-1");
    await outbox.put(question("q-1"));
    const leftover = `.x.json.${DEAD}-0123456789ab.tmp`;
    for (const place of [folder, join(folder, "told")]) await writeFile(join(place, leftover), "{");
    await outbox.sweep();
    expect((await readdir(folder)).toSorted()).toEqual(["q-1.json", "told"]);
    expect(await readdir(join(folder, "told"))).toEqual(["job-1.json"]);
  });
});

describe("Outbox.watch", () => {
  it("makes the folder that it looks at, private, and hands over what comes into it later", async () => {
    const { folder, outbox } = await setUp();
    const stop = new AbortController();
    const told: string[] = [];
    const watching = outbox.watch(
      "telegram",
      (message) => {
        told.push(message.id);
        if (told.length === 2) stop.abort();
        return Promise.resolve(true);
      },
      stop.signal,
    );
    await outbox.put(question("m-1"));
    await outbox.put(receipt("job-1"));
    await watching;
    expect(told.toSorted()).toEqual(["job-1", "m-1"]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await outbox.list("telegram")).toEqual([]);
  });

  it("begins no further delivery once it is to end, and finishes the one under way", async () => {
    const { clock, outbox } = await setUp();
    for (const id of ["m-1", "m-2"]) {
      clock.now += 1;
      await outbox.put(question(id));
    }
    const stop = new AbortController();
    const told: string[] = [];
    const deliver = (message: OutboxMessage): Promise<boolean> => {
      told.push(message.id);
      stop.abort();
      return Promise.resolve(true);
    };
    await outbox.watch("telegram", deliver, stop.signal);
    expect(told).toEqual(["m-1"]);
    expect((await outbox.list("telegram")).map(({ id }) => id)).toEqual(["m-2"]);
  });
});
