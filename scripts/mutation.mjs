// Mutation testing, folder by folder: a folder's mutants meet that folder's own tests only, so what the chat or a host happens to
// notice does not count. `npm run test:mutation -- storage oauth` for some of them, `-- src/apply/queue.ts` or a pattern for some files.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stryker } from "@stryker-mutator/core";

const FOLDERS = ["storage", "lease", "oauth", "profiles", "apply"];

// A mutant that is noticed ends its run at once, and the temp folders of the tests stay: thousands, so they go together.
const temporary = mkdtempSync(join(tmpdir(), "codex-auth-mutation-"));
// oxlint-disable-next-line node/no-process-env -- Stryker starts the tests with the environment of this process.
process.env.TEST_TMPDIR = temporary;
process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));

const asked = process.argv.slice(2);
for (const target of asked.length > 0 ? asked : FOLDERS) {
  const isFile = target.endsWith(".ts");
  const folder = isFile ? target.split("/")[1] : target;
  if (!FOLDERS.includes(folder)) throw new Error(`${target} is not measured; there are: ${FOLDERS.join(", ")}.`);
  const mutate = isFile ? target : folder === "lease" ? "src/lease/policy.ts" : `src/${folder}/**/*.ts`;
  const report = `reports/mutation/${target.replaceAll(/[^a-z0-9]+/g, "-").slice(0, 80)}`;
  const mutants = await new Stryker({
    mutate: [mutate],
    vitest: { dir: `test/${folder}` },
    jsonReporter: { fileName: `${report}.json` },
    incrementalFile: `${report}.incremental.json`,
  }).runMutationTest();
  // Stryker calls a score of nothing a good one.
  if (mutants.length === 0) throw new Error(`${target} names no file with a mutant in it.`);
}
