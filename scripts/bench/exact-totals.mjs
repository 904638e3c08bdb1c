// Exact totals: 100,000 concurrent events with flushes that fail at random, against what a real loopback server has at the end.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createLeaseBroker } from "../../dist/lease/broker-client.js";
import { LeaseTelemetry } from "../../dist/lease/telemetry.js";
import { startSandboxBroker } from "../../dist/sandbox/broker.js";

const TASKS = 500;
const EVENTS = 100_000;
const FLUSH_CHANCE = 0.1;
const FAIL_CHANCE = 0.01;
/** Of these nothing is done at the broker, so that each count must come out once. */
const FAULTS = [{ kind: "text500" }, { kind: "reset" }, { kind: "busy" }];

export async function exactTotals() {
  const folder = await mkdtemp(join(tmpdir(), "codex-auth-bench-"));
  const site = await startSandboxBroker();
  const broker = createLeaseBroker({ baseUrl: site.origin, token: site.token });
  const owner = { machineId: "bench", agentId: "openclaw" };
  const { lease } = await broker.acquire(owner, { requestedTtlSeconds: 3600, reason: "bench" });
  const failures = { count: 0 };
  const telemetry = new LeaseTelemetry({
    broker,
    folder,
    onFlushed: ({ outcome }) => {
      if (outcome === "failed") failures.count += 1;
    },
  });
  telemetry.setLease({ leaseId: lease.leaseId, owner });
  telemetry.start();
  const expected = { requests: 0, tokensIn: 0, tokensOut: 0 };
  const start = performance.now();
  const task = async (number) => {
    for (let time = 0; time < EVENTS / TASKS; time += 1) {
      const tokens = { in: (number * 7919 + time * 31) % 5000, out: (number + time) % 500 };
      telemetry.observeUsage({
        usage: { prompt_tokens: tokens.in, completion_tokens: tokens.out },
        model: "gpt-5.4",
        status: "ok",
      });
      expected.requests += 1;
      expected.tokensIn += tokens.in;
      expected.tokensOut += tokens.out;
      if (Math.random() < FLUSH_CHANCE) {
        if (site.faults.size === 0 && Math.random() < FAIL_CHANCE)
          site.faults.next(FAULTS[Math.floor(Math.random() * FAULTS.length)], { on: "telemetry" });
        await telemetry.flush();
      }
      await turn();
    }
  };
  await Promise.all(Array.from({ length: TASKS }, (_, number) => task(number)));
  site.faults.clear();
  for (let tries = 0; tries < 10 && (await telemetry.flush()).outcome !== "nothing"; tries += 1);
  await telemetry.stop();
  const seconds = (performance.now() - start) / 1_000;
  const rows = site.telemetryRows(lease.leaseId);
  const sum = (pick) => rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
  await broker.close();
  await site.close();
  await rm(folder, { recursive: true, force: true });
  return [
    exact(
      "requests at the broker",
      sum((row) => row.requestsCount),
      expected.requests,
    ),
    exact(
      "tokens in at the broker",
      sum((row) => row.tokensIn),
      expected.tokensIn,
    ),
    exact(
      "tokens out at the broker",
      sum((row) => row.tokensOut),
      expected.tokensOut,
    ),
    exact("batches told twice", rows.length - new Set(rows.map((row) => row.metadata.batch_id)).size, 0),
    { name: "flushes that failed", value: failures.count, unit: "", atLeast: 10 },
    { name: "rows", value: rows.length, unit: "", atLeast: 10 },
    { name: "time", value: seconds, unit: "s" },
  ];
}

function exact(name, value, needed) {
  return { name, value, unit: "", atLeast: needed, atMost: needed };
}
