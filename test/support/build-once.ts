// Compiles src/ to dist/ once before the tests, for those that start our programs as real processes.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** vitest's global set-up. A type error does not stop the tests: `npm run check` is where it is reported. */
export function setup(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  const { error } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "ignore",
  });
  if (error !== undefined) throw error;
}
