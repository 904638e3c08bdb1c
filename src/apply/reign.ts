// Elects the one executor: a lock that one process holds, and an epoch that fences whoever held it before.

import { join } from "node:path";
import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import type { OwnPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder, removeLeftovers } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { withProcessLock } from "../storage/process-lock.ts";

const executorSchema = z.object({
  kind: z.enum(["worker", "foreground", "plugin"]),
  pid: z.number(),
  startedAt: z.number(),
  version: z.string(),
  epoch: z.number(),
  heartbeat: z.number(),
});

/** Who executes jobs now, or did last: `executor.json`. */
export type ExecutorRecord = z.infer<typeof executorSchema>;

/** The right of one process to execute jobs, as long as nobody took it over. */
export interface Reign {
  readonly epoch: number;
  /** Aborts when the lock is lost. */
  readonly signal: AbortSignal;
  /** @throws CodexAuthError `ERR_EXECUTOR_FENCED` where another executor has taken over; call it before every durable step. */
  assertMine(): Promise<void>;
}

/** Who is about to reign. */
export interface ReignOptions {
  readonly paths: OwnPaths;
  readonly kind: ExecutorRecord["kind"];
  readonly version: string;
  readonly now: () => number;
  /** How long to wait for the executor before us, in milliseconds; 0 tries once. */
  readonly waitMs: number;
}

/**
 * Runs `body` as the only executor.
 *
 * @throws CodexAuthError `ERR_LOCK_TIMEOUT` where another executor is at work.
 */
export async function withReign<T>(options: ReignOptions, body: (reign: Reign) => Promise<T>): Promise<T> {
  const { paths, now } = options;
  const file = executorFile(paths);
  await ensurePrivateFolder(paths.queue);
  return withProcessLock(
    file,
    async (signal) => {
      // What a killed one was just writing: only the holder of this lock writes here.
      await removeLeftovers(file);
      const before = await readJsonFile(file, executorSchema).catch(() => undefined);
      const record: ExecutorRecord = {
        kind: options.kind,
        pid: process.pid,
        startedAt: now(),
        version: options.version,
        // A lost file must not give an old epoch a second time, so the clock is its floor.
        epoch: Math.max((before?.epoch ?? 0) + 1, now()),
        heartbeat: now(),
      };
      await writeJsonFile(file, record);
      let isOver = false;
      const reign: Reign = {
        epoch: record.epoch,
        signal,
        assertMine: async () => {
          const current = signal.aborted || isOver ? undefined : await readJsonFile(file, executorSchema);
          if (current?.epoch !== record.epoch) throw fenced();
        },
      };
      const stopHeart = startHeart(file, record, reign, now);
      try {
        return await body(reign);
      } finally {
        // Whatever is still under way must not go on once the lock is let go.
        isOver = true;
        await stopHeart();
      }
    },
    { waitMs: options.waitMs },
  );
}

/** The record of the executor that works now or did last, or undefined. */
export async function readExecutor(paths: OwnPaths): Promise<ExecutorRecord | undefined> {
  return readJsonFile(executorFile(paths), executorSchema);
}

function executorFile(paths: OwnPaths): string {
  return join(paths.queue, "executor.json");
}

/** Tells onlookers that the executor lives; it decides nothing, so a beat that cannot be written is left out. */
function startHeart(file: string, record: ExecutorRecord, reign: Reign, now: () => number): () => Promise<void> {
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beating
      .then(() => reign.assertMine())
      .then(() => writeJsonFile(file, { ...record, heartbeat: now() }))
      .catch(() => undefined);
  }, APPLY.heartbeatMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await beating;
  };
}

function fenced(): CodexAuthError {
  return new CodexAuthError("ERR_EXECUTOR_FENCED", {
    message: "Another executor has taken over the queue.",
    next: "Nothing to do: the other one goes on.",
    retryable: true,
  });
}
