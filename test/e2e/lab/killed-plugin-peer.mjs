// The plugin's executor in a bare process with a real OpenClaw's SDK: `killed-plugin-peer.mjs <folder of node_modules> <stateDir>`.
// Reads one command a line and answers each with one line; `drain` may be told when to die, and then has no answer. Nothing of
// OpenClaw's is touched before the first command: until then the process only has everything loaded.

import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { beforeDiskChanges } from "../../support/disk-changes.mjs";
import { executorParts } from "../../support/executor-parts.mjs";

const [folder, stateDir] = process.argv.slice(2);
const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { openClawPaths } = await from("config/paths.js");
const { readEnvironment } = await from("config/env.js");
const { CodexAuthError } = await from("errors.js");
const { inProcessGateway } = await from("hosts/openclaw/in-process-gateway.js");
const { loadAuthSdk } = await from("hosts/openclaw/sdk.js");
const { OpenClawProfileStore } = await from("profiles/openclaw-store.js");
const { silentLog } = await from("secrets/log.js");

const { resolve } = createRequire(join(folder, "package.json"));
const importModule = (name) => import(pathToFileURL(resolve(`openclaw/plugin-sdk/${name}`)).href);
for (const name of ["provider-auth", "agent-runtime"]) await importModule(name);

// When a job is interrupted: before a change of the disk that is ours, or whenever the time from the first of them is over.
let [changes, dieAtChange, dieAfterUs, began] = [0, 0, 0, 0n];
/** A number that changes with each order to the clock, and its microseconds; 0 stops it. */
const clock = new Int32Array(new SharedArrayBuffer(8));
const setClock = (us) => {
  clock[1] = us;
  Atomics.add(clock, 0, 1);
  Atomics.notify(clock, 0);
};
const changed = () => {
  changes += 1;
  if (changes === dieAtChange) process.kill(process.pid, "SIGKILL");
  if (changes > 1) return;
  began = process.hrtime.bigint();
  setClock(dieAfterUs);
};
beforeDiskChanges((_name, path) => {
  if (String(path).startsWith(join(stateDir, "codex-auth"))) changed();
});
// A thread of its own: OpenClaw's update is synchronous, and a kill is to fall into it as well.
new Worker(
  `const { workerData: clock } = require("node:worker_threads");
   for (;;) {
     const order = Atomics.load(clock, 0);
     if (Atomics.wait(clock, 0, order, clock[1] === 0 ? Infinity : clock[1] / 1000) === "timed-out")
       process.kill(process.pid, "SIGKILL");
   }`,
  { eval: true, workerData: clock },
).unref();

const environment = readEnvironment({ HOME: stateDir, OPENCLAW_STATE_DIR: stateDir });
const paths = openClawPaths(environment);
let opened;
const openUp = async () => {
  const sdk = await loadAuthSdk({ importModule });
  const store = new OpenClawProfileStore({ sdk, paths, home: stateDir });
  const gateway = inProcessGateway({ store, shape: sdk.shape, port: 0, stateDir, configPath: paths.configPath });
  const { reload } = gateway;
  let failing = false;
  gateway.reload = async (...args) => {
    if (failing) throw new CodexAuthError("ERR_GATEWAY_RPC", { message: "It did not reload.", next: "Nothing." });
    return reload(...args);
  };
  const parts = executorParts({ environment, gateway, log: silentLog, store, kind: "plugin" });
  return { sdk, ...parts, fails: (wanted) => (failing = wanted) };
};

const commands = {
  shape: ({ sdk }) => sdk.shape,
  /** Ends every open job, or dies on the way. */
  drain: async ({ drain, fails }, { afterUs = 0, atChange = 0, reloadFails = false }) => {
    fails(reloadFails);
    [changes, dieAtChange, dieAfterUs] = [0, atChange, afterUs];
    await drain();
    setClock(0);
    return { tookUs: Number((process.hrtime.bigint() - began) / 1_000n), changes };
  },
  /** The shared store as OpenClaw's own locked update reads it. */
  store: ({ sdk }) => sdk.load(),
  /** What another part of OpenClaw does with its own locked update: `store` replaces parts of what is there. */
  put: async (_parts, { store }) => {
    const { updateAuthProfileStoreWithLock } = await importModule("provider-auth");
    const updater = (found) => Object.assign(found, store) !== undefined;
    const keep = Object.values(store.order ?? {}).flat();
    const saveOptions = { preserveOrderProfileIds: keep, preserveStateProfileIds: keep };
    return (await updateAuthProfileStoreWithLock({ updater, saveOptions })) !== null;
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answerTo(line));
await once(lines, "close");
process.exit(0);

async function answerTo(line) {
  const command = JSON.parse(line);
  let answer;
  try {
    opened ??= openUp();
    answer = { ok: (await commands[command.do](await opened, command)) ?? null };
  } catch (error) {
    answer = { code: error.code ?? "none", message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
