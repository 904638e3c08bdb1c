// Ends a waiting login at the sign-in server: only where nobody else holds it, noted before it leaves, and kept until it is done.

import { join } from "node:path";
import type { ParkedLogin, ParkedLogins } from "../apply/parked.ts";
import { otherOwners, type TokenPlaces } from "../apply/token-owners.ts";
import { cleanText } from "../clean-text.ts";
import { CodexAuthError } from "../errors.ts";
import type { Issuer } from "../oauth/issuer.ts";
import { processRevokeResponse, revokeRequest, type RevokeOutcome } from "../oauth/revoke.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { Secret } from "../secrets/secret.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { withProcessLock } from "../storage/process-lock.ts";

/** What {@link Revocations} work with. */
export interface RevocationParts {
  readonly issuer: Issuer;
  readonly places: TokenPlaces & { readonly parked: ParkedLogins };
  /** Where the locks lie (0700). */
  readonly folder: string;
  readonly now: () => number;
}

/** A login that may be revoked, as a person is shown it. */
export interface RevocationLook {
  readonly parked: ParkedLogin;
  /** Of the refresh token. */
  readonly fingerprint: string;
  /** Who holds another login of the same account, in words: it may end too. */
  readonly sameAccount: readonly string[];
}

/** The revocations of this machine's waiting logins. */
export class Revocations {
  readonly #parts: RevocationParts;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
  }

  /**
   * What a person has to know before; sends nothing.
   *
   * @throws CodexAuthError `ERR_PARKED_UNKNOWN`, `ERR_REVOKE_NO_TOKEN`, `ERR_REVOKE_SHARED`, `ERR_REVOKE_UNCHECKED`.
   */
  async look(parkedId: string): Promise<RevocationLook> {
    return (await this.#examine(parkedId)).look;
  }

  /**
   * Revokes what `seen` showed, once; the login is discarded only when the server has ended it.
   *
   * @throws CodexAuthError what {@link look} throws, nothing being sent then; `ERR_STORE_CONFLICT` where it is another login by now.
   */
  async carryOut(seen: RevocationLook): Promise<RevokeOutcome> {
    const { folder, issuer, now, places } = this.#parts;
    const { id } = seen.parked;
    await ensurePrivateFolder(folder);
    // Two presses are one request: the second finds the login gone.
    return withProcessLock(join(folder, `revoke-${id}`), async () => {
      const before = await this.#examine(id);
      if (before.look.fingerprint !== seen.fingerprint) throw changed();
      // Durable before it leaves: killed from here on, nobody takes the login for a good one.
      await places.parked.update(id, { revokingAt: now() });
      const unmark = (): Promise<void> => places.parked.update(id, { revokingAt: before.look.parked.revokingAt });
      let token: Secret;
      try {
        // Once more behind the mark: it may have been taken over in between.
        ({ token } = await this.#examine(id));
      } catch (error) {
        await unmark();
        throw error;
      }
      const outcome = processRevokeResponse(await revokeRequest(issuer, token));
      if (outcome.kind === "revoked") await places.parked.discard(id);
      else if (outcome.kind !== "unknown") await unmark();
      return outcome;
    });
  }

  async #examine(parkedId: string): Promise<{ readonly look: RevocationLook; readonly token: Secret }> {
    const { places } = this.#parts;
    const [parked, tokens] = [await places.parked.get(parkedId), await places.parked.tokens(parkedId)];
    if (parked === undefined || tokens === undefined) throw unknownLogin();
    const token = tokens.refresh;
    if (token.expose() === "") throw nothingToRevoke();
    const { holders, unreadable, sameAccount } = await otherOwners(places, parked, token);
    if (holders.length > 0) throw shared(holders);
    if (unreadable.length > 0) throw unchecked(unreadable);
    return { look: { parked, fingerprint: fingerprint(token), sameAccount }, token };
  }
}

function unknownLogin(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "That login is not waiting here any more.",
    next: "See what waits with `/codex_auth parked`.",
  });
}

function nothingToRevoke(): CodexAuthError {
  return new CodexAuthError("ERR_REVOKE_NO_TOKEN", {
    message: "This login has no refresh token, so there is nothing that the sign-in server could revoke.",
    next: "Throw it away with `/codex_auth discard`, or end it where it was made.",
  });
}

function shared(holders: readonly string[]): CodexAuthError {
  return new CodexAuthError("ERR_REVOKE_SHARED", {
    message: `The same login lies in ${list(holders)} too: revoked, it would end there as well. Nothing was sent.`,
    next: "Remove it there first, or only throw this copy away with `/codex_auth discard`.",
  });
}

function unchecked(places: readonly string[]): CodexAuthError {
  return new CodexAuthError("ERR_REVOKE_UNCHECKED", {
    message: `It cannot be told whether the same login lies in ${list(places)} too, which cannot be read. Nothing was sent.`,
    next: "Run `codex-auth-skill doctor`, mend that, and try again.",
  });
}

function changed(): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "Another login waits under that id by now. Nothing was sent.",
    next: "See what waits with `/codex_auth parked`.",
  });
}

function list(words: readonly string[]): string {
  return cleanText(words.slice(0, 5).join(", "), 200);
}
