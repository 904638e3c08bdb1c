// What was last shown to a person in a chat: the list that a number refers to, and the preview that a typed `replace` confirms.

import { join } from "node:path";
import { z } from "zod";
import { wantedSchema, type Wanted } from "../apply/wanted.ts";
import { CHAT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { refOf } from "./button.ts";
import type { Asker } from "./conversation.ts";

const listSchema = z.object({
  /** What the entries are: profiles to sign in, logins that wait, or profiles whose usage may be looked at. */
  kind: z.enum(["profiles", "parked", "usage"]),
  agentId: z.string(),
  /** Profile ids or parked ids, in the order shown; no secret. */
  entries: z.array(z.string()),
  at: z.number(),
});

const shownSchema = z.object({
  schemaVersion: z.literal(1),
  people: z.record(
    z.string(),
    z.object({
      list: listSchema.optional(),
      preview: z.object({ ref: z.string(), at: z.number() }).optional(),
      /** Changes that were previewed and may be confirmed, the newest first. */
      pending: z.array(z.object({ ref: z.string(), at: z.number(), wanted: wantedSchema })).optional(),
    }),
  ),
});

type Shown = z.infer<typeof shownSchema>;
type Entry = Shown["people"][string];

/** A numbered list as it was shown. */
export type ShownList = z.infer<typeof listSchema>;

/** Remembers, in one small file, what was last shown to each person in each chat; it outlives a restart. */
export class ShownLists {
  readonly #folder: string;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#folder = options.folder;
    this.#now = options.now;
  }

  /** Makes `list` the one that numbers of `asker` refer to. */
  async show(asker: Asker, list: Omit<ShownList, "at">): Promise<void> {
    await this.#change(asker, (entry) => ({ ...entry, list: { ...list, at: this.#now() } }));
  }

  /**
   * The entry that `number` (1, 2, 3 …) stands for in the list last shown to `asker`.
   *
   * @throws CodexAuthError `ERR_LIST_EXPIRED` where there is no list of that kind, it is too old, or it is shorter.
   */
  async pick(
    asker: Asker,
    kind: ShownList["kind"],
    number: number,
  ): Promise<{ readonly agentId: string; readonly entry: string }> {
    const list = await this.current(asker);
    const entry = list?.kind === kind ? list.entries[number - 1] : undefined;
    if (list === undefined || entry === undefined)
      throw noSuchNumber(kind, list?.kind === kind ? list.entries.length : 0);
    return { agentId: list.agentId, entry };
  }

  /** The list last shown to `asker`, while it still counts. */
  async current(asker: Asker): Promise<ShownList | undefined> {
    const list = (await this.#read()).people[keyOf(asker)]?.list;
    return list !== undefined && this.#isFresh(list.at) ? list : undefined;
  }

  /** Remembers that `asker` has just seen the preview `ref`, so that a typed word may confirm exactly that. */
  async previewed(asker: Asker, ref: string): Promise<void> {
    await this.#change(asker, (entry) => ({ ...entry, preview: { ref, at: this.#now() } }));
  }

  /** Whether the preview last shown to `asker` was `ref`, not long ago. */
  async hasPreviewed(asker: Asker, ref: string): Promise<boolean> {
    const preview = (await this.#read()).people[keyOf(asker)]?.preview;
    return preview !== undefined && preview.ref === ref && this.#isFresh(preview.at);
  }

  /** Remembers the change behind a confirmation's `ref`, which has no room for it. */
  async propose(asker: Asker, ref: string, wanted: Wanted): Promise<void> {
    const at = this.#now();
    await this.#change(asker, (entry) => {
      const others = (entry.pending ?? []).filter((one) => one.ref !== ref && isPending(one.at, at));
      const pending = [{ ref, at, wanted }, ...others].slice(0, CHAT.pendingChanges);
      return { ...entry, preview: { ref, at }, pending };
    });
  }

  /** The change that `asker` was shown under `ref`, or undefined. */
  async proposed(asker: Asker, ref: string): Promise<Wanted | undefined> {
    const pending = (await this.#read()).people[keyOf(asker)]?.pending ?? [];
    return pending.find((one) => one.ref === ref && isPending(one.at, this.#now()))?.wanted;
  }

  async #change(asker: Asker, change: (entry: Entry) => Entry): Promise<void> {
    await ensurePrivateFolder(this.#folder);
    await withProcessLock(this.#path, async () => {
      const shown = await this.#read();
      const people = Object.fromEntries(Object.entries(shown.people).filter(([, entry]) => this.#isLive(entry)));
      const key = keyOf(asker);
      people[key] = change(people[key] ?? {});
      await writeJsonFile(this.#path, { schemaVersion: 1, people } satisfies Shown);
    });
  }

  async #read(): Promise<Shown> {
    return (await readJsonFile(this.#path, shownSchema)) ?? { schemaVersion: 1, people: {} };
  }

  #isLive(entry: Entry): boolean {
    const isPendingStill = entry.pending?.some(({ at }) => isPending(at, this.#now())) === true;
    return isPendingStill || [entry.list?.at, entry.preview?.at].some((at) => at !== undefined && this.#isFresh(at));
  }

  #isFresh(at: number): boolean {
    return this.#now() - at < CHAT.listTtlMs;
  }

  get #path(): string {
    return join(this.#folder, "shown.json");
  }
}

/** As long as the buttons of a decision. */
function isPending(at: number, now: number): boolean {
  return now - at < CHAT.decisionTtlMs;
}

/** A hash, so that the file names neither people nor chats. */
function keyOf(asker: Asker): string {
  return refOf(asker.host, asker.botId, asker.chatId, asker.personId);
}

function noSuchNumber(kind: ShownList["kind"], length: number): CodexAuthError {
  const again = { profiles: "/codex_auth", parked: "/codex_auth parked", usage: "/codex_usage" }[kind];
  return new CodexAuthError("ERR_LIST_EXPIRED", {
    message:
      length > 0
        ? `The list that was last shown here has ${length} ${length === 1 ? "entry" : "entries"}.`
        : "There is no list here that the number could mean, or it is older than ten minutes.",
    next: `Send \`${again}\` and choose again.`,
  });
}
