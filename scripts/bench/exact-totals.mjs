// Exact totals: 100,000 concurrent events with flushes that fail at random, against what a real loopback server has at the end.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createLeaseBroker } from "../../dist/lease/broker-client.js";
import { LeaseTelemetry } from "../../dist/lease/telemetry.js";
import { startSandboxBroker } from "../../dist/sandbox/broker.js";
import { atLeast, atMost, told } from "./lab.mjs";

const TASKS = 500;
const EVENTS = 100_000;
const FLUSH_CHANCE = 0.1;
const FAIL_CHANCE = 0.01;
/** Of these nothing is done at the broker, so that each count must come out once. */
const FAULTS = [{ kind: "text500" }, { kind: "reset" }, { kind: "busy" }];

/** With `quick` a hundredth of the events. */
export async function exactTotals({ quick }) {
  const events = quick ? EVENTS / 100 : EVENTS;
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
    for (let time = 0; time < events / TASKS; time += 1) {
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
  const missing = (field, wanted) => Math.abs(sum((row) => row[field]) - wanted);
  return [
    atMost(0, "requests missing at the broker, or too many", missing("requestsCount", expected.requests), ""),
    atMost(0, "tokens in missing at the broker, or too many", missing("tokensIn", expected.tokensIn), ""),
    atMost(0, "tokens out missing at the broker, or too many", missing("tokensOut", expected.tokensOut), ""),
    atMost(0, "batches told twice", rows.length - new Set(rows.map((row) => row.metadata.batch_id)).size, ""),
    ...(quick
      ? []
      : [atLeast(10, "flushes that failed", failures.count, ""), atLeast(10, "rows at the broker", rows.length, "")]),
    told("requests", expected.requests),
    told("time", seconds, "s"),
  ];
}
