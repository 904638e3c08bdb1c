// The beginning of every sign-in card: which profile it is for, what that holds now, and what will become of it.

import type { StoreSnapshot } from "../profiles/store.ts";
import { nearestSubcommand } from "./command.ts";
import type { Turn } from "./context.ts";
import { idSpan, profileSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Line } from "./reply.ts";
import type { SignInAttempt } from "./services.ts";

/** The lines above the steps; a store that cannot be read now has nothing to say, and hinders nobody. */
export async function signInHead(
  turn: Pick<Turn, "services" | "asker">,
  { agentId, profileId }: Pick<SignInAttempt, "agentId" | "profileId">,
): Promise<readonly Line[]> {
  try {
    return headOf(turn, await turn.services.store.read(agentId), profileId);
  } catch (error) {
    turn.services.log.error("chat.sign-in-head", error);
    return [[bold(`Sign in ${nameFor(turn.asker, profileId)}`)]];
  }
}

/** The same for a store that was just read. */
export function headOf(
  { asker, services }: Pick<Turn, "services" | "asker">,
  { summaries }: Pick<StoreSnapshot, "summaries">,
  profileId: string,
): readonly Line[] {
  const name = nameFor(asker, profileId);
  const current = summaries.find(({ id }) => id === profileId);
  if (current === undefined) {
    const near = nearestSubcommand(name);
    return [
      [bold(`New login ${name}`)],
      ["There is no profile ", idSpan(asker, profileId), " yet: it will be made."],
      ...(near === undefined ? [] : [["Did you mean ", code(`/codex_auth ${near}`), "?"]]),
    ];
  }
  return [
    [bold(`Renew ${name}`)],
    ["Now: ", ...profileSpans(asker, current, services.now())],
    ["The same account replaces this; for another account I ask you first."],
    ...(current.inherited
      ? [["It is kept in the store of main, and changes there for every agent that shares it."]]
      : []),
    ...(current.managedBy === undefined ? [] : [["⚠️ Another program manages this credential and may write over it."]]),
  ];
}
