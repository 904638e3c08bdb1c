// How a profile is called: provider and name, in both generations of OpenClaw.

/** The provider of Codex logins in the JSON generation of OpenClaw (facts/openclaw-json-generation.md §1). */
export const CODEX_PROVIDER = "openai-codex";

/** The provider of the same logins in the SQLite generation (facts/openclaw-sqlite-generation.md §1). */
export const OPENAI_PROVIDER = "openai";

/** How a generation of OpenClaw names the provider of Codex logins: a property of its store. */
export type CodexProvider = typeof CODEX_PROVIDER | typeof OPENAI_PROVIDER;

/** `profileId` as a store of `provider` names it: ids of the JSON generation are still typed, and lie in older jobs. */
export function profileIdFor(provider: CodexProvider, profileId: string): string {
  const isOlder = provider === OPENAI_PROVIDER && profileId.startsWith(`${CODEX_PROVIDER}:`);
  return isOlder ? `${OPENAI_PROVIDER}:${profileId.slice(CODEX_PROVIDER.length + 1)}` : profileId;
}

/** True where both ids mean one profile, whichever generation of OpenClaw each was written in. */
export function isSameProfile(profileId: string, other: string): boolean {
  return profileIdFor(OPENAI_PROVIDER, profileId) === profileIdFor(OPENAI_PROVIDER, other);
}

/** The part of a profile id after the provider, as a person may type it. */
export function shortName(profileId: string): string {
  const provider = [CODEX_PROVIDER, OPENAI_PROVIDER].find((name) => profileId.startsWith(`${name}:`));
  return provider === undefined ? profileId : profileId.slice(provider.length + 1);
}
