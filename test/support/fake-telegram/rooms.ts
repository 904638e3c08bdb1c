// Who is in which chat, and what the bot may do there.

import { badRequest, forbidden } from "./api-error.ts";

/** A group as the tests set it up. */
export interface Group {
  readonly id: number;
  readonly title: string;
  readonly members: ReadonlySet<number>;
  /** Whether the bot may delete other people's messages. */
  readonly botCanDelete: boolean;
  /** Whether the bot gets only commands and answers to it, as is the default of @BotFather. */
  readonly privacyMode: boolean;
}

/** A chat as the Bot API describes it. */
export type ChatObject = Readonly<Record<string, unknown>> & { readonly id: number; readonly type: string };

/** The chats that exist for the bot. */
export class Rooms {
  readonly #groups = new Map<number, Group>();
  readonly #started = new Set<number>();
  readonly #blocked = new Set<number>();
  #lastGroup = 0;

  /** Makes a supergroup. */
  addGroup(members: readonly number[], options: { botCanDelete?: boolean; privacyMode?: boolean } = {}): Group {
    this.#lastGroup += 1;
    const group: Group = {
      id: -1_001_000_000_000 - this.#lastGroup,
      title: `group ${this.#lastGroup}`,
      members: new Set(members),
      botCanDelete: options.botCanDelete ?? false,
      privacyMode: options.privacyMode ?? true,
    };
    this.#groups.set(group.id, group);
    return group;
  }

  /** The group of that id, if it is one. */
  group(chatId: number): Group | undefined {
    return this.#groups.get(chatId);
  }

  /** A person has written to the bot: from now on it may write to them. */
  start(personId: number): void {
    this.#started.add(personId);
  }

  /** A person blocks the bot. */
  block(personId: number): void {
    this.#blocked.add(personId);
  }

  /** The chat of a call. @throws ApiError where the bot may not write there. */
  writable(chatId: number): ChatObject {
    if (this.#blocked.has(chatId)) throw forbidden("bot was blocked by the user");
    if (this.#groups.has(chatId) || this.#started.has(chatId)) return this.describe(chatId);
    throw badRequest("chat not found");
  }

  /** The chat as the Bot API describes it. */
  describe(chatId: number): ChatObject {
    const group = this.#groups.get(chatId);
    if (group !== undefined) return { id: chatId, type: "supergroup", title: group.title };
    return { id: chatId, type: "private", first_name: `Person ${chatId}` };
  }
}
