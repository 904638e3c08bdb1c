// Workers killed at random instants on a machine like OpenClaw 2026.5.28: two store files, a restart within the process.

import { describe, it } from "vitest";
import { crashMatrix } from "../lab/crash-matrix.ts";
import { times } from "../lab/run.ts";

describe("a worker that is killed at any instant (2026.5.28)", () => {
  it(
    "leaves every job to be ended by the next one, and the machine as it should be",
    { timeout: 3_600_000 },
    async () => {
      await crashMatrix("two-files", times(250));
    },
  );
});
