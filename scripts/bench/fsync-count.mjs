// Counts the fsyncs of the process that imports it, and tells what was being written: must be imported before the code it watches.

import { createRequire, syncBuiltinESMExports } from "node:module";

const promises = createRequire(import.meta.url)("node:fs/promises");
const fs = createRequire(import.meta.url)("node:fs");
const times = [];
const listeners = new Set();
const note = () => void times.push(performance.timeOrigin + performance.now());
const tell = (event) => {
  for (const listener of listeners) listener(event);
};

const open = promises.open;
promises.open = async (...args) => {
  const handle = await open(...args);
  for (const name of ["sync", "datasync"]) {
    const own = handle[name].bind(handle);
    handle[name] = async () => {
      note();
      await own();
      tell({ kind: "synced" });
    };
  }
  return handle;
};
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  tell({ kind: "renamed", to: String(to) });
};
for (const name of ["fsync", "fdatasync"]) {
  const own = fs[name];
  fs[name] = (descriptor, done) => {
    note();
    own(descriptor, (error) => {
      done(error);
      if (error === null) tell({ kind: "synced" });
    });
  };
}
for (const name of ["fsyncSync", "fdatasyncSync"]) {
  const own = fs[name];
  fs[name] = (descriptor) => {
    note();
    own(descriptor);
    tell({ kind: "synced" });
  };
}
syncBuiltinESMExports();

/** How many fsyncs there were so far. */
export function fsyncs() {
  return times.length;
}

/** Calls `listener` after each rename, with its target, and after each fsync of a handle; gives a function that ends that. */
export function onDisk(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Preloaded into a child with a channel: answers with the moments of all fsyncs so far, in milliseconds since 1970.
process.on("message", (message) => {
  if (message === "fsyncs") process.send?.(times);
});
process.channel?.unref();
