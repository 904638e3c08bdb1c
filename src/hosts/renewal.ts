// Fills the executor's port for renewals: the sign-in server, the journal of presented tokens, and where else a login may lie.

import type { RenewalPort } from "../apply/renewal.ts";
import { Rotations } from "../apply/rotations.ts";
import { codexLoginPaths } from "../config/paths.ts";
import { CLIENT_ID, parseIssuer } from "../oauth/issuer.ts";
import { processRefreshResponse } from "../oauth/refresh-response.ts";
import { refreshRequest } from "../oauth/refresh.ts";
import { codexCliHolders } from "../profiles/owners.ts";
import type { Parts } from "./parts.ts";

/** How logins are renewed on this machine. */
export function renewalOf({ config, environment, now, own }: Parts): RenewalPort {
  const issuer = parseIssuer(config.issuer);
  const { authFilePath } = config.lease;
  return {
    renew: async (token, beforeSend) =>
      processRefreshResponse(await refreshRequest(issuer, token, { beforeSend }), now()),
    clientId: CLIENT_ID,
    rotations: new Rotations({ folder: own.rotations, now }),
    elsewhere: () => codexCliHolders([...codexLoginPaths(environment), authFilePath]),
  };
}
