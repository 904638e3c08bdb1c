// Completes package-lock.json with the platform packages that the registry at hand does not serve. npm leaves out optional packages
// it cannot look up, and then refuses its own lock file at `npm ci`. On their platforms they are fetched by name and version.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8"));
const CPUS = { "arm-eabi": "arm", "arm-gnueabihf": "arm", "arm-musleabihf": "arm" };

for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const isPlatform = /^[^/]+\/(?:binding-)?(?:android|darwin|freebsd|linux|openharmony|win32)-/.test(name);
    const isThere = `node_modules/${name}` in lock.packages || `${parent}/node_modules/${name}` in lock.packages;
    if (!isPlatform || isThere) continue;
    const [os, ...rest] = name
      .slice(name.indexOf("/") + 1)
      .replace("binding-", "")
      .split("-");
    const [cpu, abi] = rest;
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [CPUS[rest.join("-")] ?? cpu],
      ...(dev === true ? { dev } : {}),
      ...(os === "linux" && abi !== undefined ? { libc: [abi.startsWith("musl") ? "musl" : "glibc"] } : {}),
      optional: true,
      os: [os],
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
