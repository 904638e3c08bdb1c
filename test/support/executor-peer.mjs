// An executor in a process of its own, that can be told to die before its n-th change of the disk.
// argv: <OpenClaw state folder> <n, 0 = live>. It talks to a gateway that keeps its snapshot in a file.

import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeDiskChanges } from "./disk-changes.mjs";
import { executorParts } from "./executor-parts.mjs";

const [stateDir, point] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { readEnvironment } = await from("config/env.js");
const { createLog } = await from("secrets/log.js");

const storePath = join(stateDir, "agents", "main", "agent", "auth-profiles.json");
const snapshot = join(stateDir, "gateway-snapshot.json");
const startedFile = join(stateDir, "gateway-started");
const plan = JSON.parse(readFileSync(join(stateDir, "gateway-plan.json"), "utf8"));
const instance = { pid: 1, startTime: 1, port: 1, stateDir, configPath: "" };
const note = (line) => appendFileSync(join(stateDir, "gateway-calls.log"), `${line}\n`);

// It never gets healthy as long as the store holds a certain profile.
const isBroken = () =>
  plan.neverHealthy !== undefined && plan.neverHealthy in JSON.parse(readFileSync(storePath, "utf8")).profiles;

const gateway = {
  locate: async () => ({ kind: "running", instance }),
  health: async () => ({
    live: true,
    ready: !isBroken(),
    failing: [],
    uptimeMs: Date.now() - Number(existsSync(startedFile) ? readFileSync(startedFile, "utf8") : 0),
  }),
  reload: async () => {
    note("reload");
    copyFileSync(storePath, snapshot);
    return { durationMs: 1, warningCount: 0 };
  },
  profiles: async () => {
    const { profiles } = JSON.parse(readFileSync(snapshot, "utf8"));
    return Object.entries(profiles).map(([profileId, { expires }]) => ({ profileId, expiresAtMs: expires }));
  },
  planRestart: async () => ({ kind: "possible", method: "signal", describes: "by a signal" }),
  restart: async () => {
    note("restart");
    copyFileSync(storePath, snapshot);
    writeFileSync(startedFile, String(Date.now()));
    if (isBroken()) {
      const { CodexAuthError } = await from("errors.js");
      throw new CodexAuthError("ERR_GATEWAY_UNHEALTHY", { message: "It did not come back.", next: "Nothing." });
    }
    return { instance, durationMs: 1 };
  },
};

const { drain } = executorParts({
  environment: readEnvironment({ HOME: stateDir, OPENCLAW_STATE_DIR: stateDir }),
  gateway,
  log: createLog((line) => appendFileSync(join(stateDir, "executor.log"), `${line}\n`), Date.now),
  issuer: plan.issuer,
});

// Dying before each change of the disk visits all states of it.
let changes = 0;
const reigned = new Set();
beforeDiskChanges((name, path) => {
  // The heart beats by the clock: counted, it would be another change at another place in each run.
  if (String(path).includes("/.executor.json.")) {
    if (reigned.has(name)) return;
    reigned.add(name);
  }
  if (++changes === Number(point)) process.kill(process.pid, "SIGKILL");
});

await drain();
process.stdout.write(String(changes));
