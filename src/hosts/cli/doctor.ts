// `doctor`: looks at everything a login depends on, changes nothing, and gives the next step for each thing that is not right.

import { checkEverything, type Finding } from "./doctor-checks.ts";
import type { CommandRun } from "./call.ts";
import { openParts } from "./open.ts";

const MARKS = { ok: "✓", warn: "!", fail: "✗" } as const;

/** Shows what was found. */
export const doctor: CommandRun = async (call) => {
  const findings = await checkEverything(await openParts(call));
  const worst = findings.find(({ state }) => state === "fail");
  return {
    text: findings.map(line).join("\n"),
    data: { findings },
    ...(worst === undefined
      ? {}
      : { problem: { code: "ERR_CHECK_FAILED", message: worst.text, next: worst.next ?? "See the findings." } }),
  };
};

function line({ state, what, text, next }: Finding): string {
  return `${MARKS[state]} ${what}: ${text}${next === undefined ? "" : `\n    → ${next}`}`;
}
