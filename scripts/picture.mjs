// Draws docs/demo.svg: a real capture of the demo that plays itself, as text in a window. Run it after a build.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { stdout, status } = spawnSync(process.execPath, [`${root}bin/codex-auth-skill.js`, "demo"], {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) throw new Error(`the demo ended with ${status}`);

const LINE = 19;
const COLUMN = 8.43;
const MARGIN = 24;
const BAR = 36;
const COLORS = [
  [/^\s*── /, "#7aa2f7"],
  [/^\s*you │/, "#e0af68"],
  [/^\s*page │/, "#bb9af7"],
  [/✔/, "#9ece6a"],
  [/✘/, "#f7768e"],
];

const lines = ["$ npx codex-auth-skill demo", ...stdout.trimEnd().split("\n")];
const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * COLUMN) + 2 * MARGIN;
const height = lines.length * LINE + BAR + MARGIN;
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const color = (line) => COLORS.find(([pattern]) => pattern.test(line))?.[1] ?? "#c0caf5";
const rows = lines.map(
  (line, index) =>
    `<text x="${MARGIN}" y="${BAR + (index + 1) * LINE - 5}" fill="${color(line)}">${escape(line)}</text>`,
);
const dots = ["#f7768e", "#e0af68", "#9ece6a"].map(
  (fill, index) => `<circle cx="${MARGIN + index * 20}" cy="20" r="6" fill="${fill}"/>`,
);

mkdirSync(`${root}docs`, { recursive: true });
writeFileSync(
  `${root}docs/demo.svg`,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The demo of codex-auth-skill in a terminal">
<rect width="100%" height="100%" rx="10" fill="#1a1b26"/>
${dots.join("\n")}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">
${rows.join("\n")}
</g>
</svg>
`,
);
