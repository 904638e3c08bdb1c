// Which updates are confirmed: never one that is still being handled.

import { describe, expect, it } from "vitest";
import { UpdateOffset } from "../../../src/hosts/telegram/update-offset.ts";

describe("UpdateOffset", () => {
  it("confirms nothing before the first update", () => {
    expect(new UpdateOffset().offset).toBeUndefined();
  });

  it("stays at the oldest update that is under way, also when later ones are done", () => {
    const offset = new UpdateOffset();
    for (const id of [10, 11, 12]) offset.begin(id);
    offset.end(12);
    offset.end(11);
    expect(offset.offset).toBe(10);
    offset.end(10);
    expect(offset.offset).toBe(13);
  });

  it("takes an update on once, while it is under way and afterwards", () => {
    const offset = new UpdateOffset();
    expect(offset.begin(10)).toBe(true);
    expect(offset.begin(10)).toBe(false);
    offset.end(10);
    expect(offset.begin(10)).toBe(false);
  });

  it("goes on below its offset after a week of silence, when Telegram chooses a lower number", () => {
    const offset = new UpdateOffset();
    offset.begin(900_000);
    offset.end(900_000);
    expect(offset.begin(5)).toBe(true);
    offset.end(5);
    expect(offset.offset).toBe(6);
  });

  it("tells when nothing is under way", async () => {
    const offset = new UpdateOffset();
    await offset.idle();
    offset.begin(1);
    let isIdle = false;
    const idle = offset.idle().then(() => (isIdle = true));
    offset.begin(2);
    offset.end(1);
    await Promise.resolve();
    expect(isIdle).toBe(false);
    offset.end(2);
    await idle;
    expect(isIdle).toBe(true);
  });
});
