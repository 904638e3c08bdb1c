// Which compiled files an entry really loads: relative imports are followed, packages are named.

import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, resolve } from "node:path";

// Of compiled code only: tsc writes every specifier in double quotes, on the line that ends the statement.
const SPECIFIERS = [
  /^(?:import|export)\b[^"']*?\bfrom\s*"([^"]+)";?/gm,
  /^import\s*"([^"]+)";?/gm,
  /\bimport\s*\(\s*"([^"]+)"\s*\)/g,
  /\bnew URL\(\s*"(\.{1,2}\/[^"]+\.js)"\s*,\s*import\.meta\.url\s*\)/g,
];

/** `files`: each file with the chain of files that leads to it; `packages`: the names of the packages that are imported. */
export function reachableFrom(entry) {
  const files = new Map([[entry, [entry]]]);
  const packages = new Set();
  for (const [file, chain] of files) {
    for (const specifier of importsOf(readFileSync(file, "utf8"))) {
      if (specifier.startsWith(".")) {
        const target = resolve(dirname(file), specifier);
        if (!files.has(target)) files.set(target, [...chain, target]);
      } else if (!isProvided(specifier)) {
        packages.add(packageName(specifier));
      }
    }
  }
  return { files, packages: [...packages].toSorted((one, other) => one.localeCompare(other)) };
}

/** Every specifier in a compiled file. */
export function importsOf(text) {
  return SPECIFIERS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]));
}

// Node.js gives the first, OpenClaw the second.
function isProvided(specifier) {
  const name = packageName(specifier);
  return specifier.startsWith("node:") || builtinModules.includes(specifier) || name === "openclaw";
}

function packageName(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
