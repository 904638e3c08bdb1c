// What this machine knows of its lease, on disk (`lease.json`, no secret), and the turns in which processes change it.

import { join } from "node:path";
import { z } from "zod";
import { problemSchema } from "../apply/job.ts";
import { LEASE } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { CREDENTIAL_STATES, LEASE_STATES } from "./broker.ts";
import { LEASE_NOTES } from "./policy.ts";

const statusSchema = z.object({
  leaseId: z.string(),
  credentialId: z.string(),
  machineId: z.string(),
  agentId: z.string(),
  state: z.enum(LEASE_STATES),
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  lastSeenAtMs: z.number().optional(),
  utilizationPct: z.number().optional(),
  quotaRemaining: z.number().optional(),
  credentialState: z.enum(CREDENTIAL_STATES),
  rotationRecommended: z.boolean(),
  replacementRequired: z.boolean(),
  authRefreshRequired: z.boolean(),
  credentialAuthUpdatedAt: z.string().optional(),
});

const materialSchema = z.object({
  leaseId: z.string(),
  credentialId: z.string(),
  atMs: z.number(),
  expiresAtMs: z.number(),
  authUpdatedAt: z.string().optional(),
  /** Fingerprint of the access token. */
  access: z.string(),
  /** The job that writes it into the store. */
  jobId: z.string(),
});

const releaseSchema = z.enum(["for-good", "until-start", "for-another"]);

const placeSchema = { profileId: z.string(), agentId: z.string() };

const storedSchema = z.object({
  ...placeSchema,
  /** The leases whose tokens may be there: two while one is being replaced. */
  leaseIds: z.array(z.string()),
  /** Fingerprints of the access tokens that may be there. */
  access: z.array(z.string()),
  /** The order that was written down for the lease where the store had none: it goes with the lease, if nobody changed it since. */
  madeOrder: z.array(z.string()).optional(),
});

const removalSchema = z.object({ ...storedSchema.shape, jobId: z.string(), failures: z.number().int() });

const otherSchema = z.object({
  brokerUrl: z.string(),
  machineId: z.string(),
  agentId: z.string(),
  status: statusSchema.optional(),
  adoptedLeaseId: z.string().optional(),
  release: releaseSchema.optional(),
  autoRenew: z.boolean().optional(),
  autoRotate: z.boolean().optional(),
});

const recordSchema = z.object({
  schemaVersion: z.literal(1),
  /** One more at each change: the answer to an older look never replaces a newer one. */
  revision: z.number().int(),
  /** Where the lease comes from; a record of another broker or owner is not this lease's. */
  brokerUrl: z.string(),
  machineId: z.string(),
  agentId: z.string(),
  /** The last look at the lease; absent where there is none. */
  status: statusSchema.optional(),
  lookedAtMs: z.number().default(0),
  /** How the credential is called, where the broker said so. */
  label: z.string().optional(),
  email: z.string().optional(),
  material: materialSchema.optional(),
  /** The last job that has put leased tokens into the store. */
  storedBy: z.string().optional(),
  /** Where leased tokens are, or may be: known before they are written, until their removal is asked for. */
  stored: storedSchema.optional(),
  /** Removals that were asked for and are not seen done yet. */
  removals: z.array(removalSchema).default([]),
  removeNotBeforeMs: z.number().default(0),
  /** True where ours could not be removed from the login file yet. */
  isFileLeft: z.boolean().default(false),
  /** Since when leased tokens are here whose lease is over. */
  orphanSinceMs: z.number().optional(),
  /** The credential for which the broker has no tokens. */
  ghostCredentialId: z.string().optional(),
  rotatedAtMs: z.number().optional(),
  rotateFailures: z.number().int().default(0),
  rotateNotBeforeMs: z.number().default(0),
  /** When the broker said that it lets no client rotate. */
  rotationDisabledAtMs: z.number().optional(),
  /** The lease of the settings, once it was taken over: when it ends, others are acquired. */
  adoptedLeaseId: z.string().optional(),
  /** The last lease that ended, once it is counted among the short-lived ones. */
  endedLeaseId: z.string().optional(),
  shortLived: z.number().int().default(0),
  acquireNotBeforeMs: z.number().default(0),
  materialFailures: z.number().int().default(0),
  materializeNotBeforeMs: z.number().default(0),
  /**
   * Set from the moment a lease is to be given back: for good (until a person asks for one), because a host stops (until its
   * next start), or for another one. It is carried out however often we are killed or the broker is away.
   */
  release: releaseSchema.optional(),
  /** What a person switched in the chat; it wins over the settings. */
  autoRenew: z.boolean().optional(),
  autoRotate: z.boolean().optional(),
  /** Why the keeper only stays in contact. */
  note: z.enum(LEASE_NOTES).optional().catch(undefined),
  problem: z.object({ ...problemSchema.shape, atMs: z.number() }).optional(),
  /** Why the leased login is not in the Codex CLI's file, where it is wanted there. */
  fileProblem: problemSchema.optional(),
  /** What is remembered of leases under other settings, for when those come back. */
  others: z.array(otherSchema).default([]),
  /** The process that keeps the lease, and when it last was at work. */
  keeper: z.object({ pid: z.number().int(), atMs: z.number() }).optional(),
});

/** A place in a profile store where leased tokens are, or may be. */
export type StoredTokens = z.infer<typeof storedSchema>;

/** Everything this machine remembers of its lease. */
export type LeaseRecord = z.infer<typeof recordSchema>;

/** Whose lease a record is about. */
export interface RecordOwner {
  readonly brokerUrl: string;
  readonly machineId: string;
  readonly agentId: string;
}

/** One process's turn at the record. */
export interface Turn {
  readonly record: LeaseRecord;
  /** Changes the record, on disk when it resolves. */
  change(patch: Partial<LeaseRecord>): Promise<void>;
}

/** Where the record is kept. */
export interface LeaseBook {
  /** The record as it is, for looking only; undefined where there is none for `owner`. */
  read(owner: RecordOwner): Promise<LeaseRecord | undefined>;
  /** Runs `work` while no other process can change the lease or its record. */
  turn<T>(owner: RecordOwner, work: (turn: Turn) => Promise<T>): Promise<T>;
}

/** A record with nothing in it. */
export function emptyRecord(owner: RecordOwner): LeaseRecord {
  return recordSchema.parse({ schemaVersion: 1, revision: 0, ...owner });
}

/** The book in `folder`, shared by the keeper, the bot and the command line of this machine. */
export class LeaseFile implements LeaseBook {
  readonly #folder: string;
  readonly #path: string;
  readonly #now: () => number;

  constructor(folder: string, now: () => number = Date.now) {
    this.#folder = folder;
    this.#path = join(folder, "lease.json");
    this.#now = now;
  }

  /** @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE` where it is damaged; it is left as it is. */
  async read(owner: RecordOwner): Promise<LeaseRecord | undefined> {
    const record = await this.readAny();
    return record !== undefined && isOf(record, owner) ? record : undefined;
  }

  /** The record, whosever it is: what is left here of settings that were changed since. */
  async readAny(): Promise<LeaseRecord | undefined> {
    return readJsonFile(this.#path, recordSchema);
  }

  /** The record of `owner`; tokens that another owner's settings have left here are its business from now on. */
  async #recordFor(owner: RecordOwner): Promise<LeaseRecord> {
    const record = await this.readAny();
    if (record === undefined) return emptyRecord(owner);
    if (isOf(record, owner)) return record;
    const { keeper, revision, stored, removals, isFileLeft } = record;
    const isKept =
      keeper !== undefined && keeper.pid !== process.pid && this.#now() - keeper.atMs < LEASE.keeperSilentMs;
    if (isKept) throw keptByAnother();
    const back = record.others.find((other) => isOf(other, owner));
    const others = [otherSchema.parse(record), ...record.others.filter((other) => other !== back)].slice(
      0,
      LEASE.othersKept,
    );
    return { ...emptyRecord(owner), ...back, revision, stored, removals, isFileLeft, others };
  }

  /**
   * @throws CodexAuthError `ERR_LOCK_TIMEOUT` where another process is busy with a slow broker, `ERR_LEASE_OTHER_AGENT` where one
   *   keeps a lease of this user under other settings, and what {@link read} throws.
   */
  async turn<T>(owner: RecordOwner, work: (turn: Turn) => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#folder);
    return withProcessLock(
      this.#path,
      async (lost) => {
        let record = await this.#recordFor(owner);
        return work({
          get record() {
            return record;
          },
          change: async (patch) => {
            // Whoever lost its turn must not write over what the next one has done.
            lost.throwIfAborted();
            record = { ...record, ...patch, revision: record.revision + 1 };
            await writeJsonFile(this.#path, record);
          },
        });
      },
      { waitMs: LEASE.turnWaitMs },
    );
  }
}

function isOf(record: RecordOwner, owner: RecordOwner): boolean {
  return (
    record.brokerUrl === owner.brokerUrl && record.machineId === owner.machineId && record.agentId === owner.agentId
  );
}

/** Two keepers with different names would take the profile from each other every minute. */
function keptByAnother(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_OTHER_AGENT", {
    message: "Another process of this user keeps a lease under another machine id, agent id or broker.",
    next: "Give both the same `lease` settings and AUTH_MANAGER_ variables, or stop one of them; it is forgotten after a few minutes.",
    retryable: true,
  });
}
