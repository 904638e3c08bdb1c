// Which refresh tokens were presented to the sign-in server, and what came of it: one that may be spent is never presented again.

import { z } from "zod";
import { RENEWAL } from "../config/defaults.ts";
import { RecordFolder } from "../storage/record-folder.ts";

const rotationSchema = z.object({
  schemaVersion: z.literal(1),
  /** Fingerprint of the refresh token. */
  token: z.string(),
  agentId: z.string(),
  profileId: z.string(),
  /** The job that presented it. */
  jobId: z.string(),
  /**
   * `prepared`: about to be presented, nothing has left this machine. `sent`: a connection stood and the token may have left. `spent`: the
   * server answered with others. `dead`: the server will never take it again.
   */
  phase: z.enum(["prepared", "sent", "spent", "dead"]),
  /** The server's reason for `dead`. */
  reason: z.string().optional(),
  at: z.number(),
});

/** What is known of one presented refresh token; no secret. */
export type Rotation = z.infer<typeof rotationSchema>;

/** Why a login may not be renewable: its refresh token is used up or ended, or was presented and no answer came. */
export type RenewalDoubt = "ended" | "unsure";

/**
 * The journal of renewals (facts/codex-oauth.md §4.1): without the *was it sent?* bit a crash would either cost a login that is still
 * good, or present a token twice, for which the server ends the whole login.
 */
export class Rotations {
  readonly #records: RecordFolder<Rotation>;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#records = new RecordFolder(options.folder, rotationSchema);
    this.#now = options.now;
  }

  /** What is known of a refresh token by its fingerprint; undefined where it was never presented, as far as we know. */
  async get(token: string): Promise<Rotation | undefined> {
    return this.#records.get(idOf(token));
  }

  /** Whether a token must not come into a store: it is used up, or on its way to the server at this moment. */
  async isBarred(token: string): Promise<boolean> {
    const rotation = await this.get(token);
    if (rotation?.phase === "spent" || rotation?.phase === "dead") return true;
    return rotation?.phase === "sent" && this.#isUnderWay(rotation);
  }

  /** What is known against a token; nothing while it is on its way: its answer may come. */
  async doubt(token: string): Promise<RenewalDoubt | undefined> {
    const rotation = await this.get(token);
    if (rotation?.phase === "spent" || rotation?.phase === "dead") return "ended";
    return rotation?.phase === "sent" && !this.#isUnderWay(rotation) ? "unsure" : undefined;
  }

  /** Notes a phase; it is durable when this resolves. */
  async note(rotation: Omit<Rotation, "schemaVersion" | "at">): Promise<void> {
    await this.#records.put(idOf(rotation.token), { schemaVersion: 1, ...rotation, at: this.#now() });
  }

  /** Forgets a token that the server has not taken: it is as good as before. */
  async forget(token: string): Promise<void> {
    await this.#records.remove(idOf(token));
  }

  /** Removes what is too old or too much; tells how many. */
  async prune(): Promise<number> {
    await this.#records.sweep();
    const { records } = await this.#records.scan();
    const newestFirst = records.toSorted((a, b) => b.at - a.at);
    const old = newestFirst.filter(
      ({ at }, index) => index >= RENEWAL.journalKept || this.#now() - at > RENEWAL.journalTtlMs,
    );
    for (const { token } of old) await this.forget(token);
    return old.length;
  }

  #isUnderWay({ at }: Rotation): boolean {
    return Math.abs(this.#now() - at) <= RENEWAL.underWayMs;
  }
}

/** `sha256:…` as a file name. */
function idOf(token: string): string {
  return token.replace(":", "-");
}
