// What a person types for a profile, turned into a profile id; the rules of the earlier codex-auth skill.

import { PROFILES } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { CODEX_PROVIDER, profileIdFor, type CodexProvider } from "./profile-id.ts";

/** The profile a selector means. */
export interface Selection {
  readonly profileId: string;
  /** Whether there is such a profile now. */
  readonly exists: boolean;
  /**
   * True where `default` was typed and means another profile than `openai-codex:default`:
   * it may be shown, but as the target of a login it is somebody's own profile, so ask first.
   */
  readonly viaDefault: boolean;
}

/**
 * The profile that `text` means.
 *
 * @param known The ids of the Codex profiles there are, in the order in which they are shown.
 * @param provider How the store names the provider ({@link CodexProvider}); ids of the older generation mean the same profile in it.
 * @throws CodexAuthError `ERR_SELECTOR_INVALID`, `ERR_PROVIDER_OUT_OF_SCOPE`; neither repeats what was typed, but for a provider's safe name.
 */
export function resolveSelector(
  text: string,
  known: readonly string[],
  provider: CodexProvider = CODEX_PROVIDER,
): Selection {
  const word = profileIdFor(provider, text.trim());
  if (known.includes(word)) return { profileId: word, exists: true, viaDefault: false };
  if (word === "default") return resolveDefault(known, provider);
  const profileId = `${provider}:${profileName(word, provider)}`;
  return { profileId, exists: known.includes(profileId), viaDefault: false };
}

function resolveDefault(known: readonly string[], ours: CodexProvider): Selection {
  const own = `${ours}:default`;
  const first = known[0];
  if (known.includes(own) || first === undefined) {
    return { profileId: own, exists: known.includes(own), viaDefault: false };
  }
  return { profileId: first, exists: true, viaDefault: true };
}

function profileName(word: string, ours: CodexProvider): string {
  const colon = word.indexOf(":");
  const name = word.slice(colon + 1);
  if (name.length > PROFILES.maxNameChars || !/^[A-Za-z0-9._@+-]+$/.test(name)) throw invalid();
  if (colon !== -1) refuseOtherProvider(word.slice(0, colon).toLowerCase(), ours);
  if (/^\d+$/.test(name)) {
    throw new CodexAuthError("ERR_SELECTOR_INVALID", {
      message: "A profile name may not consist of digits alone: numbers mean an entry of the last list.",
      next: "Choose a name with a letter in it, such as `work`.",
    });
  }
  return name;
}

function refuseOtherProvider(provider: string, ours: CodexProvider): void {
  if (provider === ours || profileIdFor(ours, `${provider}:`) === `${ours}:`) return;
  // Only a plain name is repeated: anything else may be markup or a link.
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(provider)) throw invalid();
  throw new CodexAuthError("ERR_PROVIDER_OUT_OF_SCOPE", {
    message: `Only Codex profiles (${ours}) are handled here; ${provider} is left alone.`,
    next: `Use OpenClaw's own command for it: \`openclaw models auth login --provider ${provider}\`.`,
  });
}

function invalid(): CodexAuthError {
  return new CodexAuthError("ERR_SELECTOR_INVALID", {
    message: `That is not a profile name: allowed are up to ${PROFILES.maxNameChars} letters, digits and . _ @ + -`,
    next: "Type `default`, a name such as `work`, or an id from the list.",
  });
}
