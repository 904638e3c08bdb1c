// Where the gateway is: one that is just starting is waited for, a while, and told of as waiting; everything else is believed at once.

import { describe, expect, it } from "vitest";
import { locateSettled } from "../../../src/apply/steps/settled.ts";
import { APPLY } from "../../../src/config/defaults.ts";
import { CodexAuthError } from "../../../src/errors.ts";
import type { GatewayLocation } from "../../../src/gateway/gateway.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { skipWaits } from "../../support/skipped-waits.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, runOf } from "./step-lab.ts";

const refused = (retryable: boolean): GatewayLocation => ({
  kind: "refused",
  error: new CodexAuthError("ERR_GATEWAY_STARTING", { message: "It starts.", next: "Wait.", retryable }),
});
const stopped: GatewayLocation = { kind: "stopped" };

/** A gateway that gives `locations` one after the other, the last one for ever, and a clock that only its pauses move. */
async function setUp(locations: readonly GatewayLocation[]) {
  const clock = skipWaits(1_000);
  const w = applyWorld(await temporaryFolder());
  const run = runOf(w, await enqueueChange(w, "order", { how: "first" }), () => clock.now);
  let asked = 0;
  const locate = (): Promise<GatewayLocation> =>
    Promise.resolve(locations[Math.min(asked++, locations.length - 1)] ?? stopped);
  const services = { ...w.services, now: () => clock.now, gateway: gatewayWith(w.gateway, { locate }) };
  return { clock, run, asked: () => asked, settled: () => locateSettled(run, services) };
}

describe("locateSettled", () => {
  it("waits for a gateway that is just starting, and says so", async () => {
    const { clock, run, asked, settled } = await setUp([refused(true), refused(true), stopped]);
    expect(await settled()).toEqual(stopped);
    expect(asked()).toBe(3);
    expect(clock.pauses).toEqual([APPLY.executorRetryMs, APPLY.executorRetryMs]);
    expect(run.job.progress).toEqual({ step: "waiting-for-start-window", at: 1_000 + APPLY.executorRetryMs });
  });

  it("believes at once what will not change by waiting", async () => {
    for (const location of [stopped, refused(false)]) {
      const { clock, run, settled } = await setUp([location, stopped]);
      expect(await settled()).toEqual(location);
      expect(clock.pauses).toEqual([]);
      expect(run.job).not.toHaveProperty("progress");
    }
  });

  it("gives up once the time is over that a gateway may take", async () => {
    const { clock, settled } = await setUp([refused(true)]);
    expect(await settled()).toMatchObject({ kind: "refused" });
    expect(clock.pauses.length).toBe(APPLY.gatewaySettlesMs / APPLY.executorRetryMs);
  });
});
