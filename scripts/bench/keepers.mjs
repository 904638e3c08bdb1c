// 200 keepers for ten hours of a virtual clock: real keeper, policy and contract against the sandbox broker's own rules, in process.

import { setMaxListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CodexAuthError } from "../../dist/errors.js";
import { leaseFileSchema, leaseSettings } from "../../dist/config/lease-settings.js";
import { processAnswer } from "../../dist/lease/broker-answer.js";
import * as contract from "../../dist/lease/contract.js";
import { LeaseDesk } from "../../dist/lease/desk.js";
import { LeaseKeeper } from "../../dist/lease/keeper.js";
import { LeaseService } from "../../dist/lease/service.js";
import { emptyRecord } from "../../dist/lease/sticky.js";
import { findRoute } from "../../dist/sandbox/broker-routes.js";
import { BrokerState } from "../../dist/sandbox/broker-state.js";
import { BrokerTelemetry } from "../../dist/sandbox/broker-telemetry.js";
import { BrokerUsage } from "../../dist/sandbox/broker-usage.js";
import { fingerprint } from "../../dist/secrets/fingerprint.js";
import { silentLog } from "../../dist/secrets/log.js";
import { atLeast, atMost, told } from "./lab.mjs";

const KEEPERS = 200;
const HOURS = 10;
const HOUR = 3_600_000;
/** One call in so many is not answered. */
const FAILS_ONE_IN = 50;

/** With `quick` two hours. */
export async function keepers({ quick }) {
  const hours = quick ? 2 : HOURS;
  const clock = { now: Date.UTC(2026, 10, 21) };
  const counts = { calls: 0, failed: 0 };
  const state = new BrokerState(logins(), {}, () => clock.now);
  const broker = brokerOf(state, counts);
  const sleepers = [];
  const stop = new AbortController();
  // One for each keeper, at the end of the bench alone.
  setMaxListeners(KEEPERS, stop.signal);
  const machines = Array.from({ length: KEEPERS }, (_, number) =>
    machine(`machine-${number}`, broker, clock, sleepers, stop.signal),
  );
  const collect = collector();
  const begun = performance.now();
  const start = clock.now;
  let heapAfterFirstHour = 0;
  for (;;) {
    await allAsleep(sleepers);
    sleepers.sort((a, b) => a.at - b.at);
    const next = sleepers[0].at;
    if (heapAfterFirstHour === 0 && next - start > HOUR) heapAfterFirstHour = collect();
    if (next - start > hours * HOUR) break;
    clock.now = next;
    while (sleepers.length > 0 && sleepers[0].at <= clock.now) sleepers.shift().wake();
  }
  const heapGrowth = (collect() - heapAfterFirstHour) / 1_048_576;
  const seconds = (performance.now() - begun) / 1_000;
  stop.abort();
  for (const sleeper of sleepers) sleeper.wake();
  await Promise.all(machines.map(({ kept }) => kept));
  const leases = state.leases();
  const held = leases.filter(({ state: now }) => now === "active").length;
  return [
    atLeast(KEEPERS, `leases held by ${KEEPERS} keepers after ${hours} h`, held, ""),
    atMost(KEEPERS, "leases ever given", leases.length, ""),
    atMost(66, "calls per keeper and hour", counts.calls / KEEPERS / hours, ""),
    told("of these without an answer", counts.failed),
    atMost(3, "heap grown after the first hour", heapGrowth, "MB"),
    told("time that took", seconds, "s"),
  ];
}

function machine(machineId, broker, clock, sleepers, signal) {
  const file = leaseFileSchema.parse({ baseUrl: "http://127.0.0.1:1", machineId });
  const settings = leaseSettings(file, { home: "/", hostname: "bench", configPath: "/config.json" });
  const owner = { brokerUrl: "http://127.0.0.1:1", machineId, agentId: settings.agentId };
  const book = memoryBook(owner);
  const now = () => clock.now;
  const desk = new LeaseDesk({ broker, store: memoryStore(), settings, now, random: Math.random, log: silentLog });
  const service = new LeaseService({ settings, owner, book, desk, now });
  const keeper = new LeaseKeeper({
    step: (options) => service.step(options),
    record: () => book.read(owner),
    settings,
    random: Math.random,
    // A whole second at least, as the real timer of a loaded machine would be late by.
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: clock.now + ms, wake })),
    log: silentLog,
  });
  return { kept: keeper.run(signal) };
}

/** Every keeper is either asleep or runs on microtasks: when all sleep, the clock may move. */
async function allAsleep(sleepers) {
  while (sleepers.length < KEEPERS) await new Promise((resolve) => setImmediate(resolve));
}

function ours({ machineId, agentId }) {
  return { machine_id: machineId, agent_id: agentId };
}

function brokerOf(state, counts) {
  const parts = { state, telemetry: new BrokerTelemetry(state), usage: new BrokerUsage(state) };
  const ask = async (method, path, body, schema) => {
    counts.calls += 1;
    if (Math.random() * FAILS_ONE_IN < 1) {
      counts.failed += 1;
      throw new CodexAuthError("ERR_BROKER_UNREACHABLE", { message: "away", next: "wait", retryable: true });
    }
    const { route, id } = findRoute(method, path);
    state.sweep();
    const answer = route.answer({ ...parts, id, body });
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    return processAnswer(
      { status: answer.status, headers: { "content-type": "application/json" }, body: text },
      schema,
      () => true,
    );
  };
  const post = (path, body, schema) => ask("POST", path, body, schema);
  return {
    acquire: (owner, wish) =>
      post(
        "/api/leases/acquire",
        { ...ours(owner), requested_ttl_seconds: wish.requestedTtlSeconds, reason: wish.reason },
        contract.acquireAnswerSchema,
      ),
    get: (id) => ask("GET", `/api/leases/${id}`, {}, contract.leaseStatusSchema),
    renew: (id, owner) => post(`/api/leases/${id}/renew`, ours(owner), contract.leaseAnswerSchema),
    rotate: (id, owner, reason) =>
      post("/api/leases/rotate", { ...ours(owner), lease_id: id, reason }, contract.leaseAnswerSchema),
    release: (id, owner, reason) =>
      post(`/api/leases/${id}/release`, { ...ours(owner), reason }, contract.leaseAnswerSchema),
    materialize: (id, owner) => post(`/api/leases/${id}/materialize`, ours(owner), contract.materializeAnswerSchema),
  };
}

function logins() {
  return Array.from({ length: KEEPERS }, (_, number) => ({ label: `login-${number}`, utilizationPct: 10 }));
}

function memoryBook(owner) {
  let record = emptyRecord(owner);
  return {
    read: async () => record,
    turn: (_owner, work) =>
      work({
        get record() {
          return record;
        },
        change: async (patch) => {
          record = { ...record, ...patch, revision: record.revision + 1 };
        },
      }),
  };
}

function memoryStore() {
  let held;
  return {
    write: async ({ material }) => {
      held = fingerprint(material.accessToken);
      return "job";
    },
    remove: async () => "job",
    place: () => ({ profileId: "openai-codex:lease", agentId: "main" }),
    state: async () => ({ kind: "done" }),
    holds: async (access) => held === access,
  };
}

/** Collects garbage and gives what is left of the heap, in bytes. */
function collector() {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  return () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
}
