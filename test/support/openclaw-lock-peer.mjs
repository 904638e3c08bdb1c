// OpenClaw's side of its lock, written anew from facts/openclaw-json-generation.md §2 (2026.4.5), as a process of its own.
// peer.mjs add <storePath> <profileId>...   adds each profile under the lock, read-modify-write
// peer.mjs hold <storePath>                 takes the lock, prints "held", keeps it until its stdin ends

import { once } from "node:events";
import { open, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const RETRIES = { retries: 10, factor: 2, minTimeout: 100, maxTimeout: 10_000 };
const STALE_MS = 30_000;

async function withFileLock(file, body) {
  const lockPath = join(await realpath(dirname(file)), `${basename(file)}.lock`);
  await acquire(lockPath);
  try {
    return await body();
  } finally {
    // OpenClaw 2026.4.5 does not look whose lock it removes.
    await rm(lockPath, { force: true });
  }
}

async function acquire(lockPath) {
  for (let attempt = 0; attempt <= RETRIES.retries; attempt += 1) {
    try {
      const handle = await open(lockPath, "wx");
      await handle.writeFile(JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }, null, 2));
      await handle.close();
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (await isStale(lockPath)) {
      await rm(lockPath, { force: true }).catch(() => undefined);
      continue;
    }
    const base = Math.min(RETRIES.maxTimeout, RETRIES.minTimeout * RETRIES.factor ** attempt);
    await sleep(Math.min(RETRIES.maxTimeout, base * (1 + Math.random())));
  }
  throw new Error("file lock timeout");
}

async function isStale(lockPath) {
  const payload = await readFile(lockPath, "utf8")
    .then(JSON.parse)
    .catch(() => undefined);
  if (typeof payload?.pid === "number" && !isAlive(payload.pid)) return true;
  if (payload?.createdAt !== undefined && Date.now() - Date.parse(payload.createdAt) > STALE_MS) return true;
  return stat(lockPath).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > STALE_MS,
    () => true,
  );
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}

const [command, file, ...ids] = process.argv.slice(2);
if (command === "hold") {
  await withFileLock(file, async () => {
    process.stdout.write("held\n");
    process.stdin.resume();
    await once(process.stdin, "end");
  });
} else {
  process.stdout.write("ready\n");
  for (const id of ids) {
    await withFileLock(file, async () => {
      const store = JSON.parse(await readFile(file, "utf8"));
      store.profiles[id] = { type: "api_key", provider: "peer", key: id };
      const temporary = `${file}.${process.pid}.tmp`;
      await writeFile(temporary, `${JSON.stringify(store, null, 2)}\n`, { mode: 0o600 });
      await rename(temporary, file);
    });
  }
}
