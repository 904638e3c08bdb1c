// Who else holds a waiting login's refresh token, and where nobody could look: to end it there would end it for them.

import { sameIdentity, type Identity } from "../profiles/claims.ts";
import { readCodexLogin } from "../profiles/codex-home.ts";
import { describeCredential } from "../profiles/credential-facts.ts";
import { CODEX_CLI, codexCliHolders, type TokenHolder } from "../profiles/owners.ts";
import { shortName } from "../profiles/profile-id.ts";
import type { ProfileStore } from "../profiles/store.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { Secret } from "../secrets/secret.ts";
import { hasEnded } from "./job.ts";
import { jobIdOf } from "./new-job.ts";
import type { ParkedLogin, ParkedLogins } from "./parked.ts";
import type { JobQueue } from "./queue.ts";

/** Where refresh tokens lie on this machine. */
export interface TokenPlaces {
  readonly store: Pick<ProfileStore, "agents" | "read" | "readCredential" | "describe" | "sharedTokens">;
  readonly parked: Pick<ParkedLogins, "list" | "tokens" | "unreadable">;
  readonly queue: Pick<JobQueue, "get" | "open" | "unreadable" | "secrets">;
  /** The login files of the Codex CLI. */
  readonly codexFiles: readonly string[];
}

/** Who else is concerned by the end of one login, in words. */
export interface TokenOwners {
  /** They hold the same refresh token. */
  readonly holders: readonly string[];
  /** They might hold it, and cannot be read. */
  readonly unreadable: readonly string[];
  /** They hold another login of the same user and account. */
  readonly sameAccount: readonly string[];
}

const OURS = "codex-auth parked";

/** Looks everywhere for `refresh`, the token of `login`. */
export async function otherOwners(places: TokenPlaces, login: ParkedLogin, refresh: Secret): Promise<TokenOwners> {
  const found = [
    await inStores(places, login, refresh),
    await inCodexFiles(places, login, refresh),
    await inParked(places, login, refresh),
    await inJobs(places, login, refresh),
  ];
  const all = (what: keyof TokenOwners): readonly string[] => [...new Set(found.flatMap((one) => one[what] ?? []))];
  return { holders: all("holders"), unreadable: all("unreadable"), sameAccount: all("sameAccount") };
}

type Found = Partial<TokenOwners>;

async function inStores({ store }: TokenPlaces, login: ParkedLogin, refresh: Secret): Promise<Found> {
  const [unreadable, sameAccount]: [string[], string[]] = [[], []];
  const own: TokenHolder = { owner: OURS, profileId: login.profileId, refreshToken: refresh };
  try {
    const shared = (await store.sharedTokens([own])).find((one) => one.fingerprint === fingerprint(refresh));
    const holders = (shared?.holders ?? []).filter(({ owner }) => owner !== OURS);
    for (const { agentId } of await store.agents()) {
      // Asked for by name: a search over all of them passes over those that are broken.
      const seen = await inAgent(store, agentId, login.identity).catch(() => undefined);
      if (seen === undefined) unreadable.push(`the store of agent ${agentId}`);
      unreadable.push(...(seen?.unreadable ?? []));
      sameAccount.push(...(seen?.sameAccount ?? []));
    }
    const words = holders.map(({ owner, profileId }) => profileWords(profileId, owner));
    return { holders: words, unreadable, sameAccount: sameAccount.filter((one) => !words.includes(one)) };
  } catch {
    return { unreadable: ["OpenClaw's stores"] };
  }
}

async function inAgent(
  store: TokenPlaces["store"],
  agentId: string,
  identity: Identity | undefined,
): Promise<{ readonly unreadable: readonly string[]; readonly sameAccount: readonly string[] }> {
  const [unreadable, sameAccount]: [string[], string[]] = [[], []];
  for (const { id, inherited, identity: held } of (await store.read(agentId, { anew: true })).summaries) {
    if (inherited) continue;
    const isElsewhere = (await describeCredential(store, id, agentId))?.isElsewhere === true;
    // Its tokens lie in another program's store, where we do not look.
    if (isElsewhere) unreadable.push(profileWords(id, agentId));
    if (identity !== undefined && sameIdentity(held, identity)) sameAccount.push(profileWords(id, agentId));
  }
  return { unreadable, sameAccount };
}

async function inCodexFiles({ codexFiles }: TokenPlaces, login: ParkedLogin, refresh: Secret): Promise<Found> {
  const [holders, unreadable, sameAccount]: [string[], string[], string[]] = [[], [], []];
  const words = "the Codex CLI's login file";
  for (const path of codexFiles) {
    try {
      const [there] = await codexCliHolders([path]);
      const whose = (await readCodexLogin(path))?.whose;
      if (isSame(there?.refreshToken, refresh)) holders.push(words);
      else if (login.identity !== undefined && sameIdentity(whose?.identity, login.identity)) sameAccount.push(words);
    } catch {
      unreadable.push(words);
    }
  }
  return { holders, unreadable, sameAccount };
}

async function inParked({ parked }: TokenPlaces, login: ParkedLogin, refresh: Secret): Promise<Found> {
  const [holders, sameAccount]: [string[], string[]] = [[], []];
  for (const other of await parked.list()) {
    if (other.id === login.id) continue;
    const words = `the waiting login ${other.id}`;
    if (isSame((await parked.tokens(other.id))?.refresh, refresh)) holders.push(words);
    else if (login.identity !== undefined && sameIdentity(other.identity, login.identity)) sameAccount.push(words);
  }
  const unreadable = (await parked.unreadable()).map((name) => `the waiting login in ${name}`);
  return { holders, unreadable, sameAccount };
}

async function inJobs({ queue }: TokenPlaces, login: ParkedLogin, refresh: Secret): Promise<Found> {
  const [holders, unreadable]: [string[], string[]] = [[], (await queue.unreadable()).map((name) => `the job ${name}`)];
  const words = "a change that is under way";
  // The secret of a job that takes this login over is there before the job is.
  const own = jobIdOf(login.id);
  const taken = await queue.get(own).catch(() => undefined);
  const mine = taken !== undefined && hasEnded(taken) ? [] : [own];
  for (const id of new Set([...mine, ...(await queue.open()).map((job) => job.id)])) {
    try {
      // As text: whatever the secret is for, and wherever in it the token stands.
      if (JSON.stringify((await queue.secrets.get(id)) ?? "").includes(refresh.expose())) holders.push(words);
    } catch {
      unreadable.push(words);
    }
  }
  return { holders, unreadable };
}

function isSame(token: Secret | undefined, other: Secret): boolean {
  return token !== undefined && fingerprint(token) === fingerprint(other);
}

function profileWords(profileId: string, owner: string): string {
  return owner === CODEX_CLI ? "the Codex CLI's login file" : `the profile ${shortName(profileId)} of agent ${owner}`;
}
