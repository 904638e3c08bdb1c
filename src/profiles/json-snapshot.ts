// What one agent has and inherits, as OpenClaw merges its store with main's. Pure.

import { PROFILES } from "../config/defaults.ts";
import { decodeAccessToken } from "./claims.ts";
import { asObject, entriesOf, orderOf, pathsOf, usageOf, type AgentFiles } from "./json-files.ts";
import type { OpenClawConfig } from "./openclaw-config.ts";
import { resolveOrder } from "./order.ts";
import { accessTokenOf, parseCredential } from "./profile.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";
import type { StoreSnapshot } from "./store.ts";
import { summarize } from "./summary.ts";
import { parseUsageStats, type UsageStats } from "./usage-stats.ts";

/** What a snapshot is made of. */
export interface SnapshotInput {
  readonly agentId: string;
  readonly config: OpenClawConfig;
  readonly main: AgentFiles;
  /** The agent's own files; undefined for main. */
  readonly own: AgentFiles | undefined;
  readonly now: number;
}

/** A snapshot, and while which files and at which times (milliseconds since 1970) it stays the same. */
export interface Look {
  readonly snapshot: StoreSnapshot;
  /** The files whose logins are in it, there or not. */
  readonly readFrom: readonly string[];
  readonly fromMs: number;
  /** At this moment not any more. */
  readonly untilMs: number;
}

/** The snapshot: per profile and per provider the agent's own value wins over main's. */
export function snapshotOf(input: SnapshotInput): StoreSnapshot {
  const { main, own, config, now } = input;
  const provider = main.provider ?? CODEX_PROVIDER;
  const layers = own === undefined ? [main] : [main, own];
  const entries = new Map(layers.flatMap((files) => Object.entries(entriesOf(files))));
  const credentials = new Map([...entries].map(([id, entry]) => [id, parseCredential(entry)]));
  const usage = usageMap(layers);
  const storeOrder = (own === undefined ? undefined : orderOf(own)) ?? orderOf(main);
  const { configOrder, declared } = config;
  const order = resolveOrder({ provider, storeOrder, configOrder, declared, credentials, usage, now });
  const ids = [...entries].filter(([id, entry]) => isCodexEntry(id, entry, provider)).map(([id]) => id);
  const ownIds = own === undefined ? undefined : new Set(Object.keys(entriesOf(own)));
  // A store may hold thousands: looking for each in the order would take the square of that.
  const positions = new Map(order.effective.map((id, index) => [id, index]));
  const shown = [...order.effective, ...ids.filter((id) => !positions.has(id))];
  return {
    agentId: input.agentId,
    ...(main.provider === undefined ? {} : { provider }),
    summaries: shown.map((id) =>
      summarize({
        id,
        provider,
        credential: credentials.get(id),
        usage: usage.get(id),
        position: positions.get(id),
        inherited: ownIds !== undefined && !ownIds.has(id),
        now,
      }),
    ),
    effectiveOrder: order.effective,
    lastingOrder: order.lasting,
    storeOrder,
    hasExplicitOrder: order.isExplicit,
    files: layers.flatMap((files) => pathsOf(files)),
  };
}

/** What {@link snapshotOf} gives, and for how long. */
export function lookOf(input: SnapshotInput): Look {
  const { main, own, now } = input;
  const layers = own === undefined ? [main] : [main, own];
  const readFrom = layers.flatMap(({ place }) => [place.storePath, place.statePath]);
  return { snapshot: snapshotOf(input), readFrom, fromMs: now, untilMs: nextMoment(layers, now) };
}

/** The next at which a login expires, or is soon to, or OpenClaw tries one again; `Infinity` where there is none. */
function nextMoment(layers: readonly AgentFiles[], now: number): number {
  const ends = layers.flatMap((files) => Object.values(entriesOf(files)).flatMap(endsOf));
  const windows = [...usageMap(layers).values()].flatMap((usage) => [
    usage.disabledUntil,
    usage.cooldownUntil,
    usage.blockedUntil,
  ]);
  const moments = [...ends, ...ends.map((at) => at - PROFILES.expiringWithinMs), ...windows];
  return moments.reduce<number>((first, at) => (at !== undefined && at > now && at < first ? at : first), Infinity);
}

/** When a login ends by its own words, and by the store's: OpenClaw leaves a token out by the latter, whatever the former say. */
function endsOf(entry: unknown): readonly number[] {
  const credential = parseCredential(entry);
  if (credential === undefined || credential.type === "api_key") return [];
  const access = accessTokenOf(credential);
  const said = access === undefined ? undefined : decodeAccessToken(access)?.expiresAtMs;
  return [said, credential.expires].filter((at) => at !== undefined);
}

/** An entry that OpenClaw cannot read is still shown where its provider, or else its id, says that it is Codex's. */
export function isCodexEntry(id: string, entry: unknown, provider: CodexProvider): boolean {
  const named = asObject(entry)?.["provider"];
  return typeof named === "string" ? named.trim().toLowerCase() === provider : id.startsWith(`${provider}:`);
}

function usageMap(layers: readonly AgentFiles[]): ReadonlyMap<string, UsageStats> {
  const all = layers.flatMap((files) => Object.entries(usageOf(files)));
  return new Map(
    all.flatMap(([id, stats]) => {
      const parsed = parseUsageStats(stats);
      return parsed === undefined ? [] : [[id, parsed] as const];
    }),
  );
}
