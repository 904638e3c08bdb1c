// Several jobs at once, and jobs that meet somebody else's change: what a review found by running it, kept as tests.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const world = async () => applyWorld(await temporaryFolder());
const CAROL = { profileId: "openai-codex:carol", activation: "restart" } as const;
const DAVE = { profileId: "openai-codex:dave", activation: "restart" } as const;

describe("jobs that share a restart", () => {
  it("are both done, with both in the order, after one restart", async () => {
    const w = await world();
    const carol = await w.enqueue(receivedTokens("carol"), CAROL);
    const dave = await w.enqueue(receivedTokens("dave"), DAVE);
    await w.drain();
    expect(w.gateway.calls).toEqual(["restart"]);
    for (const { id } of [carol, dave]) expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().order?.["openai-codex"]?.toSorted()).toEqual([
      "openai-codex:alice",
      "openai-codex:bob",
      "openai-codex:carol",
      "openai-codex:dave",
    ]);
    expect(await w.parked.list()).toEqual([]);
  });

  it("are both undone where it fails, the newest first, with one more restart", async () => {
    const w = await world();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    const carol = await w.enqueue(receivedTokens("carol"), CAROL);
    const dave = await w.enqueue(receivedTokens("dave"), DAVE);
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["restart", "restart"]);
    for (const { id } of [carol, dave]) expect(await w.receipts.get(id)).toMatchObject({ outcome: "rolled-back" });
    expect((await w.parked.list()).map(({ profileId }) => profileId).toSorted()).toEqual([
      CAROL.profileId,
      DAVE.profileId,
    ]);
  });

  it("of one profile give its first login back where it fails", async () => {
    const w = await world();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    await w.enqueue(receivedTokens("alice"), { profileId: "openai-codex:alice", activation: "restart" });
    await w.enqueue(receivedTokens("alice"), { profileId: "openai-codex:alice", activation: "restart" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.parked.list()).toHaveLength(2);
  });
});

describe("two decisions about one profile", () => {
  it("do not let the second login replace the first unseen: it is parked and asked about again", async () => {
    const w = await world();
    const first = receivedTokens("carol");
    const carol = await w.enqueue(first, { profileId: "openai-codex:new", previewed: "none" });
    const dave = await w.enqueue(receivedTokens("dave"), { profileId: "openai-codex:new", previewed: "none" });
    await w.drain();
    expect(await w.receipts.get(carol.id)).toMatchObject({ outcome: "done" });
    expect(await w.receipts.get(dave.id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_IDENTITY_CHANGED" },
    });
    expect(w.readStore().profiles["openai-codex:new"]).toMatchObject({ refresh: first.refresh.expose() });
    expect(await w.parked.list()).toHaveLength(1);
  });
});

describe("a job", () => {
  it("is not undone because the gateway will not say what it has", async () => {
    const w = await world();
    w.gateway.profiles = () =>
      Promise.reject(new CodexAuthError("ERR_GATEWAY_AUTH", { message: "No.", next: "Nothing." }));
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done", activation: { proven: "reloaded" } });
  });

  it("that was interrupted never puts its tokens over what the gateway has renewed since", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    // Killed right after the store was written: the journal says `written`, then the gateway used the login.
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (next) => {
      if (next.state === "activated")
        throw new CodexAuthError("ERR_EXECUTOR_FENCED", { message: "Killed.", next: "Nothing." });
      await save(next);
    };
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    const renewed = storedLogin("carol", tokens.expiresAtMs + 60_000);
    const store = w.readStore();
    store.profiles["openai-codex:carol"] = renewed;
    writeFileSync(w.storePath, JSON.stringify(store));

    await w.drain();

    expect(w.readStore().profiles["openai-codex:carol"]).toEqual(renewed);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done", interrupted: true });
    expect(await w.parked.list()).toEqual([]);
  });

  it("cannot be given up any more once its file is written, whatever was asked meanwhile", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (next) => {
      if (next.state === "written")
        throw new CodexAuthError("ERR_EXECUTOR_FENCED", { message: "Killed.", next: "Nothing." });
      await save(next);
    };
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    await w.queue.cancel(job.id);
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles["openai-codex:carol"]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await w.parked.list()).toEqual([]);
  });

  it("whose store breaks after its plan ends with its login kept, and does not hold the next one up", async () => {
    const w = await world();
    const carol = await w.enqueue(receivedTokens("carol"));
    const save = w.queue.save.bind(w.queue);
    const whole = readFileSync(w.storePath, "utf8");
    w.queue.save = async (next) => {
      await save(next);
      if (next.state === "prepared" && next.id === carol.id) writeFileSync(w.storePath, "{ damaged");
    };
    await w.drain();
    expect(await w.receipts.get(carol.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_STORE_CORRUPT" } });
    expect(readFileSync(w.storePath, "utf8")).toBe("{ damaged");
    writeFileSync(w.storePath, whole);
    const dave = await w.enqueue(receivedTokens("dave"), { profileId: "openai-codex:dave" });
    await w.drain();
    expect(await w.receipts.get(dave.id)).toMatchObject({ outcome: "done" });
  });
});
