// `/codex_auth reload`: has the running gateway read its logins again, and says what was seen of that; no login changes by it.

import { CodexAuthError } from "../errors.ts";
import { typedName } from "./command.ts";
import { agentFlag, button, requirePrivate, show, type Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type ActionButton, type Line } from "./reply.ts";
import type { Reloaded } from "./services.ts";
import { took } from "./time-words.ts";

type Parts = Pick<Turn, "services" | "asker">;

/** Whether this chat can have the gateway read its logins again; inside the gateway a change is in force at once. */
export function mayReload({ services, asker }: Parts): boolean {
  return services.gateway.reload !== undefined && asker.host !== "openclaw";
}

/** What to do where the gateway has not read a profile: the button below, or where there is none the command that does it. */
export function notLoadedLine(turn: Parts): Line {
  return mayReload(turn)
    ? ["⚠️ First of all the gateway has not read it. Load it now, which changes nothing else."]
    : ["⚠️ First of all the gateway has not read it: run ", code("openclaw secrets reload"), "."];
}

/** Has the gateway read its logins again; `about` is the profile whose card asked for it. @throws CodexAuthError where it could not. */
export async function reloadGateway(
  turn: Turn,
  about?: { readonly agentId: string; readonly profileId: string },
): Promise<void> {
  requirePrivate(turn);
  const { gateway } = turn.services;
  if (gateway.reload === undefined || !mayReload(turn)) throw notOffered();
  const seen = await gateway.reload();
  const lines = [seenLine(seen)];
  if (about === undefined) {
    await show(turn, { lines });
    return;
  }
  if (seen.kind === "reloaded") lines.push(...(await loadedLines(turn, about)));
  await show(turn, { lines, buttons: [[cardButton(turn, about)]] });
}

function seenLine(seen: Reloaded): Line {
  if (seen.kind === "stopped") return ["The gateway is not running; it reads the logins when it starts."];
  const warned =
    seen.warningCount === 0
      ? ""
      : ` It warned of ${seen.warningCount === 1 ? "one thing" : `${seen.warningCount} things`}: see its log.`;
  return [`✅ The gateway has read its logins again, in ${took(seen.durationMs)}.${warned}`];
}

/** That it has read them is one thing, that this one is among them another. */
async function loadedLines(
  { services, asker }: Turn,
  { agentId, profileId }: { readonly agentId: string; readonly profileId: string },
): Promise<readonly Line[]> {
  const loaded = await services.gateway.loaded?.(agentId);
  if (loaded?.kind !== "listed") return [];
  const name = bold(nameFor(asker, profileId));
  return loaded.profileIds.includes(profileId)
    ? [["It has ", name, " now."]]
    : [["⚠️ It still does not have ", name, ": its log says why."]];
}

function cardButton(
  turn: Turn,
  { agentId, profileId }: { readonly agentId: string; readonly profileId: string },
): ActionButton {
  return button(turn, "codex_auth_show", ["show", agentId, profileId], {
    label: `Look at ${nameFor(turn.asker, profileId)}`,
    typed: `/codex_auth show ${typedName(profileId)}${agentFlag(turn, agentId)}`,
  });
}

function notOffered(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "Nothing has to be read again here: inside the gateway a change is in force at once.",
    next: "See how a profile is with `/codex_auth show`.",
  });
}
