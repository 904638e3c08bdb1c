// Presents one refresh token to the sign-in server, with the journal around it: the only way in which one may leave this machine.

import type { RenewedTokens } from "../profiles/renewal.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { Secret } from "../secrets/secret.ts";
import type { RenewalPort } from "./renewal.ts";
import type { Rotation } from "./rotations.ts";
import { presentedBefore } from "./steps/renewal-errors.ts";

/** For whom a token is presented, as the journal names it. */
export type Presenter = Pick<Rotation, "agentId" | "profileId" | "jobId">;

/** What {@link presentOnce} is told besides. */
export interface PresentOptions {
  /** Runs behind the note that the token is about to leave, before it does; a throw keeps it here, as good as it was. */
  readonly lastLook: () => Promise<void> | void;
}

/**
 * What came for `token`. The caller keeps it, and then says so with {@link noteSpent}: killed before that, the note says that the token may
 * be used up, which it is.
 *
 * @throws CodexAuthError `ERR_RENEWAL_DEAD` and `ERR_RENEWAL_UNKNOWN` (also where an earlier presentation ended so: nothing is sent then),
 *   `ERR_RENEWAL_REFUSED`, `ERR_TOKEN_UNREACHABLE` (the token is as good as before), and what `lastLook` throws.
 */
export async function presentOnce(
  { renew, rotations }: Pick<RenewalPort, "renew" | "rotations">,
  token: Secret,
  presenter: Presenter,
  { lastLook }: PresentOptions,
): Promise<RenewedTokens> {
  const about = { token: fingerprint(token), ...presenter };
  const earlier = await rotations.get(about.token);
  if (earlier !== undefined && earlier.phase !== "prepared") throw presentedBefore(earlier);
  await rotations.note({ ...about, phase: "prepared" });
  let mayLeave = false;
  let outcome: Awaited<ReturnType<RenewalPort["renew"]>>;
  try {
    outcome = await renew(token, async () => {
      await rotations.note({ ...about, phase: "sent" });
      await lastLook();
      mayLeave = true;
    });
  } catch (error) {
    if (!mayLeave) await rotations.forget(about.token);
    throw error;
  }
  switch (outcome.kind) {
    case "not-sent":
    case "refused":
      await rotations.forget(about.token);
      throw outcome.error;
    case "unknown":
      throw outcome.error;
    case "dead":
      await rotations.note({ ...about, phase: "dead", reason: outcome.reason });
      throw outcome.error;
    case "renewed":
      return outcome.tokens;
  }
}

/** Notes what became of a presented token once what came is kept: the server may have left it as it was, and then it is as good as before. */
export async function noteSpent(
  { rotations }: Pick<RenewalPort, "rotations">,
  presented: string,
  fresh: Secret,
  presenter: Presenter,
): Promise<void> {
  if (fingerprint(fresh) === presented) await rotations.forget(presented);
  else await rotations.note({ token: presented, ...presenter, phase: "spent" });
}
