// A host in a process of its own that starts a worker and then sits there. Its environment says which OpenClaw.
// argv: "fork" | "leave" (launchWorker in that placement) or "resume" (as every host at its start). It prints how that went.

const [what] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { fileURLToPath } = await import("node:url");

const { launchWorker } = await from("apply/launch.js");
const { readEnvironment, workerVariables } = await from("config/env.js");

async function launch() {
  const entry = fileURLToPath(new URL("../../dist/hosts/worker/main.js", import.meta.url));
  await launchWorker({ entry, variables: workerVariables(), placement: what });
  return "launched";
}

async function resume() {
  const { loadConfig } = await from("config/config.js");
  const { buildParts } = await from("hosts/services.js");
  const { launchWorkerFor } = await from("hosts/worker/launch.js");
  const { silentLog } = await from("secrets/log.js");
  const environment = readEnvironment();
  const config = await loadConfig("/nonexistent/config.json", environment);
  const parts = buildParts({ environment, config, log: silentLog, launch: launchWorkerFor });
  return `resumed ${await parts.engine.resume()}`;
}

try {
  process.stdout.write(`${await (what === "resume" ? resume() : launch())}\n`);
} catch (error) {
  process.stdout.write(`${error.code}\n`);
}
// A host goes on with its own business; the test ends it.
process.stdin.resume();
