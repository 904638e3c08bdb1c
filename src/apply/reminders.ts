// Reminds people that a login still waits for their decision: which logins are due, whom each concerns, one message for each.

import { APPLY } from "../config/defaults.ts";
import type { Address } from "./job.ts";
import { personPart, type Outbox } from "./outbox.ts";
import type { ParkedLogin, ParkedLogins } from "./parked.ts";

/** What {@link enqueueReminders} works with. */
export interface ReminderParts {
  readonly parked: Pick<ParkedLogins, "list" | "update">;
  readonly outbox: Pick<Outbox, "list" | "put">;
  /** The host that asks and will deliver; logins that concern nobody there are not its business. */
  readonly host: string;
  /** Those who may decide for a script or for somebody who is gone, as of now. */
  readonly approvers: () => readonly Address[];
  readonly now: () => number;
}

/** A login that is to be reminded of, and the places where. */
export interface DueReminder {
  readonly login: ParkedLogin;
  readonly to: readonly Address[];
}

/**
 * The logins that concern somebody at `host` and neither came nor were reminded of within `APPLY.parkedReminderMs`. What
 * a script asks for, and what somebody left who is not allowed any more, concerns those who may decide now.
 */
export function dueReminders(
  parked: readonly ParkedLogin[],
  { host, approvers, now }: Pick<ReminderParts, "host" | "approvers" | "now">,
): readonly DueReminder[] {
  // What was removed on purpose is kept for an undo; it asks nobody for anything.
  const asking = parked.filter(({ reason }) => reason !== "removed");
  const due = asking.filter((login) => now() - lastTold(login) >= APPLY.parkedReminderMs);
  return due
    .map((login) => ({
      login,
      to: (isForAll(login) ? approvers() : [login.requestedBy]).filter((address) => address.host === host),
    }))
    .filter(({ to }) => to.length > 0);
}

/** True where whoever asked cannot decide: a script may not, and somebody who was taken off the list is not heard. */
function isForAll({ reason, problem }: ParkedLogin): boolean {
  return reason === "approval-needed" || problem?.code === "ERR_NOT_ALLOWED";
}

/**
 * Puts one reminder for each due login and person into the outbox. The message comes before the mark: killed in between, the next call
 * puts the same id again, which is at most one reminder too many (where the first was delivered meanwhile); the other way
 * round a day's reminder would be lost. For the same reason the id names the time that both of two hosts have read.
 */
export async function enqueueReminders(parts: ReminderParts): Promise<void> {
  const { parked, outbox, host, now } = parts;
  const due = dueReminders(await parked.list(), parts);
  if (due.length === 0) return;
  const waiting = new Set(
    (await outbox.list(host)).flatMap(({ address, content }) =>
      content.kind === "reminder" ? [`${content.parkedId} ${address.personId}`] : [],
    ),
  );
  for (const { login, to } of due) {
    for (const { chatId, personId } of to) {
      // Somebody who cannot be reached for a week finds one reminder when they are back, not seven.
      if (waiting.has(`${login.id} ${personId}`)) continue;
      await outbox.put({
        id: `reminder-${login.id}-${lastTold(login)}-${personPart(personId)}`,
        // Without the message that the login came with: a reminder is a new one.
        address: { host, chatId, personId },
        content: { kind: "reminder", parkedId: login.id },
      });
    }
    await parked.update(login.id, { remindedAt: now() });
  }
}

function lastTold({ createdAt, remindedAt }: ParkedLogin): number {
  return remindedAt ?? createdAt;
}
