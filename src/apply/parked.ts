// Logins that were received and are not yet in a store: durable from the moment the issuer gave them, until taken or discarded.

import { z } from "zod";
import { Secret } from "../secrets/secret.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { addressSchema, problemSchema } from "./job.ts";

/** The tokens of one sign-in. */
export interface LoginTokens {
  readonly access: Secret;
  readonly refresh: Secret;
  readonly id?: Secret | undefined;
  /** When the access token expires, in milliseconds since 1970. */
  readonly expiresAtMs: number;
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
});

/** A parked login without its tokens. */
export type ParkedLogin = z.infer<typeof parkedSchema>;

const tokensSchema = z.object({
  access: z.string(),
  refresh: z.string(),
  id: z.string().optional(),
  expiresAtMs: z.number(),
});

/** Tokens as they lie in a 0600 file. */
export type StoredTokens = z.infer<typeof tokensSchema>;
export { tokensSchema as storedTokensSchema };

/** The parked logins of this machine. */
export class ParkedLogins {
  readonly #records: RecordFolder<ParkedLogin>;
  readonly #tokens: RecordFolder<StoredTokens>;
  readonly #now: () => number;
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(options: {
    readonly folder: string;
    readonly now: () => number;
    readonly randomBytes: (size: number) => Uint8Array;
  }) {
    this.#records = new RecordFolder(options.folder, parkedSchema);
    this.#tokens = new RecordFolder(`${options.folder}/secrets`, tokensSchema);
    this.#now = options.now;
    this.#randomBytes = options.randomBytes;
  }

  /** Stores a login that was just received: its tokens first, since a list entry without tokens would be a promise not kept. */
  async put(
    login: Omit<ParkedLogin, "id" | "createdAt" | "schemaVersion">,
    tokens: LoginTokens,
    id = this.#newId(),
  ): Promise<ParkedLogin> {
    await this.#tokens.put(id, storeTokens(tokens));
    const record: ParkedLogin = { ...login, schemaVersion: 1, id, createdAt: this.#now() };
    await this.#records.put(id, record);
    return record;
  }

  /** All parked logins, oldest first. */
  async list(): Promise<readonly ParkedLogin[]> {
    const { records } = await this.#records.scan();
    return records.toSorted((a, b) => a.createdAt - b.createdAt);
  }

  /** One parked login, or undefined. */
  async get(id: string): Promise<ParkedLogin | undefined> {
    return this.#records.get(id);
  }

  /** The tokens of a parked login, or undefined where it is not parked. */
  async tokens(id: string): Promise<LoginTokens | undefined> {
    const stored = await this.#tokens.get(id);
    return stored === undefined ? undefined : loadTokens(stored);
  }

  /** Changes what is known about a parked login; nothing where it is gone. */
  async update(
    id: string,
    patch: Partial<Pick<ParkedLogin, "reason" | "problem" | "remindedAt" | "profileId">>,
  ): Promise<void> {
    const record = await this.#records.get(id);
    if (record !== undefined) await this.#records.put(id, { ...record, ...patch });
  }

  /** Forgets a login and its tokens; false where it was not parked. */
  async discard(id: string): Promise<boolean> {
    // The tokens first: killed in between, an entry without tokens is discarded again; tokens without an entry would stay for good.
    const hadTokens = await this.#tokens.remove(id);
    const existed = await this.#records.remove(id);
    return existed || hadTokens;
  }

  /** Removes what killed writers left half written. */
  async sweep(): Promise<void> {
    await Promise.all([this.#records.sweep(), this.#tokens.sweep()]);
  }

  #newId(): string {
    return `p-${Buffer.from(this.#randomBytes(8)).toString("hex")}`;
  }
}

/** Tokens in the form they are kept in a 0600 file. */
export function storeTokens(tokens: LoginTokens): StoredTokens {
  return {
    access: tokens.access.expose(),
    refresh: tokens.refresh.expose(),
    ...(tokens.id === undefined ? {} : { id: tokens.id.expose() }),
    expiresAtMs: tokens.expiresAtMs,
  };
}

/** Tokens back from a 0600 file. */
export function loadTokens(stored: StoredTokens): LoginTokens {
  return {
    access: Secret.of(stored.access),
    refresh: Secret.of(stored.refresh),
    ...(stored.id === undefined ? {} : { id: Secret.of(stored.id) }),
    expiresAtMs: stored.expiresAtMs,
  };
}
