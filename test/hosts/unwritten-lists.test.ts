import { describe, expect, it } from "vitest";
import type { Asker } from "../../src/chat/conversation.ts";
import { CHAT } from "../../src/config/defaults.ts";
import { UnwrittenLists } from "../../src/hosts/unwritten-lists.ts";

const asker: Asker = { host: "cli", botId: "cli", personId: "1", chatId: "cli", private: true, hasButtons: false };

describe("UnwrittenLists", () => {
  it("knows what was shown for as long as the process and the list last, and has no file to keep it in", async () => {
    let now = 1_000;
    const lists = new UnwrittenLists(() => now);
    await expect(lists.pick(asker, "parked", 1)).rejects.toMatchObject({ code: "ERR_LIST_EXPIRED" });
    await lists.show(asker, { kind: "parked", agentId: "main", entries: ["p-1", "p-2"] });
    expect(await lists.pick(asker, "parked", 2)).toEqual({ agentId: "main", entry: "p-2" });
    await expect(lists.pick(asker, "profiles", 1)).rejects.toMatchObject({ code: "ERR_LIST_EXPIRED" });
    expect(await lists.hasPreviewed(asker, "ref")).toBe(false);
    await lists.previewed(asker, "ref");
    expect(await lists.hasPreviewed(asker, "ref")).toBe(true);
    expect(await lists.hasPreviewed(asker, "other")).toBe(false);
    now += CHAT.listTtlMs;
    expect(await lists.current()).toBeUndefined();
    expect(await lists.hasPreviewed(asker, "ref")).toBe(false);
  });
});
