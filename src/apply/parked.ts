// Logins that were received and are not yet in a store: durable from the moment the issuer gave them, until taken or discarded.

import { join } from "node:path";
import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import type { SealedCredential } from "../profiles/profile.ts";
import { CodexAuthError, isCodexAuthError, systemCode } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { createFileExclusive, ensurePrivateFolder, removeDurably } from "../storage/atomic-write.ts";
import { namesIn } from "../storage/look.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { addressSchema, problemSchema } from "./job.ts";

/** The tokens of one sign-in. */
export interface LoginTokens {
  readonly access: Secret;
  readonly refresh: Secret;
  readonly id?: Secret | undefined;
  /** When the access token expires, in milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** The entry as it lay in OpenClaw's store, where the login came out of it: with it a removal can be undone to the letter. */
  readonly entry?: SealedCredential | undefined;
}

const parkedSchema = z.object({
  schemaVersion: z.literal(1),
  id: z.string(),
  createdAt: z.number(),
  agentId: z.string(),
  /** The profile the person asked for. */
  profileId: z.string(),
  reason: z.enum([
    "first-login",
    "same-identity",
    "other-identity",
    "unknown-identity",
    "approval-needed",
    "store-failed",
    "rolled-back",
    "cancelled",
    "put-aside",
    "removed",
  ]),
  email: z.string().optional(),
  planType: z.string().optional(),
  identity: z.object({ userId: z.string(), accountId: z.string() }).optional(),
  expiresAtMs: z.number(),
  /** What the profile held when the login came. */
  previous: z
    .object({ email: z.string().optional(), planType: z.string().optional(), fingerprint: z.string().nullable() })
    .optional(),
  requestedBy: addressSchema,
  problem: problemSchema.optional(),
  remindedAt: z.number().optional(),
  /** When its revocation was sent, or was about to be, where its end is not known: it may be no good any more. */
  revokingAt: z.number().optional(),
});

/** A parked login without its tokens. */
export type ParkedLogin = z.infer<typeof parkedSchema>;

const tokensSchema = z.object({
  access: z.string(),
  refresh: z.string(),
  id: z.string().optional(),
  expiresAtMs: z.number(),
  entry: z.string().optional(),
});

/** Tokens as they lie in a 0600 file. */
export type StoredTokens = z.infer<typeof tokensSchema>;
export { tokensSchema as storedTokensSchema };

// Record and tokens in one file: killed at any moment, a received login is there as a whole or was never received.
const fileSchema = z.object({ ...parkedSchema.shape, tokens: tokensSchema });
type ParkedFile = z.infer<typeof fileSchema>;

/** The parked logins of this machine. */
export class ParkedLogins {
  readonly #files: RecordFolder<ParkedFile>;
  readonly #now: () => number;
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(options: {
    readonly folder: string;
    readonly now: () => number;
    readonly randomBytes: (size: number) => Uint8Array;
  }) {
    this.#files = new RecordFolder(options.folder, fileSchema);
    this.#now = options.now;
    this.#randomBytes = options.randomBytes;
  }

  /** Stores a login that was just received; it is durable when this resolves. */
  async put(
    login: Omit<ParkedLogin, "id" | "createdAt" | "schemaVersion">,
    tokens: LoginTokens,
    id = this.#newId(),
  ): Promise<ParkedLogin> {
    const record: ParkedLogin = { ...login, schemaVersion: 1, id, createdAt: this.#now() };
    await this.#files.put(id, { ...record, tokens: storeTokens(tokens) });
    return record;
  }

  /**
   * Makes sure that a login could be stored now. Asked before a code is spent: afterwards there would be nowhere to put it.
   *
   * @throws CodexAuthError `ERR_DISK_FULL`, `ERR_FILE_UNWRITABLE`.
   */
  async assertRoom(): Promise<void> {
    const probe = join(
      this.#files.folder,
      `.room.${process.pid}-${Buffer.from(this.#randomBytes(6)).toString("hex")}.tmp`,
    );
    await ensurePrivateFolder(this.#files.folder);
    await createFileExclusive(probe, " ".repeat(APPLY.roomForLoginBytes));
    await removeDurably(probe);
  }

  /** All parked logins, oldest first. */
  async list(): Promise<readonly ParkedLogin[]> {
    const { records } = await this.#files.scan();
    return records.toSorted((a, b) => a.createdAt - b.createdAt).map(withoutTokens);
  }

  /** Names of files that this program cannot read: a login may be in them. */
  async unreadable(): Promise<readonly string[]> {
    return (await this.#files.scan()).unreadable;
  }

  /** One parked login, or undefined. */
  async get(id: string): Promise<ParkedLogin | undefined> {
    const file = await this.#files.get(id);
    return file === undefined ? undefined : withoutTokens(file);
  }

  /** The tokens of a parked login, or undefined where it is not parked. */
  async tokens(id: string): Promise<LoginTokens | undefined> {
    const file = await this.#files.get(id);
    return file === undefined ? undefined : loadTokens(file.tokens);
  }

  /** Changes what is known about a parked login; nothing where it is gone. */
  async update(
    id: string,
    patch: Partial<Pick<ParkedLogin, "reason" | "problem" | "remindedAt" | "profileId" | "revokingAt">>,
  ): Promise<void> {
    await this.#alone(async () => {
      const file = await this.#files.get(id);
      if (file !== undefined) await this.#files.put(id, { ...file, ...patch });
    });
  }

  /**
   * Runs `work` while nobody else decides about this login. Two owners at once were told that it was saved and that it was
   * thrown away: whoever takes it has its tokens in hand for a while before the job is there to be seen.
   *
   * @throws CodexAuthError `ERR_DISK_FULL`, and what {@link withProcessLock} throws.
   */
  async deciding<T>(id: string, work: () => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#files.folder);
    const path = join(this.#files.folder, `decide-${id}`);
    return withProcessLock(path, work).catch((error: unknown) => {
      throw isCodexAuthError(error, "ERR_FILE_UNWRITABLE") && systemCode(error.cause) === "ENOSPC"
        ? noRoom(error)
        : error;
    });
  }

  /** Forgets a login and its tokens; false where it was not parked. */
  async discard(id: string): Promise<boolean> {
    return this.#alone(() => this.#files.remove(id));
  }

  /** Removes what killed writers left half written, and the locks of those who were killed in mid-decision. */
  async sweep(): Promise<void> {
    const { folder } = this.#files;
    await this.#files.sweep();
    for (const name of namesIn(folder)) {
      const [, path] = /^(decide-.+)\.lock$/.exec(name) ?? [];
      // A living one's is refused, a dead one's taken over and let go.
      if (path !== undefined) await withProcessLock(join(folder, path), nothing, { waitMs: 0 }).catch(nothing);
    }
  }

  /** An update must not bring back what another process discards at the same moment. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#files.folder);
    return withProcessLock(join(this.#files.folder, "parked"), work);
  }

  #newId(): string {
    return `p-${Buffer.from(this.#randomBytes(8)).toString("hex")}`;
  }
}

async function nothing(): Promise<void> {
  // Only the lock matters.
}

function noRoom(cause: CodexAuthError): CodexAuthError {
  return new CodexAuthError("ERR_DISK_FULL", {
    message: "There is no room on the disk to decide about that login.",
    next: "Free some space and try again; nothing was changed.",
    retryable: true,
    cause,
  });
}

function withoutTokens({ tokens: _secret, ...record }: ParkedFile): ParkedLogin {
  return record;
}

/** Tokens in the form they are kept in a 0600 file. */
export function storeTokens(tokens: LoginTokens): StoredTokens {
  return {
    access: tokens.access.expose(),
    refresh: tokens.refresh.expose(),
    ...(tokens.id === undefined ? {} : { id: tokens.id.expose() }),
    expiresAtMs: tokens.expiresAtMs,
    ...(tokens.entry === undefined ? {} : { entry: tokens.entry.expose() }),
  };
}

/** Tokens back from a 0600 file. */
export function loadTokens(stored: StoredTokens): LoginTokens {
  return {
    access: Secret.of(stored.access),
    refresh: Secret.of(stored.refresh),
    ...(stored.id === undefined ? {} : { id: Secret.of(stored.id) }),
    expiresAtMs: stored.expiresAtMs,
    ...(stored.entry === undefined ? {} : { entry: Secret.of(stored.entry) }),
  };
}
