// Builds the plugin that OpenClaw installs: `dist-plugin/codex-auth/` and a tarball of it; fails where an installer's scanner would.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { copyDependencies } from "./build-plugin-dependencies.mjs";
import { reachableFrom } from "./build-plugin-graph.mjs";
import { scanFile } from "./build-plugin-scan.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const ENTRY = join("hosts", "openclaw", "index.js");
/** Between these it was measured (docs/openclaw-generations.md). */
const OLDEST_OPENCLAW = "2026.4.5";
const NEWEST_OPENCLAW = "2026.9.6";

const { values } = parseArgs({
  options: {
    /** Where the plugin's folder and its tarball go. */
    out: { type: "string", default: join(root, "dist-plugin") },
    /** A tsconfig of another entry: for the tests of this script. */
    project: { type: "string", default: join(root, "plugin", "tsconfig.json") },
    /** The version that is written: for the tests of an upgrade. */
    version: { type: "string" },
  },
});
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const version = values.version ?? manifest.version;
const folder = join(values.out, "codex-auth");
const compiled = join(values.out, ".compiled");
const staged = join(values.out, ".package");
const tarball = join(values.out, `codex-auth-openclaw-${version}.tgz`);

for (const old of [folder, compiled, staged, tarball]) rmSync(old, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const tsc = [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", values.project, "--outDir", compiled];
if (spawnSync(process.execPath, tsc, { stdio: "inherit" }).status !== 0) process.exit(1);

// tsc also writes what is only imported for its types: the plugin holds what runs.
const { files, packages } = reachableFrom(join(compiled, ENTRY));
for (const file of files.keys()) placeCode(file, join(folder, "dist", relative(compiled, file)));
rmSync(compiled, { recursive: true, force: true });
const bundled = copyDependencies(packages, join(root, "node_modules"), join(folder, "node_modules"));
place(join(root, "plugin", "openclaw.plugin.json"), join(folder, "openclaw.plugin.json"));
for (const name of ["LICENSE", "RISK.md", "SECURITY.md"]) place(join(root, name), join(folder, name));
writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageJson(), null, 2)}\n`);

const findings = [...files].flatMap(([file, chain]) => {
  const name = join("dist", relative(compiled, file));
  const path = chain.map((link) => relative(compiled, link)).join(" → ");
  return scanFile(join(folder, name)).map((finding) => `${name}: ${finding}\n    reached by ${path}`);
});
if (findings.length > 0) {
  rmSync(folder, { recursive: true, force: true });
  process.stderr.write(`The plugin would not be installed without a force flag:\n- ${findings.join("\n- ")}\n`);
  process.exit(1);
}

cpSync(folder, join(staged, "package"), { recursive: true });
execFileSync("tar", ["-czf", tarball, "-C", staged, "package"], { stdio: "inherit" });
rmSync(staged, { recursive: true, force: true });
process.stdout.write(
  `${relative(process.cwd(), folder)}${sep}: ${files.size} files of ours, ${bundled.length} packages (${bundled.join(", ")})\n` +
    `${relative(process.cwd(), tarball)}\n`,
);

/** No `dependencies`: OpenClaw would run npm for them, and what is needed lies in the folder already. */
function packageJson() {
  const entry = `./${join("dist", ENTRY).split(sep).join("/")}`;
  return {
    name: "codex-auth-openclaw",
    version,
    description: manifest.description,
    license: manifest.license,
    type: "module",
    engines: manifest.engines,
    openclaw: {
      extensions: [entry],
      runtimeExtensions: [entry],
      // ClawHub takes no plugin without these; the installers hold the first against their own version.
      compat: { pluginApi: `>=${OLDEST_OPENCLAW}` },
      build: { openclawVersion: NEWEST_OPENCLAW },
    },
  };
}

// Up to 2026.5 OpenClaw gives its modules only to a file that cannot be loaded without them: a late import alone finds none
// (docs/openclaw-generations.md, e). Written here and not in src, which is tested where there is no OpenClaw.
function placeCode(from, to) {
  const text = readFileSync(from, "utf8");
  const isLate = /\bimport\(\s*"openclaw\//.test(text) && !/^import\b[^;]*"openclaw\//m.test(text);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, isLate ? `import "openclaw/plugin-sdk/plugin-entry";\n${text}` : text);
}

function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}
