// Gives every test process a HOME and a temp folder of its own, so that no test can touch the person's files.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

// One process runs several files, one after another: the folder of the file before is gone by now.
const outside = (process.env["TEST_TMPDIR"] ??= tmpdir());
const root = mkdtempSync(join(outside, "codex-auth-test-"));
const inherited = Object.keys(process.env).filter((name) => /^(OPENCLAW|CODEX|PI_CODING|AUTH_MANAGER|XDG)_/.test(name));
for (const name of inherited) delete process.env[name];
process.env["HOME"] = root;
process.env["TMPDIR"] = root;

afterAll(() => {
  // A process of a test that is just ending may still put its last file in.
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});
