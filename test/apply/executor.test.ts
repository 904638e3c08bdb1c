// The executor over a real store: what each way of a job through its states leaves behind.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const world = async () => applyWorld(await temporaryFolder());

describe("Executor", () => {
  it("saves a first login, puts it first, reloads, and proves it", async () => {
    const w = await world();
    const before = w.readStore();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens, {}, { email: "carol@example.com", planType: "plus" });

    expect(await w.drain()).toBe(1);

    const after = w.readStore();
    expect(after.profiles["openai-codex:carol"]).toMatchObject({
      type: "oauth",
      access: tokens.access.expose(),
      refresh: tokens.refresh.expose(),
      expires: tokens.expiresAtMs,
      email: "carol@example.com",
      accountId: "account-carol",
    });
    expect(after.order).toEqual({ "openai-codex": ["openai-codex:carol", "openai-codex:alice", "openai-codex:bob"] });
    const { "openai-codex:carol": _new, ...rest } = after.profiles;
    expect({ ...after, profiles: rest, order: undefined }).toEqual({ ...before, order: undefined });
    expect(w.gateway.calls).toEqual(["reload"]);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({
      outcome: "done",
      email: "carol@example.com",
      activation: { asked: "auto", used: "reload", proven: "listed-by-gateway" },
      order: { wasImplicit: true },
    });
    expect(await w.outbox.list("telegram")).toMatchObject([{ address: REQUESTED_BY, content: { receiptId: job.id } }]);
  });

  it("leaves no secret behind when a job has ended, and none in journal, receipt or outbox", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    await w.enqueue(tokens);
    await w.drain();
    const files = readdirSync(w.paths.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(3);
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name);
      const text = readFileSync(path, "utf8");
      expect(text, path).not.toContain(tokens.access.expose());
      expect(text, path).not.toContain(tokens.refresh.expose());
      expect(statSync(path).mode & 0o077, path).toBe(0);
    }
  });

  it("renews a profile in place, keeps unknown fields, and writes no order where none was asked for", async () => {
    const w = await world();
    const tokens = receivedTokens("alice");
    await w.enqueue(tokens, { profileId: "openai-codex:alice", makeFirst: false });
    await w.drain();
    const after = w.readStore();
    expect(after.profiles["openai-codex:alice"]).toMatchObject({
      refresh: tokens.refresh.expose(),
      note: "a field of somebody else",
    });
    expect(after.order).toBeUndefined();
  });

  it("restarts once for several jobs", async () => {
    const w = await world();
    await w.enqueue(receivedTokens("carol"), { activation: "restart" });
    await w.enqueue(receivedTokens("dave"), { activation: "restart", profileId: "openai-codex:dave" });
    expect(await w.drain()).toBe(2);
    expect(w.gateway.calls).toEqual(["restart"]);
    expect((await w.receipts.list()).map((receipt) => receipt.activation.used)).toEqual(["restart", "restart"]);
  });

  it("restarts where a reload fails and `auto` allows it, and rolls back where it does not", async () => {
    const w = await world();
    w.gateway.reloadFails = 1;
    const first = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(w.gateway.calls).toEqual(["reload", "restart"]);
    expect(await w.receipts.get(first.id)).toMatchObject({ outcome: "done", activation: { used: "restart" } });

    w.gateway.reloadFails = 1;
    const before = w.readStore();
    const second = await w.enqueue(receivedTokens("dave"), { activation: "reload", profileId: "openai-codex:dave" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.receipts.get(second.id)).toMatchObject({
      outcome: "rolled-back",
      problem: { code: "ERR_GATEWAY_RPC" },
    });
  });

  it("rolls back and keeps the login parked where the gateway does not come back", async () => {
    const w = await world();
    w.gateway.restartFails = 1;
    const before = w.readStore();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens, { activation: "restart" }, { email: "carol@example.com" });
    await w.drain();

    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["restart", "restart"]);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({
      outcome: "rolled-back",
      problem: { code: "ERR_GATEWAY_UNHEALTHY" },
      activation: { gatewayAfter: "running" },
    });
    const [parked] = await w.parked.list();
    expect(parked).toMatchObject({
      id: receipt?.parkedId,
      reason: "rolled-back",
      email: "carol@example.com",
      identity: { userId: "user-carol", accountId: "account-carol" },
    });
    expect((await w.parked.tokens(parked?.id ?? ""))?.refresh.expose()).toBe(tokens.refresh.expose());
    expect(await w.queue.secrets.get(job.id)).toBeUndefined();
  });

  it("puts the earlier login of a profile back, with its tokens", async () => {
    const w = await world();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    await w.enqueue(receivedTokens("mallory"), { activation: "restart", profileId: "openai-codex:alice" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
  });

  it("patches again where the gateway writes its old snapshot over the store", async () => {
    const w = await world();
    w.gateway.writesBack = 2;
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(w.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.gateway.calls).toEqual(["reload", "reload", "reload"]);
  });

  it("gives up after a bounded number of write-backs and parks the login", async () => {
    const w = await world();
    w.gateway.writesBack = 100;
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({
      outcome: "rolled-back",
      problem: { code: "ERR_STORE_CONFLICT" },
    });
    expect(await w.parked.list()).toHaveLength(1);
  });

  it("does not put a consumed token back where the gateway has renewed the new login meanwhile", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const renewed = storedLogin("carol", tokens.expiresAtMs + 60_000);
    const reload = w.gateway.reload.bind(w.gateway);
    w.gateway.reload = async () => {
      const store = w.readStore();
      store.profiles["openai-codex:carol"] = renewed;
      writeFileSync(w.storePath, JSON.stringify(store));
      return reload();
    };
    const job = await w.enqueue(tokens);
    await w.drain();
    expect(w.readStore().profiles["openai-codex:carol"]).toEqual(renewed);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });

  it("parks the login and leaves the store alone where it does not parse", async () => {
    const w = await world();
    writeFileSync(w.storePath, "{ damaged");
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe("{ damaged");
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_STORE_CORRUPT" } });
    expect(await w.parked.list()).toMatchObject([{ reason: "store-failed" }]);
    expect(w.gateway.calls).toEqual([]);
  });

  it("writes nothing where the gateway's signs do not agree, or a restart was asked for and is impossible", async () => {
    const w = await world();
    const before = readFileSync(w.storePath, "utf8");
    w.gateway.state = "refused";
    const first = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(await w.receipts.get(first.id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_GATEWAY_DISAGREES" },
    });

    w.gateway.state = "running";
    w.gateway.restartPossible = false;
    const second = await w.enqueue(receivedTokens("dave"), { activation: "restart" });
    await w.drain();
    expect(await w.receipts.get(second.id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_RESTART_IMPOSSIBLE" },
    });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
  });

  it("saves without any activation where no gateway runs, and says so", async () => {
    const w = await world();
    w.gateway.state = "stopped";
    const job = await w.enqueue(receivedTokens("carol"));
    await w.drain();
    expect(w.gateway.calls).toEqual([]);
    expect(await w.receipts.get(job.id)).toMatchObject({
      outcome: "done",
      activation: { used: "none", proven: "not-running" },
    });
  });

  it("gives a job up that was cancelled before it was written, and keeps its login", async () => {
    const w = await world();
    const before = readFileSync(w.storePath, "utf8");
    const job = await w.enqueue(receivedTokens("carol"));
    await w.queue.cancel(job.id);
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "cancelled" });
    expect(await w.parked.list()).toMatchObject([{ reason: "cancelled" }]);
  });

  it("gives up at once when cancelled while OpenClaw holds the store", async () => {
    const w = await world();
    const lock = join(dirname(w.storePath), "auth-profiles.json.lock");
    writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    const job = await w.enqueue(receivedTokens("carol"));
    const draining = w.drain();
    const waits = await w.queue.watch(
      job.id,
      (now) => {
        if (now.progress?.step === "waiting-for-store") w.queue.cancel(job.id).catch(() => undefined);
      },
      AbortSignal.timeout(15_000),
    );
    await draining;
    expect(waits.state).toBe("cancelled");
    expect(readFileSync(lock, "utf8")).toContain(String(process.pid));
  });
});
