// `/codex_usage`: asks the provider how much of a login's limits is used, for one profile or all, and says so. It changes nothing.

import { CodexAuthError } from "../errors.ts";
import { resolveSelector } from "../profiles/selector.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import { refOf, staleButton, type ActionName } from "./button.ts";
import { parseCodexUsage, type CodexUsageCommand } from "./codex-usage-command.ts";
import { agentOf, requirePrivate, show, type Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Reply } from "./reply.ts";
import { allSubject, menuSubject, oneSubject, usageMenu, usageReply } from "./usage-card.ts";
import { errorReply } from "./wording.ts";

/** Answers `/codex_usage <args>`. */
export async function codexUsage(turn: Turn, args: string): Promise<void> {
  return answerUsage(turn, parseCodexUsage(args));
}

/** Answers a command that is read already. */
export async function answerUsage(turn: Turn, command: CodexUsageCommand): Promise<void> {
  const agentId = agentOf(turn, command.agentId);
  switch (command.kind) {
    case "help":
      await show(turn, usageHelp());
      return;
    case "menu":
      return showMenu(turn, agentId);
    case "all":
      return check(turn, await turn.services.store.read(agentId));
    case "one":
      return checkSelected(turn, agentId, command.selector);
    case "profile":
      return checkKnown(turn, agentId, command.profileId);
  }
}

/** The actions of the table that are about usage. */
export type UsageAction = Extract<ActionName, `codex_usage_${string}`>;

/** Whether an action is about usage. */
export function isUsageAction(action: ActionName): action is UsageAction {
  return action.startsWith("codex_usage_");
}

/** Answers a press of one of these buttons. @throws CodexAuthError `ERR_BUTTON_STALE` where its subject is gone. */
export async function pressUsage(turn: Turn, action: UsageAction, ref: string): Promise<void> {
  requirePrivate(turn);
  for (const { agentId } of await turn.services.store.agents()) {
    if (action === "codex_usage_menu" && refOf(...menuSubject(agentId)) === ref) return showMenu(turn, agentId);
    if (action === "codex_usage_menu") continue;
    const store = await turn.services.store.read(agentId);
    if (action === "codex_usage_all" && refOf(...allSubject(agentId)) === ref) return check(turn, store);
    const profile = store.summaries.find(({ id }) => refOf(...oneSubject(agentId, id)) === ref);
    if (action === "codex_usage_one" && profile !== undefined) return check(turn, store, profile.id);
  }
  throw staleButton();
}

async function showMenu(turn: Turn, agentId: string): Promise<void> {
  const store = await turn.services.store.read(agentId);
  const entries = store.summaries.map(({ id }) => id);
  await turn.services.lists.show(turn.asker, { kind: "usage", agentId, entries });
  await show(turn, usageMenu(turn, store, await turn.services.usage().known(agentId, store.summaries)));
}

/** A number is an entry of the list last shown for this, with its agent; everything else is a selector. */
async function checkSelected(turn: Turn, agentId: string, selector: string): Promise<void> {
  if (/^\d{1,4}$/.test(selector)) {
    const picked = await turn.services.lists.pick(turn.asker, "usage", Number(selector));
    return check(turn, await turn.services.store.read(picked.agentId), picked.entry);
  }
  const store = await turn.services.store.read(agentId);
  const known = store.summaries.map(({ id }) => id);
  const { profileId, exists } = resolveSelector(selector, known, store.provider);
  if (!exists) throw unknown();
  return check(turn, store, profileId);
}

async function checkKnown(turn: Turn, agentId: string, profileId: string): Promise<void> {
  const store = await turn.services.store.read(agentId);
  if (!store.summaries.some(({ id }) => id === profileId)) throw unknown();
  return check(turn, store, profileId);
}

/** Says at once that it looks, and puts what came of it in the place of that. */
async function check(turn: Turn, store: StoreSnapshot, profileId?: string): Promise<void> {
  const { asker, services } = turn;
  const ids = profileId === undefined ? store.summaries.map(({ id }) => id) : [profileId];
  if (ids.length === 0) {
    await show(turn, { lines: [["There is no Codex profile yet: ", code("/codex_auth"), " makes one."]] });
    return;
  }
  const door = services.usage();
  const what =
    profileId === undefined ? (ids.length === 1 ? "1 profile" : `${ids.length} profiles`) : nameFor(asker, profileId);
  const messageId = await show(turn, { lines: [["⏳ Checking the usage of ", bold(what), "…"]] });
  await turn.out.edit(messageId, await answer());

  /** Whatever goes wrong takes the place of "Checking…", which would else stand there for good. */
  async function answer(): Promise<Reply> {
    try {
      const usages = await door.check(store.agentId, ids);
      return await usageReply(turn, store, usages, profileId === undefined ? "all" : "one");
    } catch (error) {
      services.log.error("chat.usage", error);
      return errorReply(error);
    }
  }
}

function usageHelp(): Reply {
  return {
    lines: [
      [bold("Usage of the Codex logins")],
      [code("/codex_usage"), " — the profiles to choose from, with what was seen last"],
      [code("/codex_usage <profile>"), " — asks the provider about one: windows, resets, credits, plan"],
      [code("/codex_usage all"), " — about all of them"],
      ["Looking changes nothing: no login is renewed, no credit is spent, and nothing switches by itself."],
    ],
  };
}

function unknown(): CodexAuthError {
  return new CodexAuthError("ERR_PROFILE_UNKNOWN", {
    message: "There is no Codex profile of that name.",
    next: "See them with `/codex_usage`.",
  });
}
