// Whether whoever asked for a job may still have it carried out: asked again before anything is written (design, decision 11).

import { CodexAuthError } from "../../errors.ts";
import type { Job } from "../job.ts";
import type { ExecutorServices } from "../services.ts";

/** Hosts that somebody with a shell on this machine uses: no list names them. */
const OWN_MACHINE: ReadonlySet<string> = new Set(["cli", "terminal"]);

/**
 * Refuses a job whose requester was taken off the list since.
 *
 * @throws CodexAuthError `ERR_NOT_ALLOWED`; `ERR_PERMISSION_UNKNOWN` where the list cannot be asked: then nothing may be written, and
 * the job waits as it stands for the next executor.
 */
export async function assertStillAllowed({ requestedBy }: Job, { mayStill }: ExecutorServices): Promise<void> {
  if (mayStill === undefined || requestedBy === undefined || OWN_MACHINE.has(requestedBy.host)) return;
  let isAllowed: boolean;
  try {
    isAllowed = await mayStill(requestedBy);
  } catch (cause) {
    throw new CodexAuthError("ERR_PERMISSION_UNKNOWN", {
      message: "It cannot be told whether whoever asked for this may still have it done.",
      next: "Mend the settings file; the job goes on by itself then, or run `codex-auth-skill apply`.",
      retryable: true,
      cause,
    });
  }
  if (isAllowed) return;
  throw new CodexAuthError("ERR_NOT_ALLOWED", {
    message: "Whoever asked for this is not on the list of allowed people any more.",
    next: "Nothing was changed. Somebody who is on the list can decide anew.",
  });
}
