// The port to the sign-in server for a renewal; `src/hosts/renewal.ts` fills it. Apply decides what becomes of each answer.

import type { TokenHolder } from "../profiles/owners.ts";
import type { Renewal } from "../profiles/renewal.ts";
import type { Secret } from "../secrets/secret.ts";
import type { Rotations } from "./rotations.ts";

/** What a renewal works with. */
export interface RenewalPort {
  /**
   * Presents `token` once. `beforeSend` runs when a connection stands, before a byte of the token leaves; a throw of it keeps the token
   * here and is passed on.
   */
  readonly renew: (token: Secret, beforeSend: () => Promise<void>) => Promise<Renewal>;
  /** The client that our tokens are for. */
  readonly clientId: string;
  readonly rotations: Rotations;
  /** Refresh tokens that lie outside OpenClaw's stores, such as in the Codex CLI's login file. @throws where one cannot be read. */
  elsewhere(): Promise<readonly TokenHolder[]>;
}
