import { existsSync, statfsSync } from "node:fs";
import { defineConfig } from "vitest/config";

// oxlint-disable-next-line node/no-process-env -- `SURVIVAL_SEED` repeats a run, `SURVIVAL_SCALE=0.1` makes a tenth of it, `SURVIVAL_ENDURANCE=50` goes on for as long as the issue asks.
const { SURVIVAL_SEED = "", SURVIVAL_SCALE = "", SURVIVAL_ENDURANCE = "" } = process.env;
const seed = Number(SURVIVAL_SEED) || Math.floor(Math.random() * 0x7fff_ffff) + 1;
const scale = Number(SURVIVAL_SCALE) || 1;
const endurance = Number(SURVIVAL_ENDURANCE) || 1;

// A killed process loses nothing of what it has given to the system, and a disk that fails is made to: a file system in memory shows
// the same as a disk, where a write takes twenty times as long.
const MEMORY = "/dev/shm";
const room = existsSync(MEMORY) ? statfsSync(MEMORY) : undefined;
const isRoomy = room !== undefined && room.bavail * room.bsize > 2 ** 30;

export default defineConfig({
  test: {
    include: ["test/survival/**/*.test.ts"],
    globalSetup: ["test/support/build-once.ts", "test/survival/lab/tell-figures.ts"],
    setupFiles: ["test/support/isolate-home.ts", "test/survival/lab/tell-seed.ts"],
    provide: { seed, scale, endurance },
    ...(isRoomy ? { env: { TEST_TMPDIR: MEMORY } } : {}),
    pool: "forks",
    maxWorkers: "100%",
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
