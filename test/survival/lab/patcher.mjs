// A process that patches a store many times. argv: ours <state folder> <first id> <count>, or theirs <file-lock module> <store> <first id> <count>.
// `theirs` is OpenClaw's own withFileLock around a plain read-modify-write, as its own code does it.

import { readFile, rename, writeFile } from "node:fs/promises";

const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);
const [whose, place, ...rest] = process.argv.slice(2);
process.stdout.write("ready\n");

if (whose === "ours") {
  const [prefix, count] = rest;
  const { openClawPaths } = await from("config/paths.js");
  const { readEnvironment } = await from("config/env.js");
  const { JsonProfileStore } = await from("profiles/json-store.js");
  const { sealCredential } = await from("profiles/profile.js");
  const paths = openClawPaths(readEnvironment({ HOME: place, OPENCLAW_STATE_DIR: place }));
  const store = new JsonProfileStore({ paths, home: place });
  for (let number = 0; number < Number(count); number += 1) {
    const profileId = `openai-codex:${prefix}-${number}`;
    const credential = sealCredential({ type: "oauth", provider: "openai-codex", access: `access of ${profileId}` });
    const { plan, values } = await store.plan({ profileId, provider: "openai-codex", credential });
    for (const change of plan.files) await store.apply(change, values.get(change.path));
  }
} else {
  const [storePath, prefix, count] = rest;
  const { withFileLock } = await import(place);
  const options = {
    // Its own would give up after a second and a half beside fifteen others; what is looked for is a lost update, not its patience.
    retries: { retries: 20_000, factor: 1, minTimeout: 5, maxTimeout: 50, randomize: true },
    stale: 30_000,
  };
  for (let number = 0; number < Number(count); number += 1) {
    await withFileLock(storePath, options, async () => {
      const store = JSON.parse(await readFile(storePath, "utf8"));
      store.profiles[`openai-codex:${prefix}-${number}`] = { type: "api_key", provider: "openai-codex", key: prefix };
      const temporary = `${storePath}.${process.pid}.tmp`;
      await writeFile(temporary, `${JSON.stringify(store, null, 2)}\n`, { mode: 0o600 });
      await rename(temporary, storePath);
    });
  }
}
