// The real Codex CLI in the lab's cache, asked about login files in a home of its own; it reaches nothing but closed loopback ports.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { install } from "./install.ts";
import type { Recipe } from "./recipes.ts";
import { bareEnvironment, cacheFolder } from "./surroundings.ts";

const run = promisify(execFile);

/** The version of facts/codex-oauth.md. */
const CODEX_RECIPE: Recipe = {
  name: "codex-0.169.0",
  dependencies: { "@openai/codex": "0.169.0" },
  overrides: {},
  runScripts: false,
  proof: "node_modules/@openai/codex/bin/codex.js",
};

/** What the CLI said, and whether it takes itself for signed in. */
export interface CodexAnswer {
  readonly code: number;
  readonly text: string;
}

/** A Codex CLI, or a sentence that says why there is none. */
export type CodexResult =
  | {
      readonly ok: true;
      readonly loginStatus: (codexHome: string) => Promise<CodexAnswer>;
      /** Begins a sign-in by device code at `issuer`, which also gets the CLI's revocations. */
      readonly beginLogin: (codexHome: string, issuer: string) => Promise<CodexAnswer>;
    }
  | { readonly ok: false; readonly reason: string };

/** Makes sure that the CLI is in the cache. */
export async function installCodex(cache = cacheFolder()): Promise<CodexResult> {
  try {
    await install(CODEX_RECIPE, cache);
  } catch (error) {
    return { ok: false, reason: `The Codex CLI could not be installed into ${cache}: ${String(error).slice(0, 200)}` };
  }
  const entry = join(cache, CODEX_RECIPE.name, CODEX_RECIPE.proof);
  const call = async (codexHome: string, issuer: string, args: readonly string[]): Promise<CodexAnswer> => {
    const env = {
      ...bareEnvironment(),
      HOME: codexHome,
      CODEX_HOME: codexHome,
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${issuer}/oauth/token`,
      CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${issuer}/oauth/revoke`,
    };
    try {
      const { stdout, stderr } = await run(process.execPath, [entry, ...args], { env, timeout: 60_000 });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code !== "number") throw error;
      return { code, text: `${stdout ?? ""}${stderr ?? ""}` };
    }
  };
  return {
    ok: true,
    loginStatus: (home) => call(home, "http://127.0.0.1:9", ["login", "status"]),
    beginLogin: (home, issuer) => call(home, issuer, ["login", "--device-auth", "--experimental_issuer", issuer]),
  };
}
