#!/usr/bin/env node
// The command: says in a sentence when Node.js is too old, in syntax that an old one can read; else starts the program.
// CommonJS (package.json beside this): Node starts such a file at once, and an ES module only behind its module loader.

var path = require("path");
var version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    "codex-auth-skill needs Node.js 20.19 or newer; this is " +
      process.versions.node +
      ". Install a newer one and try again.\n",
  );
  process.exitCode = 2;
} else {
  start();
}

function start() {
  var program;
  try {
    program = require("../dist/cli.cjs");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    process.stderr.write("codex-auth-skill is not built: run `npm ci && npm run build` in its folder.\n");
    process.exitCode = 2;
    return;
  }
  program.main(path.dirname(__dirname)).catch(function (error) {
    process.stderr.write(
      "codex-auth-skill could not be started (" + String(error.code || error.name) + "): install it again.\n",
    );
    process.exitCode = 1;
  });
}
