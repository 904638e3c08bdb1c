// An undo: the newest first, what is not ours any more stays, and what is said of it is what is really in the store.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JobRun } from "../../../src/apply/job-run.ts";
import type { Job, JobPatch } from "../../../src/apply/job.ts";
import type { ExecutorServices } from "../../../src/apply/services.ts";
import { prepare, valuesOf } from "../../../src/apply/steps/prepare.ts";
import { rollBack } from "../../../src/apply/steps/roll-back.ts";
import { againId } from "../../../src/apply/steps/settle.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, planOf, runOf } from "./step-lab.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];
const problem = { code: "ERR_GATEWAY_UNHEALTHY", message: "It is not ready.", next: "Look." };

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const before = w.readStore();
  /** `job` as it stands when it is to be undone: planned, written, not told. */
  const written = async (job: Job, patch: JobPatch = {}): Promise<JobRun> => {
    const run = runOf(w, job);
    await prepare(run, w.services);
    const values = await valuesOf(run, w.services);
    for (const file of run.job.plan?.files ?? []) {
      const value = values.get(file.path);
      if (value !== undefined) await w.store.apply(file, value);
    }
    await run.advance("written");
    await run.advance("rolling-back", { problem, ...patch });
    return run;
  };
  const edit = (change: (store: ReturnType<typeof w.readStore>) => void): void => {
    const store = w.readStore();
    change(store);
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  const receiptOf = (run: JobRun) => w.receipts.get(run.job.id);
  const withGateway = (answers: Partial<Gateway>): ExecutorServices => ({
    ...w.services,
    gateway: gatewayWith(w.gateway, answers),
  });
  return { w, before, written, edit, receiptOf, withGateway, order: () => w.readStore().order?.["openai-codex"] };
}

describe("an undo", () => {
  it("puts back what was there, has the gateway read it under the lock, and keeps a login that is not stored any more", async () => {
    const { w, before, written, receiptOf } = await setUp();
    const run = await written(await w.enqueue(receivedTokens("carol")));
    await rollBack([run], w.services);
    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(run.job).toMatchObject({
      state: "rolled-back",
      gatewayAfter: "running",
      progress: { step: "rolling-back" },
      problem,
    });
    expect(await receiptOf(run)).toMatchObject({ outcome: "rolled-back", problem, parkedId: againId(run.job) });
    expect(await w.parked.list()).toMatchObject([{ reason: "rolled-back", problem }]);
  });

  it("of several jobs takes the newest back first, since that one saw the older as what was there", async () => {
    const { w, before, written } = await setUp();
    const first = await written(await enqueueChange(w, "order", { how: "first" }));
    const second = await written(await enqueueChange(w, "order", { how: "only" }, { profileId: ALICE }));
    await rollBack([first, second], w.services);
    expect(w.readStore()).toEqual(before);
    expect([first.job.state, second.job.state]).toEqual(["rolled-back", "rolled-back"]);
  });

  it("is told by one restart where any of the jobs was to be, and by none else", async () => {
    const { w, written } = await setUp();
    const restart = await written(await enqueueChange(w, "order", { how: "first" }), { mode: "restart" });
    const silent = await written(await enqueueChange(w, "order", { how: "only" }, { activation: "none" }));
    await rollBack([restart, silent], w.services);
    expect(w.gateway.calls).toEqual(["restart"]);
  });

  it("is shown by its own restart, whatever an earlier one had shown", async () => {
    const { w, written, receiptOf, withGateway } = await setUp();
    const undone = async (services: ExecutorServices, patch: JobPatch = {}) => {
      const change = await enqueueChange(w, "order", { how: "first" });
      const run = await written(change, { mode: "restart", proven: "restarted", healthyAfterMs: 4_321, ...patch });
      await rollBack([run], services);
      return (await receiptOf(run))?.activation;
    };
    const again = await undone(w.services);
    expect(again).toMatchObject({ proven: "restarted", gatewayAfter: "running" });
    expect(again?.healthyAfterMs).not.toBe(4_321);
    expect(again).not.toHaveProperty("isRestartOwed");
    const fails = withGateway({ restart: () => Promise.reject(new Error("it did not come back")) });
    expect(await undone(fails)).toMatchObject({ proven: "unproven", gatewayAfter: "running", isRestartOwed: true });
    const toRestart = await written(await enqueueChange(w, "order", { how: "first" }), { mode: "restart" });
    const beside = await written(await enqueueChange(w, "order", { how: "only" }, { profileId: ALICE }));
    await rollBack([toRestart, beside], fails);
    expect((await receiptOf(toRestart))?.activation).toMatchObject({ proven: "unproven", isRestartOwed: true });
    expect((await receiptOf(beside))?.activation).toMatchObject({ used: "reload", proven: "unproven" });
    expect((await receiptOf(beside))?.activation).not.toHaveProperty("isRestartOwed");
    // An executor that was killed after its own restart had failed.
    const resumed = await undone(w.services, { proven: "unproven", isRestartOwed: true });
    expect(resumed).toMatchObject({ proven: "restarted" });
    expect(resumed).not.toHaveProperty("isRestartOwed");
    w.gateway.state = "stopped";
    const stopped = await undone(w.services, { isRestartOwed: true });
    expect(stopped).toMatchObject({ proven: "not-running", gatewayAfter: "stopped" });
    expect(stopped).not.toHaveProperty("isRestartOwed");
  });

  it("owes no restart where it is not known to be in the store: that could put into use what is parked", async () => {
    const { w, written, receiptOf, withGateway } = await setUp();
    const run = await written(await w.enqueue(receivedTokens("carol")), { mode: "restart" });
    const fails = withGateway({ restart: () => Promise.reject(new Error("it did not come back")) });
    writeFileSync(w.storePath, "{");
    await rollBack([run], fails);
    const receipt = await receiptOf(run);
    expect(receipt).toMatchObject({ outcome: "rolled-back", activation: { proven: "unproven" } });
    expect(receipt?.activation).not.toHaveProperty("isRestartOwed");
  });

  it("that was begun outside is reloaded, and never restarted, where the plugin inside the gateway takes it over", async () => {
    const { w, before, written, receiptOf, withGateway } = await setUp();
    const run = await written(await w.enqueue(receivedTokens("carol")), { mode: "restart" });
    await rollBack([run], withGateway({ isInside: true }));
    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["reload"]);
    const receipt = await receiptOf(run);
    expect(receipt).toMatchObject({ outcome: "rolled-back", activation: { used: "reload" } });
    expect(receipt?.activation).not.toHaveProperty("isRestartOwed");
  });

  it("is told to nobody where nothing was to be done", async () => {
    const { w, written } = await setUp();
    const silent = await written(await enqueueChange(w, "order", { how: "only" }, { activation: "none" }));
    await rollBack([silent], w.services);
    expect(w.gateway.calls).toEqual([]);
  });

  it("is told to a gateway that has come since, and says how it was left where none runs", async () => {
    const { w, written, receiptOf } = await setUp();
    const came = await written(await enqueueChange(w, "order", { how: "first" }), { mode: "none" });
    await rollBack([came], w.services);
    expect(w.gateway.calls).toEqual(["reload"]);
    const gone = await written(await enqueueChange(w, "order", { how: "first" }), { mode: "reload" });
    w.gateway.state = "stopped";
    await rollBack([gone], w.services);
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await receiptOf(gone)).toMatchObject({ outcome: "rolled-back", activation: { gatewayAfter: "stopped" } });
    // One that cannot be told apart may well run: nobody is sent to start a second one.
    w.gateway.state = "running";
    const unclear = await written(await w.enqueue(receivedTokens("carol")), { mode: "restart" });
    w.gateway.state = "refused";
    await rollBack([unclear], w.services);
    const receipt = await receiptOf(unclear);
    expect(receipt).toMatchObject({ outcome: "rolled-back" });
    expect(receipt?.activation).not.toHaveProperty("gatewayAfter");
  });

  it("is told once where there was nothing left to undo in the file", async () => {
    const { w, written, edit, receiptOf } = await setUp();
    const run = await written(await w.enqueue(receivedTokens("carol")));
    const theirs = storedLogin("dave");
    edit((store) => (store.profiles[CAROL] = theirs));
    await rollBack([run], w.services);
    expect(w.readStore().profiles[CAROL]).toEqual(theirs);
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await receiptOf(run)).toMatchObject({ outcome: "rolled-back", parkedId: againId(run.job) });
  });
});

describe("the gateway of an undo", () => {
  it("reads what was put back while the lock is held: in between it could write its memory over it", async () => {
    const { w, written, withGateway } = await setUp();
    const run = await written(await w.enqueue(receivedTokens("carol")));
    const seen: boolean[] = [];
    const reload: Gateway["reload"] = (_to, signal) => {
      seen.push(existsSync(`${w.storePath}.lock`), signal !== undefined);
      return w.gateway.reload();
    };
    await rollBack([run], withGateway({ reload }));
    expect(seen).toEqual([true, true]);
  });

  it("reads it once, after the last of several files", async () => {
    const { w, before, written } = await setUp();
    const other = join(dirname(dirname(dirname(w.storePath))), "ops", "agent", "auth-profiles.json");
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, JSON.stringify({ version: 1, profiles: { [BOB]: before.profiles[BOB] } }));
    const run = await written(await enqueueChange(w, "rename-profile", { to: CAROL }));
    expect(run.job.plan?.files).toHaveLength(2);
    expect(readFileSync(other, "utf8")).toContain(CAROL);
    await rollBack([run], w.services);
    expect(w.readStore()).toEqual(before);
    expect(readFileSync(other, "utf8")).not.toContain(CAROL);
    expect(w.gateway.calls).toEqual(["reload"]);
  });
});

describe("an undo that does not take back everything", () => {
  it("says that the login is stored where it still is, and keeps no second copy of it", async () => {
    const { w, written, receiptOf, withGateway } = await setUp();
    const tokens = receivedTokens("carol");
    const run = await written(await w.enqueue(tokens));
    const store = Object.assign(Object.create(w.store) as typeof w.store, {
      check: w.store.check.bind(w.store),
      readCredential: w.store.readCredential.bind(w.store),
      undo: () => Promise.reject(new Error("no")),
    });
    await rollBack([run], { ...withGateway({}), store });
    expect(w.readStore().profiles[CAROL]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await receiptOf(run)).toMatchObject({ outcome: "done", problem: { code: "ERR_INTERNAL" } });
    expect(await w.parked.list()).toEqual([]);
  });

  it("says so too where the gateway has renewed the login meanwhile, or its entry looks different", async () => {
    for (const entry of [storedLogin("carol", Date.now() + 30 * 86_400_000), undefined]) {
      const { w, written, edit, receiptOf } = await setUp();
      const run = await written(await w.enqueue(receivedTokens("carol")));
      edit((store) => (store.profiles[CAROL] = entry ?? { ...store.profiles[CAROL], note: "new" }));
      await rollBack([run], w.services);
      expect(await receiptOf(run)).toMatchObject({ outcome: "done", problem });
      expect(await w.parked.list()).toEqual([]);
    }
  });

  it("of a leased credential says whether it is still stored", async () => {
    const { w, written, receiptOf, edit } = await setUp();
    const standing = await written(await enqueueLeased(w, leased("pool")));
    await w.queue.secrets.put(standing.job.id, { values: {} });
    await rollBack([standing], w.services);
    expect(await receiptOf(standing)).toMatchObject({ outcome: "done", problem });
    const { profileId } = standing.job;
    edit((store) => delete store.profiles[profileId]);
    const gone = await written(await enqueueLeased(w, leased("pool")));
    await rollBack([gone], w.services);
    expect(w.readStore().profiles[profileId]).toBeUndefined();
    expect(await receiptOf(gone)).toMatchObject({ outcome: "rolled-back" });
    // Nothing of it was to change, so nothing of it stands.
    const idle = gone.job.plan?.files.map((file) => ({ ...file, before: file.after })) ?? [];
    const unchanged = runOf(w, { ...gone.job, plan: planOf(idle), state: "rolling-back" });
    edit((store) => (store.profiles[profileId] = { type: "token" }));
    await rollBack([unchanged], w.services);
    expect(await receiptOf(unchanged)).toMatchObject({ outcome: "rolled-back" });
  });

  it("of a change says that it stands where one of its files still holds it", async () => {
    const { w, written, receiptOf, order } = await setUp();
    const run = await written(await enqueueChange(w, "order", { how: "first" }));
    await w.queue.secrets.put(run.job.id, { values: {} });
    await rollBack([run], w.services);
    expect(order()).toEqual([BOB, ALICE]);
    expect(await receiptOf(run)).toMatchObject({ outcome: "done", problem });
  });

  it("keeps a removed login where nobody can tell whether it is back", async () => {
    const { w, written, receiptOf } = await setUp();
    const run = await written(await enqueueChange(w, "remove-profile", {}));
    const login = await written(await w.enqueue(receivedTokens("carol")));
    writeFileSync(w.storePath, "{");
    await rollBack([run, login], w.services);
    const receipt = await receiptOf(run);
    expect(receipt).toMatchObject({ outcome: "rolled-back", parkedId: expect.any(String) as string });
    expect((await w.parked.list()).map(({ reason }) => reason).toSorted()).toEqual(["removed", "rolled-back"]);
    expect(receipt?.problem?.code).not.toBe(problem.code);
  });

  it("keeps nothing of a removed login that is back", async () => {
    const { w, before, written, receiptOf } = await setUp();
    const run = await written(await enqueueChange(w, "remove-profile", {}));
    await rollBack([run], w.services);
    expect(w.readStore()).toEqual(before);
    expect(await receiptOf(run)).not.toHaveProperty("parkedId");
    expect(await w.parked.list()).toEqual([]);
  });

  it("gives the failure of the undo itself as the reason, and a job without one has none", async () => {
    const { w, written, receiptOf, withGateway } = await setUp();
    const failing = await written(await enqueueChange(w, "order", { how: "first" }));
    await rollBack([failing], withGateway({ reload: () => Promise.reject(new Error("no")) }));
    expect(await receiptOf(failing)).toMatchObject({ outcome: "rolled-back", problem: { code: "ERR_INTERNAL" } });
    const quiet = await written(await enqueueChange(w, "order", { how: "only" }), { problem: undefined });
    await rollBack([quiet], w.services);
    expect(await receiptOf(quiet)).not.toHaveProperty("problem");
  });
});

describe("a renewal", () => {
  it("is never taken back: what it replaced is spent", async () => {
    const { w, receiptOf } = await setUp();
    const job = { ...(await enqueueChange(w, "renew-login", {})), state: "rolling-back", problem } as Job;
    const run = runOf(w, job);
    await rollBack([run], w.services);
    expect(w.gateway.calls).toEqual([]);
    expect(await receiptOf(run)).toMatchObject({ outcome: "rolled-back", problem });
  });

  it("owes no restart: the gateway would only read the spent token again", async () => {
    const { w, receiptOf, withGateway } = await setUp();
    const made = await enqueueChange(w, "renew-login", {});
    const run = runOf(w, { ...made, state: "rolling-back", mode: "restart", problem });
    await rollBack([run], withGateway({ restart: () => Promise.reject(new Error("it did not come back")) }));
    const receipt = await receiptOf(run);
    expect(receipt).toMatchObject({ outcome: "rolled-back", activation: { used: "restart", proven: "unproven" } });
    expect(receipt?.activation).not.toHaveProperty("isRestartOwed");
  });
});
