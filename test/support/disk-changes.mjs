// Tells of each change of the disk that this process is about to make: between two of them there is one state of the disk.

import { createRequire, syncBuiltinESMExports } from "node:module";

const fs = createRequire(import.meta.url)("node:fs");

/** Calls `changing` with the kind of the change and the path, right before a file is made, renamed, linked or removed. */
export function beforeDiskChanges(changing) {
  for (const name of ["rename", "unlink", "rm", "link"]) {
    const real = fs[`${name}Sync`];
    fs[`${name}Sync`] = (...args) => {
      changing(name, args[0]);
      return real(...args);
    };
  }
  const { openSync } = fs;
  fs.openSync = (path, flags, ...rest) => {
    if (flags === "wx") changing("open", path);
    return openSync(path, flags, ...rest);
  };
  syncBuiltinESMExports();
}
