// Which profile OpenClaw tries first, worked out as OpenClaw does (`resolveAuthProfileOrder`), and what an order becomes after a change.

import { isEligible, type Credential } from "./profile.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";
import { unusableWindow, type UsageStats } from "./usage-stats.ts";

/** A profile that `openclaw.json` declares. */
export interface DeclaredProfile {
  readonly provider?: string | undefined;
  readonly mode?: string | undefined;
}

/** Everything an order depends on, for one agent with what it inherits. */
export interface OrderFacts {
  /** How this generation names the provider. Default `openai-codex`. */
  readonly provider?: CodexProvider | undefined;
  /** `order["openai-codex"]` of the store. */
  readonly storeOrder: readonly string[] | undefined;
  /** `auth.order["openai-codex"]` of openclaw.json. */
  readonly configOrder: readonly string[] | undefined;
  /** `auth.profiles` of openclaw.json. */
  readonly declared: ReadonlyMap<string, DeclaredProfile>;
  /** Every stored entry, of all providers; undefined for one that OpenClaw would not take. */
  readonly credentials: ReadonlyMap<string, Credential | undefined>;
  readonly usage: ReadonlyMap<string, UsageStats>;
  readonly now: number;
}

/** The order in its two forms. */
export interface Order {
  /** What OpenClaw tries now, those in cooldown last. */
  readonly effective: readonly string[];
  /** The same as it would be written down: a cooldown passes, so it moves nobody. */
  readonly lasting: readonly string[];
  /** Whether the store itself says so; only then does a change keep to it. */
  readonly isExplicit: boolean;
}

/** What the store's order becomes. */
export interface OrderAfterSave {
  readonly order: readonly string[];
  /** True where the store had no order before: from now on no profile outside the list is tried, so the person is told. */
  readonly isNew: boolean;
  /** False where the store's order is already this one. */
  readonly isChanged: boolean;
}

/** The order in which OpenClaw tries the Codex profiles. */
export function resolveOrder(facts: OrderFacts): Order {
  const explicit = facts.storeOrder ?? facts.configOrder;
  const declared = [...facts.declared].filter(([, { provider }]) => provider === providerOf(facts)).map(([id]) => id);
  const stored = [...facts.credentials.keys()].filter((id) => codexCredential(facts, id) !== undefined);
  const base = explicit ?? (declared.length > 0 ? declared : stored);
  let usable = base.filter((id) => isTried(facts, id));
  // Older onboarding declared ids that were never stored; OpenClaw then falls back to what there is.
  const isDrifted = usable.length === 0 && declared.length > 0 && base.every((id) => !facts.credentials.has(id));
  if (isDrifted) usable = stored.filter((id) => isTried(facts, id));
  const unique = [...new Set(usable)];
  const lasting = explicit === undefined ? unique.toSorted((a, b) => compareUse(facts, a, b)) : unique;
  return { effective: cooldownLast(facts, lasting), lasting, isExplicit: facts.storeOrder !== undefined };
}

/**
 * The store's order once `profileId` is saved: the present one with it at the end, or first.
 * Where there was none it is what OpenClaw tries now plus the new profile (design, decision 3).
 */
export function orderAfterSave(
  current: { readonly storeOrder: readonly string[] | undefined; readonly lasting: readonly string[] },
  profileId: string,
  options: { readonly makeFirst: boolean },
): OrderAfterSave {
  const basis = current.storeOrder ?? current.lasting;
  const others = basis.filter((id) => id !== profileId);
  const isListed = others.length !== basis.length;
  const order = options.makeFirst ? [profileId, ...others] : isListed ? basis : [...basis, profileId];
  const isNew = current.storeOrder === undefined;
  const isSame = order.length === basis.length && order.every((id, index) => id === basis[index]);
  return { order: [...new Set(order)], isNew, isChanged: isNew || !isSame };
}

/** The store's order once `profileId` is the first, or the only one: what is tried now keeps its order behind it. */
export function orderAfterChoice(
  current: { readonly storeOrder: readonly string[] | undefined; readonly lasting: readonly string[] },
  profileId: string,
  how: "first" | "only",
): OrderAfterSave {
  if (how === "first") return orderAfterSave(current, profileId, { makeFirst: true });
  const isNew = current.storeOrder === undefined;
  const isSame = current.storeOrder?.length === 1 && current.storeOrder[0] === profileId;
  return { order: [profileId], isNew, isChanged: !isSame };
}

/**
 * An earlier order in today's store: those of it that there still are (`known`), then what is in today's order besides; null where
 * there was none, since OpenClaw then chooses itself.
 */
export function orderRestored(
  earlier: readonly string[] | null,
  today: readonly string[] | undefined,
  known: readonly string[],
): readonly string[] | null {
  if (earlier === null) return null;
  const order = [...new Set([...earlier, ...(today ?? [])])].filter((id) => known.includes(id));
  return order.length === 0 ? null : order;
}

/** The store's order without `profileId`; null (no order) where nothing is left, undefined where it was not listed. */
export function orderAfterRemoval(
  storeOrder: readonly string[] | undefined,
  profileId: string,
): readonly string[] | null | undefined {
  if (storeOrder === undefined || !storeOrder.includes(profileId)) return undefined;
  const rest = storeOrder.filter((id) => id !== profileId);
  return rest.length === 0 ? null : rest;
}

function codexCredential(facts: OrderFacts, id: string): Credential | undefined {
  const credential = facts.credentials.get(id);
  return credential?.provider.toLowerCase() === providerOf(facts) ? credential : undefined;
}

function providerOf({ provider }: OrderFacts): CodexProvider {
  return provider ?? CODEX_PROVIDER;
}

function isTried(facts: OrderFacts, id: string): boolean {
  const credential = codexCredential(facts, id);
  if (credential === undefined || !isEligible(credential, facts.now)) return false;
  const declared = facts.declared.get(id);
  if (declared === undefined) return true;
  if (declared.provider !== providerOf(facts)) return false;
  return declared.mode === credential.type || (declared.mode === "oauth" && credential.type === "token");
}

/** OAuth before token before key, then the least recently used. */
function compareUse(facts: OrderFacts, a: string, b: string): number {
  const types: readonly (Credential["type"] | undefined)[] = ["oauth", "token", "api_key"];
  const rank = (id: string): number => types.indexOf(codexCredential(facts, id)?.type);
  const lastUsed = (id: string): number => facts.usage.get(id)?.lastUsed ?? 0;
  return rank(a) - rank(b) || lastUsed(a) - lastUsed(b);
}

function cooldownLast(facts: OrderFacts, ids: readonly string[]): readonly string[] {
  const until = (id: string): number => {
    const usage = facts.usage.get(id);
    return (usage === undefined ? undefined : unusableWindow(usage, facts.now)?.untilMs) ?? 0;
  };
  // A stable sort: those that may be tried now all count 0 and keep their order.
  return ids.toSorted((a, b) => until(a) - until(b));
}
