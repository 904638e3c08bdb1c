// Compiles src/ to dist/ once before the tests, for those that start our programs as real processes.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** vitest's global set-up. A type error does not stop the tests: `npm run check` is where it is reported. */
export function setup(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  const run = (...args: readonly string[]) => spawnSync(process.execPath, args, { cwd: root, stdio: "ignore" });
  const { error } = run(compiler, "-p", "tsconfig.build.json");
  if (error !== undefined) throw error;
  if (run("scripts/build-cli.mjs").status !== 0) throw new Error("dist/cli.cjs could not be made.");
}
