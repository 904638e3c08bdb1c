// Answers that must reach the chat that asked, even if the bot was restarted in between: kept until a host has delivered them.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { APPLY, CHAT, MINUTE } from "../config/defaults.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { watchFolder } from "../storage/watch-folder.ts";
import { addressSchema } from "./job.ts";
import { wantedSchema } from "./wanted.ts";

const outboxSchema = z.object({
  schemaVersion: z.literal(1),
  id: z.string(),
  createdAt: z.number(),
  address: addressSchema,
  content: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("receipt"), receiptId: z.string() }),
    z.object({ kind: z.literal("approval"), parkedId: z.string() }),
    z.object({ kind: z.literal("reminder"), parkedId: z.string() }),
    z.object({ kind: z.literal("change"), wanted: wantedSchema }),
    z.object({ kind: z.literal("invitation"), agentId: z.string(), profileId: z.string() }),
  ]),
});

const toldSchema = z.object({ id: z.string(), at: z.number() });

/** A message that was shown and could not be forgotten, and when that is tried again. */
interface Shown {
  readonly createdAt: number;
  readonly waitMs: number;
  readonly dueAt: number;
}

/** One answer that waits for its host; it names what to say, the host words it. */
export type OutboxMessage = z.infer<typeof outboxSchema>;

/** A person's id as a part of a message's id, which is a file's name: what OpenClaw calls people (`telegram:4242`) is none. */
export function personPart(personId: string): string {
  if (/^[a-z0-9]{1,32}$/.test(personId)) return personId;
  return createHash("sha256").update(personId).digest("hex").slice(0, 16);
}

/** The answers that are still to be delivered. */
export class Outbox {
  readonly #records: RecordFolder<OutboxMessage>;
  /** Receipts that were shown: whoever ends a job a second time after a crash does not tell it a second time. */
  readonly #told: RecordFolder<z.infer<typeof toldSchema>>;
  /**
   * What this process has shown and cannot forget: a full disk made the watch show the same receipt every two seconds, since
   * neither the note of it nor anything else could be written.
   */
  readonly #shown = new Map<string, Shown>();
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#records = new RecordFolder(options.folder, outboxSchema);
    this.#told = new RecordFolder(join(options.folder, "told"), toldSchema);
    this.#now = options.now;
  }

  /** Adds a message; the same id again is the same message. A receipt is told once, also where it was shown meanwhile. */
  async put(message: Omit<OutboxMessage, "schemaVersion" | "createdAt">): Promise<void> {
    if (await this.#wasTold(message)) return;
    await this.#records.create(message.id, { ...message, schemaVersion: 1, createdAt: this.#now() });
  }

  /** The messages of `host` that are still to be shown, oldest first; those older than `APPLY.outboxTtlMs` are dropped. */
  async list(host: string): Promise<readonly OutboxMessage[]> {
    return (await this.#live(host)).filter((message) => !this.#wasShown(message));
  }

  /** Those too that were shown and are still there. */
  async #live(host: string): Promise<readonly OutboxMessage[]> {
    const { records } = await this.#records.scan();
    const live: OutboxMessage[] = [];
    for (const message of records) {
      const isOver = this.#now() - message.createdAt > APPLY.outboxTtlMs;
      // Whoever ends a job again may have looked for the note just before it was made: then its answer lies here once more.
      if (isOver || (await this.#wasTold(message))) {
        await this.#records.remove(message.id);
        this.#shown.delete(message.id);
      } else if (message.address.host === host) live.push(message);
    }
    return live.toSorted((a, b) => a.createdAt - b.createdAt);
  }

  /** Removes what killed writers left half written, and notes that nobody will ask for any more. */
  async sweep(): Promise<void> {
    await Promise.all([this.#records.sweep(), this.#told.sweep()]);
    const { records } = await this.#told.scan();
    for (const { id, at } of records) if (this.#now() - at > APPLY.outboxTtlMs) await this.#told.remove(id);
  }

  async #wasTold({ id, content }: Pick<OutboxMessage, "id" | "content">): Promise<boolean> {
    return content.kind === "receipt" && (await this.#told.get(id)) !== undefined;
  }

  /** Forgets a message that its host has shown; where this throws, the message is not listed by this process again. */
  async delivered(id: string): Promise<void> {
    const message = await this.#records.get(id);
    if (message !== undefined) await this.#forget(message);
  }

  async #forget({ id, createdAt, content }: OutboxMessage): Promise<void> {
    const before = this.#shown.get(id);
    const waitMs = before === undefined ? CHAT.deliveryRetryMs : Math.min(before.waitMs * 2, MINUTE);
    this.#shown.set(id, { createdAt, waitMs, dueAt: this.#now() + waitMs });
    if (content.kind === "receipt") await this.#told.put(id, { id, at: this.#now() });
    await this.#records.remove(id);
    this.#shown.delete(id);
  }

  /** A question may be asked again under its id: it is another message then. */
  #wasShown({ id, createdAt }: OutboxMessage): boolean {
    return this.#shown.get(id)?.createdAt === createdAt;
  }

  #mustWait({ id }: OutboxMessage): boolean {
    const { dueAt = 0, waitMs = 0 } = this.#shown.get(id) ?? {};
    const leftMs = dueAt - this.#now();
    // Further away than the pause was: the clock was set back.
    return leftMs > 0 && leftMs <= waitMs;
  }

  /**
   * Hands each message of `host` to `deliver` until `signal` aborts. A delivery that returns false is tried again at the
   * next change or look. One that was shown and cannot be forgotten holds up no other: it is thrown when all had their turn,
   * and at the next watch it is only forgotten, ever less often, never shown.
   */
  async watch(host: string, deliver: (message: OutboxMessage) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    await ensurePrivateFolder(this.#records.folder);
    await watchFolder(
      this.#records.folder,
      async () => {
        const failures: unknown[] = [];
        for (const message of await this.#live(host)) {
          if (signal.aborted) return;
          const isDue = this.#wasShown(message) ? !this.#mustWait(message) : await deliver(message);
          if (isDue) await this.#forget(message).catch((error: unknown) => failures.push(error));
        }
        if (failures.length > 0) throw failures[0];
      },
      signal,
    );
  }
}
