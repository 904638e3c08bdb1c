// What a card of a waiting login says and offers about its revocation.

import type { ParkedLogin } from "../apply/parked.ts";
import { button, type Turn } from "./context.ts";
import { bold, type ActionButton, type Line } from "./reply.ts";
import { when } from "./time-words.ts";

/** The button that asks whether a waiting login shall be revoked. */
export function revokeButton(turn: Pick<Turn, "services" | "asker">, parkedId: string): ActionButton {
  return button(turn, "codex_auth_revoke", ["parked", parkedId], {
    label: "Revoke it",
    typed: `/codex_auth revoke ${parkedId}`,
  });
}

/** What has to be said of a login whose revocation was sent, and nobody knows how it ended; nothing for others. */
export function revokingLines({ services }: Pick<Turn, "services">, { revokingAt }: ParkedLogin): readonly Line[] {
  if (revokingAt === undefined) return [];
  return [
    [
      "⚠️ ",
      bold("This login may be revoked already:"),
      ` that was asked for ${when(revokingAt, services.now())}, and no answer is known. To use it may end in a refusal.`,
    ],
  ];
}
