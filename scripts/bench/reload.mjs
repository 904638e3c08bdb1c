// Health probes of the real gateways that fail while a job makes them reload: 20 a second, each with 2 s to be answered.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { request } from "undici";
import { defaultConfig } from "../../dist/config/config.js";
import { readEnvironment } from "../../dist/config/env.js";
import { buildParts } from "../../dist/hosts/services.js";
import { silentLog } from "../../dist/secrets/log.js";
import { compiled } from "./compiled.mjs";
import { Skipped, atMost, told } from "./lab.mjs";
import { putFirst } from "./order-job.mjs";

const VERSIONS = ["2026.4.5", "2026.5.28"];
const PROBES_PER_SECOND = 20;
const ANSWER_MS = 2_000;
/** How often a gateway is made to reload, and how long it is watched around that. */
const RELOADS = 5;
const AROUND_MS = 1_000;

/** Only versions that the end-to-end tests have installed are looked at: nothing is downloaded for a benchmark. */
export async function reload({ quick, note }) {
  if (quick) throw new Skipped("a quick run starts no real gateway");
  const { cacheFolder } = await compiled("test/e2e/lab/surroundings.ts");
  const cache = cacheFolder();
  const there = VERSIONS.filter((version) => existsSync(join(cache, `openclaw-${version}`, ".complete.json")));
  if (there.length === 0) throw new Skipped(`no OpenClaw in ${cache}; \`npm run test:e2e\` installs it`);
  for (const version of VERSIONS) if (!there.includes(version)) note(`OpenClaw ${version} is not in ${cache}`);
  const figures = [];
  for (const version of there) figures.push(...(await reloadOf(version)));
  return figures;
}

async function reloadOf(version) {
  const { installOpenClaw } = await compiled("test/e2e/lab/install.ts");
  const { fakeLogin, startLab } = await compiled("test/e2e/lab/lab.ts");
  const installed = await installOpenClaw(version);
  if (!installed.ok) throw new Skipped(installed.reason);
  const ids = ["openai-codex:alice", "openai-codex:bob"];
  const profiles = Object.fromEntries(ids.map((id) => [id, fakeLogin(id.split(":")[1])]));
  const lab = await startLab(installed.openclaw, { stores: { main: { profiles, order: { "openai-codex": ids } } } });
  try {
    const { home, stateDir, tmp, configPath, port } = lab.home;
    const environment = {
      ...readEnvironment({ HOME: home, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_CONFIG_PATH: configPath }),
      tmp,
    };
    const config = defaultConfig(join(stateDir, "codex-auth/config.json"), environment);
    const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined });
    const phase = { isReloading: false };
    const endWatch = watch(port, phase);
    for (let time = 1; time <= RELOADS; time += 1) {
      await pause(AROUND_MS);
      phase.isReloading = true;
      await putFirst(parts, { profileId: ids[time % 2], activation: "reload", number: time });
      phase.isReloading = false;
    }
    await pause(AROUND_MS);
    const { during, atRest } = await endWatch();
    return [
      atMost(0, `OpenClaw ${version}: probes that fail during ${RELOADS} reloads`, failedOf(during), ""),
      told(`OpenClaw ${version}: probes during the reloads`, during.length),
      // A machine with no time to spare answers late whatever is done: this says how late it is by itself.
      told(`OpenClaw ${version}: of ${atRest.length} probes in between that fail`, failedOf(atRest)),
    ];
  } finally {
    await lab.stop();
  }
}

/** Probes at a fixed pace, whether earlier ones were answered or not; the function that it gives ends that and tells. */
function watch(port, phase) {
  /** @type {{ during: Promise<unknown>[], atRest: Promise<unknown>[] }} */
  const asked = { during: [], atRest: [] };
  const timer = setInterval(() => {
    asked[phase.isReloading ? "during" : "atRest"].push(probe(port));
  }, 1_000 / PROBES_PER_SECOND);
  return async () => {
    clearInterval(timer);
    return { during: await Promise.all(asked.during), atRest: await Promise.all(asked.atRest) };
  };
}

function failedOf(answered) {
  return answered.filter((isGood) => !isGood).length;
}

async function probe(port) {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      reset: true,
    });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
