// What was shown to the person of one session, for as long as the session lasts: for hosts that only look and write nothing.

import type { Asker } from "../chat/conversation.ts";
import { ShownLists, type ShownList } from "../chat/lists.ts";
import { CHAT } from "../config/defaults.ts";

/** {@link ShownLists} of one asker that remembers in memory and touches no file. */
export class UnwrittenLists extends ShownLists {
  readonly #now: () => number;
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

  #isFresh(shown: { readonly at: number } | undefined): boolean {
    return shown !== undefined && this.#now() - shown.at < CHAT.listTtlMs;
  }
}
