// `apply` and `resume`: end what is queued, here in the foreground or by a worker in the background.

import { trailOf } from "../../chat/progress.ts";
import { cleanText } from "../../clean-text.ts";
import { CHAT } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { leftToPlugin } from "../plugin-first.ts";
import { executeOpenJobs } from "../worker/execute.ts";
import type { CommandRun } from "./call.ts";
import { openParts } from "./open.ts";

/** Executes every open job here, telling each step. */
export const apply: CommandRun = async (call) => {
  const parts = await openParts(call);
  const { queue, receipts } = parts.engine;
  const jobs = await queue.open();
  // Nobody would end them here: waiting for that would be for ever.
  if (jobs.length > 0 && (await leftToPlugin(parts)) === "awaited") throw pluginsAlone();
  const watched = new AbortController();
  const watching = jobs.map((job) =>
    queue.watch(
      job.id,
      (now) => call.output.progress(`${shown(now.profileId)}: ${trailOf(now).join(" → ")}`),
      watched.signal,
    ),
  );
  try {
    await executeOpenJobs(parts, "foreground");
    await Promise.all(watching);
  } finally {
    watched.abort();
  }
  const done = (await Promise.all(jobs.map(({ id }) => receipts.get(id)))).filter((receipt) => receipt !== undefined);
  const failed = done.find(({ outcome }) => outcome !== "done");
  return {
    text:
      jobs.length === 0
        ? "Nothing was queued."
        : done.map(({ profileId, outcome }) => `${shown(profileId)}: ${outcome}`).join("\n"),
    data: { receipts: done },
    ...(failed === undefined ? {} : { problem: failed.problem ?? notDone() }),
  };
};

/** Starts a worker for what an earlier process left. */
export const resume: CommandRun = async (call) => {
  const parts = await openParts(call);
  const jobs = await parts.engine.resume();
  return {
    text:
      jobs === 0
        ? "Nothing was left to do."
        : `A worker goes on with ${jobs} ${jobs === 1 ? "job" : "jobs"}; see \`codex-auth-skill status\`.`,
    data: { jobs },
  };
};

/** An id as it may be printed; the file it comes from may have been written by others. */
function shown(profileId: string): string {
  return cleanText(profileId, CHAT.maxLabelChars);
}

function pluginsAlone(): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message: "Only OpenClaw's own plugin may write here, and it is not at work.",
    next: "Start the gateway with the codex-auth plugin (`openclaw plugins list` shows it): it ends what is queued by itself.",
  });
}

function notDone(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "Not every job was done.",
    next: "See `codex-auth-skill status`; logins that could not be saved are listed by `codex-auth-skill parked`.",
  });
}
