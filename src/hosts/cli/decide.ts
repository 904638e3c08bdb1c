// Lets the person at the terminal press the buttons of the last answer, until it has none or they leave it.

import { clackUi, type TerminalUi } from "../terminal/ui.ts";
import type { Call } from "./call.ts";
import type { CliHost } from "./io.ts";
import type { CliSession } from "./open.ts";

/** Offers the buttons of the last answer with the arrow keys. */
export async function chooseOn({ host }: Call, { session }: CliSession): Promise<void> {
  const ui = uiOf(host);
  for (;;) {
    const buttons = (session.last?.buttons ?? [])
      .flat()
      .flatMap((button) => (button.kind === "action" ? [button] : []));
    if (buttons.length === 0) return;
    const choices = [
      ...buttons.map((value) => ({ value, label: value.label })),
      { value: undefined, label: "Decide later" },
    ];
    const chosen = await ui.choose("What now?", choices);
    if (chosen === undefined) return;
    await session.take({ kind: "press", data: chosen.data });
  }
}

/** How the person at the terminal of `host` is asked. */
export function uiOf({ stdout, person }: CliHost): TerminalUi {
  return person?.ui ?? clackUi(stdout);
}
