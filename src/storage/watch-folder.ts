// Calls back when something in a folder changed: by the system's notice where there is one, by looking where there is none.

import { watch, type FSWatcher } from "node:fs";
import { WATCH } from "../config/defaults.ts";

/**
 * Calls `onChange` at once, after each change in `folder`, and every `WATCH.pollMs` as a net; never twice at a time.
 * Ends when `signal` aborts, after the running call is done.
 */
export async function watchFolder(folder: string, onChange: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let wake: (() => void) | undefined;
  let dirty = true;
  const notice = (): void => {
    dirty = true;
    wake?.();
  };
  const watcher = startWatcher(folder, notice);
  const timer = setInterval(notice, WATCH.pollMs);
  signal.addEventListener("abort", notice, { once: true });
  try {
    while (!signal.aborted) {
      if (!dirty) await new Promise<void>((resolve) => (wake = resolve));
      dirty = false;
      if (!signal.aborted) await onChange();
    }
  } finally {
    clearInterval(timer);
    watcher?.close();
    signal.removeEventListener("abort", notice);
  }
}

/** No watcher where the folder is missing or the system has no watches left: the timer alone serves then. */
function startWatcher(folder: string, notice: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, notice);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
