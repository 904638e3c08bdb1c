// The button No under a script's question: ends it with words for the person who pressed; what others were asked stays as it is.

import { refOf, staleButton } from "./button.ts";
import { button, show, type Turn } from "./context.ts";
import type { InvitationSubject } from "./invitations.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type ActionButton, type Line } from "./reply.ts";

type Parts = Pick<Turn, "services" | "asker">;

/** What a question of a script is about. */
export type Asked =
  | { readonly kind: "login"; readonly parkedId: string }
  | { readonly kind: "sign-in"; readonly subject: InvitationSubject }
  /** `covers` is what its confirmation covers. */
  | { readonly kind: "change"; readonly covers: readonly string[] };

/** The button that ends a script's question without doing anything. */
export function noButton(turn: Parts, asked: Asked): ActionButton {
  // Where there are no buttons, no answer is the same.
  return button(turn, "codex_auth_no", subjectOf(asked), { label: "No", typed: "/codex_auth status", inList: true });
}

/** Says in place of the question that nothing was done. @throws CodexAuthError `ERR_BUTTON_STALE` where its subject is gone by now. */
export async function decline(turn: Turn, ref: string): Promise<void> {
  const about = await aboutLine(turn, ref);
  await show(turn, {
    lines: [["You said no: nothing was changed."], ...about, ["If others were asked too, they can still decide."]],
  });
}

async function aboutLine({ services, asker }: Turn, ref: string): Promise<readonly Line[]> {
  const isAbout = (asked: Asked): boolean => refOf(...subjectOf(asked)) === ref;
  const parked = await services.engine.parked.list();
  const login = parked.find(({ id }) => isAbout({ kind: "login", parkedId: id }));
  if (login !== undefined) {
    const name = bold(nameFor(asker, login.profileId));
    return [["The login for ", name, " is kept until somebody decides: ", code("/codex_auth parked"), "."]];
  }
  const wishes = await services.invitations.list();
  const wish = wishes.find((subject) => isAbout({ kind: "sign-in", subject }));
  if (wish !== undefined) return [["No sign-in for ", bold(nameFor(asker, wish.profileId)), " was begun."]];
  if ((await services.lists.proposed(asker, ref)) === undefined) throw staleButton();
  return [];
}

function subjectOf(asked: Asked): readonly string[] {
  switch (asked.kind) {
    case "login":
      return ["no", "login", asked.parkedId];
    case "sign-in":
      return ["no", "sign-in", asked.subject.agentId, asked.subject.profileId];
    case "change":
      return asked.covers;
  }
}
