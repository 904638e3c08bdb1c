// Writes the map of the files into AGENTS.md from the first line of each; with --check it only says whether the map is current.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const START = "<!-- map: written by `npm run map` -->";
const END = "<!-- end of map -->";

const files = readdirSync(`${root}src`, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length))
  .toSorted();

const folders = new Map();
for (const file of files) {
  const folder = file.slice(0, file.lastIndexOf("/"));
  const purpose = readFileSync(root + file, "utf8").split("\n", 1)[0] ?? "";
  if (!purpose.startsWith("// ")) throw new Error(`${file} does not open with a line of purpose`);
  folders.set(folder, [...(folders.get(folder) ?? []), `- \`${file.slice(folder.length + 1)}\` — ${purpose.slice(3)}`]);
}
const map = [...folders].map(([folder, lines]) => `### ${folder}\n\n${lines.join("\n")}`).join("\n\n");

const page = readFileSync(`${root}AGENTS.md`, "utf8");
const [before, rest] = page.split(START);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error("AGENTS.md has lost the marks of its map");
const next = `${before}${START}\n\n${map}\n\n${END}${after}`;

if (process.argv.includes("--check")) {
  if (next !== page) {
    process.stderr.write("AGENTS.md is not current: run `npm run map`.\n");
    process.exitCode = 1;
  }
} else {
  writeFileSync(`${root}AGENTS.md`, next);
}
