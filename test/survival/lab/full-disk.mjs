// Jobs on a disk that is really full. argv: <folder on a small file system of its own>. Says in JSON what it saw.
// For each number of free pages, from none on, the disk is filled up to it, a job is made and carried out, room is made, and it is tried again.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { executorParts } from "../../support/executor-parts.mjs";

const from = (path) => import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { readEnvironment } = await from("config/env.js");
const { silentLog } = await from("secrets/log.js");
const { Secret } = await from("secrets/secret.js");
const { sandboxAccessToken } = await from("sandbox/tokens.js");

const [disk] = process.argv.slice(2);
const now = Date.now;
const gateway = {
  locate: async () => ({ kind: "stopped" }),
  planRestart: async () => ({ kind: "impossible", reason: "" }),
};

function login(name) {
  const claims = {
    email: `${name}@example.com`,
    userId: `user-${name}`,
    accountId: `account-${name}`,
    planType: "plus",
  };
  const access = sandboxAccessToken({ ...claims, expiresInMs: 9e8, now: now() });
  return {
    type: "oauth",
    provider: "openai-codex",
    access,
    refresh: `rt-${randomBytes(24).toString("hex")}`,
    expires: now() + 9e8,
  };
}

/** A machine on the disk, with two logins. */
function machine(home) {
  const stateDir = join(home, ".openclaw");
  const storePath = join(stateDir, "agents/main/agent/auth-profiles.json");
  mkdirSync(dirname(storePath), { recursive: true, mode: 0o700 });
  const profiles = { "openai-codex:alice": login("alice"), "openai-codex:bob": login("bob") };
  writeFileSync(storePath, JSON.stringify({ version: 1, profiles }));
  const environment = readEnvironment({ HOME: home, OPENCLAW_STATE_DIR: stateDir });
  const { paths, services, drain } = executorParts({
    environment,
    gateway,
    log: silentLog,
    kind: "foreground",
    waitMs: 5_000,
  });
  return { ...services, paths, storePath, profiles, drain, read: () => JSON.parse(readFileSync(storePath, "utf8")) };
}

/** Leaves exactly `pages` of the disk free. */
function fill(pages) {
  const { bavail, bsize } = statfsSync(disk);
  const wanted = (bavail - pages) * bsize;
  if (wanted > 0) writeFileSync(join(disk, "filler"), Buffer.alloc(wanted));
  return statfsSync(disk).bavail;
}

const everything = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");

const attempt = async (work) => {
  try {
    await work();
    return "ok";
  } catch (error) {
    return error.code ?? String(error);
  }
};

/** One try with so many pages free, from `when` on. */
async function run(pages, when) {
  const home = join(disk, "home");
  const world = machine(home);
  const { access, refresh, expires } = login("carol");
  const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
  const profileId = "openai-codex:carol";
  const about = { agentId: "main", profileId, reason: "first-login", expiresAtMs: expires, requestedBy };
  const tokens = { access: Secret.of(access), refresh: Secret.of(refresh), expiresAtMs: expires };
  const park = () => world.parked.put(about, tokens);
  const enqueue = async () => {
    const [waiting] = await world.parked.list();
    await world.queue.enqueueLogin({
      parkedId: waiting.id,
      agentId: "main",
      profileId,
      makeFirst: true,
      activation: "auto",
      requestedBy,
    });
  };
  const codes = [];
  let free;
  const begin = () => void (free ??= fill(pages));
  if (when === "before it is kept") begin();
  codes.push(await attempt(park));
  const isKept = codes[0] === "ok";
  if (when === "before the job") begin();
  if (isKept) codes.push(await attempt(enqueue));
  begin();
  codes.push(await attempt(world.drain));
  const full = everything(home);
  const isThere = (token) => full.includes(token);
  const lost = [...Object.values(world.profiles).map((one) => one.refresh), ...(isKept ? [refresh] : [])].filter(
    (token) => !isThere(token),
  );
  let isWhole = true;
  try {
    world.read();
  } catch {
    isWhole = false;
  }
  // Room is made: whoever was refused tries again, and whatever is open goes on.
  rmSync(join(disk, "filler"), { force: true });
  if (!isKept) await park();
  await world.drain();
  for (const { outcome, problem } of await world.receipts.list())
    if (outcome !== "done") codes.push(problem?.code ?? outcome);
  if ((await world.parked.list()).length > 0) await enqueue();
  await world.drain();
  const { profiles } = world.read();
  const isSaved = profiles[profileId]?.refresh === refresh;
  const others = ["openai-codex:alice", "openai-codex:bob"].every(
    (id) => JSON.stringify(profiles[id]) === JSON.stringify(world.profiles[id]),
  );
  const left = [
    (await world.queue.open()).length,
    (await world.parked.list()).length,
    readdirSync(join(world.paths.queue, "secrets")).length,
  ];
  rmSync(home, { recursive: true });
  return {
    pages,
    when,
    free,
    codes: codes.filter((code) => code !== "ok"),
    lost: lost.length,
    isWhole,
    isSaved,
    others,
    left,
  };
}

const runs = [];
for (const when of ["before it is kept", "before the job", "before it is carried out"])
  for (let pages = 0; pages < 24; pages += 1) runs.push(await run(pages, when));
process.stdout.write(JSON.stringify(runs));
