// The port to OpenClaw's auth profiles: read them, plan one change, apply it file by file, check it later, take it back.

import { z } from "zod";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { Secret } from "../secrets/secret.ts";
import type { OpenClawLockHold, OpenClawLockOptions } from "../storage/openclaw-lock.ts";
import type { SharedToken, TokenHolder } from "./owners.ts";
import type { CredentialFacts } from "./credential-facts.ts";
import type { StoresOutline } from "./outline.ts";
import { type SealedCredential } from "./profile.ts";
import { CODEX_PROVIDER, OPENAI_PROVIDER, type CodexProvider } from "./profile-id.ts";
import type { ProfileSummary } from "./summary.ts";
import { failureNotesSchema, type FailureNotes } from "./usage-stats.ts";

/** The Codex profiles of one agent as they are now, secret-free. */
export interface StoreSnapshot {
  readonly agentId: string;
  /** How the store names the provider, so how the ids of new profiles begin. Default `openai-codex`. */
  readonly provider?: CodexProvider;
  /** Those in the effective order first, then the rest as they are stored. */
  readonly summaries: readonly ProfileSummary[];
  readonly effectiveOrder: readonly string[];
  /** The effective order as it would be written down (a cooldown moves nobody). */
  readonly lastingOrder: readonly string[];
  /** The store's own order, or undefined where it has none. */
  readonly storeOrder: readonly string[] | undefined;
  readonly hasExplicitOrder: boolean;
  /** When it was so, in milliseconds since 1970, where it is what the plugin has told and not what is there now. */
  readonly seenAtMs?: number;
  /** The files that were read. */
  readonly files: readonly string[];
}

/** One agent for the agent row of a picker. */
export interface AgentSummary {
  readonly agentId: string;
  readonly isMain: boolean;
  /** False where it only inherits. */
  readonly hasStore: boolean;
}

/** One wanted change of one profile. */
export interface StoreChange {
  readonly profileId: string;
  readonly provider: CodexProvider;
  /** The new credential; null removes the profile; undefined leaves it. */
  readonly credential?: SealedCredential | null;
  /** The new order of the provider; null clears it; undefined leaves it. */
  readonly order?: readonly string[] | null;
  /** Forget a cooldown or disabling of the profile, which belonged to its earlier login. Default false. */
  readonly clearCooldown?: boolean;
  /** The id that the profile gets; nothing else is asked for beside it. */
  readonly renameTo?: string;
  /** `clear`: OpenClaw's notes of failures go; or what is put in their place, by the path of each store. Nothing else beside it. */
  readonly failures?: "clear" | Readonly<Record<string, FailureNotes>>;
}

const fileChangeSchema = z.object({
  /** The `auth-profiles.json` under whose lock it happens (its `auth-state.json` goes with it). */
  path: z.string(),
  agentId: z.string(),
  profileId: z.string(),
  /** `owner` gets the change; `copy` loses a second copy of the same login so that main's is inherited; `order` only the order, or what else names the profile; `notes` only how it fared. */
  role: z.enum(["owner", "copy", "order", "notes"]),
  /** Fingerprint of the profile's entry before and after, null = no entry; equal = the entry is not touched. */
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** The provider's order before and after, null = none; equal = the order is not touched. */
  orderBefore: z.array(z.string()).nullable(),
  orderAfter: z.array(z.string()).nullable(),
  clearCooldown: z.boolean(),
  /** True where the store file does not exist yet. */
  creates: z.boolean(),
  /** The id that the profile gets in this store: the entry, whatever it is by then, and everything that names it. */
  renameTo: z.string().optional(),
  /** OpenClaw's notes of failures before and after. */
  notes: z.object({ before: failureNotesSchema, after: failureNotesSchema }).optional(),
});

/** What changes in one store file; secret-free, so it belongs in a journal and a receipt. */
export type FileChange = z.infer<typeof fileChangeSchema>;

/** True where `change` is for anything at all. */
export function isChange(change: FileChange): boolean {
  const { before, after, orderBefore, orderAfter, renameTo, notes } = change;
  const isOrderKept = canonicalJson(orderBefore) === canonicalJson(orderAfter);
  return before !== after || !isOrderKept || renameTo !== undefined || notes !== undefined;
}

/** A plan as it is journalled: `z.infer` of it is {@link StorePlan}. */
export const storePlanSchema = z.object({
  profileId: z.string(),
  provider: z.enum([CODEX_PROVIDER, OPENAI_PROVIDER]),
  /** The agent that was asked for. */
  agentId: z.string(),
  /** One entry per store, in the order in which they are locked. */
  files: z.array(fileChangeSchema),
  /** Agents that keep a profile of the same id because it is somebody else's login. */
  keptElsewhere: z.array(z.string()),
  /** Agents whose store cannot be read, so that a copy in it could not be found. */
  unreadable: z.array(z.string()),
});

/** A change, worked out file by file; nothing has happened yet. */
export type StorePlan = z.infer<typeof storePlanSchema>;

/** The entry of the profile in one file before and after; null = none. Secret: for the job's own 0600 file. */
export interface EntryValues {
  readonly next: Secret | null;
  readonly previous: Secret | null;
}

/** A plan together with what it writes and what would undo it, by the path of each file. */
export interface PlannedChange {
  readonly plan: StorePlan;
  readonly values: ReadonlyMap<string, EntryValues>;
}

/** How a step is carried out. */
export interface ApplyOptions extends Pick<OpenClawLockOptions, "signal" | "onWait" | "waitMs"> {
  /** Runs under the lock before the file is changed, not where it holds the result already. A throw is passed on; nothing was written. */
  readonly beforeWrite?: () => Promise<void>;
  /**
   * Runs after the rename (also where nothing had to be written), still under the lock: the place for `secrets.reload`.
   * It should end within `hold.remainingMs()`. A throw is passed on; the file stays written.
   */
  readonly whileLocked?: (hold: OpenClawLockHold) => Promise<void>;
}

/** What happened to one file. */
export interface AppliedChange {
  /** `already` = the file held the result before (an executor was killed after its rename). */
  readonly outcome: "written" | "already";
  /** The files that were replaced, `auth-state.json` before `auth-profiles.json`. */
  readonly written: readonly string[];
}

/** How {@link ProfileStore.read} reads. */
export interface LookOptions {
  /** Keeps a copy of a store that cannot be read. Default false. */
  readonly forChange?: boolean;
  /** For who decides by it: the files are opened, also where they look as at the last time. Default false. */
  readonly anew?: boolean;
}

/** Whether a file holds the result of a change: all of it, none of it (written back), or something else. */
export type Holding = "after" | "before" | "other";

/** Whose locks {@link ProfileStore.holding} takes. */
export interface HoldTarget {
  readonly profileId: string;
  readonly agentId: string;
}

/** How the locks are waited for. */
export type HoldOptions = Pick<OpenClawLockOptions, "signal" | "onWait" | "waitMs">;

/** The locks while they are held. */
export type Hold = Pick<OpenClawLockHold, "assertStillOurs" | "remainingMs">;

/** OpenClaw's auth profiles. Only `apply/` calls what changes them. */
export interface ProfileStore {
  /** How this store names the provider of Codex logins, so how its profile ids begin. Default `openai-codex`. */
  readonly provider?: CodexProvider;
  /** The agents, main first. */
  agents(): Promise<readonly AgentSummary[]>;
  /** What `agentId` (default main) has and inherits. */
  read(agentId?: string, options?: LookOptions): Promise<StoreSnapshot>;
  /** The credential that `agentId` uses for a profile, or undefined where there is none that can be read. */
  readCredential(
    profileId: string,
    agentId?: string,
  ): Promise<{ readonly credential: SealedCredential; readonly inherited: boolean } | undefined>;
  /** The same without its tokens. Absent where {@link readCredential} gives the credential itself. */
  describe?(profileId: string, agentId?: string): Promise<CredentialFacts | undefined>;
  /** What others need to show what a change would do; absent where they can read the stores themselves. */
  outline?(): Promise<StoresOutline>;
  /** Works a change out against today's store; changes nothing. Its `values` are empty where this store only shows. */
  plan(change: StoreChange, agentId?: string): Promise<PlannedChange>;
  /**
   * Carries one file's part out under its lock: `before` → written, `after` → `already`.
   *
   * @throws CodexAuthError `ERR_STORE_CONFLICT` where it is neither: plan again. Also what the lock and the disk throw.
   */
  apply(change: FileChange, values: EntryValues, options?: ApplyOptions): Promise<AppliedChange>;
  /** Puts the target's earlier entry and order back inside today's store; `values` may hold a `previous` without spent tokens. */
  undo(change: FileChange, values: EntryValues, options?: ApplyOptions): Promise<AppliedChange>;
  /**
   * Runs `body` while nobody else can renew or write the profile: under OpenClaw's own refresh lock of it and the locks of all stores
   * that have an entry of it. `held` is this store, which does not take those locks again. For at most
   * `OPENCLAW_LOCK.maxRenewalHoldMs`. Absent where OpenClaw alone renews its logins.
   *
   * @throws CodexAuthError what the locks throw, before `body` or after it.
   */
  holding?<T>(
    target: HoldTarget,
    body: (held: ProfileStore, hold: Hold) => Promise<T>,
    options?: HoldOptions,
  ): Promise<T>;
  /** Whether one file holds the result of a change now. */
  check(change: FileChange): Promise<Holding>;
  /** Where openclaw.json names a profile, as the paths of its settings; that file is never edited by us. */
  namedInConfig(profileId: string): Promise<readonly string[]>;
  /** Refresh tokens that lie in more than one place, `elsewhere` (such as the Codex CLI's login) included. */
  sharedTokens(elsewhere?: readonly TokenHolder[]): Promise<readonly SharedToken[]>;
}

const valuesSchema = z.record(z.string(), z.object({ next: z.string().nullable(), previous: z.string().nullable() }));

/** The values of a plan as plain JSON with its secrets in it: only for a 0600 file that goes when the job ends. */
export function exposeValues(values: PlannedChange["values"]): z.infer<typeof valuesSchema> {
  return Object.fromEntries(
    [...values].map(([path, { next, previous }]) => [path, { next: expose(next), previous: expose(previous) }]),
  );
}

/** The inverse of {@link exposeValues}; throws a zod error where `json` is not its result. */
export function readValues(json: unknown): PlannedChange["values"] {
  return new Map(
    Object.entries(valuesSchema.parse(json)).map(([path, { next, previous }]) => [
      path,
      { next: seal(next), previous: seal(previous) },
    ]),
  );
}

function expose(secret: Secret | null): string | null {
  return secret?.expose() ?? null;
}

function seal(text: string | null): Secret | null {
  return text === null ? null : Secret.of(text);
}
