// Sentences that the previews of changes share: names, whose a login is, other agents, openclaw.json, bound chats.

import type { Keeper } from "../apply/whose.ts";
import { cleanText } from "../clean-text.ts";
import { CHAT } from "../config/defaults.ts";
import { CODEX_PROVIDER, OPENAI_PROVIDER, type CodexProvider } from "../profiles/profile-id.ts";
import type { SessionPin } from "../profiles/session-pins.ts";
import type { PlannedChange } from "../profiles/store.ts";
import type { Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Line } from "./reply.ts";

type Parts = Pick<Turn, "services" | "asker">;

/** A profile's name, as data. */
export function nameSpan({ asker }: Pick<Turn, "asker">, profileId: string): Line[number] {
  return bold(nameFor(asker, profileId));
}

/** OpenClaw's own command that binds one chat to a profile; `<model>` is the person's to fill in. */
export function modelCommand(profileId: string, provider: CodexProvider = CODEX_PROVIDER): Line[number] {
  return code(`/model ${provider}/<model>@${profileId}`);
}

/** Names of profiles in their order. */
export function names({ asker }: Pick<Turn, "asker">, ids: readonly string[]): string {
  return ids.length === 0 ? "none" : ids.map((id) => nameFor(asker, id)).join(", ");
}

/** Whose a credential is that no person here keeps. */
export function keeperLine(keeper: Keeper): Line {
  if (keeper.kind === "program") return [`Its login is kept by ${keeper.name}: it is not renamed or removed here.`];
  if (keeper.kind === "lease")
    return ["It holds the leased login: ", code("/lease"), " writes it and takes it away again."];
  return ["Its login is your own."];
}

/** A profile or order that an agent inherits is changed where it lies: for all of them. */
export function mainLines({ files }: PlannedChange["plan"], agentId: string): readonly Line[] {
  const owners = [...new Set(files.filter(({ role }) => role !== "copy").map((file) => file.agentId))];
  return owners.includes(agentId) || owners.length === 0
    ? []
    : [[`This lies in ${agents(owners)}, so it changes for every agent that inherits it.`]];
}

/** What other agents have of the profile, and what becomes of that. */
export function elsewhereLines(
  { files, keptElsewhere, unreadable }: PlannedChange["plan"],
  what: string,
): readonly Line[] {
  const copies = files.filter(({ role }) => role === "copy").map(({ agentId }) => agentId);
  return [
    ...(copies.length === 0 ? [] : [[`${agents(copies)} ${what}.`]]),
    ...(keptElsewhere.length === 0 ? [] : [[`${agents(keptElsewhere)} keeps another login of that name.`]]),
    ...(unreadable.length === 0 ? [] : [[`⚠️ The store of ${agents(unreadable)} cannot be read and stays as it is.`]]),
  ];
}

function agents(ids: readonly string[]): string {
  return ids.map((id) => cleanText(id, CHAT.maxLabelChars)).join(", ");
}

/** openclaw.json is the person's: what it says of the profile is said, and never edited. */
export async function configLines({ services }: Pick<Turn, "services">, profileId: string): Promise<readonly Line[]> {
  const paths = await services.store.namedInConfig(profileId).catch(() => []);
  if (paths.length === 0) return [];
  const where = paths.map((path) => cleanText(path, CHAT.maxLabelChars * 2)).join(", ");
  return [
    [`⚠️ openclaw.json names it (${where}) and is never edited here.`],
    ["→ Change it there yourself, with ", code("openclaw config set"), " or ", code("openclaw config unset"), "."],
  ];
}

/** Chats that stay with another profile although the order changes. */
export async function pinLines(
  { services, asker }: Parts,
  agentId: string,
  profileId: string,
  how: "first" | "only",
): Promise<readonly Line[]> {
  const others = ((await services.pins?.(agentId)) ?? []).filter((pin) => pin.profileId !== profileId);
  const byItself = others.filter((pin) => !pin.byPerson);
  const byPerson = others.filter((pin) => pin.byPerson);
  const words = (pins: readonly SessionPin[]): string => {
    const ids = [...new Set(pins.map((pin) => pin.profileId))];
    return `${pins.length === 1 ? "1 chat is" : `${pins.length} chats are`} bound to ${names({ asker }, ids)}`;
  };
  // A changed order moves nobody from 2026.6 on (docs/openclaw-generations.md); inside OpenClaw they can be let go.
  const isMovable = services.store.provider !== OPENAI_PROVIDER;
  const moves =
    services.freeChats === undefined
      ? isMovable
        ? "“only” moves them too"
        : "“/new” there moves it"
      : "“free” lets them go";
  const end = how === "only" && isMovable ? "now and will use this one." : `and may stay there; ${moves}.`;
  return [
    ...(byItself.length === 0 ? [] : [[`${words(byItself)} ${end}`]]),
    // An order does not end a person's own choice on 2026.5.28; on 2026.4.5 one that leaves the chosen profile out does.
    ...(byPerson.length === 0
      ? []
      : [
          [
            `${words(byPerson)} by a person's choice and may stay there. To move it, send there: `,
            modelCommand(profileId, services.store.provider),
          ],
        ]),
  ];
}

/** Chats that are bound to a name that goes. */
export async function boundLines(
  { services }: Pick<Turn, "services">,
  agentId: string,
  profileId: string,
): Promise<readonly Line[]> {
  const bound = ((await services.pins?.(agentId)) ?? []).filter((pin) => pin.profileId === profileId).length;
  if (bound === 0) return [];
  return [
    [`${bound === 1 ? "1 chat is" : `${bound} chats are`} bound to the old name and will go by the order again.`],
  ];
}
