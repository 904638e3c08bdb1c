// The check of `doctor` for logins with two owners: agents' stores against each other and against the Codex CLI's login files.

import { codexLoginPaths } from "../../config/paths.ts";
import { toCodexAuthError } from "../../errors.ts";
import { shortName } from "../../profiles/profile-id.ts";
import { CODEX_CLI, codexCliHolders, type SharedToken, type TokenHolder } from "../../profiles/owners.ts";
import type { Parts } from "../services.ts";
import type { Finding } from "./finding.ts";

/** One warning for each refresh token that lies in more than one place, and for a file of the CLI that cannot be looked into. */
export async function ownersFindings({ store, environment, config }: Parts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const elsewhere: TokenHolder[] = [];
  for (const path of new Set([...codexLoginPaths(environment), config.lease.authFilePath])) {
    try {
      elsewhere.push(...(await codexCliHolders([path])));
    } catch (error) {
      const { message, next } = toCodexAuthError(error);
      findings.push({ what: "owners", state: "warn", text: message, next });
    }
  }
  const shared = await store.sharedTokens(await withoutRepeats(elsewhere));
  return [...findings, ...shared.map(sharedFinding)];
}

/** By a link, or by `CODEX_HOME=~/.codex`, one file may have been looked at twice. */
async function withoutRepeats(holders: readonly TokenHolder[]): Promise<readonly TokenHolder[]> {
  return codexCliHolders(holders.map(({ profileId }) => profileId));
}

function sharedFinding({ holders }: SharedToken): Finding {
  const places = holders.map(({ owner, profileId }) => `${owner}: ${profileId}`).join(", ");
  const own = holders.find(({ owner }) => owner !== CODEX_CLI);
  const cli = holders.find(({ owner }) => owner === CODEX_CLI);
  return {
    what: "owners",
    state: "warn",
    text: `one login lies in ${holders.length} places (${places}): the next refresh in one logs the others out`,
    next:
      cli === undefined || own === undefined
        ? "Sign in again for the profile: the copies are then removed and inherited."
        : `Give OpenClaw a login of its own: \`codex-auth-skill start ${shortName(own.profileId)}\`. Or take ${cli.profileId} away by hand and sign the Codex CLI in again; its own logout and login would revoke the login for both.`,
  };
}
