// Compiles TypeScript of the tests that a benchmark needs (the fake Telegram server, the lab of real gateways); gone when node ends.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
let folder;

/** The module that `path`, from the root of the repository, compiles to, with all that it imports. */
export async function compiled(path) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), "codex-auth-bench-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module", "version": "0.0.0" }');
  }
  const project = join(folder, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    noCheck: true,
    rootDir: ROOT,
    outDir: folder,
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  writeFileSync(
    project,
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include: [], files: [join(ROOT, path)] }),
  );
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new Error(`${path} could not be compiled: ${stdout}`);
  return import(pathToFileURL(join(folder, path.replace(/\.ts$/, ".js"))).href);
}
