// Preloaded into a program: writes at its end, to the file in FSYNC_TALLY, how many fsyncs it waited for in place and elsewhere.

import { createRequire, syncBuiltinESMExports } from "node:module";

const fs = createRequire(import.meta.url)("node:fs");
const { fsync, fsyncSync, writeFileSync } = { ...fs };
const tally = { inPlace: 0, elsewhere: 0 };
fs.fsyncSync = (...args) => {
  tally.inPlace += 1;
  return fsyncSync(...args);
};
fs.fsync = (...args) => {
  tally.elsewhere += 1;
  return fsync(...args);
};
syncBuiltinESMExports();
process.on("exit", () => writeFileSync(process.env.FSYNC_TALLY, JSON.stringify(tally)));
