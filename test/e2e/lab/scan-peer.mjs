// Runs the scanner of an installed OpenClaw over folders: arguments are OpenClaw's folder and theirs; prints what it finds as JSON.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const [openclaw, ...folders] = process.argv.slice(2);
const dist = join(openclaw, "dist");

// Their file has a new name in each version; only one of them knows the rules and gives the function away.
const path = readdirSync(dist)
  .filter((name) => /^(?:skill-)?scanner-.*\.m?js$/.test(name))
  .map((name) => join(dist, name))
  .find((file) => readFileSync(file, "utf8").includes('ruleId: "dangerous-exec"'));
if (path === undefined) throw new Error(`there is no scanner in ${dist}`);
const exported = (name) => new RegExp(`\\b${name} as (\\w+)`).exec(readFileSync(path, "utf8"))?.[1];
const scanner = await import(pathToFileURL(path).href);
const scanFolder = scanner[exported("scanDirectoryWithSummary")];
// What newer ones look for in texts; up to 2026.5 they look at code alone.
const scanText = scanner[exported("scanSkillContent") ?? ""];

const results = [];
for (const folder of folders) {
  // Half of a package would be no answer.
  const { scannedFiles, findings } = await scanFolder(folder, { maxFiles: 5_000 });
  const texts = readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => extname(file) === ".md" && statSync(file).isFile());
  const inTexts = scanText === undefined ? [] : texts.flatMap((file) => scanText(readFileSync(file, "utf8"), file));
  const found = [...findings, ...inTexts].map(({ severity, ruleId, file, evidence }) => ({
    severity,
    ruleId,
    file: relative(folder, file).replaceAll("\\", "/"),
    evidence,
  }));
  results.push({ scannedFiles, scannedTexts: scanText === undefined ? 0 : texts.length, found });
}
process.stdout.write(JSON.stringify(results));
