// Names the seed under each test that fails, so that the same run can be made again.

import { afterEach } from "vitest";
import { seed } from "./run.ts";

afterEach(({ task }) => {
  if (task.result?.state === "fail") process.stderr.write(`${task.name}: repeat with SURVIVAL_SEED=${seed}\n`);
});
