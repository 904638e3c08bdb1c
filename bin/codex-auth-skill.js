#!/usr/bin/env node
// The command: says in a sentence when Node.js is too old, in syntax that an old one can read; else starts the program.

var version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    "codex-auth-skill needs Node.js 20.19 or newer; this is " +
      process.versions.node +
      ". Install a newer one and try again.\n",
  );
  process.exitCode = 2;
} else {
  import("../dist/cli.js").then(
    function (program) {
      return program.main();
    },
    function () {
      process.stderr.write("codex-auth-skill is not built: run `npm ci && npm run build` in its folder.\n");
      process.exitCode = 2;
    },
  );
}
