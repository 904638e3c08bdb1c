// A job that a worker outside has planned on files, and that is found after OpenClaw was updated to its database.

import { CODEX_PROVIDER, profileIdFor } from "../../profiles/profile-id.ts";
import { isChange } from "../../profiles/store.ts";
import { bringsLogin } from "../job.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { isOvertaken, isRenewed } from "./overtaken.ts";

/**
 * Sends such a job back to be planned anew, where OpenClaw has not taken over what the job wrote: an entry looks different in a database,
 * so by its fingerprint alone it would be taken for somebody else's, and the job undone.
 */
export async function planForToday(run: JobRun, services: ExecutorServices): Promise<void> {
  const { plan, state, kind } = run.job;
  // What a renewal has brought is nowhere else: it stays with the states that keep it.
  if (plan === undefined || kind === "renew-login") return;
  if (state !== "prepared" && state !== "written" && state !== "activated") return;
  const { provider = CODEX_PROVIDER } = services.store;
  if (plan.files.every(({ profileId }) => profileIdFor(provider, profileId) === profileId)) return;
  const changes = plan.files.filter(isChange);
  const holding = await Promise.all(changes.map((file) => services.store.check(file)));
  if (holding.every((one) => one === "after")) return;
  // The gateway has used it since: to write ours once more would put a consumed token back.
  if (bringsLogin(run.job) && (await isRenewed(run.job, services))) {
    if (state !== "activated") await run.advance("activated", {}, "a later value of the profile has come meanwhile");
    return;
  }
  // It went, and a later login of that name has come since: planned anew, that one would go, and what was taken out be forgotten.
  if (kind === "remove-profile" && (await isOvertaken(run.job, services))) return;
  await run.advance("queued", {}, "OpenClaw was updated to its database meanwhile");
}
