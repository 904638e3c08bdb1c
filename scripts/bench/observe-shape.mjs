// The measurement for events of one shape, as a process of its own; prints figures as JSON. See observe-usage.mjs.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createOpenClawAuthManagerPlugin } from "../../dist/index.js";
import { startSandboxBroker } from "../../dist/sandbox/broker.js";
import { atLeast, atMost, told } from "./lab.mjs";

const SLICE = 250_000;
const CLONES = 2_500;
/** Left out of the rates: V8 compiles. */
const WARM_UP_ROUNDS = 30;

const SHAPES = {
  openai: {
    make: (i) => ({
      usage: {
        prompt_tokens: 100 + (i % 900),
        completion_tokens: 10 + (i % 90),
        total_tokens: 110 + (i % 900) + (i % 90),
      },
      model: "gpt-5.4",
      status: "ok",
    }),
    bare: (totals, event) => {
      totals.requests += 1;
      totals.tokensIn += event.usage.prompt_tokens;
      totals.tokensOut += event.usage.completion_tokens;
    },
  },
  direct: {
    make: (i) => ({
      requests_count: 1,
      tokens_in: 100 + (i % 900),
      tokens_out: 10 + (i % 90),
      source: "openclaw",
      status: "ok",
    }),
    bare: (totals, event) => {
      totals.requests += event.requests_count;
      totals.tokensIn += event.tokens_in;
      totals.tokensOut += event.tokens_out;
    },
  },
  openclaw: {
    make: (i) => ({
      usage: { input: 100 + (i % 900), output: 10 + (i % 90), cacheRead: i % 50, cacheWrite: i % 5, total: 110 },
      model: "gpt-5.4",
      status: "ok",
    }),
    bare: (totals, event) => {
      totals.requests += 1;
      totals.tokensIn += event.usage.input + event.usage.cacheRead + event.usage.cacheWrite;
      totals.tokensOut += event.usage.output;
    },
  },
};

const [shape, sums, measuredMs] = process.argv.slice(2);
const FIRST = sums === "long" ? 2 ** 33 : 0;
const { make, bare } = SHAPES[shape];
const events = Array.from({ length: 1024 }, (_, index) => make(index));

const folder = await mkdtemp(join(tmpdir(), "codex-auth-bench-"));
const site = await startSandboxBroker();
const answer = await fetch(`${site.origin}/api/leases/acquire`, {
  method: "POST",
  headers: { authorization: `Bearer ${site.token.expose()}`, "content-type": "application/json" },
  body: JSON.stringify({ machine_id: "bench", agent_id: "openclaw" }),
});
const { lease } = await answer.json();
const plugin = createOpenClawAuthManagerPlugin({
  baseUrl: site.origin,
  internalApiToken: site.token.expose(),
  context: { leaseId: lease.id, machineId: "bench", agentId: "openclaw" },
  spoolFolder: folder,
  // As often as settings allow: flushes and writes of the spool are under way all the time.
  flushIntervalMs: 1_000,
});

/**
 * The bare loop's fields, in a class of their own: one hidden class with the library's sums would slow the bare loop to a third. Sums
 * of a long-lived host do not fit 31 bits (`long`); V8 adds those that do faster still (`short`), but a loop has to grow out of them.
 */
class Totals {
  requests = FIRST;
  tokensIn = FIRST;
  tokensOut = FIRST;
  restart() {
    this.requests = FIRST;
    this.tokensIn = FIRST;
    this.tokensOut = FIRST;
  }
}
const totals = new Totals();
const kept = { clone: undefined };
const loops = {
  bare: [
    SLICE,
    (count) => {
      totals.restart();
      for (let index = 0; index < count; index += 1) bare(totals, events[index & 1023]);
    },
  ],
  observe: [
    SLICE,
    (count) => {
      for (let index = 0; index < count; index += 1) plugin.observeUsage(events[index & 1023]);
    },
  ],
  clone: [
    CLONES,
    (count) => {
      for (let index = 0; index < count; index += 1) kept.clone = JSON.parse(JSON.stringify(events[index & 1023]));
    },
  ],
};
const rates = { bare: [], observe: [], clone: [] };
let savedFiles = 0;
let rounds = 0;
const until = performance.now() + Number(measuredMs);
for (; rounds < WARM_UP_ROUNDS * 2 || performance.now() < until; rounds += 1) {
  for (const [name, [count, loop]] of Object.entries(loops)) {
    const start = performance.now();
    loop(count);
    const perSecond = (count / (performance.now() - start)) * 1_000;
    if (rounds >= WARM_UP_ROUNDS) rates[name].push(perSecond);
    // Sends, answers, writes and timers run here, between the slices of all three alike.
    for (let time = 0; time < 10; time += 1) await turn();
  }
  savedFiles = Math.max(savedFiles, (await readdir(join(folder, "spool")).catch(() => [])).length);
}
await plugin.stop();
const sent = (await plugin.totals()).sent;
const rows = site.telemetryRows(lease.id);
await site.close();
await rm(folder, { recursive: true, force: true });

// What else runs on the machine only ever makes a slice slower, and the loop with more work in it more so: the best tenth counts.
const rate = (name) => rates[name].toSorted((a, b) => b - a)[Math.floor(rates[name].length / 10)];
const expected = rounds * SLICE;
const ratio = atLeast(0.5, `${shape}: observeUsage / bare loop`, rate("observe") / rate("bare"));
const figures =
  sums === "long"
    ? [
        told(`${shape}: bare loop`, rate("bare") / 1e6, "M/s"),
        told(`${shape}: observeUsage`, rate("observe") / 1e6, "M/s"),
        ratio,
        atLeast(10, `${shape}: observeUsage / JSON clone`, rate("observe") / rate("clone")),
        atMost(0, `${shape}: requests not told, or twice`, Math.abs(sent.requests - expected), ""),
        atLeast(2, `${shape}: flushes meanwhile`, rows.length, ""),
        atLeast(1, `${shape}: spool files at once`, savedFiles, ""),
      ]
    : [told(`${ratio.name}, its sums below 2^31`, ratio.value, "×")];
process.stdout.write(JSON.stringify(figures));
