// `status` where nothing runs and nothing waits, as data or where variables set something: read without the chat, whose loading would take longest.

import { existsSync } from "node:fs";
import type { Receipt } from "../../apply/receipt.ts";
import type { Environment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { recordNames } from "../../storage/plain-records.ts";
import type { Call } from "./call.ts";
import type { Result } from "./io.ts";
import { isRestless } from "./restless.ts";
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
  if (isNarrowed || isRestless(own)) return undefined;
  const receipts = await newestReceipts(own.receipts);
  if (output.isJson) return { data: { jobs: [], invitations: [], parked: [], receipts } };
  const { doneText } = await import("./brief-status.ts");
  output.rendered(doneText(receipts, { colors: host.stdin.isTTY && host.stdout.isTTY && !environment.noColor }));
  return {};
}

/** Settings that do not load are said here; where nothing is set, there is nothing to load. Only a plain `status` looks at none (`brief-status.ts`). */
async function namesIssuer(path: string, { settings, lease, ...rest }: Environment): Promise<boolean> {
  const isSet = [...Object.values(settings), ...Object.values(lease)].some((text) => text !== undefined);
  if (!isSet && !existsSync(path)) return false;
  const { loadConfig } = await import("../../config/config.ts");
  return (await loadConfig(path, { settings, lease, ...rest })).issuer !== undefined;
}

async function newestReceipts(folder: string): Promise<readonly Receipt[]> {
  if (recordNames(folder).length === 0) return [];
  const { Receipts } = await import("../../apply/receipt.ts");
  return new Receipts({ folder, now: Date.now }).list(10);
}
