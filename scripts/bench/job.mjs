// A job from enqueue to written, its journal included, against as many bare fsyncs.

import { fsyncs, onDisk } from "./fsync-count.mjs";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Executor } from "../../dist/apply/executor.js";
import { Outbox } from "../../dist/apply/outbox.js";
import { ParkedLogins } from "../../dist/apply/parked.js";
import { JobQueue } from "../../dist/apply/queue.js";
import { Receipts } from "../../dist/apply/receipt.js";
import { withReign } from "../../dist/apply/reign.js";
import { ownPaths } from "../../dist/config/paths.js";
import { silentLog } from "../../dist/secrets/log.js";
import { Secret } from "../../dist/secrets/secret.js";
import { waitForDiskInPlace } from "../../dist/storage/fsync.js";
import { atMost, inFolder, interleaved, told } from "./lab.mjs";
import { storedLogin, storeOf } from "./store-lab.mjs";

const PROFILES = 10;
const REQUESTED_BY = { host: "telegram", chatId: "1", personId: "1" };

/** The gateway is stopped: nothing of what it would take is measured. */
const gateway = {
  locate: async () => ({ kind: "stopped" }),
  planRestart: async () => ({ kind: "impossible", reason: "" }),
};

/** The fsyncs of a job are counted as they are made, and then that many are made barely, each after as small a write. */
export function job({ quick }) {
  // As the worker does.
  waitForDiskInPlace();
  return inFolder(async (folder) => {
    const { store, stateDir } = await storeOf(folder, PROFILES);
    const paths = ownPaths(stateDir);
    const now = Date.now;
    const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
    const queue = new JobQueue({ paths, parked, now });
    const receipts = new Receipts({ folder: paths.receipts, now });
    const outbox = new Outbox({ folder: paths.outbox, now });
    const services = { parked, queue, receipts, outbox, store, gateway, now, log: silentLog };
    const counts = [];
    let count = 0;

    /** Parks a login, which is not measured, makes it a job and executes it; gives the milliseconds until it was written. */
    const run = (round) =>
      withReign({ paths, kind: "foreground", version: "bench", now, waitMs: 5_000 }, async (reign) => {
        const { access, refresh, expires: expiresAtMs } = storedLogin(`job${round}`);
        const about = { agentId: "main", profileId: `openai-codex:p${(round + 1) % PROFILES}` };
        const { id } = await parked.put(
          { ...about, reason: "first-login", expiresAtMs, requestedBy: REQUESTED_BY },
          { access: Secret.of(access), refresh: Secret.of(refresh), expiresAtMs },
        );
        const before = fsyncs();
        const began = performance.now();
        const made = await queue.enqueueLogin({
          ...about,
          parkedId: id,
          makeFirst: false,
          activation: "auto",
          requestedBy: REQUESTED_BY,
        });
        const written = seenWritten(join(paths.queue, "jobs", `${made.job.id}.json`), () => {
          count = fsyncs() - before;
          return performance.now() - began;
        });
        await new Executor(services, reign).drain();
        const took = await written;
        if (round >= 0) counts.push(count);
        const { outcome } = (await receipts.list(1))[0] ?? {};
        if (outcome !== "done") throw new Error(`the job ended as ${outcome}`);
        return took;
      });

    const file = await open(join(folder, "bare"), "a", 0o600);
    const bytes = Buffer.alloc(1_000, "x");
    const took = await interleaved(quick ? 3 : 40, {
      job: run,
      bare: async () => {
        for (let time = 0; time < count; time += 1) {
          await file.write(bytes);
          await file.sync();
        }
      },
    });
    await file.close();
    return [
      atMost(2, `job from enqueue to written / its ${count} fsyncs barely`, took.job / took.bare),
      told("fsyncs of a job until it is written", Math.max(...counts)),
      told("job from enqueue to written", took.job, "ms"),
    ];
  });
}

/** Resolves with what `measure` gives when it is on disk that the job at `path` is written: its record, and the record's name in the folder. */
function seenWritten(path, measure) {
  return new Promise((resolve) => {
    let isNamed = false;
    const end = onDisk(({ kind, to }) => {
      if (kind === "renamed" && to === path)
        isNamed = /"state": "(?:written|activated|verified|done)"/.test(readFileSync(path, "utf8"));
      if (kind !== "synced" || !isNamed) return;
      end();
      resolve(measure());
    });
  });
}
