// Kills the executor, as a real process, before every single change of the disk; the next one must bring the job to the same end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import PQueue from "p-queue";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { assertBlocksNobody } from "../support/dead-lock.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const PEER = fileURLToPath(new URL("../support/executor-peer.mjs", import.meta.url));

interface Scenario {
  readonly title: string;
  /** Default: a login. */
  readonly kind?: "save-lease" | "remove-lease" | "order" | "remove-profile";
  readonly activation: "reload" | "restart";
  readonly profileId: string;
  readonly owner: string;
  readonly outcome: "done" | "rolled-back";
  /** Whether another agent holds a copy that has to go: two files in one job. */
  readonly withCopy?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: "a first login, by reload",
    activation: "reload",
    profileId: "openai-codex:carol",
    owner: "carol",
    outcome: "done",
  },
  {
    title: "a renewal in two stores, by restart",
    activation: "restart",
    profileId: "openai-codex:alice",
    owner: "alice",
    outcome: "done",
    withCopy: true,
  },
  {
    title: "a login whose restart fails",
    activation: "restart",
    profileId: "openai-codex:carol",
    owner: "carol",
    outcome: "rolled-back",
  },
  {
    title: "a leased credential, by reload",
    kind: "save-lease",
    activation: "reload",
    profileId: "openai-codex:lease",
    owner: "pool",
    outcome: "done",
  },
  {
    title: "the removal of a leased credential, by reload",
    kind: "remove-lease",
    activation: "reload",
    profileId: "openai-codex:lease",
    owner: "pool",
    outcome: "done",
  },
  {
    title: "a change of the order, by reload",
    kind: "order",
    activation: "reload",
    profileId: "openai-codex:bob",
    owner: "bob",
    outcome: "done",
  },
  {
    title: "the removal of a profile, by reload",
    kind: "remove-profile",
    activation: "reload",
    profileId: "openai-codex:bob",
    owner: "bob",
    outcome: "done",
  },
];

describe("an executor that is killed", () => {
  it.each(SCENARIOS)("ends $title the same way from every point", { timeout: 600_000 }, async (scenario) => {
    const whole = await prepare(scenario);
    const changes = Number((await run(whole.stateDir, 0)).output);
    expect(changes).toBeGreaterThan(20);
    await assertEnded(whole, scenario, false);

    const lane = new PQueue({ concurrency: 2 });
    await lane.addAll(
      Array.from({ length: changes }, (_, index) => index).map((index) => async () => {
        const world = await prepare(scenario);
        const died = await run(world.stateDir, index + 1);
        expect(died.signal, `point ${index + 1}`).toBe("SIGKILL");
        // The lock of the dead one is stale after a while; the clock of its folder is put back instead of waiting.
        const lock = join(world.paths.queue, "executor.json.lock");
        if (existsSync(lock)) utimesSync(lock, 0, 0);
        expect((await run(world.stateDir, 0)).code, `point ${index + 1}`).toBe(0);
        await assertEnded(world, scenario, true).catch(async (error: unknown) => {
          throw new Error(`point ${index + 1}: ${JSON.stringify((await world.queue.get(world.job.id))?.journal)}`, {
            cause: error,
          });
        });
      }),
    );
  });
});

async function prepare(scenario: Scenario) {
  const folder = await temporaryFolder();
  const world = applyWorld(folder);
  const stateDir = join(folder, ".openclaw");
  const copyPath = join(stateDir, "agents", "helper", "agent", "auth-profiles.json");
  if (scenario.withCopy === true) {
    mkdirSync(join(copyPath, ".."), { recursive: true });
    const copy = world.readStore().profiles["openai-codex:alice"];
    writeFileSync(
      copyPath,
      JSON.stringify({ version: 1, profiles: { "openai-codex:alice": copy, "openai-codex:own": storedLogin("own") } }),
    );
    writeFileSync(
      join(stateDir, "openclaw.json"),
      JSON.stringify({ agents: { list: [{ id: "main" }, { id: "helper" }] } }),
    );
  }
  if (scenario.kind === "remove-lease") {
    const store = world.readStore();
    store.profiles[scenario.profileId] = { type: "token", provider: "openai-codex", token: "t" };
    store.order = { "openai-codex": [scenario.profileId, "openai-codex:bob"] };
    writeFileSync(world.storePath, JSON.stringify(store));
  }
  if (scenario.kind === "order" || scenario.kind === "remove-profile") {
    const order = { "openai-codex": ["openai-codex:alice", "openai-codex:bob"] };
    writeFileSync(world.storePath, JSON.stringify({ ...world.readStore(), order }));
  }
  const neverHealthy = scenario.outcome === "rolled-back" ? scenario.profileId : undefined;
  writeFileSync(join(stateDir, "gateway-plan.json"), JSON.stringify({ neverHealthy }));
  writeFileSync(join(stateDir, "gateway-snapshot.json"), readFileSync(world.storePath));
  const before = world.readStore();
  const tokens = receivedTokens(scenario.owner);
  const { activation, profileId } = scenario;
  const credential = leased(scenario.owner);
  const job =
    scenario.kind === "save-lease"
      ? await enqueueLeased(world, credential, { activation })
      : scenario.kind === "remove-lease"
        ? await enqueueRemoval(world, { activation })
        : scenario.kind === "order"
          ? await enqueueChange(world, "order", { how: "first" }, { activation, profileId })
          : scenario.kind === "remove-profile"
            ? await enqueueChange(world, "remove-profile", {}, { activation, profileId })
            : await world.enqueue(tokens, { activation, profileId });
  return { ...world, credential, stateDir, copyPath, before, tokens, job };
}

async function assertEnded(
  world: Awaited<ReturnType<typeof prepare>>,
  scenario: Scenario,
  wasKilled: boolean,
): Promise<void> {
  const store = world.readStore();
  const isDone = scenario.outcome === "done";
  const entry = store.profiles[scenario.profileId];
  if (scenario.kind === "save-lease") expect(entry).toMatchObject({ token: world.credential.access.expose() });
  else if (scenario.kind === "remove-lease" || scenario.kind === "remove-profile") expect(entry).toBeUndefined();
  else if (scenario.kind === "order") expect(entry).toEqual(world.before.profiles[scenario.profileId]);
  else if (isDone) expect(entry?.["refresh"]).toBe(world.tokens.refresh.expose());
  else expect(entry).toEqual(world.before.profiles[scenario.profileId]);
  const others = ({ profiles, ...rest }: typeof store) => ({
    ...rest,
    order: undefined,
    profiles: { ...profiles, [scenario.profileId]: undefined },
  });
  expect(others(store)).toEqual(others(world.before));
  if (scenario.kind === "remove-profile") expect(store.order).toEqual({ "openai-codex": ["openai-codex:alice"] });
  else if (scenario.kind === "remove-lease") expect(store.order?.["openai-codex"]).toEqual(["openai-codex:bob"]);
  else if (isDone) expect(store.order?.["openai-codex"]?.[0]).toBe(scenario.profileId);
  else expect(store.order).toEqual(world.before.order);

  expect(await world.queue.open()).toEqual([]);
  const receipt = await world.receipts.get(world.job.id);
  expect(receipt).toMatchObject({ outcome: scenario.outcome });
  if (!wasKilled) expect(receipt?.interrupted).toBeUndefined();
  expect(await world.outbox.list("telegram")).toHaveLength(scenario.kind?.includes("lease") === true ? 0 : 1);

  const parked = await world.parked.list();
  // What a removal took out is kept, once.
  expect(parked).toHaveLength(isDone && scenario.kind !== "remove-profile" ? 0 : 1);
  if (scenario.kind === "remove-profile")
    expect((await world.parked.tokens(parked[0]?.id ?? ""))?.refresh.expose()).toBe(
      world.before.profiles[scenario.profileId]?.["refresh"],
    );
  if (!isDone)
    expect((await world.parked.tokens(parked[0]?.id ?? ""))?.refresh.expose()).toBe(world.tokens.refresh.expose());
  // What the gateway has read is what the store holds, and nothing blocks OpenClaw.
  expect(readFileSync(join(world.stateDir, "gateway-snapshot.json"), "utf8")).toBe(
    readFileSync(world.storePath, "utf8"),
  );
  assertBlocksNobody(world.storePath);
  expect(readdirSync(join(world.storePath, ".."))).toEqual(["auth-profiles.json"]);
  const secrets = readdirSync(join(world.paths.queue, "secrets"));
  expect(secrets).toEqual([]);
  if (scenario.withCopy === true) {
    const copy = JSON.parse(readFileSync(world.copyPath, "utf8")) as { profiles: object };
    expect(Object.keys(copy.profiles)).toEqual(["openai-codex:own"]);
    assertBlocksNobody(world.copyPath);
  }
}

async function run(
  stateDir: string,
  point: number,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  const child = spawn(process.execPath, [PEER, stateDir, String(point)], { stdio: ["ignore", "pipe", "inherit"] });
  const [output, [code, signal]] = await Promise.all([
    text(child.stdout),
    once(child, "exit") as Promise<[number | null, string | null]>,
  ]);
  return { code, signal, output };
}
