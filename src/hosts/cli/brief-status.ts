// `status` where nothing runs and nothing waits, which is nearly always: said by the fewest files, and by no package.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { END_STATES, JOB_KINDS, ORDER_WAYS } from "../../apply/job-words.ts";
import { doneLines, type Done } from "../../chat/done-lines.ts";
import { NOTHING_DONE } from "../../chat/nothing-done.ts";
import { readEnvironment, type Environment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { plainRecords } from "../../storage/plain-records.ts";
import { renderReply } from "../terminal/render.ts";
import { isRestless } from "./restless.ts";

/** The answer of this process to `status`; undefined: the command line must look at it. */
export function briefAnswer(
  root: string,
  isTerminal: boolean,
  environment: Environment = readEnvironment(),
): string | undefined {
  // The command line reads a .env first (main.ts).
  if (existsSync(join(root, ".env"))) return undefined;
  const colors = isTerminal && process.stdin.isTTY && process.stdout.isTTY && !environment.noColor;
  return briefStatus(environment, { colors });
}

/**
 * The status in the words of the chat; undefined where there is more to it than receipts that are plainly right. No setting has any part
 * in it, so the settings file is not looked at; where variables set something, they are judged, and so is the file.
 */
export function briefStatus(environment: Environment, style: { readonly colors: boolean }): string | undefined {
  const { settings, lease } = environment;
  if ([...Object.values(settings), ...Object.values(lease)].some((text) => text !== undefined)) return undefined;
  const { stateDir } = openClawPaths(environment);
  if (!existsSync(stateDir)) return undefined;
  const own = ownPaths(stateDir);
  if (isRestless(own)) return undefined;
  const done = plainRecords(own.receipts, plainlyDone);
  if (done === undefined) return undefined;
  return `${doneText(
    done.toSorted((a, b) => b.endedAt - a.endedAt),
    style,
  )}\n`;
}

/** A quiet status in words; `done` comes newest first. */
export function doneText(done: readonly Done[], style: { readonly colors: boolean }): string {
  if (done.length === 0) return NOTHING_DONE;
  return renderReply({ lines: doneLines({ private: true }, done, Date.now()) }, { ...style, hasButtons: false });
}

/** What is told of a receipt; undefined where anything of that is not as this version writes it. */
function plainlyDone(record: Readonly<Record<string, unknown>>): Done | undefined {
  const { activation, durations, endedAt, files, id, note, profileId, schemaVersion } = record;
  const kind = JOB_KINDS.find((one) => one === record["kind"]);
  const outcome = END_STATES.find((one) => one === record["outcome"]);
  const how = ORDER_WAYS.find((one) => one === record["how"]);
  const isPlain =
    schemaVersion === 1 &&
    typeof id === "string" &&
    Array.isArray(files) &&
    typeof (activation ?? undefined) === "object" &&
    typeof (durations ?? undefined) === "object" &&
    (record["how"] === undefined || how !== undefined) &&
    Number.isSafeInteger(endedAt);
  if (!isPlain || kind === undefined || outcome === undefined) return undefined;
  if (typeof profileId !== "string" || typeof endedAt !== "number") return undefined;
  if (note !== undefined && typeof note !== "string") return undefined;
  return {
    profileId,
    outcome,
    kind,
    endedAt,
    ...(how === undefined ? {} : { how }),
    ...(note === undefined ? {} : { note }),
  };
}
