// The executor as a process of its own, as every host starts it, with waits for restarts that suit the sandbox gateway.

import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { Executor } = await from("apply/executor.js");
const { Outbox } = await from("apply/outbox.js");
const { ParkedLogins } = await from("apply/parked.js");
const { JobQueue } = await from("apply/queue.js");
const { Receipts } = await from("apply/receipt.js");
const { withReign } = await from("apply/reign.js");
const { readEnvironment } = await from("config/env.js");
const { openClawPaths, ownPaths } = await from("config/paths.js");
const { createGateway } = await from("gateway/gateway.js");
const { detectGeneration } = await from("gateway/generation.js");
const { JsonProfileStore } = await from("profiles/json-store.js");
const { createLog } = await from("secrets/log.js");

const environment = readEnvironment();
const openClaw = openClawPaths(environment);
const paths = ownPaths(openClaw.stateDir);
const now = Date.now;
const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
mkdirSync(paths.log, { recursive: true, mode: 0o700 });
const services = {
  parked,
  queue: new JobQueue({ paths, parked, now }),
  receipts: new Receipts({ folder: paths.receipts, now }),
  outbox: new Outbox({ folder: paths.outbox, now }),
  store: new JsonProfileStore({
    paths: openClaw,
    home: environment.home,
    generation: async () => (await detectGeneration(openClaw)).generation,
    corruptFolder: paths.corrupt,
  }),
  gateway: createGateway({
    paths: openClaw,
    tmp: environment.tmp,
    uid: environment.uid,
    environment: environment.openclaw,
    limits: { startWindowMs: 1_200, restartWithinMs: 20_000, pollMs: 25 },
  }),
  now,
  log: createLog((line) => appendFileSync(join(paths.log, "survival.log"), `${line}\n`, { mode: 0o600 }), now),
};
await withReign({ paths, kind: "worker", version: "test", now, waitMs: 0 }, (reign) =>
  new Executor(services, reign).drain(),
);
