// Our packages as `npm run pack:skill` and `npm run pack:npm` make them, and as a person installs the second.

import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installEnvironment } from "./surroundings.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const INSTALL_MS = 9 * 60_000;

/** Packs the skill below `out`; gives the folders by the skill's name. */
export async function packSkill(out: string): Promise<{ readonly "codex-auth": string; readonly lease: string }> {
  await run(process.execPath, [join(ROOT, "scripts", "pack-skill.mjs"), "--out", out], { cwd: ROOT });
  return { "codex-auth": join(out, "codex-auth"), lease: join(out, "lease") };
}

/** Packs what `npm publish` would into `out`; gives the tarball. */
export async function packNpm(out: string): Promise<string> {
  await run(process.execPath, [join(ROOT, "scripts", "pack-npm.mjs"), "--out", out], { cwd: ROOT });
  const name = (await readdir(out)).find((entry) => entry.endsWith(".tgz"));
  if (name === undefined) throw new Error(`${out} holds no tarball`);
  return join(out, name);
}

/** Does what the skill's `install` says, `npm i -g`, into a prefix of its own; gives the folder with the program. */
export async function installGlobally(tarball: string, prefix: string): Promise<string> {
  await mkdir(prefix, { recursive: true });
  const quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error", "--prefer-offline"];
  await run("npm", ["install", "--global", "--prefix", prefix, ...quiet, tarball], {
    cwd: prefix,
    env: installEnvironment(),
    timeout: INSTALL_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return join(prefix, "bin");
}
