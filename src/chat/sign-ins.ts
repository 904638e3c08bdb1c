// The chat's sign-ins over the pending logins on disk and the issuer's token endpoint.

import { looksLikeCallbackUrl } from "../oauth/callback-text.ts";
import { exchangeRequest } from "../oauth/exchange.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { AttemptOwner, PendingLogin, PendingLogins } from "../oauth/pending.ts";
import { processExchangeResponse } from "../oauth/token-response.ts";
import type { Asker } from "./conversation.ts";
import type { ClaimedSignIn, SignedIn, SignInAttempt, SignIns, SignInTarget } from "./services.ts";

/** {@link SignIns} as all hosts use them. */
export class IssuerSignIns implements SignIns {
  readonly #pending: PendingLogins;
  readonly #issuer: Issuer;
  readonly #now: () => number;

  constructor(options: { readonly pending: PendingLogins; readonly issuer: Issuer; readonly now: () => number }) {
    this.#pending = options.pending;
    this.#issuer = options.issuer;
    this.#now = options.now;
  }

  async start(asker: Asker, target: SignInTarget): Promise<{ readonly attempt: SignInAttempt; readonly url: string }> {
    const { agentId, profileId, email, forceSignIn } = target;
    const login = await this.#pending.start({
      ...ownerOf(asker),
      host: asker.host,
      agentId,
      profileId,
      forceSignIn,
      ...(email === undefined ? {} : { loginHint: email }),
    });
    return { attempt: attemptOf(login), url: login.authorizeUrl };
  }

  async waiting(asker: Asker): Promise<readonly SignInAttempt[]> {
    return (await this.#pending.find(ownerOf(asker))).map(attemptOf);
  }

  isCallback(text: string): boolean {
    return looksLikeCallbackUrl(text);
  }

  async claim(asker: Asker, pasted: string, profileId?: string): Promise<ClaimedSignIn> {
    const claimed = await this.#pending.claimPasted({ ...ownerOf(asker), callbackText: pasted, profileId });
    return { attempt: attemptOf(claimed.login), exchange: () => this.#exchange(claimed) };
  }

  async burn(pasted: string): Promise<boolean> {
    return (await this.#pending.burnByState(pasted)).length > 0;
  }

  async cancel(asker: Asker, attemptId: string): Promise<boolean> {
    const isTheirs = (await this.waiting(asker)).some(({ id }) => id === attemptId);
    return isTheirs && (await this.#pending.cancel(attemptId)).length > 0;
  }

  async #exchange(claimed: Parameters<typeof exchangeRequest>[1]): Promise<SignedIn> {
    const response = await exchangeRequest(this.#issuer, claimed);
    const { access, refresh, id, expiresAtMs, claims, identity } = processExchangeResponse(response, this.#now());
    return {
      tokens: { access, refresh, expiresAtMs, ...(id === undefined ? {} : { id }) },
      identity,
      ...(claims.email === undefined ? {} : { email: claims.email }),
      ...(claims.planType === undefined ? {} : { planType: claims.planType }),
    };
  }
}

/** Ids are those of one host: number 5 of a terminal is not number 5 of Telegram. */
function ownerOf(asker: Asker): AttemptOwner {
  return { person: `${asker.host}:${asker.personId}`, chat: `${asker.host}:${asker.chatId}` };
}

function attemptOf({ id, agentId, profileId, expiresAtMs }: PendingLogin): SignInAttempt {
  return { id, agentId, profileId, expiresAtMs };
}
