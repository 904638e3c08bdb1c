// Which refresh tokens were presented to the sandbox issuer, how often, and what came of it: the proof that none went out twice.

import { fingerprint } from "../secrets/fingerprint.ts";
import type { IssuerState, RefreshStanding } from "./issuer-state.ts";

/** One presentation of a refresh token, as far as it is known. */
export interface Presentation {
  readonly fingerprint: string;
  readonly at: "token" | "revoke";
  /** How the token stood before. */
  readonly standing: RefreshStanding;
  /** Whether the server did what was asked, or refused it on its own account; false where a fault came first. */
  wasProcessed: boolean;
  /** Of the answer that was sent off whole; absent where none was. */
  status?: number;
}

/** All presentations of one sandbox issuer, in order. */
export class Presentations {
  readonly #all: Presentation[] = [];
  readonly #state: IssuerState;

  constructor(state: IssuerState) {
    this.#state = state;
  }

  /** Notes that `refreshToken` has arrived. */
  arrived(at: Presentation["at"], refreshToken: string): Presentation {
    const standing = this.#state.standing(refreshToken);
    const presentation: Presentation = { fingerprint: fingerprint(refreshToken), at, standing, wasProcessed: false };
    this.#all.push(presentation);
    return presentation;
  }

  /** Those of one token, named by itself or by its fingerprint; all of them without one. */
  of(token?: string): readonly Presentation[] {
    if (token === undefined) return [...this.#all];
    return this.#all.filter((one) => one.fingerprint === token || one.fingerprint === fingerprint(token));
  }
}
