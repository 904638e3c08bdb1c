// `doctor`: looks at everything a login depends on, changes nothing, and gives the next step for each thing that is not right.

import { checkEverything } from "./doctor-checks.ts";
import type { CommandRun } from "./call.ts";
import { findingText } from "./finding.ts";
import { openPartsAnyhow } from "./open.ts";

/** Shows what was found, also where the settings do not load. */
export const doctor: CommandRun = async (call) => {
  const { parts, problem } = await openPartsAnyhow(call);
  const findings = await checkEverything(parts, problem);
  const worst = findings.find(({ state }) => state === "fail");
  return {
    text: findings.map(findingText).join("\n"),
    data: { findings },
    ...(worst === undefined
      ? {}
      : { problem: { code: "ERR_CHECK_FAILED", message: worst.text, next: worst.next ?? "See the findings." } }),
  };
};
