// Reminds whoever asked for a login that it still waits for their decision: who is due, and one message for each.

import { APPLY } from "../config/defaults.ts";
import type { Outbox } from "./outbox.ts";
import type { ParkedLogin, ParkedLogins } from "./parked.ts";

/** What {@link enqueueReminders} works with. */
export interface ReminderParts {
  readonly parked: Pick<ParkedLogins, "list" | "update">;
  readonly outbox: Pick<Outbox, "list" | "put">;
  /** The host that asks and will deliver; logins that were asked for elsewhere are not its business. */
  readonly host: string;
  readonly now: () => number;
}

/** The logins that were asked for at `host` and neither came nor were reminded of within `APPLY.parkedReminderMs`. */
export function dueReminders(parked: readonly ParkedLogin[], host: string, now: number): readonly ParkedLogin[] {
  return parked.filter((login) => login.requestedBy.host === host && now - lastTold(login) >= APPLY.parkedReminderMs);
}

/**
 * Puts one reminder for each due login into the outbox. The message comes before the mark: killed in between, the next call
 * puts the same id again, which is at most one reminder too many (where the first was delivered meanwhile); the other way
 * round a day's reminder would be lost. For the same reason the id names the time that both of two hosts have read.
 */
export async function enqueueReminders({ parked, outbox, host, now }: ReminderParts): Promise<void> {
  const due = dueReminders(await parked.list(), host, now());
  if (due.length === 0) return;
  const waiting = new Set(
    (await outbox.list(host)).flatMap(({ content }) => (content.kind === "reminder" ? [content.parkedId] : [])),
  );
  for (const login of due) {
    // Somebody who cannot be reached for a week finds one reminder when they are back, not seven.
    if (!waiting.has(login.id)) {
      const { chatId, personId } = login.requestedBy;
      await outbox.put({
        id: `reminder-${login.id}-${lastTold(login)}`,
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
