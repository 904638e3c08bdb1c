// What may be known of a stored credential without its tokens: what cards, previews and confirmations are made from.

import { z } from "zod";
import { fingerprint, fingerprintJson } from "../secrets/fingerprint.ts";
import { accessTokenOf, openCredential, refreshFenceOf, refreshTokenOf } from "./profile.ts";
import type { Credential, SealedCredential } from "./profile.ts";
import { loginPrint } from "./same-login.ts";
import type { ProfileStore } from "./store.ts";

/** The form of {@link CredentialFacts} in a file. */
export const credentialFactsSchema = z.object({
  type: z.enum(["oauth", "token", "api_key"]),
  /** Fingerprint of the credential as it is handed about: what a preview remembers. */
  sealed: z.string(),
  /** Fingerprint of the entry as plans and receipts name it. */
  entry: z.string(),
  /** Fingerprint of whose login it is (`loginPrint`): a renewal leaves it as it is. */
  login: z.string(),
  /** Fingerprint of its access token; absent where it has none that can be used. */
  access: z.string().exactOptional(),
  /** Another program that keeps it. */
  managedBy: z.string().exactOptional(),
  /** True where the token itself lies in another program's store. */
  isElsewhere: z.boolean(),
  /** True where it has a refresh token that can be used. */
  renewsItself: z.boolean(),
  /** Set where OpenClaw's own marker stands in place of the tokens. */
  renewal: z.enum(["under-way", "failed"]).exactOptional(),
  inherited: z.boolean(),
});

/** A stored credential, secret-free. */
export type CredentialFacts = Readonly<z.infer<typeof credentialFactsSchema>>;

/** The facts of a credential as a store gives it. */
export function factsOf(stored: {
  readonly credential: SealedCredential;
  readonly inherited: boolean;
}): CredentialFacts {
  const credential: Credential = openCredential(stored.credential);
  const renewal = refreshFenceOf(credential);
  const access = accessTokenOf(credential);
  return {
    type: credential.type,
    sealed: fingerprint(stored.credential),
    entry: fingerprintJson(credential),
    login: loginPrint(credential),
    ...(access === undefined ? {} : { access: fingerprint(access) }),
    ...(credential.managedBy === undefined ? {} : { managedBy: credential.managedBy }),
    isElsewhere: credential["oauthRef"] !== undefined,
    renewsItself: refreshTokenOf(credential) !== undefined,
    ...(renewal === undefined ? {} : { renewal }),
    inherited: stored.inherited,
  };
}

/** What `agentId` has for a profile, secret-free, from a store that gives credentials and from one that only gives facts. */
export async function describeCredential(
  store: Pick<ProfileStore, "describe" | "readCredential">,
  profileId: string,
  agentId?: string,
): Promise<CredentialFacts | undefined> {
  if (store.describe !== undefined) return await store.describe(profileId, agentId);
  const stored = await store.readCredential(profileId, agentId);
  return stored === undefined ? undefined : factsOf(stored);
}
