// Runs the benchmarks on the built code and prints one table; ends with 1 where a figure misses what is needed of it.

import { exactTotals } from "./bench/exact-totals.mjs";
import { keepers } from "./bench/keepers.mjs";
import { observeUsage } from "./bench/observe-usage.mjs";

/**
 * Every benchmark, by name. Each gives figures: `{ name, value, unit, atLeast?, atMost? }`, value a number.
 * With names as arguments only those run: `npm run bench -- observe-usage`.
 */
const BENCHMARKS = {
  "observe-usage": observeUsage,
  "exact-totals": exactTotals,
  keepers,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no benchmark ${unknown.join(", ")}; there are ${Object.keys(BENCHMARKS).join(", ")}.\n`,
  );
  process.exit(2);
}

const rows = [["benchmark", "figure", "value", "needed", ""]];
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  for (const { name: figure, value, unit, atLeast, atMost } of await run()) {
    const isMissed = !Number.isFinite(value) || value < (atLeast ?? value) || value > (atMost ?? value);
    const isNeeded = atLeast !== undefined || atMost !== undefined;
    if (isMissed) process.exitCode = 1;
    rows.push([
      name,
      figure,
      `${show(value)} ${unit}`,
      needed(atLeast, atMost),
      isMissed ? "missed" : isNeeded ? "ok" : "",
    ]);
  }
}
const widths = rows[0].map((_cell, column) => Math.max(...rows.map((row) => row[column].length)));
const lines = rows.map((row) =>
  row
    .map((cell, column) => cell.padEnd(widths[column]))
    .join("  ")
    .trimEnd(),
);
process.stdout.write(
  `${[lines[0], widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1)].join("\n")}\n`,
);

function show(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}

function needed(atLeast, atMost) {
  if (atLeast !== undefined && atLeast === atMost) return `= ${show(atLeast)}`;
  return [atLeast === undefined ? "" : `≥ ${show(atLeast)}`, atMost === undefined ? "" : `≤ ${show(atMost)}`]
    .join(" ")
    .trim();
}
