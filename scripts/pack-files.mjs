// What the three packages hold, as lists that a person can read: the skill's folders, the plugin and the npm tarball.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const COMPILED = "dist/ (each file of src/ as .js and .d.ts)";

/** Makes the three packages below `out`, telling on standard error how: `skill/`, `plugin/codex-auth/`, `npm/*.tgz`. */
export function makePackages(out) {
  const scripts = { "build-plugin.mjs": "plugin", "pack-skill.mjs": "skill", "pack-npm.mjs": "npm" };
  for (const [script, folder] of Object.entries(scripts)) {
    const call = [join(root, "scripts", script), "--out", join(out, folder)];
    const { status } = spawnSync(process.execPath, call, { stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`scripts/${script} failed`);
  }
}

/** The lists of the packages that lie below `out`, by name; lines in order. */
export function packageLists(out) {
  return {
    skill: inOrder(filesBelow(join(out, "skill"))),
    plugin: inOrder(foldedPackages(join(out, "plugin", "codex-auth"))),
    npm: inOrder(foldedCompiled(tarballFiles(tarballIn(join(out, "npm"))))),
  };
}

/** The one tarball in a folder. */
export function tarballIn(folder) {
  const [name, ...more] = readdirSync(folder).filter((entry) => entry.endsWith(".tgz"));
  if (name === undefined || more.length > 0) throw new Error(`${folder} does not hold exactly one tarball`);
  return join(folder, name);
}

/** Every file in a tarball, without `package/`. */
export function tarballFiles(tarball) {
  const names = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 }).split("\n");
  return names.filter((name) => name !== "" && !name.endsWith("/")).map((name) => name.replace(/^package\//, ""));
}

/** Every file below a folder, hidden ones too, with `/` between the parts. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

// A package is what its version says: its own files are the registry's matter, which ones we take is the build's.
function foldedPackages(folder) {
  const lines = filesBelow(folder).map((file) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    if (name === undefined) return file;
    const { version } = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
    return `node_modules/${name}/ (${version})`;
  });
  return new Set(lines);
}

// What src/ compiles to would only repeat src/: one line, unless something is too much or missing.
function foldedCompiled(files) {
  const sources = filesBelow(join(root, "src")).filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  const compiled = sources.flatMap((file) => [".js", ".d.ts"].map((end) => `dist/${file.replace(/\.ts$/, end)}`));
  const there = new Set(files);
  const missing = compiled.filter((file) => !there.has(file));
  for (const file of compiled) there.delete(file);
  return [...there, ...missing.map((file) => `${file} is missing`), COMPILED];
}

function inOrder(lines) {
  return [...lines].toSorted((one, other) => (one < other ? -1 : 1));
}

/** What a package holds beyond its list (`+`), and what it lacks (`-`). */
export function differences(list, found) {
  return [
    ...found.filter((line) => !list.includes(line)).map((line) => `+ ${line}`),
    ...list.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ];
}

/** The list of a package as it was agreed on. */
export function agreedList(folder, name) {
  const path = join(folder, `${name}.txt`);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}
