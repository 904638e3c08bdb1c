// A real browser for the lab: Debian's Chromium, unpacked into the cache without installing anything, driven by playwright-core.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { withProcessLock } from "../../../src/storage/process-lock.ts";
import { install } from "./install.ts";
import type { Recipe } from "./recipes.ts";
import { bareEnvironment, cacheFolder, installEnvironment } from "./surroundings.ts";

const run = promisify(execFile);
const INSTALL_MS = 9 * 60_000;
/** Up to the first word of the browser, whose first start on a busy machine reads a hundred megabytes. */
const LAUNCH_MS = 180_000;

const PLAYWRIGHT: Recipe = {
  name: "playwright-core-1.65.1",
  dependencies: { "playwright-core": "1.65.1" },
  overrides: {},
  runScripts: false,
  proof: "node_modules/playwright-core/index.mjs",
};
// Without any font a page has no letters to look at.
const PACKAGES = ["chromium", "fonts-dejavu-core"];
const BINARY = "usr/lib/chromium/chromium";

/** What the tests use of playwright-core; the project does not depend on it. */
export interface Page {
  goto(url: string): Promise<unknown>;
  url(): string;
  innerText(selector: string): Promise<string>;
  click(selector: string): Promise<void>;
  waitForURL(url: RegExp): Promise<void>;
  evaluate<T>(script: string): Promise<T>;
  screenshot(): Promise<Uint8Array>;
  on(event: "dialog" | "request" | "pageerror", listener: (what: { url?: () => string }) => void): void;
  close(): Promise<void>;
}

/** A running browser. */
export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** Either a way to start browsers, or a sentence that says why there is none, for a skipped test. */
export type ChromiumResult =
  | { readonly ok: true; readonly launch: () => Promise<Browser> }
  | { readonly ok: false; readonly reason: string };

/** Makes sure that there is a Chromium and what drives it. */
export async function installChromium(cache = cacheFolder()): Promise<ChromiumResult> {
  let root: string;
  try {
    await install(PLAYWRIGHT, cache);
    root = existsSync("/usr/bin/chromium") ? "/" : await unpack(cache);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    return {
      ok: false,
      reason: `Chromium could not be got into ${cache}: ${message.split("\n").slice(0, 3).join(" ")}`,
    };
  }
  return { ok: true, launch: () => launch(join(cache, PLAYWRIGHT.name, PLAYWRIGHT.proof), root) };
}

async function launch(playwright: string, root: string): Promise<Browser> {
  const { chromium } = (await import(pathToFileURL(playwright).href)) as {
    chromium: { launch(options: Record<string, unknown>): Promise<Browser> };
  };
  const home = await mkdtemp(join(tmpdir(), "codex-auth-browser-"));
  const libraries = root === "/" ? [] : await libraryFolders(root);
  const browser = await chromium.launch({
    executablePath: join(root, BINARY),
    timeout: LAUNCH_MS,
    // Root, as in a container, has no sandbox; nothing but pages of this machine is opened.
    args: ["--no-sandbox", "--disable-gpu"],
    env: {
      ...bareEnvironment(),
      HOME: home,
      ...(libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(":") }),
    },
  });
  return {
    newPage: () => browser.newPage(),
    close: async () => {
      await browser.close();
      // Some of its processes write there for a moment longer.
      await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** The browser and those libraries that this machine lacks, below a folder of the cache; apt-get needs no rights for that. */
async function unpack(cache: string): Promise<string> {
  const root = join(cache, "chromium-debian");
  if (existsSync(join(root, BINARY))) return root;
  await mkdir(cache, { recursive: true });
  await withProcessLock(
    root,
    async () => {
      if (existsSync(join(root, BINARY))) return;
      const work = `${root}.new`;
      await rm(work, { recursive: true, force: true });
      await mkdir(join(work, "debs"), { recursive: true });
      const env = { ...installEnvironment(), LC_ALL: "C" };
      const options = { cwd: join(work, "debs"), env, timeout: INSTALL_MS, maxBuffer: 16 * 1024 * 1024 };
      const names = await missingPackages(options).catch(async () => {
        await run("apt-get", ["update"], options);
        return missingPackages(options);
      });
      await run("apt-get", ["download", ...names], options);
      for (const file of await readdir(options.cwd)) await run("dpkg-deb", ["-x", file, work], options);
      await rm(options.cwd, { recursive: true });
      if (!existsSync(join(work, BINARY))) throw new Error(`the packages left no ${BINARY}`);
      // Whole or not at all: an interrupted one is started over.
      await rm(root, { recursive: true, force: true });
      await rename(work, root);
    },
    { waitMs: INSTALL_MS },
  );
  return root;
}

async function missingPackages(options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<readonly string[]> {
  const simulation = ["install", "--simulate", "--no-install-recommends", "--yes", ...PACKAGES];
  const { stdout } = await run("apt-get", simulation, options);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
}

async function libraryFolders(root: string): Promise<readonly string[]> {
  const triplets = (await readdir(join(root, "usr/lib"))).filter((name) => name.endsWith("-linux-gnu"));
  const folders = triplets.flatMap((triplet) => [
    join(root, "usr/lib", triplet),
    join(root, "usr/lib", triplet, "pulseaudio"),
    join(root, "lib", triplet),
  ]);
  return [...folders, join(root, "usr/lib/chromium")].filter((folder) => existsSync(folder));
}
