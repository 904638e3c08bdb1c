// `/codex_auth`: hands each of its forms, and a plain answer to a list or a pasted address, to the part that does it.

import { shortName } from "../profiles/profile-id.ts";
import { freeChats, mayFree } from "./bound-chats.ts";
import { change } from "./change.ts";
import { isPartOfCallback, mayHoldCallback, parseCodexAuth, type CodexAuthCommand } from "./command.ts";
import { codexUsage } from "./codex-usage.ts";
import { decide, showDecision } from "./confirm.ts";
import { agentOf, requirePrivate, show, type Turn } from "./context.ts";
import { finish } from "./finish.ts";
import { logIn, logInBy } from "./login-card.ts";
import { showProfile } from "./manage-card.ts";
import { discard, findParked, showParked, take } from "./parked.ts";
import { askForName, showPicker } from "./picker.ts";
import { mayReload, reloadGateway } from "./reload.ts";
import { revoke } from "./revoke.ts";
import { cancelAll, showStatus } from "./status.ts";
import { code, type Reply } from "./reply.ts";
import { helpReply, type WhatWorks } from "./wording.ts";

/** Answers `/codex_auth <args>`. */
export async function codexAuth(turn: Turn, args: string): Promise<void> {
  // Too long, misspelt, in the wrong place: an address with a code in it leaves the chat all the same.
  if (mayHoldCallback(args)) return finishAnyhow(turn, args);
  return run(turn, parseCodexAuth(args));
}

/** Answers a plain message where it is one of ours; false where it is chatter. */
export async function plainText(turn: Turn, text: string): Promise<boolean> {
  if (await isPartOfSignIn(turn, text)) {
    await finish(turn, text);
    return true;
  }
  const answer = text.trim();
  if (!turn.asker.private || answer.length > 128 || /\s/.test(answer)) return false;
  const list = await turn.services.lists.current(turn.asker);
  if (list === undefined) return false;
  const isNumber = /^\d{1,4}$/.test(answer);
  if (list.kind === "parked" && isNumber) {
    await showDecision(turn, await decide(turn, await findParked(turn, answer)));
    return true;
  }
  const isName = list.kind !== "parked" && list.entries.some((id) => id === answer || shortName(id) === answer);
  if (!isName && !(isNumber && list.kind !== "parked")) return false;
  if (list.kind === "usage") {
    await codexUsage(turn, `${answer} --agent ${list.agentId}`);
    return true;
  }
  await logInTo(turn, list.agentId, answer);
  return true;
}

/** Whether a plain message is an address of a sign-in; half a one, or only its code, is refused in words, and must not stay visible either. */
export async function isPartOfSignIn(
  { services, asker }: Pick<Turn, "services" | "asker">,
  text: string,
): Promise<boolean> {
  if (services.signIns.isCallback(text)) return true;
  return asker.private && isPartOfCallback(text.trim()) && (await services.signIns.waiting(asker)).length > 0;
}

async function run(turn: Turn, command: CodexAuthCommand): Promise<void> {
  const agentId = agentOf(turn, command.agentId);
  switch (command.kind) {
    case "menu":
      return showPicker(turn, agentId);
    case "help":
      await show(turn, helpReply(whatWorks(turn)));
      return;
    case "doctor":
      requirePrivate(turn);
      await show(turn, await doctorReply(turn));
      return;
    case "new":
      return askForName(turn, agentId);
    case "login":
      return logInTo(turn, agentId, command.selector);
    case "device":
    case "paste":
      return logInBy(turn, agentId, command.selector, command.kind === "device" ? "code" : "link");
    case "finish":
      return finish(turn, command.pasted, command.selector);
    case "status":
      return showStatus(turn, agentId, command.selector);
    case "cancel":
      return cancelAll(turn);
    case "parked":
      return showParked(turn);
    case "reload":
      return reloadGateway(turn);
    case "free":
      return freeChats(turn, agentId, command.sure);
    case "show":
      return showProfile(turn, agentId, command.selector);
    case "use":
    case "only":
    case "remove":
    case "reset":
    case "refresh":
    case "rename":
    case "rollback":
      return change(turn, agentId, command);
    case "take":
      return take(turn, command);
    case "discard":
      return discard(turn, command);
    case "revoke":
      return revoke(turn, command);
  }
}

function whatWorks(turn: Turn): WhatWorks {
  return {
    codesOnly: turn.services.codesOnly?.(turn.asker) ?? false,
    canReload: mayReload(turn),
    canFree: mayFree(turn),
  };
}

/** Where the host itself cannot look, the command that can. */
async function doctorReply({ services }: Turn): Promise<Reply> {
  if (services.doctor !== undefined) return services.doctor();
  return {
    lines: [["Run ", code("codex-auth-skill doctor"), " on that machine: it looks at everything a login depends on."]],
  };
}

/** A number is an entry of the list last shown, with its agent; everything else is a selector. */
async function logInTo(turn: Turn, agentId: string, selector: string): Promise<void> {
  if (!/^\d{1,4}$/.test(selector)) return logIn(turn, agentId, selector);
  const picked = await turn.services.lists.pick(turn.asker, "profiles", Number(selector));
  return logIn(turn, picked.agentId, picked.entry);
}

async function finishAnyhow(turn: Turn, args: string): Promise<void> {
  let command: CodexAuthCommand | undefined;
  try {
    command = parseCodexAuth(args);
  } catch {
    // What is wrong with the words matters less than that the address goes; `finish` then says what is wrong with it.
  }
  return command?.kind === "finish" ? finish(turn, command.pasted, command.selector) : finish(turn, args);
}
