// Our own store in a process of its own.
// store-peer.mjs save <stateDir> <profileId>...   saves each profile, prints "ready" first
// store-peer.mjs stall <stateDir> <profileId>     stops for ever right before its rename, after printing "renaming"

import { writeSync } from "node:fs";
import { beforeDiskChanges } from "./disk-changes.mjs";

const [command, stateDir, ...ids] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { openClawPaths } = await from("config/paths.js");
const { readEnvironment } = await from("config/env.js");
const { JsonProfileStore } = await from("profiles/json-store.js");
const { sealCredential } = await from("profiles/profile.js");

if (command === "stall") {
  beforeDiskChanges((name) => {
    if (name !== "rename") return;
    writeSync(1, "renaming\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}
process.stdout.write("ready\n");
const paths = openClawPaths(readEnvironment({ HOME: stateDir, OPENCLAW_STATE_DIR: stateDir }));
const store = new JsonProfileStore({ paths, home: stateDir });
for (const profileId of ids) {
  const credential = sealCredential({ type: "oauth", provider: "openai-codex", access: `access of ${profileId}` });
  const { plan, values } = await store.plan({ profileId, provider: "openai-codex", credential });
  for (const change of plan.files) await store.apply(change, values.get(change.path));
}
