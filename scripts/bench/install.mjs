// What `npm ci --omit=dev` brings: packages by the lock file, and the room they take, by an install into a temporary folder.

import { spawnSync } from "node:child_process";
import { copyFile, lstat, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atMost, inFolder } from "./lab.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WITHIN_MS = 120_000;

/** npm's own cache is asked first; without it and without a network only the packages are counted. */
export async function install({ note }) {
  const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const count = Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true).length;
  const counted = atMost(30, "packages that npm ci --omit=dev installs", count, "");
  return inFolder(async (folder) => {
    for (const name of ["package.json", "package-lock.json"]) await copyFile(join(ROOT, name), join(folder, name));
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, stderr } = spawnSync("npm", ["ci", "--omit=dev", ...quiet], {
      cwd: folder,
      encoding: "utf8",
      timeout: WITHIN_MS,
    });
    if (status !== 0) {
      note(`npm ci did not work here, so its size is not known: ${stderr.trim().split("\n")[0]}`);
      return [counted];
    }
    const bytes = await sizeOf(join(folder, "node_modules"));
    return [counted, atMost(20, "what npm ci --omit=dev puts on the disk", bytes / 1024 / 1024, "MB")];
  });
}

/** As `du` counts: whole blocks. */
async function sizeOf(folder) {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += (await lstat(path)).blocks * 512;
    if (entry.isDirectory()) bytes += await sizeOf(path);
  }
  return bytes;
}
