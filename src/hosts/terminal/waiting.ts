// What a card on the terminal's screen waits for.

import type { Reply } from "../../chat/reply.ts";

/** Whether it shows a code that is entered elsewhere: its address leads to no page whose last address is pasted. */
export function isCodeCard({ buttons = [] }: Reply): boolean {
  return buttons.flat().some((button) => button.kind === "action" && button.data.startsWith("codex_auth_paste:"));
}
