import { defineConfig } from "vitest/config";
import { OPEN } from "./vitest.e2e.config.ts";

export default defineConfig({
  test: { include: OPEN, pool: "forks", fileParallelism: false, testTimeout: 300_000, hookTimeout: 600_000 },
});
