// Makes dist/cli.cjs of what `--help` and a quiet `status` need: Node starts one CommonJS file in half the time of twenty ES modules.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** Loaded beside that file, as they are: nothing that they export is shared with it, so there are no two of one class. */
const BESIDE = ["hosts/cli/main.js", "hosts/cli/lost-output.js", "version.js"].map((name) => join(DIST, name));

await build({
  input: join(DIST, "cli.js"),
  platform: "node",
  external: (id, _importer, isResolved) => isResolved && BESIDE.includes(id),
  makeAbsoluteExternalsRelative: true,
  output: {
    dir: DIST,
    entryFileNames: "cli.cjs",
    format: "cjs",
    codeSplitting: false,
    banner: "// Built of the files named below (scripts/build-cli.mjs); the same code lies beside this, file by file.",
  },
  logLevel: "warn",
});
