// Holds the packages against the lists of test/pack/golden, or writes these lists anew with --write.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { agreedList, differences, makePackages, packageLists } from "./pack-files.mjs";

const { values } = parseArgs({
  options: {
    /** Where the lists are. */
    golden: { type: "string", default: fileURLToPath(new URL("../test/pack/golden", import.meta.url)) },
    /** Packages that are made already; else they are made in a temporary folder. */
    packages: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const made = values.packages ?? mkdtempSync(join(tmpdir(), "codex-auth-packages-"));
try {
  if (values.packages === undefined) makePackages(made);
  for (const [name, found] of Object.entries(packageLists(made))) {
    if (values.write) {
      mkdirSync(values.golden, { recursive: true });
      writeFileSync(join(values.golden, `${name}.txt`), `${found.join("\n")}\n`);
      continue;
    }
    const lines = differences(agreedList(values.golden, name), found);
    if (lines.length === 0) continue;
    process.stderr.write(`${name} holds other files than its list (\`npm run pack:lists\` writes it anew):\n`);
    process.stderr.write(`${lines.map((line) => `  ${line}`).join("\n")}\n`);
    process.exitCode = 1;
  }
} finally {
  if (values.packages === undefined) rmSync(made, { recursive: true, force: true });
}
