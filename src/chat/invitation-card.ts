// The card of a script's wish for a new sign-in: what is asked, how the profile is now, and the button that begins it.

import { typedName } from "./command.ts";
import { agentFlag, button, type Turn } from "./context.ts";
import { noButton } from "./decline.ts";
import type { InvitationSubject } from "./invitations.ts";
import { loginSubject } from "./picker.ts";
import { idSpan, profileSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, type Line, type Reply } from "./reply.ts";

/** The card as a reply. */
export async function invitationReply(
  turn: Pick<Turn, "services" | "asker">,
  { agentId, profileId }: InvitationSubject,
): Promise<Reply> {
  const { asker, services } = turn;
  const { summaries } = await services.store.read(agentId);
  const current = summaries.find(({ id }) => id === profileId);
  const name = nameFor(asker, profileId);
  const now: Line =
    current === undefined
      ? ["There is no profile ", idSpan(asker, profileId), " yet: it would be made."]
      : ["Now: ", ...profileSpans(asker, current, services.now())];
  const signIn = button(turn, "codex_auth_login", loginSubject(agentId, profileId), {
    label: "Sign in",
    typed: `/codex_auth ${typedName(profileId)}${agentFlag(turn, agentId)}`,
    style: "primary",
  });
  return {
    lines: [
      ["🔔 A script on this machine asks for a new sign-in of ", bold(name), "."],
      now,
      ["Nothing happens unless you sign in yourself. If you do not know why it asks, leave it."],
    ],
    buttons: [[signIn], [noButton(turn, { kind: "sign-in", subject: { agentId, profileId } })]],
  };
}
