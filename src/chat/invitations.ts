// What scripts have asked people for: a sign-in that only a person can begin, asked once, in the chat (design, decision 12).

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { Address } from "../apply/job.ts";
import { personPart, type Outbox } from "../apply/outbox.ts";
import { CHAT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { RecordFolder } from "../storage/record-folder.ts";

const invitationSchema = z.object({
  schemaVersion: z.literal(1),
  id: z.string(),
  createdAt: z.number(),
  agentId: z.string(),
  profileId: z.string(),
  /** When everybody had been asked; absent where a script was killed on the way. */
  sentAt: z.number().optional(),
  /** When somebody began the sign-in; it is kept nevertheless, so that a script in a loop asks no more often. */
  answeredAt: z.number().optional(),
});

/** One question of a script: whether a person signs this profile in. */
export type Invitation = z.infer<typeof invitationSchema>;
/** What an invitation is about. */
export type InvitationSubject = Pick<Invitation, "agentId" | "profileId">;

/** The invitations of this machine; one for each profile of an agent. */
export class Invitations {
  readonly #records: RecordFolder<Invitation>;
  readonly #outbox: Pick<Outbox, "put">;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly outbox: Pick<Outbox, "put">; readonly now: () => number }) {
    this.#records = new RecordFolder(options.folder, invitationSchema);
    this.#outbox = options.outbox;
    this.#now = options.now;
  }

  /**
   * Asks each of `people`, unless the same was asked within `CHAT.invitationAgainMs`. The record comes before the messages,
   * for a running bot delivers them at once and looks for it; only the mark behind them says that everybody was asked, so
   * that after a kill in between the next call puts the same messages again.
   *
   * @throws CodexAuthError `ERR_CONFIRMATION_NEEDED` where scripts have asked for `CHAT.maxInvitations` others just now.
   */
  async invite(
    subject: InvitationSubject,
    people: readonly Address[],
  ): Promise<{ readonly invitation: Invitation; readonly isNew: boolean }> {
    const id = idOf(subject);
    return this.#alone(async () => {
      const before = await this.#records.get(id);
      const now = this.#now();
      if (before?.sentAt !== undefined && now - before.sentAt < CHAT.invitationAgainMs) {
        return { invitation: before, isNew: false };
      }
      const recent = (await this.list()).filter((one) => one.id !== id && now - one.createdAt < CHAT.invitationAgainMs);
      if (recent.length >= CHAT.maxInvitations) throw tooMany();
      const isHalf = before !== undefined && before.sentAt === undefined && this.#counts(before);
      const wish: Invitation = isHalf ? before : { schemaVersion: 1, id, createdAt: now, ...subject };
      await this.#records.put(id, wish);
      for (const address of people) {
        await this.#outbox.put({
          id: `invitation-${id}-${wish.createdAt}-${personPart(address.personId)}`,
          address,
          content: { kind: "invitation", ...subject },
        });
      }
      const invitation = { ...wish, sentAt: now };
      await this.#records.put(id, invitation);
      return { invitation, isNew: true };
    });
  }

  /** The invitation for `subject` that still counts, answered or not. */
  async get(subject: InvitationSubject): Promise<Invitation | undefined> {
    const found = await this.#records.get(idOf(subject));
    return found !== undefined && this.#counts(found) ? found : undefined;
  }

  /** All that still count, oldest first; forgets the others. */
  async list(): Promise<readonly Invitation[]> {
    const { records } = await this.#records.scan();
    for (const old of records) if (!this.#counts(old)) await this.#records.remove(old.id);
    return records.filter((one) => this.#counts(one)).toSorted((a, b) => a.createdAt - b.createdAt);
  }

  /** Those that nobody has answered. */
  async open(): Promise<readonly Invitation[]> {
    return (await this.list()).filter(({ answeredAt }) => answeredAt === undefined);
  }

  /** Somebody has begun this sign-in: nobody else needs to be asked. Nothing where nobody was invited. */
  async answered(subject: InvitationSubject): Promise<void> {
    if ((await this.get(subject)) === undefined) return;
    await this.#alone(async () => {
      const before = await this.get(subject);
      if (before === undefined || before.answeredAt !== undefined) return;
      await this.#records.put(before.id, { ...before, answeredAt: this.#now() });
    });
  }

  #counts({ createdAt }: Invitation): boolean {
    return this.#now() - createdAt < CHAT.invitationTtlMs;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#records.folder);
    return withProcessLock(join(this.#records.folder, "invitations"), work);
  }
}

function tooMany(): CodexAuthError {
  return new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: "Scripts have asked people for several sign-ins within ten minutes; nobody is asked for more now.",
    next: "A person sends `/codex_auth` to the bot and chooses what to sign in.",
    retryable: true,
  });
}

/** A hash: a profile's name may be an e-mail address, which no file name holds. */
function idOf({ agentId, profileId }: InvitationSubject): string {
  return createHash("sha256")
    .update(JSON.stringify([agentId, profileId]))
    .digest("hex")
    .slice(0, 16);
}
