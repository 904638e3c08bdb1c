import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { openTelemetryLab } from "./telemetry-lab.ts";

/** Small numbers that look random and are the same each time. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe("totals", () => {
  it("are exact over 20,000 events of many tasks, with failing flushes, rotations and restarts in between", async () => {
    const lab = await openTelemetryLab();
    const leases = await Promise.all(["m1", "m2", "m3", "m4"].map(async (machine) => lab.lease(machine)));
    const random = sequence(7);
    const broker = {
      telemetry: async (...call: Parameters<typeof lab.broker.telemetry>) => {
        // Nothing is done in these, so that every total must come out exactly.
        if (random() < 0.4)
          throw new CodexAuthError("ERR_BROKER_BUSY", { message: "busy", next: "wait", retryable: true });
        return lab.broker.telemetry(...call);
      },
    };
    const expected = new Map(leases.map(({ leaseId }) => [leaseId, { requests: 0, tokensIn: 0, tokensOut: 0 }]));
    let telemetry = lab.telemetry({ broker });
    let current = leases[0]!;
    telemetry.setLease(current);
    const flushes: Promise<unknown>[] = [];
    const task = async (): Promise<void> => {
      for (let time = 0; time < 200; time += 1) {
        const [tokensIn, tokensOut] = [Math.floor(random() * 5000), Math.floor(random() * 500)];
        const shape = random();
        telemetry.observeUsage(
          shape < 0.4
            ? { usage: { prompt_tokens: tokensIn, completion_tokens: tokensOut }, model: "gpt-5.4", status: "ok" }
            : shape < 0.7
              ? { requests_count: 1, tokens_in: tokensIn, tokens_out: tokensOut, source: "openclaw" }
              : { usage: { input: tokensIn, output: tokensOut }, model: `m${time % 3}`, status: "error" },
        );
        const sums = expected.get(current.leaseId)!;
        sums.requests += 1;
        sums.tokensIn += tokensIn;
        sums.tokensOut += tokensOut;
        if (random() < 0.01) flushes.push(telemetry.flush());
        if (random() < 0.002) {
          current = leases[Math.floor(random() * leases.length)]!;
          telemetry.setLease(current);
        }
        if (random() < 0.0005) {
          const before = telemetry;
          telemetry = lab.telemetry({ broker });
          telemetry.setLease(current);
          flushes.push(before.stop());
        }
        if (time % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all(Array.from({ length: 100 }, task));
    await Promise.all(flushes);
    for (let tries = 0; tries < 200 && (await telemetry.flush()).outcome !== "nothing"; tries += 1);
    for (const lease of leases) expect(lab.told(lease)).toMatchObject(expected.get(lease.leaseId)!);
    expect(await telemetry.totals()).toMatchObject({ sent: { requests: 20_000 }, unsent: { requests: 0 } });
    expect(await lab.batchFiles()).toEqual([]);
  });
});
