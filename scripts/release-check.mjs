// `npm run release:check`: one version everywhere, provenance, what the packages hold, and how large an installation is.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  agreedList,
  differences,
  filesBelow,
  makePackages,
  packageLists,
  tarballFiles,
  tarballIn,
} from "./pack-files.mjs";
import {
  licenceProblems,
  provenanceProblems,
  sizeProblems,
  tarballProblems,
  versionProblems,
  versionsIn,
} from "./release-rules.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = (path) => readFileSync(join(root, path), "utf8");
const json = (path) => JSON.parse(text(path));

const made = mkdtempSync(join(tmpdir(), "codex-auth-release-"));
try {
  makePackages(made);
  const manifest = json("package.json");
  const plugin = join(made, "plugin", "codex-auth");
  const versions = versionsIn({
    manifest,
    lock: json("package-lock.json"),
    changelog: text("CHANGELOG.md"),
    skills: { "SKILL.md": text("SKILL.md"), "lease/SKILL.md": text("lease/SKILL.md") },
    plugin: JSON.parse(readFileSync(join(plugin, "package.json"), "utf8")),
  });
  report(`version ${manifest.version}, in ${versions.length} places`, versionProblems(versions));
  report("provenance and licence", provenanceProblems(manifest, text("LICENSE")));
  for (const [name, found] of Object.entries(packageLists(made))) {
    const list = agreedList(join(root, "test", "pack", "golden"), name);
    report(`the list of ${name}`, differences(list, found));
  }
  const tarball = tarballIn(join(made, "npm"));
  const files = tarballFiles(tarball);
  report(`the npm package: ${files.length} files`, tarballProblems(files));
  report("the licences of what the plugin carries", licenceProblems(filesBelow(plugin)));
  const size = installed(tarball);
  report(
    `npm ci --omit=dev: ${size.packages} packages, ${(size.bytes / 1_000_000).toFixed(1)} MB with the program itself`,
    sizeProblems(size),
  );
} finally {
  rmSync(made, { recursive: true, force: true });
}

function report(title, problems) {
  process.stdout.write(`${problems.length === 0 ? "✓" : "✗"} ${title}\n`);
  for (const problem of problems) process.stdout.write(`    ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

/** What the tarball weighs when exactly what the lock file names is installed beside it. */
function installed(tarball) {
  const folder = join(made, "installed");
  mkdirSync(folder);
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  cpSync(join(root, "package-lock.json"), join(folder, "package-lock.json"));
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  const { status } = spawnSync("npm", ["ci", "--omit=dev", ...quiet], { cwd: folder, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm ci failed");
  const { packages } = JSON.parse(readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8"));
  const bytes = filesBelow(folder).reduce((sum, file) => sum + lstatSync(join(folder, file)).size, 0);
  return { packages: Object.keys(packages).length, bytes };
}
