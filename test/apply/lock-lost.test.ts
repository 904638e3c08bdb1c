// A lock that is lost only while the gateway is told: what is written and read already is looked at, not undone.

import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

describe("a store lock that is gone when the gateway has read the store", () => {
  it("costs nobody a login: the store is compared, and the job is done", async () => {
    const world = applyWorld(await temporaryFolder());
    const { gateway, storePath } = world;
    const reload = gateway.reload.bind(gateway);
    gateway.reload = () => {
      rmSync(`${storePath}.lock`);
      return reload();
    };
    const tokens = receivedTokens("carol");
    const job = await world.enqueue(tokens);
    await world.drain();
    expect(gateway.calls).toEqual(["reload"]);
    expect(await world.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(world.readStore().profiles["openai-codex:carol"]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await world.parked.list()).toEqual([]);
  });
});
