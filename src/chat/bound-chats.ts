// `/codex_auth free`: lets go of the chats that are bound to one profile, so that the order decides for them again; inside OpenClaw alone.

import { CodexAuthError } from "../errors.ts";
import type { SessionPin } from "../profiles/session-pins.ts";
import { refOf, staleButton } from "./button.ts";
import { names } from "./change-lines.ts";
import { agentFlag, button, requirePrivate, show, type Turn } from "./context.ts";
import { bold, type Line } from "./reply.ts";

/** Whether chats can be freed from here; outside of the gateway nobody may write its list of chats. */
export function mayFree({ services }: Pick<Turn, "services">): boolean {
  return services.freeChats !== undefined;
}

/** `/codex_auth free`: asks, or does what was asked about. */
export async function freeChats(turn: Turn, agentId: string, sure: boolean): Promise<void> {
  requirePrivate(turn);
  const subject = freeSubject(agentId, await boundOf(turn, agentId));
  const isConfirmed = sure && (await turn.services.lists.hasPreviewed(turn.asker, refOf(...subject)));
  await (isConfirmed ? letGo(turn, agentId) : askToFree(turn, agentId));
}

/** Says which chats are bound, and asks whether they shall be let go. */
export async function askToFree(turn: Turn, agentId: string): Promise<void> {
  const bound = await boundOf(turn, agentId);
  if (bound?.length === 0) {
    await show(turn, { lines: [["No chat is bound to a profile: the order decides for all of them."]] });
    return;
  }
  const subject = freeSubject(agentId, bound);
  await turn.services.lists.previewed(turn.asker, refOf(...subject));
  const yes = button(turn, "codex_auth_freeyes", subject, {
    label: "Let them go",
    typed: `/codex_auth free yes${agentFlag(turn, agentId)}`,
    style: "primary",
  });
  const back = button(turn, "codex_auth_manage", ["manage", agentId], {
    label: "Back",
    typed: `/codex_auth show${agentFlag(turn, agentId)}`,
  });
  await show(turn, {
    lines: [
      boundLine(turn, bound),
      ["Let go, each goes by the order at its next message. Logins and their order stay as they are."],
      ["This has no undo: ", bold("a person's own choice"), " has to be made anew, with /model in that chat."],
    ],
    buttons: [[yes], [back]],
  });
}

/** *Let them go*. @throws CodexAuthError `ERR_BUTTON_STALE` where a person has chosen for a chat since. */
export async function pressFree(turn: Turn, ref: string): Promise<void> {
  const agents = mayFree(turn) ? await turn.services.store.agents() : [];
  for (const { agentId } of agents)
    if (refOf(...freeSubject(agentId, await boundOf(turn, agentId))) === ref) return letGo(turn, agentId);
  throw staleButton();
}

async function letGo(turn: Turn, agentId: string): Promise<void> {
  const freed = (await turn.services.freeChats?.(agentId)) ?? 0;
  const what = freed === 1 ? "1 chat was" : `${freed} chats were`;
  await show(turn, {
    lines: [freed === 0 ? ["No chat was bound any more."] : [`✅ ${what} let go; the order decides for them again.`]],
  });
}

/** OpenClaw binds chats by itself all the time; what a confirmation is for are the choices that people made. */
function freeSubject(agentId: string, bound: readonly SessionPin[] | undefined): readonly string[] {
  const chosen = (bound ?? []).filter(({ byPerson }) => byPerson).map(({ profileId }) => profileId);
  return ["free", agentId, ...chosen.toSorted()];
}

async function boundOf({ services }: Turn, agentId: string): Promise<readonly SessionPin[] | undefined> {
  if (services.freeChats === undefined) {
    throw new CodexAuthError("ERR_USAGE", {
      message: "Only the plugin inside OpenClaw can let chats go.",
      next: "Send `/codex_auth free` to OpenClaw's own bot, or `/new` in the chat that is meant.",
    });
  }
  return await services.pins?.(agentId);
}

function boundLine(turn: Turn, bound: readonly SessionPin[] | undefined): Line {
  if (bound === undefined)
    return ["It cannot be told which chats are bound to a profile; those that are would be let go."];
  const ids = [...new Set(bound.map(({ profileId }) => profileId))];
  const chosen = bound.filter(({ byPerson }) => byPerson).length;
  const count = bound.length === 1 ? "1 chat is" : `${bound.length} chats are`;
  return [`${count} bound to ${names(turn, ids)}${chosen === 0 ? "" : `, ${chosen} by a person's choice`}.`];
}
