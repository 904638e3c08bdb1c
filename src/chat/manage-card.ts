// The card of one profile: what is stored, loaded and tried, the first layer that disagrees, and what can be done about it.

import { mayFree } from "./bound-chats.ts";
import { SUBCOMMANDS, typedName } from "./command.ts";
import { keeperLine, modelCommand, names } from "./change-lines.ts";
import { subjectOf, type Subject } from "./change-preview.ts";
import { targetOf } from "./change.ts";
import type { ActionName } from "./button.ts";
import { agentFlag, button, requirePrivate, show, type Turn } from "./context.ts";
import { boundElsewhere, firstDisagreement, type Layer } from "./manage-layers.ts";
import { coOwnerLines } from "./owners.ts";
import { loginSubject } from "./picker.ts";
import { idSpan, profileSpans, seenLines, stateLabel } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { mayReload, notLoadedLine } from "./reload.ts";
import { doubtLines, doubtOfProfile } from "./renewal-doubt.ts";
import { bold, code, type ActionButton, type Line } from "./reply.ts";
import type { Loaded } from "./services.ts";
import { CODEX_PROVIDER } from "../profiles/profile-id.ts";
import type { SessionPin } from "../profiles/session-pins.ts";

type Verb = "show" | "use" | "only" | "reset" | "reload" | "free" | "refresh" | "rename" | "remove";

/** `/codex_auth show [profile]`: the card, or the list of those there are. */
export async function showProfile(turn: Turn, agentId: string, selector: string | undefined): Promise<void> {
  requirePrivate(turn);
  if (selector === undefined) return showManage(turn, agentId);
  const target = await targetOf(turn, agentId, selector);
  return showCard(turn, target.agentId, target.profileId);
}

/** The profiles of an agent, each with a way to its card. */
export async function showManage(turn: Turn, agentId: string): Promise<void> {
  requirePrivate(turn);
  const { services, asker } = turn;
  const { summaries } = await services.store.read(agentId);
  await services.lists.show(asker, { kind: "profiles", agentId, entries: summaries.map(({ id }) => id) });
  const rows = summaries.map((profile) => [
    verb(turn, "show", agentId, profile.id, `${nameFor(asker, profile.id)} · ${stateLabel(profile, services.now())}`),
  ]);
  const back = button(turn, "codex_auth_menu", ["menu", agentId], {
    label: "Back",
    typed: `/codex_auth${agentFlag(turn, agentId)}`,
  });
  const head: Line = [summaries.length === 0 ? "There is no profile yet." : "Which profile?"];
  await show(turn, { lines: [[bold("Manage")], head], buttons: [...rows, [back]] });
}

/** The card of one profile. @throws CodexAuthError `ERR_PROFILE_UNKNOWN`. */
export async function showCard(turn: Turn, agentId: string, profileId: string): Promise<void> {
  requirePrivate(turn);
  const { services, asker } = turn;
  const subject = await subjectOf(turn, agentId, profileId);
  const [loaded, pins, coOwners, doubt, isHeld, mayRenew] = await Promise.all([
    services.gateway.loaded?.(agentId) ?? Promise.resolve<Loaded>({ kind: "unknown" }),
    services.pins?.(agentId),
    coOwnerLines(turn, agentId, subject.profile),
    doubtOfProfile(turn, agentId, profileId),
    isHeldAgainst(turn, agentId, profileId),
    services.mayRenew?.() ?? true,
  ]);
  const order = subject.store.effectiveOrder;
  const layer = firstDisagreement({ profile: subject.profile, loaded, pins: pins ?? [], order });
  await show(turn, {
    lines: [
      [idSpan(asker, profileId)],
      profileSpans(asker, subject.profile, services.now()),
      ...seenLines(subject.store, services.now()),
      ...(subject.keeper.kind === "person" ? [] : [keeperLine(subject.keeper)]),
      ...coOwners,
      ...doubtLines(doubt),
      [bold("Stored: "), subject.profile.inherited ? "in main, inherited by this agent" : "yes"],
      [bold("Gateway: "), loadedWords(loaded, profileId)],
      [bold("Order: "), ...orderWords(turn, subject)],
      [bold("Chats: "), pinWords(turn, pins, subject)],
      ...layerLines(turn, layer, subject),
      ["For one chat alone, send there: ", modelCommand(profileId, subject.store.provider)],
    ],
    buttons: cardButtons(turn, agentId, subject, { layer, isHeld, mayRenew: mayRenew && doubt === undefined }),
  });
}

/** *Rename*: a name has to be typed. */
export async function askForNewName(turn: Turn, agentId: string, profileId: string): Promise<void> {
  requirePrivate(turn);
  const typed = `/codex_auth rename ${typedName(profileId)} office${agentFlag(turn, agentId)}`;
  const lines: Line[] = [
    ["Choose the new name of ", bold(nameFor(turn.asker, profileId)), " and send it like this: ", code(typed)],
    ["Letters, digits and . _ @ + - are fine; a name of digits alone is not."],
    [`One of our own words (${SUBCOMMANDS.join(", ")}) works too, and is then typed with its full id.`],
  ];
  await show(turn, { lines });
}

/** What the ref of a button about a profile covers; the preview that it leads to covers the rest. */
export function verbSubject(what: Verb, agentId: string, profileId: string): readonly string[] {
  return [what, agentId, profileId];
}

/** What the ref of *Manage…* covers. */
export function manageSubject(agentId: string): readonly string[] {
  return ["manage", agentId];
}

/** Whether OpenClaw holds failures or a cooldown against the profile; where that cannot be told, *Reset* says why. */
async function isHeldAgainst({ services }: Turn, agentId: string, profileId: string): Promise<boolean> {
  const reset = { profileId, provider: CODEX_PROVIDER, failures: "clear" } as const;
  const planned = await services.store.plan(reset, agentId).catch(() => undefined);
  return planned === undefined || planned.plan.files.length > 0;
}

function loadedWords(loaded: Loaded, profileId: string): string {
  switch (loaded.kind) {
    case "stopped":
      return "not running; it reads the store when it starts";
    case "unknown":
      return "it cannot be asked what it has loaded";
    case "listed":
      return loaded.profileIds.includes(profileId) ? "has loaded it" : "has not loaded it";
  }
}

function orderWords(turn: Turn, { profile, store }: Subject): Line {
  const place =
    profile.position === undefined
      ? "never tried"
      : profile.position === 0
        ? "tried first"
        : `tried as number ${profile.position + 1}`;
  const whose = store.hasExplicitOrder ? "" : ", by OpenClaw's own choice";
  return [`${place}${whose} (${names(turn, store.effectiveOrder)})`];
}

function pinWords(turn: Turn, pins: readonly SessionPin[] | undefined, { profile, store }: Subject): string {
  if (pins === undefined) return "it cannot be told which of them are bound to a profile";
  const { byItself, byPerson } = boundElsewhere(pins, profile.id, store.effectiveOrder);
  const own = pins.filter((pin) => pin.profileId === profile.id).length;
  const others = [...byItself, ...byPerson];
  if (own + others.length === 0) return "none is bound to a profile";
  const where = others.length === 0 ? "another" : names(turn, [...new Set(others.map((pin) => pin.profileId))]);
  const chosen = byPerson.length === 0 ? "" : `, ${byPerson.length} by a person's choice`;
  return `${own} bound to this one, ${others.length} to ${where}${chosen}`;
}

function layerLines(turn: Turn, layer: Layer | undefined, { profile }: Subject): readonly Line[] {
  const name = bold(nameFor(turn.asker, profile.id));
  switch (layer) {
    case undefined:
      return [["✅ Nothing known keeps the next call from using ", name, "."]];
    case "login":
      return [["⚠️ First of all its login is not usable: sign in again."]];
    case "gateway":
      return [notLoadedLine(turn)];
    case "cooldown":
      return [["⚠️ First of all OpenClaw leaves it alone for now. Reset makes it try again at once."]];
    case "order":
      return [["⚠️ First of all the order prefers another one. Use it first, and the others stay behind it."]];
    case "pin":
      if (mayFree(turn)) return [["⚠️ Chats are bound to another profile. Let go, they go by the order."]];
      return [
        ["⚠️ Chats are bound to another profile. Only this one in the order moves those that no person has bound."],
      ];
    case "choice":
      if (mayFree(turn))
        return [["⚠️ A person has bound chats to another profile with /model. Let go, they go by the order."]];
      return [["⚠️ A person has bound chats to another profile with /model. Send the line below there to move one."]];
  }
}

interface CardFacts {
  readonly layer: Layer | undefined;
  readonly isHeld: boolean;
  readonly mayRenew: boolean;
}

/** The button that mends what disagrees comes first, and stands out. */
function cardButtons(
  turn: Turn,
  agentId: string,
  { profile, keeper, store }: Subject,
  { layer, isHeld, mayRenew }: CardFacts,
): readonly (readonly ActionButton[])[] {
  const { id } = profile;
  // What is so already is not offered; without an order of its own even the first may be written down.
  const [head, next] = store.storeOrder ?? [];
  const [isFirst, isAlone] = [head === id, head === id && next === undefined];
  const isOwn = keeper.kind === "person";
  const free = mayFree(turn) ? "free" : undefined;
  const mends: Partial<Record<Layer, Verb | undefined>> = {
    gateway: "reload",
    cooldown: "reset",
    order: "use",
    pin: free ?? "only",
    choice: free,
  };
  const first = layer === undefined ? undefined : mends[layer];
  const verbs: readonly (readonly [Verb, string])[] = [
    ...(layer === "gateway" && mayReload(turn) ? ([["reload", "Load it now"]] as const) : []),
    ...((layer === "pin" || layer === "choice") && free !== undefined ? ([[free, "Let chats go"]] as const) : []),
    ...(isFirst ? [] : ([["use", "Use first"]] as const)),
    ...(isAlone ? [] : ([["only", "Only this"]] as const)),
    ...(isHeld ? ([["reset", "Reset"]] as const) : []),
    ...(isOwn && mayRenew && profile.renewsItself ? ([["refresh", "Renew now"]] as const) : []),
    ...(isOwn
      ? ([
          ["rename", "Rename"],
          ["remove", "Remove"],
        ] as const)
      : []),
  ];
  const sorted = verbs.toSorted(([a], [b]) => Number(b === first) - Number(a === first));
  const rows = sorted.map(([what, label]) => [verb(turn, what, agentId, id, label, what === first)]);
  const signIn = button(turn, "codex_auth_login", loginSubject(agentId, id), {
    label: "Sign in again",
    typed: `/codex_auth ${typedName(id)}${agentFlag(turn, agentId)}`,
    ...(layer === "login" ? { style: "primary" as const } : {}),
  });
  const back = button(turn, "codex_auth_manage", manageSubject(agentId), {
    label: "Back",
    typed: `/codex_auth show${agentFlag(turn, agentId)}`,
  });
  const logins = keeper.kind === "lease" ? [] : [[signIn]];
  return layer === "login" ? [...logins, ...rows, [back]] : [...rows, ...logins, [back]];
}

const ACTION_OF: Readonly<Record<Verb, ActionName>> = {
  show: "codex_auth_show",
  use: "codex_auth_use",
  only: "codex_auth_only",
  reset: "codex_auth_reset",
  reload: "codex_auth_reload",
  free: "codex_auth_free",
  refresh: "codex_auth_refresh",
  rename: "codex_auth_rename",
  remove: "codex_auth_remove",
};

function verb(
  turn: Turn,
  what: Verb,
  agentId: string,
  profileId: string,
  label: string,
  isFirst = false,
): ActionButton {
  const name = what === "reload" || what === "free" ? "" : ` ${typedName(profileId)}`;
  const end = what === "rename" ? " <new name>" : "";
  return button(turn, ACTION_OF[what], verbSubject(what, agentId, profileId), {
    label,
    typed: `/codex_auth ${what}${name}${end}${agentFlag(turn, agentId)}`,
    ...(isFirst ? { style: "primary" as const } : what === "remove" ? { style: "danger" as const } : {}),
  });
}
