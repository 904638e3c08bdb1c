// What was shown to the person of one session, for as long as the session lasts: for hosts that only look and write nothing.

import type { Wanted } from "../apply/wanted.ts";
import type { Asker } from "../chat/conversation.ts";
import { ShownLists, type ShownList } from "../chat/lists.ts";
import { CHAT } from "../config/defaults.ts";

/** {@link ShownLists} of one asker that remembers in memory and touches no file. */
export class UnwrittenLists extends ShownLists {
  readonly #now: () => number;
  readonly #pending = new Map<string, Wanted>();
  #list: ShownList | undefined;
  #preview: { readonly ref: string; readonly at: number } | undefined;

  constructor(now: () => number) {
    super({ folder: "", now });
    this.#now = now;
  }

  override show(_asker: Asker, list: Omit<ShownList, "at">): Promise<void> {
    this.#list = { ...list, at: this.#now() };
    return Promise.resolve();
  }

  override current(): Promise<ShownList | undefined> {
    return Promise.resolve(this.#isFresh(this.#list) ? this.#list : undefined);
  }

  override previewed(_asker: Asker, ref: string): Promise<void> {
    this.#preview = { ref, at: this.#now() };
    return Promise.resolve();
  }

  override hasPreviewed(_asker: Asker, ref: string): Promise<boolean> {
    return Promise.resolve(this.#isFresh(this.#preview) && this.#preview?.ref === ref);
  }

  override propose(asker: Asker, ref: string, wanted: Wanted): Promise<void> {
    this.#pending.set(ref, wanted);
    return this.previewed(asker, ref);
  }

  override proposed(_asker: Asker, ref: string): Promise<Wanted | undefined> {
    return Promise.resolve(this.#pending.get(ref));
  }

  #isFresh(shown: { readonly at: number } | undefined): boolean {
    return shown !== undefined && this.#now() - shown.at < CHAT.listTtlMs;
  }
}
