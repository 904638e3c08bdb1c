// Packs what `npm publish` would: from a clean copy of the tree, so that nobody's dist/ is taken away while it builds.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Made here, or not of this package; `.env` would hold somebody's own token. */
const LEFT_OUT = new Set([".git", ".env", "node_modules", "dist", "dist-plugin", "dist-skill", "coverage", "test"]);

const { values } = parseArgs({
  options: {
    /** The folder for the tarball. */
    out: { type: "string", default: root },
  },
});
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const copy = mkdtempSync(join(tmpdir(), "codex-auth-pack-"));
try {
  for (const name of readdirSync(root).filter((entry) => !LEFT_OUT.has(entry) && !entry.endsWith(".tgz"))) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const pack = ["pack", "--pack-destination", out, "--loglevel=error"];
  // npm's own words are for whoever looks on; what counts is the tarball.
  process.exitCode = spawnSync("npm", pack, { cwd: copy, stdio: ["ignore", 2, 2] }).status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
