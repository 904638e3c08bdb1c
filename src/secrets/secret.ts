// A wrapper that keeps a token from being printed by accident.

import { inspect } from "node:util";

const MASK = "[redacted]";

/** Holds one secret text; every way of printing it gives `[redacted]`, only {@link Secret.expose} gives the text. */
export class Secret {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Wraps `text`. */
  static of(text: string): Secret {
    return new Secret(text);
  }

  /** The text itself; call it only where it is sent or stored. */
  expose(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
