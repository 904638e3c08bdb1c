// A refresh token has one owner: finds those that lie in two places, before the second use of one revokes both.

import { fingerprint } from "../secrets/fingerprint.ts";
import type { Secret } from "../secrets/secret.ts";
import { readCodexLogin, targetOf } from "./codex-home.ts";

/** One place where a refresh token lies. */
export interface TokenHolder {
  /** An agent id, or another program such as `codex-cli`. */
  readonly owner: string;
  readonly profileId: string;
  readonly refreshToken: Secret;
}

/** A refresh token in more than one place, secret-free. */
export interface SharedToken {
  readonly fingerprint: string;
  readonly holders: readonly { readonly owner: string; readonly profileId: string }[];
}

/** The refresh tokens that more than one of `holders` has, in the order in which they were first met. */
export function findSharedTokens(holders: readonly TokenHolder[]): readonly SharedToken[] {
  return sharedAmong(holders.map(printedHolder));
}

/** One place where a refresh token lies, secret-free. */
export interface PrintedHolder extends Pick<TokenHolder, "owner" | "profileId"> {
  /** Of the refresh token. */
  readonly print: string;
}

/** `holder` without its token. */
export function printedHolder({ owner, profileId, refreshToken }: TokenHolder): PrintedHolder {
  return { owner, profileId, print: fingerprint(refreshToken) };
}

/** The same as {@link findSharedTokens} where only fingerprints are known. */
export function sharedAmong(holders: readonly PrintedHolder[]): readonly SharedToken[] {
  const byToken = new Map<string, PrintedHolder[]>();
  for (const holder of holders) byToken.set(holder.print, [...(byToken.get(holder.print) ?? []), holder]);
  return [...byToken]
    .filter(([, group]) => group.length > 1)
    .map(([print, group]) => ({
      fingerprint: print,
      holders: group.map(({ owner, profileId }) => ({ owner, profileId })),
    }));
}

/** The owner's name for a login file of the Codex CLI; its `profileId` is the file's path. */
export const CODEX_CLI = "codex-cli";

/** The refresh tokens in the Codex CLI's login files; a file that is not there, or holds no such login, has none. */
export async function codexCliHolders(paths: readonly string[]): Promise<readonly TokenHolder[]> {
  const holders = new Map<string, TokenHolder>();
  for (const path of paths) {
    // Two names of one file are one owner.
    const target = targetOf(path);
    const refreshToken = (await readCodexLogin(path))?.tokens?.refreshToken;
    if (refreshToken !== undefined && !holders.has(target))
      holders.set(target, { owner: CODEX_CLI, profileId: path, refreshToken });
  }
  return [...holders.values()];
}
