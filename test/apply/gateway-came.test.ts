// A gateway that was stopped when a job was prepared, and runs when its file is written or after: it must hear of the change.

import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A world whose gateway is stopped, with one login to be saved; the gateway starts when the job reaches `state`. */
async function comingAt(state: "prepared" | "written" | "activated", activation: "auto" | "restart" | "none" = "auto") {
  const w = applyWorld(await temporaryFolder());
  w.gateway.state = "stopped";
  const job = await w.enqueue(receivedTokens("carol"), { activation });
  const save = w.queue.save.bind(w.queue);
  w.queue.save = async (next) => {
    await save(next);
    if (next.state === state) w.gateway.state = "running";
  };
  return { ...w, job };
}

describe("a gateway that starts meanwhile", () => {
  it("is reloaded under the lock where it came before the file was written", async () => {
    const w = await comingAt("prepared");
    await w.drain();
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({
      outcome: "done",
      activation: { used: "reload", proven: "listed-by-gateway" },
    });
  });

  it("is reloaded where it came after the file was written, once", async () => {
    const w = await comingAt("activated");
    await w.drain();
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({
      outcome: "done",
      activation: { used: "reload", proven: "listed-by-gateway" },
    });
  });

  it("gets the change back that its old snapshot was written over", async () => {
    const w = await comingAt("activated");
    const before = JSON.stringify(w.readStore());
    const save = w.queue.save;
    w.queue.save = async (next) => {
      await save(next);
      if (next.state === "activated" && next.repairs === 0 && next.mode === "none") writeFileSync(w.storePath, before);
    };
    await w.drain();
    expect(w.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expect(await w.receipts.get(w.job.id)).toMatchObject({ outcome: "done", activation: { used: "reload" } });
  });

  it.each(["prepared", "activated"] as const)("is restarted where that was asked for (it came at `%s`)", async (at) => {
    const w = await comingAt(at, "restart");
    await w.drain();
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({ outcome: "done", activation: { used: "restart" } });
  });

  it("is not restarted again where it has started after the write", async () => {
    const w = await comingAt("activated", "restart");
    w.gateway.listsProfiles = false;
    w.gateway.health = () => Promise.resolve({ live: true, ready: true, uptimeMs: -1, failing: [] });
    await w.drain();
    expect(w.gateway.calls).toEqual([]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({ outcome: "done", activation: { proven: "restarted" } });
  });

  it("is left alone where nothing was to be done about it", async () => {
    const w = await comingAt("prepared", "none");
    await w.drain();
    expect(w.gateway.calls).toEqual([]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({ outcome: "done", activation: { proven: "unproven" } });
  });

  it("is reloaded after an undo too, which it may have read the change before", async () => {
    const w = await comingAt("prepared", "auto");
    const before = w.readStore();
    w.gateway.reloadFails = 1;
    w.gateway.restartPossible = false;
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["reload", "reload"]);
    expect(await w.receipts.get(w.job.id)).toMatchObject({ outcome: "rolled-back" });
  });
});
