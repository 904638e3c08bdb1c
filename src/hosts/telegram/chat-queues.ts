// One thing after another in each chat, different chats side by side.

import PQueue from "p-queue";

/** Queues by chat; each is forgotten when it is empty. Telegram holds back what is beyond 100 unconfirmed updates. */
export class ChatQueues {
  readonly #queues = new Map<number | string, PQueue>();

  /** Runs `work` after all earlier work of the same chat. */
  async run<T>(chatId: number | string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(chatId) ?? new PQueue({ concurrency: 1 });
    this.#queues.set(chatId, queue);
    try {
      return await queue.add(work);
    } finally {
      if (queue.size === 0 && queue.pending === 0 && this.#queues.get(chatId) === queue) this.#queues.delete(chatId);
    }
  }

  /** How many chats have work. */
  get size(): number {
    return this.#queues.size;
  }
}
