// Copies the packages that the plugin imports, and theirs, into its own node_modules: only what runs.

import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Not needed at run time, and large or full of what scanners dislike. */
const LEFT_OUT =
  /(?:^|[\\/])(?:docs?|tests?|test-d|benchmarks?|examples?|src|node_modules|Makefile|\.[^\\/]+)$|\.(?:md|map|ts|mts|cts|gif)$/;
/** Whose text must go with every copy. */
const LICENCE = /[\\/]licen[cs]e[^\\/]*$/i;

/** Copies `names` and everything that they depend on from `from` to `to`; gives the copied names. */
export function copyDependencies(names, from, to) {
  const wanted = new Set(names);
  for (const name of wanted) {
    const source = join(from, name);
    const { dependencies = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    for (const dependency of Object.keys(dependencies)) {
      // One version of each: a nested one would have to be copied where it lies.
      if (existsSync(join(source, "node_modules", dependency))) {
        throw new Error(`${name} brings its own ${dependency}: this script does not copy nested packages`);
      }
      wanted.add(dependency);
    }
    cpSync(source, join(to, name), {
      recursive: true,
      filter: (path) => path === source || LICENCE.test(path) || !LEFT_OUT.test(path.slice(source.length)),
    });
  }
  return [...wanted].toSorted((one, other) => one.localeCompare(other));
}
