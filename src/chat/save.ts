// Saving a received login: shows what would be interrupted, hands the job to the queue, and follows it.

import { hasEnded, type Address, type Job } from "../apply/job.ts";
import type { Enqueued } from "../apply/queue.ts";
import { CHAT } from "../config/defaults.ts";
import { cleanText } from "../clean-text.ts";
import { askForApproval } from "./approval.ts";
import { button, show, type Turn } from "./context.ts";
import type { Decision } from "./confirm.ts";
import { nameFor } from "./profile-name.ts";
import { canCancel, trailOf } from "./progress.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";
import { errorReply } from "./wording.ts";

/** Makes a job of a received login and shows its progress; pressing twice makes one job. */
export async function saveLogin(turn: Turn, decision: Decision, makeFirst: boolean): Promise<void> {
  const { services } = turn;
  const { parked, profileId } = decision;
  if (services.approvers !== undefined) return askForApproval(turn, decision, services.approvers);
  const enqueue = (requestedBy: Address): Promise<Enqueued<Job>> =>
    services.engine.queue.enqueueLogin({
      parkedId: parked.id,
      agentId: parked.agentId,
      profileId,
      makeFirst,
      previewed: decision.fingerprint,
      activation: services.activation,
      requestedBy,
    });
  await submit(turn, profileId, "That login is already taken care of.", enqueue, () => leftOf(turn, parked.id));
}

/** What is left of a login that did not become a job. */
async function leftOf({ services }: Turn, parkedId: string): Promise<readonly Line[]> {
  if ((await services.engine.parked.get(parkedId)) === undefined) return [];
  return [["The login was received and is kept: when that is mended, take it with ", code("/codex_auth parked"), "."]];
}

/**
 * Enqueues a confirmed job and shows its progress; `twice` is said where another message is already about it, and `left`
 * where it could not be enqueued.
 */
export async function submit(
  turn: Turn,
  profileId: string,
  twice: string,
  enqueue: (requestedBy: Address) => Promise<Enqueued<Job>>,
  left: () => Promise<readonly Line[]> = () => Promise.resolve([["Nothing was begun: ask for it again then."]]),
): Promise<void> {
  const { services, asker } = turn;
  // The kernel takes some milliseconds to say who listens where: that stands in the next state of the message.
  const interrupting = interruptions(turn);
  // The message comes first: the job keeps its id, so that the answer finds it even after a restart of the bot.
  const messageId = await showQueued(turn, { lines: [[bold(nameFor(asker, profileId)), ": queued"]] });
  const { chatId, host, personId } = asker;
  // Before the job is there to be executed: followed only after its end, it would be shown as under way for ever.
  const interrupted = await interrupting;
  let enqueued: Enqueued<Job>;
  try {
    enqueued = await enqueue({ host, chatId, personId, ...(messageId === undefined ? {} : { messageId }) });
  } catch (error) {
    if (messageId === undefined) throw error;
    return showNotQueued(turn, messageId, error, left);
  }
  const { job, existed } = enqueued;
  if (existed && job.requestedBy?.messageId !== messageId) {
    if (messageId !== undefined) await turn.out.edit(messageId, { lines: [[twice]] });
    return;
  }
  if (!hasEnded(job) && messageId !== undefined) follow(turn, job, messageId, interrupted);
  await services.engine.kick();
}

/** The message must not say "queued" for ever: on a full disk it did, beside the error. @throws `error` where the chat cannot be told. */
async function showNotQueued(
  { services, out }: Turn,
  messageId: string,
  error: unknown,
  left: () => Promise<readonly Line[]>,
): Promise<void> {
  services.log.error("chat.enqueue", error);
  try {
    const reply = errorReply(error);
    await out.edit(messageId, { ...reply, lines: [...reply.lines, ...(await left().catch(() => []))] });
  } catch (unshown) {
    services.log.error("chat.enqueue.tell", unshown);
    throw error;
  }
}

/** A chat that cannot be written to now does not cost the job: its answer comes through the outbox, here where there is a message. */
async function showQueued(turn: Turn, reply: Reply): Promise<string | undefined> {
  try {
    return await show(turn, reply);
  } catch (error) {
    turn.services.log.error("chat.queued", error);
    return turn.pressed;
  }
}

/** Shows the progress of a job in the message `messageId`. */
export function follow(turn: Omit<Turn, "pressed">, job: Job, messageId: string, extra: readonly Line[] = []): void {
  const { asker, out, services } = turn;
  turn.progress.follow({
    job,
    messageId,
    // Whoever is taken off the list on the way sees no further step.
    out: { edit: (id, reply) => (services.allow(asker) ? out.edit(id, reply) : Promise.resolve(id)) },
    render: (latest, trail) => progressReply(turn, latest, trail.length === 0 ? trailOf(latest) : trail, extra),
  });
}

/** What the ref of a job's *Cancel* covers. */
export function jobSubject(job: Pick<Job, "id">): readonly string[] {
  return ["job", job.id];
}

function progressReply(turn: Omit<Turn, "pressed">, job: Job, trail: readonly string[], extra: readonly Line[]): Reply {
  const lines: Line[] = [[bold(nameFor(turn.asker, job.profileId)), ": ", trail.join(" → ")], ...extra];
  if (!canCancel(job)) return { lines, isPassing: true };
  const cancel = button(turn, "codex_auth_cancel", jobSubject(job), { label: "Cancel", typed: "/codex_auth cancel" });
  return { lines, buttons: [[cancel]], isPassing: true };
}

/** What a person should know of a change that nobody can carry out now. */
export const waitsForPluginLine: Line = [
  "⏳ Here only OpenClaw's own plugin may write, and it is not at work: this waits until the gateway runs with it.",
];

/** What a restart of the gateway would interrupt, where one may come and the gateway tells; never rejects. */
async function interruptions(turn: Turn): Promise<readonly Line[]> {
  const { activation, gateway, log } = turn.services;
  try {
    if ((await turn.services.waitsForPlugin?.()) === true) return [waitsForPluginLine];
    if (activation === "reload" || activation === "none") return [];
    const names = await gateway.interruptedByRestart();
    if (names.length === 0) return [];
    const shown = names.slice(0, 5).map((name) => cleanText(name, CHAT.maxLabelChars));
    return [["If the gateway must be restarted, this is interrupted: ", shown.join(", "), "."]];
  } catch (error) {
    // A gateway that is down or silent has nothing to say here; the job itself finds out and tells.
    log.error("chat.interruptions", error);
    return [];
  }
}
