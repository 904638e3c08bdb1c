// Makes the folders that `clawhub skill publish` uploads: one for each SKILL.md, with what it refers to and no code.

import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Each folder, which must be called as its SKILL.md is, and where its files come from. OpenClaw finds no SKILL.md below another
 * one, so that `/lease` also has a folder of its own.
 */
const FOLDERS = {
  "codex-auth": {
    "SKILL.md": "SKILL.md",
    "RISK.md": "RISK.md",
    "SECURITY.md": "SECURITY.md",
    "lease/SKILL.md": "lease/SKILL.md",
    "references/answers.md": "references/answers.md",
  },
  lease: {
    "SKILL.md": "lease/SKILL.md",
    "RISK.md": "RISK.md",
    "SECURITY.md": "SECURITY.md",
  },
};

const { values } = parseArgs({
  options: {
    /** Where the folders go. */
    out: { type: "string", default: join(root, "dist-skill") },
  },
});

for (const [name, files] of Object.entries(FOLDERS)) {
  const folder = join(values.out, name);
  rmSync(folder, { recursive: true, force: true });
  for (const [file, source] of Object.entries(files)) {
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, source), target);
  }
  const declared = /^name: (.+)$/m.exec(readFileSync(join(folder, "SKILL.md"), "utf8"))?.[1];
  if (declared !== name) throw new Error(`the SKILL.md of ${name} calls itself ${declared ?? "nothing"}`);
  process.stdout.write(`${relative(process.cwd(), folder)}${sep}: ${Object.keys(files).length} files\n`);
}
