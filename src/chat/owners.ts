// Who else has a login: named on its card, and before it goes where two would have it (facts/codex-oauth.md §0.2).

import type { ParkedLogin } from "../apply/parked.ts";
import { otherOwners } from "../apply/token-owners.ts";
import { cleanText } from "../clean-text.ts";
import { CHAT } from "../config/defaults.ts";
import { CODEX_CLI, codexCliHolders, type TokenHolder } from "../profiles/owners.ts";
import type { Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { bold, type Line } from "./reply.ts";

type Parts = Pick<Turn, "services" | "asker">;

/** What the card of a profile says of its login's other owners; nothing where there is none, or nobody could look (`doctor` says so). */
export async function coOwnerLines(
  turn: Parts,
  agentId: string,
  { id, inherited }: { readonly id: string; readonly inherited: boolean },
): Promise<readonly Line[]> {
  const { services } = turn;
  const shared = await services.store.sharedTokens(await codexHolders(services.codexFiles ?? [])).catch(() => []);
  const isThis = ({ owner, profileId }: Pick<TokenHolder, "owner" | "profileId">): boolean =>
    owner !== CODEX_CLI && profileId === id && (inherited || owner === agentId);
  const others = shared.filter(({ holders }) => holders.some(isThis)).flatMap(({ holders }) => holders);
  const words = others.filter((holder) => !isThis(holder)).map((holder) => holderWords(turn, holder));
  if (words.length === 0) return [];
  return [
    [
      "⚠️ ",
      bold(`The same login lies in ${list(words)} too.`),
      " Its refresh token works once: whoever renews second ends it.",
    ],
    ["Sign in again to give this profile a login of its own."],
  ];
}

/** Who else has a login that waits, in words; empty where nobody has. */
export async function otherHolders({ services }: Parts, parked: ParkedLogin): Promise<readonly string[]> {
  const { engine, store, codexFiles = [] } = services;
  const tokens = await engine.parked.tokens(parked.id);
  if (tokens === undefined || tokens.refresh.expose() === "") return [];
  const places = { store, parked: engine.parked, queue: engine.queue, codexFiles };
  return (await otherOwners(places, parked, tokens.refresh)).holders;
}

/** What the card of a waiting login says before it is saved beside such a one. */
export function secondOwnerLines(holders: readonly string[]): readonly Line[] {
  if (holders.length === 0) return [];
  return [
    [
      "⚠️ ",
      bold(`The same login lies in ${list(holders)} too.`),
      " Saved here it has two owners: whoever renews it second is refused, and both may have to sign in again.",
    ],
  ];
}

/** Those files that can be read; two names of one file are one holder. */
async function codexHolders(paths: readonly string[]): Promise<readonly TokenHolder[]> {
  const readable: string[] = [];
  for (const path of paths) {
    const isReadable = await codexCliHolders([path]).then(
      () => true,
      () => false,
    );
    if (isReadable) readable.push(path);
  }
  return codexCliHolders(readable);
}

function holderWords({ asker }: Parts, { owner, profileId }: Pick<TokenHolder, "owner" | "profileId">): string {
  if (owner === CODEX_CLI) return `the Codex CLI's login file (${cleanText(profileId, CHAT.maxProblemChars)})`;
  return `the profile ${nameFor(asker, profileId)} of agent ${cleanText(owner, CHAT.maxLabelChars)}`;
}

function list(words: readonly string[]): string {
  return cleanText([...new Set(words)].slice(0, 5).join(", "), CHAT.maxProblemChars);
}
