// The demo's conversation: it types `/lease` too, and waits for the jobs that a lease makes, which no message of the chat follows.

import type { Incoming } from "../../chat/conversation.ts";
import { TerminalSession, type SessionParts } from "../terminal/session.ts";

/** A terminal session of which every answer is complete when `take` resolves. */
export class DemoSession extends TerminalSession {
  readonly #queue: SessionParts["parts"]["engine"]["queue"];
  readonly #ending = new AbortController();

  constructor(session: SessionParts) {
    super(session);
    this.#queue = session.parts.engine.queue;
  }

  override async take(incoming: Incoming): Promise<"handled" | "ignored"> {
    const result = await super.take(asCommand(incoming));
    await this.#untilStored();
    // Also where nothing was open any more: a job may have ended since the first look.
    await this.deliver();
    return result;
  }

  override async close(): Promise<void> {
    this.#ending.abort();
    await super.close();
  }

  /** A login's job is followed, and awaited, by the chat itself. */
  async #untilStored(): Promise<void> {
    for (const { id, kind } of await this.#queue.open())
      if (kind !== "save-login") await this.#queue.watch(id, () => undefined, this.#ending.signal);
  }
}

/** The terminal chat hands in as text what is no `/codex_auth`. */
function asCommand(incoming: Incoming): Incoming {
  const typed = incoming.kind === "text" ? /^\/lease(?:\s+(.*))?$/su.exec(incoming.text.trim()) : null;
  return typed === null ? incoming : { kind: "command", name: "lease", args: typed[1] ?? "" };
}
