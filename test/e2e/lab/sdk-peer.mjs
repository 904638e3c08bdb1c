// Our store over a real OpenClaw's SDK, in a process with OpenClaw's own Node.js: `sdk-peer.mjs <folder of node_modules> <stateDir>`.
// Reads one command a line, `{do, ...}`, and answers each with one line, `{ok}` or `{code, message}`.

import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, stateDir] = process.argv.slice(2);
const from = (path) => import(new URL(`../../../src/${path}`, import.meta.url).href);
const { loadAuthSdk } = await from("hosts/openclaw/sdk.ts");
const { OpenClawProfileStore } = await from("profiles/openclaw-store.ts");
const { JsonProfileStore } = await from("profiles/json-store.ts");
const { sealCredential, openCredential } = await from("profiles/profile.ts");
const { openClawPaths } = await from("config/paths.ts");
const { readEnvironment } = await from("config/env.ts");

const { resolve } = createRequire(join(folder, "package.json"));
const importModule = (name) => import(pathToFileURL(resolve(`openclaw/plugin-sdk/${name}`)).href);
const paths = openClawPaths(readEnvironment({ HOME: stateDir, OPENCLAW_STATE_DIR: stateDir }));
const sdk = await loadAuthSdk({ importModule });
const roots = { paths, home: stateDir };
const stores = { inside: new OpenClawProfileStore({ ...roots, sdk }), outside: new JsonProfileStore(roots) };
const plans = new Map();

const commands = {
  shape: () => sdk.shape,
  agents: () => stores.inside.agents(),
  read: ({ agentId }) => stores.inside.read(agentId),
  credential: async ({ profileId, agentId }) => {
    const found = await stores.inside.readCredential(profileId, agentId);
    return found === undefined ? null : { entry: openCredential(found.credential), inherited: found.inherited };
  },
  plan: async ({ change, agentId, by = "inside" }) => {
    const { credential } = change;
    const sealed = credential == null ? {} : { credential: sealCredential(credential) };
    const planned = await stores[by].plan({ provider: "openai-codex", ...change, ...sealed }, agentId);
    plans.set(String(plans.size), planned);
    return { id: String(plans.size - 1), plan: planned.plan };
  },
  carry: async ({ id, how, by = "inside" }) => {
    const { plan, values } = plans.get(id);
    const outcomes = [];
    for (const file of plan.files) outcomes.push((await stores[by][how](file, values.get(file.path))).outcome);
    return outcomes;
  },
  check: async ({ id, by = "inside" }) => Promise.all(plans.get(id).plan.files.map((file) => stores[by].check(file))),
  effective: ({ agentDir }) => sdk.effective(agentDir),
  pins: ({ agentId }) => stores.inside.pins(agentId),
  clearPins: ({ agentId, profileId }) => stores.inside.clearPins(agentId, profileId),
  call: async ({ module, name, args }) => (await importModule(module))[name](...args),
  /** What another part of OpenClaw does with its own locked update. */
  put: async ({ store, agentDir }) => {
    const { updateAuthProfileStoreWithLock } = await importModule("provider-auth");
    const updater = (found) => Object.assign(found, store) !== undefined;
    const keep = Object.values(store.order ?? {}).flat();
    const saveOptions = { preserveOrderProfileIds: keep };
    return (await updateAuthProfileStoreWithLock({ agentDir, updater, saveOptions })) !== null;
  },
  /** Whether OpenClaw's own lock keeps us out while another part of this very process holds it. */
  reentrant: async ({ path }) => {
    const { withFileLock } = await importModule("file-lock");
    const options = { retries: { retries: 0, factor: 1, minTimeout: 1, maxTimeout: 1 }, stale: 30_000 };
    return withFileLock(path, options, () => withFileLock(path, options, async () => "let in"));
  },
  /** A step of ours while another part of this process holds the lock, as a renewal does; ends when that lets go. */
  applyWhileHeld: async ({ id, path, heldMs }) => {
    const { withFileLock } = await importModule("file-lock");
    const options = { retries: { retries: 10, factor: 2, minTimeout: 100, maxTimeout: 10_000 }, stale: 30_000 };
    const { plan, values } = plans.get(id);
    const events = [];
    let step = Promise.resolve(0);
    await withFileLock(path, options, async () => {
      step = stores.inside.apply(plan.files[0], values.get(plan.files[0].path)).then(() => events.push("written"));
      await new Promise((done) => setTimeout(done, heldMs));
      events.push("let go");
    });
    await step;
    return events;
  },
};

process.stdout.write(`${JSON.stringify({ ok: "ready" })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answerTo(line));
await once(lines, "close");
process.exit(0);

async function answerTo(line) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await commands[command.do](command)) ?? null };
  } catch (error) {
    answer = { code: error.code ?? "none", message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
