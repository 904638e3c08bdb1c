// What one agent has and inherits, as OpenClaw merges its store with main's. Pure.

import { asObject, entriesOf, orderOf, pathsOf, usageOf, type AgentFiles } from "./json-files.ts";
import type { OpenClawConfig } from "./openclaw-config.ts";
import { resolveOrder } from "./order.ts";
import { parseCredential } from "./profile.ts";
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

/** The snapshot: per profile and per provider the agent's own value wins over main's. */
export function snapshotOf(input: SnapshotInput): StoreSnapshot {
  const { main, own, config, now } = input;
  const provider = main.provider ?? CODEX_PROVIDER;
  const layers = own === undefined ? [main] : [main, own];
  const entries = new Map(layers.flatMap((files) => Object.entries(entriesOf(files))));
  const usage = usageMap(layers);
  const storeOrder = (own === undefined ? undefined : orderOf(own)) ?? orderOf(main);
  const { configOrder, declared } = config;
  const order = resolveOrder({ provider, storeOrder, configOrder, declared, entries, usage, now });
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
        entry: entries.get(id),
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

/** An entry that OpenClaw cannot read is still shown where its id says that it is Codex's. */
export function isCodexEntry(id: string, entry: unknown, provider: CodexProvider): boolean {
  const stored = asObject(entry)?.["provider"];
  const named = parseCredential(entry)?.provider ?? (typeof stored === "string" ? stored : undefined);
  return named === undefined ? id.startsWith(`${provider}:`) : named.toLowerCase() === provider;
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
