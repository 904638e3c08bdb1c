// Runs the benchmarks on the built code and prints one table, or JSON; ends with 1 where a figure misses its goal.

import { parseArgs } from "node:util";
import { exactTotals } from "./bench/exact-totals.mjs";
import { idle } from "./bench/idle.mjs";
import { install } from "./bench/install.mjs";
import { job } from "./bench/job.mjs";
import { keepers } from "./bench/keepers.mjs";
import { Skipped } from "./bench/lab.mjs";
import { observeUsage } from "./bench/observe-usage.mjs";
import { patch } from "./bench/patch.mjs";
import { reload } from "./bench/reload.mjs";
import { reply } from "./bench/reply.mjs";
import { restart } from "./bench/restart.mjs";
import { scale } from "./bench/scale.mjs";
import { startUp } from "./bench/start-up.mjs";

/**
 * Every benchmark, by name. Each is given `{ quick, idleSeconds, note }` and gives figures: `{ name, value, unit, goal?, direction? }`.
 * `direction` is where better lies: `min`, the value is to be at most `goal`; `max`, at least. One without a goal explains the others.
 */
const BENCHMARKS = {
  "start-up": startUp,
  patch,
  job,
  scale,
  reply,
  restart,
  reload,
  idle,
  install,
  "observe-usage": observeUsage,
  "exact-totals": exactTotals,
  keepers,
};

const USAGE = `npm run bench -- [--only <name,…>] [--json] [--quick] [--idle-seconds <n>]

  --only          only these: ${Object.keys(BENCHMARKS).join(", ")}
  --json          [{ "name", "value", "goal", "direction": "max" | "min" }] on standard output, and nothing else
  --quick         a tiny sample: to see that it runs, not how fast; starts no real gateway
  --idle-seconds  how long the bots are idle (60)
`;

const { only, json, quick, idleSeconds } = options();
const say = (line) => process.stderr.write(`${line}\n`);
const results = [];
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (only.length > 0 && !only.includes(name)) continue;
  say(`${name} …`);
  try {
    const note = (text) => say(`${name}: ${text}`);
    for (const figure of await run({ quick, idleSeconds, note })) {
      results.push({ benchmark: name, ...figure });
      say(`  ${figure.name}: ${show(figure.value)} ${figure.unit}`);
    }
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    say(`${name}: skipped, ${error.message}`);
  }
}
if (results.some(isMissed)) process.exitCode = 1;
process.stdout.write(json ? asJson() : asTable());

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string", multiple: true, default: [] },
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        "idle-seconds": { type: "string", default: "60" },
      },
    });
    const wanted = [...positionals, ...values.only.flatMap((names) => names.split(","))];
    const unknown = wanted.filter((name) => !Object.hasOwn(BENCHMARKS, name));
    if (unknown.length > 0) throw new TypeError(`There is no benchmark ${unknown.join(", ")}.`);
    const seconds = Number(values["idle-seconds"]);
    if (!(seconds >= 0)) throw new TypeError("--idle-seconds needs a number.");
    return { only: wanted, json: values.json, quick: values.quick, idleSeconds: values.quick ? 1 : seconds };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function isMissed({ value, goal, direction }) {
  if (goal === undefined) return false;
  return !(direction === "max" ? value >= goal : value <= goal);
}

function asJson() {
  const figures = results.filter(({ goal }) => goal !== undefined);
  const rows = figures.map(({ name, value, goal, direction }) => ({ name, value, goal, direction }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function asTable() {
  const rows = results.map((figure) => {
    const { benchmark, name, value, unit, goal, direction } = figure;
    const needed = goal === undefined ? "" : `${direction === "max" ? "≥" : "≤"} ${show(goal)}`;
    const verdict = goal === undefined ? "" : isMissed(figure) ? "missed" : "ok";
    return [benchmark, name, `${show(value)} ${unit}`, needed, verdict];
  });
  const all = [["benchmark", "figure", "value", "needed", ""], ...rows];
  const widths = all[0].map((_cell, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  return `${[lines[0], widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1)].join("\n")}\n`;
}

function show(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
