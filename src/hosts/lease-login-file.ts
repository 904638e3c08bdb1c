// The Codex CLI's login file for the lease of a host: written where that is set, and a person's own login parked before it gives way.

import { CodexAuthError } from "../errors.ts";
import type { LeasedAuthFile } from "../lease/auth-file.ts";
import type { DeskParts } from "../lease/desk-parts.ts";
import type { CodexLogin } from "../profiles/codex-home.ts";
import type { Log } from "../secrets/log.ts";
import { putAside } from "./put-aside.ts";
import type { Parts } from "./services.ts";

type LoginFilePort = DeskParts["authFile"] & object;

/** `file` as the lease uses it. What is ours there is removed on release also where writing was switched off since. */
export function loginFilePort(
  file: LeasedAuthFile,
  { config, engine }: Pick<Parts, "config" | "engine">,
  log: Log,
): LoginFilePort {
  const { authFilePath, writeAuthFile } = config.lease;
  // Nobody else has them: whoever runs the machine should know why the account has to be signed in again at the manager.
  const tell = (isLost: boolean): void => {
    if (isLost) log.warn("lease.renewed-tokens-given-up", { path: authFilePath });
  };
  const remove: LoginFilePort["remove"] = async () => tell((await file.remove()).removedRenewed);
  if (!writeAuthFile) return { remove };
  return {
    remove,
    write: async (leaseId, material) => tell((await file.write(leaseId, material)).replacedRenewed),
    takeOver: async (leaseId, material, requestedBy) => {
      const park = async (login: CodexLogin): Promise<void> => {
        if (!(await putAside({ config, engine }, login, requestedBy))) throw notALogin();
      };
      tell((await file.takeOver(leaseId, material, park)).replacedRenewed);
    },
  };
}

function notALogin(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_FILE_TAKEN", {
    message: "The Codex CLI's file holds an API key or something else that could not be kept beside a waiting login.",
    next: "Move the file away yourself, then write the lease there: `/lease materialize`.",
  });
}
