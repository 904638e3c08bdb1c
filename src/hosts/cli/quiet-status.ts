// `status` where nothing runs and nothing waits, which is nearly always: read without the chat, whose loading would take longest.

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Receipt } from "../../apply/receipt.ts";
import type { Environment } from "../../config/env.ts";
import { NOTHING_DONE } from "../../chat/nothing-done.ts";
import { openClawPaths, ownPaths, type OwnPaths } from "../../config/paths.ts";
import { systemCode } from "../../errors.ts";
import type { Call } from "./call.ts";
import type { Result } from "./io.ts";
import { settingsPath } from "./settings-path.ts";

/**
 * The status, in the words of the chat; undefined where there is more to it, which only the chat tells.
 *
 * @throws CodexAuthError `ERR_OPENCLAW_NOT_FOUND`, and what the settings throw.
 */
export async function quietStatus({ host, output, options, words }: Call): Promise<Result | undefined> {
  const { environment } = host;
  // Another sign-in server is refused by what the chat is made of.
  if (await namesIssuer(settingsPath(environment), environment)) return undefined;
  const own = ownPaths(openClawPaths(environment).stateDir);
  const isNarrowed = words.length > 0 || options["profile"] !== undefined || options["agent"] !== undefined;
  if (isNarrowed || (await isRestless(own))) return undefined;
  const receipts = await newestReceipts(own.receipts);
  if (output.isJson) return { data: { jobs: [], invitations: [], parked: [], receipts } };
  if (receipts.length === 0) return { text: NOTHING_DONE };
  const { doneLines } = await import("../../chat/done-lines.ts");
  const { renderReply } = await import("../terminal/render.ts");
  const colors = host.stdin.isTTY && host.stdout.isTTY && !environment.noColor;
  const lines = doneLines({ private: true }, receipts, Date.now());
  output.rendered(renderReply({ lines }, { colors, hasButtons: false }));
  return {};
}

/** Settings that do not load are said by every command. Where nothing is set, there is nothing to load. */
async function namesIssuer(path: string, { settings, lease, ...rest }: Environment): Promise<boolean> {
  const isSet = [...Object.values(settings), ...Object.values(lease)].some((text) => text !== undefined);
  if (!isSet && !existsSync(path)) return false;
  const { loadConfig } = await import("../../config/config.ts");
  return (await loadConfig(path, { settings, lease, ...rest })).issuer !== undefined;
}

async function isRestless({ chat, parked, pending, queue }: OwnPaths): Promise<boolean> {
  const waiting = [parked, pending, join(pending, "device"), join(chat, "invitations")];
  if ((await Promise.all(waiting.map(hasRecords))).includes(true)) return true;
  const folder = join(queue, "jobs");
  if (!(await hasRecords(folder))) return false;
  const { hasEnded, jobSchema } = await import("../../apply/job.ts");
  const { RecordFolder } = await import("../../storage/record-folder.ts");
  const { records } = await new RecordFolder(folder, jobSchema).scan();
  return records.some((job) => !hasEnded(job));
}

async function newestReceipts(folder: string): Promise<readonly Receipt[]> {
  if (!(await hasRecords(folder))) return [];
  const { Receipts } = await import("../../apply/receipt.ts");
  return new Receipts({ folder, now: Date.now }).list(10);
}

/** Whether there is any record; a folder that cannot be read may hold some. */
async function hasRecords(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => name.endsWith(".json") && !name.startsWith("."));
  } catch (error) {
    return systemCode(error) !== "ENOENT";
  }
}
