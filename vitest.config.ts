import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:process` runs those that start, kill and wait for real processes by the dozen.
    exclude: ["test/e2e/**", "test/survival/**", "test/**/*.process.test.ts"],
    globalSetup: ["test/support/build-once.ts"],
    setupFiles: ["test/support/isolate-home.ts", "test/support/property-seed.ts"],
    pool: "forks",
    // Importing anew for each file took a fifth of the time; no test of ours mocks a module.
    isolate: false,
    // By default one core is kept free, which on two cores halves the speed.
    maxWorkers: "100%",
    // What a worker or a bot does shows after its fsyncs, and a notice of the file system that was lost is made good by a look a second
    // later: vitest's own patience of one second was less than that on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
