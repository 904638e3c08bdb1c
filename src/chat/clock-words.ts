// A moment by the clock, in the time zone that the settings name; a chat does not tell its reader's, so the default is UTC.

import { code, type Line } from "./reply.ts";

/** `at` as people write it: "15:05 UTC" on the day of `now`, "Mon 23 Nov 15:05 UTC" on another. */
export function clock(at: number, now: number, timeZone = "UTC"): string {
  const [of, today] = [partsOf(at, timeZone), partsOf(now, timeZone)];
  const time = `${of["hour"]}:${of["minute"]} ${of["timeZoneName"]}`;
  const isToday = dateOf(of) === dateOf(today) && of["year"] === today["year"];
  return isToday ? time : `${of["weekday"]} ${dateOf(of)} ${time}`;
}

/** How the times of a reply are to be read; nothing where the reader's zone is set. */
export function zoneNote(timeZone: string | undefined): readonly Line[] {
  return timeZone === undefined ? [["Times are in UTC; the setting ", code("timeZone"), " shows them in yours."]] : [];
}

type Parts = Readonly<Record<string, string>>;

function partsOf(at: number, timeZone: string): Parts {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "short",
    day: "numeric",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  });
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

function dateOf(of: Parts): string {
  return `${of["day"]} ${of["month"]}`;
}
