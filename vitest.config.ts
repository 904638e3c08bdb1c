import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**"],
    globalSetup: ["test/support/build-once.ts"],
    setupFiles: ["test/support/isolate-home.ts"],
    pool: "forks",
    // By default one core is kept free, which on two cores halves the speed.
    maxWorkers: "100%",
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
