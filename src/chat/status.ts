// `/codex_auth status` and `/codex_auth cancel`: what is running, what was done, and giving up what can still be given up.

import type { Job } from "../apply/job.ts";
import { APPLY } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import { resolveSelector } from "../profiles/selector.ts";
import { agentFlag, show, type Turn } from "./context.ts";
import { doneLines } from "./done-lines.ts";
import type { Invitation } from "./invitations.ts";
import { NOTHING_DONE } from "./nothing-done.ts";
import { nameFor } from "./profile-name.ts";
import { canCancel, trailOf } from "./progress.ts";
import { bold, code, type Line } from "./reply.ts";
import { waitsForPluginLine } from "./save.ts";
import type { SignInAttempt } from "./services.ts";
import { when } from "./time-words.ts";

/** Shows what runs, waits and was done, for one profile or all. */
export async function showStatus(turn: Turn, agentId: string, selector: string | undefined): Promise<void> {
  const { engine, invitations, signIns, store } = turn.services;
  const known = selector === undefined ? [] : (await store.read(agentId)).summaries.map(({ id }) => id);
  const wanted = selector === undefined ? undefined : resolveSelector(selector, known, store.provider).profileId;
  const isWanted = ({ profileId }: { readonly profileId: string }): boolean =>
    wanted === undefined || profileId === wanted;
  const [{ jobs, receipts }, parked, attempts, wishes] = await Promise.all([
    engine.overview(20),
    engine.parked.list(),
    signIns.waiting(turn.asker),
    invitations.open(),
  ]);
  const running = jobs.filter(isWanted);
  const lines: Line[] = [
    ...section(
      "Running",
      running.map((job) => jobLine(turn, job)),
    ),
    ...(await stuckLines(turn, running)),
    ...section(
      "Waiting for your sign-in",
      attempts.filter(isWanted).map((attempt) => attemptLine(turn, attempt)),
    ),
    ...section(
      "A script asks for a sign-in",
      wishes.filter(isWanted).map((wish) => wishLine(turn, wish)),
    ),
    ...section(
      "Waiting for your decision",
      parked
        .filter((login) => isWanted(login) && login.reason !== "removed")
        .map((login) => [nameFor(turn.asker, login.profileId), ": /codex_auth parked"]),
    ),
    ...doneLines(turn.asker, receipts.filter(isWanted), turn.services.now()),
  ];
  await show(turn, { lines: lines.length > 0 ? lines : [[NOTHING_DONE]] });
}

/** Gives up this person's waiting sign-ins in this chat, and their jobs that are not being written yet. */
export async function cancelAll(turn: Turn): Promise<void> {
  const { engine, signIns } = turn.services;
  const { asker } = turn;
  const lines: Line[] = [];
  for (const attempt of await signIns.waiting(asker)) {
    if (await signIns.cancel(asker, attempt.id)) {
      lines.push([
        "The sign-in for ",
        bold(nameFor(asker, attempt.profileId)),
        " is given up; its link is of no use any more.",
      ]);
    }
  }
  for (const job of await engine.queue.open()) {
    const by = job.requestedBy;
    if (by?.host === asker.host && by.chatId === asker.chatId && by.personId === asker.personId)
      lines.push(await cancelJob(turn, job));
  }
  await show(turn, { lines: lines.length > 0 ? lines : [["Nothing of yours is waiting or running here."]] });
}

/** Asks for one job to be given up and says what came of it. */
export async function cancelJob(turn: Turn, job: Job): Promise<Line> {
  const name = bold(nameFor(turn.asker, job.profileId));
  const tooLate: Line = [name, " is already being written; that ends by itself, see /codex_auth status."];
  if (!canCancel(job)) return tooLate;
  try {
    await turn.services.engine.queue.cancel(job.id);
    if (job.kind === "save-login")
      return ["Saving ", name, " is being given up; the login is kept, see /codex_auth parked."];
    return ["The change of ", name, " is being given up."];
  } catch (error) {
    if (isCodexAuthError(error, "ERR_JOB_NOT_CANCELLABLE")) return tooLate;
    throw error;
  }
}

function section(title: string, lines: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : [[bold(title)], ...lines];
}

function jobLine(turn: Turn, job: Job): Line {
  const at = trailOf(job).at(-1) ?? job.state;
  return [nameFor(turn.asker, job.profileId), `: ${at}, asked ${when(job.createdAt, turn.services.now())}`];
}

/**
 * A worker that cannot start (settings that do not load, say) can tell nobody: whoever looks finds out here, and `apply`
 * runs into the same obstacle in front of a person.
 */
async function stuckLines({ services }: Turn, jobs: readonly Job[]): Promise<readonly Line[]> {
  if (jobs.length > 0 && (await services.waitsForPlugin?.()) === true) return [waitsForPluginLine];
  const isOld = jobs.some((job) => services.now() - job.createdAt > APPLY.executorSilentMs);
  if (!isOld || (await services.engine.isExecutorAlive())) return [];
  return [["⚠️ Nothing is at work on it. Run ", code("codex-auth-skill apply"), " on the machine of the gateway."]];
}

function attemptLine(turn: Turn, attempt: SignInAttempt): Line {
  return [nameFor(turn.asker, attempt.profileId), `: the link ends ${when(attempt.expiresAtMs, turn.services.now())}`];
}

function wishLine(turn: Turn, { agentId, profileId, createdAt }: Invitation): Line {
  const name = nameFor(turn.asker, profileId);
  const ago = when(createdAt, turn.services.now());
  return [name, `: asked ${ago}; `, code(`/codex_auth ${name}${agentFlag(turn, agentId)}`), " begins it"];
}
