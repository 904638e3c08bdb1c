// The ids in a job, as the store of today names them: a job may have been queued before OpenClaw was updated to its database.

import { CODEX_PROVIDER, profileIdFor, type CodexProvider } from "../profiles/profile-id.ts";
import type { Job } from "./job.ts";

/** `job` with every profile id as a store of `provider` has it: all that is compared with that store is compared by these. */
export function jobFor(job: Job, provider: CodexProvider = CODEX_PROVIDER): Job {
  const idOf = (id: string): string => profileIdFor(provider, id);
  const profileId = idOf(job.profileId);
  switch (job.kind) {
    case "rename-profile":
      return { ...job, profileId, to: idOf(job.to) };
    case "remove-lease": {
      const { madeOrder } = job.lease;
      return madeOrder === undefined
        ? { ...job, profileId }
        : { ...job, profileId, lease: { ...job.lease, madeOrder: madeOrder.map(idOf) } };
    }
    case "save-login":
    case "order":
    case "remove-profile": {
      const { wantedOrder } = job;
      return wantedOrder == null ? { ...job, profileId } : { ...job, profileId, wantedOrder: wantedOrder.map(idOf) };
    }
    case "save-lease":
    case "reset-profile":
    case "renew-login":
      return { ...job, profileId };
  }
}
