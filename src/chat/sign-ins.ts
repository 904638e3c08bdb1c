// The chat's sign-ins over the pending logins on disk and the issuer's token endpoint.

import { looksLikeCallbackUrl } from "../oauth/callback-text.ts";
import { exchangeRequest, type Exchange } from "../oauth/exchange.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { AttemptOwner, LoginRequest, PendingLogin, PendingLogins } from "../oauth/pending.ts";
import { processExchangeResponse } from "../oauth/token-response.ts";
import type { Asker } from "./conversation.ts";
import type { ClaimedSignIn, SignedIn, SignInAttempt, SignIns, SignInTarget, StartedSignIn } from "./services.ts";

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

  async start(asker: Asker, target: SignInTarget): Promise<StartedSignIn> {
    const login = await this.#pending.start(attemptRequest(asker, target));
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
    return {
      attempt: attemptOf(claimed.login),
      exchange: () => exchangeLogin(this.#issuer, claimed, this.#now),
    };
  }

  async burn(pasted: string): Promise<boolean> {
    return (await this.#pending.burnByState(pasted)).length > 0;
  }

  async cancel(asker: Asker, attemptId: string): Promise<boolean> {
    const isTheirs = (await this.waiting(asker)).some(({ id }) => id === attemptId);
    return isTheirs && (await this.#pending.cancel(attemptId)).length > 0;
  }
}

/** What a new attempt is told of its target. */
export function attemptRequest(asker: Asker, target: SignInTarget): LoginRequest {
  const { agentId, profileId, email, forceSignIn, redirectUri, workspaceId } = target;
  return {
    ...ownerOf(asker),
    host: asker.host,
    agentId,
    profileId,
    forceSignIn,
    ...(email === undefined ? {} : { loginHint: email }),
    ...(workspaceId === undefined ? {} : { workspaceId }),
    ...(redirectUri === undefined ? {} : { redirectUri }),
  };
}

/** Exchanges a code, once, and reads what came. @throws CodexAuthError of the `ERR_TOKEN_*` kinds. */
export async function exchangeLogin(issuer: Issuer, exchange: Exchange, now: () => number): Promise<SignedIn> {
  const response = await exchangeRequest(issuer, exchange);
  const { access, refresh, id, expiresAtMs, claims, identity } = processExchangeResponse(response, now());
  return {
    tokens: { access, refresh, expiresAtMs, ...(id === undefined ? {} : { id }) },
    identity,
    ...(claims.email === undefined ? {} : { email: claims.email }),
    ...(claims.planType === undefined ? {} : { planType: claims.planType }),
  };
}

/** Ids are those of one host: number 5 of a terminal is not number 5 of Telegram. */
export function ownerOf({ host, personId, chatId }: { host: string; personId: string; chatId: string }): AttemptOwner {
  return { person: `${host}:${personId}`, chat: `${host}:${chatId}` };
}

/** An attempt as the chat knows it. */
export function attemptOf({ id, agentId, profileId, expiresAtMs }: PendingLogin): SignInAttempt {
  return { id, agentId, profileId, expiresAtMs };
}
