// The executor as a process of its own, as every host starts it, with waits for restarts that suit the sandbox gateway.
// It has everything loaded and waits for one line on its standard input (`killer.mjs`); then it works, and dies when it was told to.

import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { executorParts } from "../../support/executor-parts.mjs";
import { begun } from "./killer.mjs";

const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { readEnvironment } = await from("config/env.js");
const { openClawPaths, ownPaths } = await from("config/paths.js");
const { createGateway } = await from("gateway/gateway.js");
const { detectGeneration } = await from("gateway/generation.js");
const { createLog } = await from("secrets/log.js");

(await from("storage/fsync.js")).waitForDiskInPlace();
const environment = readEnvironment();
const openClaw = openClawPaths(environment);
const folder = ownPaths(openClaw.stateDir).log;
mkdirSync(folder, { recursive: true, mode: 0o700 });
const { drain } = executorParts({
  environment,
  generation: async () => (await detectGeneration(openClaw)).generation,
  gateway: createGateway({
    paths: openClaw,
    tmp: environment.tmp,
    uid: environment.uid,
    environment: environment.openclaw,
    limits: { startWindowMs: 1_200, restartWithinMs: 20_000, pollMs: 25 },
  }),
  log: createLog((line) => appendFileSync(join(folder, "survival.log"), `${line}\n`, { mode: 0o600 }), Date.now),
  issuer: environment.settings.issuer,
});
await begun();
await drain();
