// Installs the lab's recipes into the cache: once, one process at a time, started over where an earlier install was cut off.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { withProcessLock } from "../../../src/storage/process-lock.ts";
import { NODE_RECIPE, OPENCLAW_RECIPES, type OpenClawVersion, type Recipe } from "./recipes.ts";
import { bareEnvironment, cacheFolder, installEnvironment } from "./surroundings.ts";

const run = promisify(execFile);
const INSTALL_MS = 9 * 60_000;

/** An OpenClaw that can be run. */
export interface InstalledOpenClaw {
  readonly version: OpenClawVersion;
  readonly node: string;
  /** `openclaw.mjs` of that version. */
  readonly entry: string;
  /** The folder that holds its `node_modules`. */
  readonly folder: string;
}

/** Either an OpenClaw or a sentence that says why there is none, for a skipped test. */
export type InstallResult =
  | { readonly ok: true; readonly openclaw: InstalledOpenClaw }
  | { readonly ok: false; readonly reason: string };

/** Makes sure that Node.js 24 and OpenClaw `version` are in the cache. */
export async function installOpenClaw(version: OpenClawVersion, cache = cacheFolder()): Promise<InstallResult> {
  const node = join(cache, NODE_RECIPE.name, NODE_RECIPE.proof);
  const recipe = OPENCLAW_RECIPES[version];
  try {
    await install(NODE_RECIPE, cache);
    await install(recipe, cache);
  } catch (error) {
    return { ok: false, reason: `OpenClaw ${version} could not be installed into ${cache}: ${reason(error)}` };
  }
  const folder = join(cache, recipe.name);
  return { ok: true, openclaw: { version, node, entry: join(folder, recipe.proof), folder } };
}

/** The environment in which `openclaw` runs with its own Node.js first on PATH. */
export function openClawEnvironment(openclaw: InstalledOpenClaw): NodeJS.ProcessEnv {
  const bare = bareEnvironment();
  return { ...bare, PATH: [dirname(openclaw.node), bare["PATH"] ?? ""].join(delimiter) };
}

/** Makes sure that `recipe` is in the cache. */
export async function install(recipe: Recipe, cache: string): Promise<void> {
  const folder = join(cache, recipe.name);
  if (await complete(recipe, folder)) return;
  await mkdir(cache, { recursive: true });
  await withProcessLock(
    join(cache, recipe.name),
    async () => {
      if (await complete(recipe, folder)) return;
      // What a killed npm left behind may look whole; its packages are in npm's own cache, so starting over is cheap.
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "package.json"), packageJson(recipe));
      const scripts = recipe.runScripts ? [] : ["--ignore-scripts"];
      const quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
      // What is installed here runs on the lab's own Node.js, whatever this one is; `npx` hands our .npmrc down.
      await run("npm", ["install", "--prefer-offline", "--engine-strict=false", ...scripts, ...quiet], {
        cwd: folder,
        env: installEnvironment(),
        timeout: INSTALL_MS,
        maxBuffer: 16 * 1024 * 1024,
      });
      if (!existsSync(join(folder, recipe.proof))) throw new Error(`npm left no ${recipe.proof}`);
      await writeFile(marker(folder), packageJson(recipe));
    },
    { waitMs: INSTALL_MS },
  );
}

// The marker holds the recipe itself: a changed recipe is a new install.
async function complete(recipe: Recipe, folder: string): Promise<boolean> {
  const text = await readFile(marker(folder), "utf8").catch(() => undefined);
  return text === packageJson(recipe) && existsSync(join(folder, recipe.proof));
}

function marker(folder: string): string {
  return join(folder, ".complete.json");
}

function packageJson(recipe: Recipe): string {
  const { name, dependencies, overrides } = recipe;
  return `${JSON.stringify({ name, private: true, dependencies, overrides }, null, 2)}\n`;
}

function reason(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error && typeof error.stderr === "string" ? error.stderr : "";
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(0, 3).join(" ") || (error instanceof Error ? error.message : "unknown error");
}
