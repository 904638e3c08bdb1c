// Planning a job: the plan, what would undo it, and the way to the gateway are on disk, and no store was touched.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Job } from "../../../src/apply/job.ts";
import { storeTokens } from "../../../src/apply/parked.ts";
import { prepare, valuesOf } from "../../../src/apply/steps/prepare.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, runOf } from "./step-lab.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];

const text = (secret?: { expose(): string } | null) =>
  secret == null ? null : (JSON.parse(secret.expose()) as object);

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const plan = async (job: Job, services = w.services) => {
    const before = readFileSync(w.storePath, "utf8");
    const run = runOf(w, job);
    await prepare(run, services);
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    return run.job;
  };
  const edit = (change: (store: ReturnType<typeof w.readStore>) => void): void => {
    const store = w.readStore();
    change(store);
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  /** Gives another agent a store of its own. */
  const agent = (name: string, profiles: object): void => {
    const path = join(dirname(dirname(dirname(w.storePath))), name, "agent", "auth-profiles.json");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ version: 1, profiles }));
  };
  const valueOf = async (job: Job) => {
    const value = (await valuesOf(runOf(w, job), w.services)).get(w.storePath);
    return { next: text(value?.next), previous: text(value?.previous) };
  };
  const write = async (job: Job): Promise<void> => {
    const values = await valuesOf(runOf(w, job), w.services);
    for (const file of job.plan?.files ?? []) {
      const value = values.get(file.path);
      if (value !== undefined) await w.store.apply(file, value);
    }
  };
  return { w, plan, edit, agent, valueOf, write };
}

describe("a planned login", () => {
  it("has its plan in its journal, and its tokens beside it in the secret alone", async () => {
    const { w, plan, valueOf } = await setUp();
    const tokens = receivedTokens("carol");
    const job = await plan(await w.enqueue(tokens));
    expect(job).toMatchObject({
      state: "prepared",
      mode: "reload",
      order: { written: [CAROL, ALICE, BOB], wasImplicit: true },
      removedCopies: [],
      plan: { files: [{ path: w.storePath, before: null, orderBefore: null, orderAfter: [CAROL, ALICE, BOB] }] },
    });
    expect(await valueOf(job)).toMatchObject({ next: { refresh: tokens.refresh.expose() }, previous: null });
    expect((await w.queue.secrets.get(job.id))?.login).toEqual(storeTokens(tokens));
    expect(JSON.stringify(job)).not.toContain(tokens.refresh.expose());
    expect(w.gateway.calls).toEqual([]);
  });

  it("says nothing of an order that it leaves alone, and names the agents whose copy goes", async () => {
    const { w, plan, agent, edit } = await setUp();
    const carol = storedLogin("carol");
    edit((store) => (store.profiles[CAROL] = carol));
    agent("ops", { [CAROL]: carol });
    const job = await plan(await w.enqueue(receivedTokens("carol"), { makeFirst: false }));
    expect(job).not.toHaveProperty("order");
    expect(job.removedCopies).toEqual(["ops"]);
  });

  it("takes no copy away where the profile gets another name, for the copies get it too", async () => {
    const { w, plan, agent } = await setUp();
    agent("ops", { [BOB]: w.readStore().profiles[BOB] });
    const job = await plan(await enqueueChange(w, "rename-profile", { to: CAROL }));
    expect(job.plan?.files.map(({ agentId, role }) => [agentId, role])).toContainEqual(["ops", "copy"]);
    expect(job.removedCopies).toEqual([]);
  });

  it("is not planned where its tokens are gone", async () => {
    const { w, plan } = await setUp();
    const job = await w.enqueue(receivedTokens("carol"));
    await w.queue.secrets.remove(job.id);
    await expect(plan(job)).rejects.toMatchObject({ code: "ERR_JOB_SECRET_MISSING" });
    expect(await w.queue.get(job.id)).toMatchObject({ state: "queued" });
  });
});

describe("a change that changes nothing", () => {
  it("goes to its end with the reason, and has no plan", async () => {
    const { w, plan, edit } = await setUp();
    edit((store) => (store.order = { "openai-codex": [BOB, ALICE] }));
    const job = await plan(await enqueueChange(w, "order", { how: "first" }));
    expect(job).toMatchObject({ state: "verified", mode: "none", note: expect.any(String) as string });
    expect(job).not.toHaveProperty("plan");
  });
});

describe("the way to the gateway", () => {
  it.each([
    ["auto", "running", "reload"],
    ["restart", "running", "restart"],
    ["none", "running", "none"],
    ["restart", "stopped", "none"],
  ] as const)("of a job with `%s` and a gateway that is %s is %s", async (activation, state, mode) => {
    const { w, plan } = await setUp();
    w.gateway.state = state;
    expect(await plan(await enqueueChange(w, "order", { how: "first" }, { activation }))).toMatchObject({ mode });
  });

  it("inside the gateway is always its own update", async () => {
    const { w, plan } = await setUp();
    const services = { ...w.services, gateway: gatewayWith(w.gateway, { isInside: true }) };
    for (const activation of ["restart", "none"] as const) {
      const job = await enqueueChange(w, "order", { how: "first" }, { activation });
      expect(await plan(job, services)).toMatchObject({ mode: "reload" });
    }
  });

  it("is none where a restart is asked for and impossible, or the gateway cannot be told: then nothing is planned", async () => {
    const { w, plan } = await setUp();
    w.gateway.restartPossible = false;
    const job = await enqueueChange(w, "order", { how: "first" }, { activation: "restart" });
    await expect(plan(job)).rejects.toMatchObject({ code: "ERR_RESTART_IMPOSSIBLE" });
    w.gateway.state = "refused";
    await expect(plan({ ...job, activation: "auto" })).rejects.toMatchObject({ code: "ERR_GATEWAY_DISAGREES" });
    expect(await w.queue.get(job.id)).toMatchObject({ state: "queued" });
    expect((await w.queue.secrets.get(job.id))?.values).toBeUndefined();
  });

  it("does not keep a renewal that has come from being written", async () => {
    const { w, plan } = await setUp();
    w.gateway.state = "refused";
    const presented = fingerprint(String(w.readStore().profiles[ALICE]?.["refresh"]));
    const made = await enqueueChange(w, "renew-login", {}, { profileId: ALICE });
    await w.queue.secrets.put(made.id, { login: storeTokens(receivedTokens("alice")), presented });
    const job = await plan({ ...made, renewal: { presented, expiresAtMs: 9 } });
    expect(job).toMatchObject({ state: "prepared", mode: "reload", plan: { files: [{ path: w.storePath }] } });
  });
});

describe("a plan that is made once more", () => {
  it("keeps what was there before the first one, so that an undo puts that back", async () => {
    const { w, plan, valueOf, write, edit } = await setUp();
    const old = storedLogin("carol");
    edit((store) => (store.profiles[CAROL] = old));
    const first = await plan(await w.enqueue(receivedTokens("carol")));
    await write(first);
    const { refresh } = w.readStore().profiles[CAROL] ?? {};
    expect(refresh).not.toBe(old.refresh);
    const again = await plan({ ...first, state: "queued" });
    expect(again.plan?.files[0]).toMatchObject({ before: first.plan?.files[0]?.before, orderBefore: null });
    expect(await valueOf(again)).toMatchObject({ previous: { refresh: old.refresh }, next: { refresh } });
  });

  it("leaves an order to whoever has changed it since", async () => {
    const { w, plan, write, edit } = await setUp();
    const first = await plan(await w.enqueue(receivedTokens("carol")));
    await write(first);
    edit((store) => (store.order = { "openai-codex": [BOB, CAROL] }));
    const again = await plan({ ...first, state: "queued" });
    expect(again.plan?.files[0]).toMatchObject({ before: null, orderBefore: [BOB, CAROL] });
  });

  it("starts from today where nothing of the first was written, or somebody else's entry has come", async () => {
    const { w, plan, valueOf, write, edit } = await setUp();
    const first = await plan(await w.enqueue(receivedTokens("carol")));
    const theirs = storedLogin("carol");
    edit((store) => (store.profiles[CAROL] = theirs));
    const again = await plan({ ...first, state: "queued" });
    expect(again.plan?.files[0]?.before).not.toBe(first.plan?.files[0]?.before);
    expect(await valueOf(again)).toMatchObject({ previous: { refresh: theirs.refresh } });
    await write(again);
    const secret = await w.queue.secrets.get(first.id);
    const { values: _values, ...unplanned } = secret ?? {};
    await w.queue.secrets.put(first.id, unplanned);
    const third = await plan({ ...again, state: "queued" });
    expect(third.plan?.files[0]?.before).toBe(again.plan?.files[0]?.after);
  });

  it("is carried to its end as it was where it had begun", async () => {
    const { w, plan, write } = await setUp();
    const first = await plan(await enqueueChange(w, "order", { how: "first" }));
    await write(first);
    const again = await plan({ ...first, state: "queued", mode: "none" });
    expect(again).toMatchObject({ state: "prepared", mode: "reload", plan: first.plan, order: first.order });
  });
});
