// Ids of ignored senders, on the operator's terminal only: that is how a person learns their own.

import type { Asker } from "../../chat/conversation.ts";
import { TELEGRAM } from "../../config/defaults.ts";

/** Names each ignored sender once; the sender hears nothing. */
export class Strangers {
  readonly #print: (line: string) => void;
  readonly #settingsPath: string;
  readonly #seen = new Set<string>();

  constructor(options: { readonly print: (line: string) => void; readonly settingsPath: string }) {
    this.#print = options.print;
    this.#settingsPath = options.settingsPath;
  }

  /** Notes a sender who is not on the allow-list. Only the id: names are theirs to choose. */
  ignored({ personId }: Pick<Asker, "personId">): void {
    if (this.#seen.has(personId) || this.#seen.size > TELEGRAM.maxStrangersShown) return;
    this.#seen.add(personId);
    this.#print(
      this.#seen.size > TELEGRAM.maxStrangersShown
        ? "More strangers write to this bot; their ids are not shown any more."
        : `Ignored Telegram id ${personId}, which is not on the allow-list. To let this person in, add ${personId} to ` +
            `telegram.allowFrom in ${this.#settingsPath}, which counts at once (or to CODEX_AUTH_ALLOW_FROM, and start the bot again).`,
    );
  }
}
