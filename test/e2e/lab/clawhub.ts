// ClawHub's own command line in the lab's cache, against a registry on loopback that knows no skill.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { install, type InstalledOpenClaw } from "./install.ts";
import type { Recipe } from "./recipes.ts";
import { bareEnvironment, cacheFolder } from "./surroundings.ts";

const run = promisify(execFile);

/** The version of facts/skill-ecosystem.md. */
const CLAWHUB_RECIPE: Recipe = {
  name: "clawhub-0.23.3",
  dependencies: { clawhub: "0.23.3" },
  overrides: {},
  runScripts: false,
  proof: "node_modules/clawhub/bin/clawdhub.js",
};

/** How a call of the command line ended. */
export interface ClawHubAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line with its registry, or a sentence that says why there is none. */
export type ClawHubResult =
  | {
      readonly ok: true;
      /** Runs `clawhub <args>` in `home`, which it may write to; only its own registry is there to be asked. */
      readonly call: (home: string, args: readonly string[]) => Promise<ClawHubAnswer>;
      /** What the registry was asked, as `METHOD /path`. */
      readonly asked: readonly string[];
      readonly close: () => Promise<void>;
    }
  | { readonly ok: false; readonly reason: string };

/** Makes sure that the command line is in the cache and starts a registry for it; it runs on the Node.js of `openclaw`. */
export async function startClawHub(openclaw: InstalledOpenClaw, cache = cacheFolder()): Promise<ClawHubResult> {
  try {
    await install(CLAWHUB_RECIPE, cache);
  } catch (error) {
    return { ok: false, reason: `clawhub could not be installed into ${cache}: ${String(error).slice(0, 200)}` };
  }
  const asked: string[] = [];
  const registry = createServer((request, response) => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume();
    response.writeHead(404, { "content-type": "text/plain" }).end("Skill not found");
  }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  const address = registry.address();
  const origin = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const entry = join(cache, CLAWHUB_RECIPE.name, CLAWHUB_RECIPE.proof);
  return {
    ok: true,
    asked,
    call: async (home, args) => {
      const env = { ...bareEnvironment(), HOME: home };
      const options = ["--registry", origin, "--site", origin, "--workdir", home, "--no-input"];
      try {
        const ended = await run(openclaw.node, [entry, ...options, ...args], {
          env,
          cwd: home,
          timeout: 240_000,
          maxBuffer: 16 * 1024 * 1024,
        });
        return { code: 0, ...ended };
      } catch (error) {
        const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
        if (typeof code !== "number") throw error;
        return { code, stdout: stdout ?? "", stderr: stderr ?? "" };
      }
    },
    close: async () => {
      registry.close();
      await once(registry, "close");
    },
  };
}
