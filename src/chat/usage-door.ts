// What the chat needs of usage checks, as a narrow port; `src/usage/usage-service.ts` fits it.

import type { ProfileSummary } from "../profiles/summary.ts";
import type { KeptUsage, ProfileUsage } from "../usage/usage-service.ts";

/** The usage of profiles. Looking renews nothing, spends nothing and changes no store. */
export interface UsageDoor {
  /** Asks the provider, in the order of the ids; a check under way is shared. Never rejects for what a server does. */
  check(agentId: string, profileIds: readonly string[]): Promise<readonly ProfileUsage[]>;
  /** The newest kept answers by profile id; asks nobody. */
  known(
    agentId: string,
    profiles: readonly Pick<ProfileSummary, "id" | "identity" | "renewal">[],
  ): Promise<ReadonlyMap<string, KeptUsage>>;
}
