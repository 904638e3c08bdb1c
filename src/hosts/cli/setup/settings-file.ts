// The settings file as the set-up found it, what is to become of it, and its writing: all or nothing, and only over what was read.

import { dirname, join } from "node:path";
import { z } from "zod";
import type { Activation } from "../../../apply/job.ts";
import { CodexAuthError } from "../../../errors.ts";
import { ensurePrivateFolder, writeFileAtomic } from "../../../storage/atomic-write.ts";
import { parseJson, readTextFile } from "../../../storage/json-file.ts";
import type { SecretChange } from "./secret-question.ts";

/** The file as it is, without the variables that stand above it. */
export interface SettingsNow {
  readonly path: string;
  /** Undefined where there is no file yet. */
  readonly text: string | undefined;
  readonly top: Readonly<Record<string, unknown>>;
  readonly allowFrom: readonly string[];
  /** Whether a broker on this machine may be reached by http. */
  readonly mayBeHttp: boolean;
}

/** What was decided about the lease. */
export interface LeaseChange {
  readonly baseUrl: string;
  readonly token: SecretChange;
  /** Undefined: as it is, or the host name. */
  readonly machineId: string | undefined;
}

/** What was decided; what is absent stays as it is. */
export interface SettingsChange {
  readonly bot: SecretChange;
  readonly people?: readonly string[] | undefined;
  readonly activation?: Activation | undefined;
  readonly lease?: LeaseChange | undefined;
}

/** The files of tokens that were typed: each 0600, beside our other files. */
export interface TokenFiles {
  readonly bot: string;
  readonly broker: string;
}

/** What is to be written. */
export interface Draft {
  readonly top: Readonly<Record<string, unknown>>;
  readonly secrets: readonly { readonly path: string; readonly text: string }[];
}

const record = z.record(z.string(), z.unknown());
const listed = z.object({ telegram: z.object({ allowFrom: z.array(z.union([z.string(), z.number()])) }) });

/** Reads the file. @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE`, `ERR_FILE_UNREADABLE`: it is then left alone. */
export async function readSettings(path: string): Promise<SettingsNow> {
  const text = await readTextFile(path);
  const parsed = record.safeParse(text === undefined ? {} : parseJson(text, path));
  if (!parsed.success) {
    throw new CodexAuthError("ERR_FILE_SHAPE", {
      message: `${path} is not an object of settings.`,
      next: "It was left as it is. Mend or remove it, then try again.",
    });
  }
  const top = parsed.data;
  return {
    path,
    text,
    top,
    allowFrom: (listed.safeParse(top).data?.telegram.allowFrom ?? []).map(String),
    mayBeHttp: record.safeParse(top["lease"]).data?.["allowInsecureLocalhost"] !== false,
  };
}

/** Whether the file itself says where the bot's token is. Pure. */
export function namesBotToken(top: SettingsNow["top"]): boolean {
  const telegram = record.safeParse(top["telegram"]).data ?? {};
  return telegram["botToken"] !== undefined || telegram["botTokenFile"] !== undefined;
}

/** Where typed tokens go: files of our own folder. */
export function tokenFiles(root: string): TokenFiles {
  return { bot: join(root, "bot-token"), broker: join(root, "broker-token") };
}

/** The settings with the change laid into them; every other key stays. Undefined where nothing changes. Pure. */
export function draftOf(now: SettingsNow, change: SettingsChange, files: TokenFiles): Draft | undefined {
  const { bot, people, activation, lease } = change;
  const secrets: { path: string; text: string }[] = [];
  /** The name of the token's file as the settings name it. */
  const fileOf = (token: Exclude<SecretChange, { kind: "keep" }>, path: string): string => {
    if (token.kind === "file") return token.path;
    secrets.push({ path, text: `${token.secret.expose()}\n` });
    return dirname(path) === dirname(now.path) ? path.slice(dirname(path).length + 1) : path;
  };
  const telegram: Record<string, unknown> = { ...record.safeParse(now.top["telegram"]).data };
  if (bot.kind !== "keep") {
    delete telegram["botToken"];
    telegram["botTokenFile"] = fileOf(bot, files.bot);
  }
  if (people !== undefined) telegram["allowFrom"] = people;
  const leased: Record<string, unknown> = { ...record.safeParse(now.top["lease"]).data };
  if (lease !== undefined) {
    // Older names stand below the newer one, and would only mislead whoever reads the file.
    delete leased["brokerAddress"];
    leased["baseUrl"] = lease.baseUrl;
    if (lease.machineId !== undefined) leased["machineId"] = lease.machineId;
    if (lease.token.kind !== "keep") {
      delete leased["internalApiToken"];
      delete leased["apiKey"];
      leased["internalApiTokenFile"] = fileOf(lease.token, files.broker);
    }
  }
  const top = {
    ...now.top,
    ...(Object.keys(telegram).length === 0 ? {} : { telegram }),
    ...(activation === undefined ? {} : { activation }),
    ...(Object.keys(leased).length === 0 ? {} : { lease: leased }),
  };
  const isSame = secrets.length === 0 && JSON.stringify(top) === JSON.stringify(now.top);
  return isSame ? undefined : { top, secrets };
}

/**
 * Writes the tokens first and the settings last, so that these never name a file that is not there.
 *
 * @throws CodexAuthError `ERR_FILE_UNWRITABLE`, `ERR_DISK_FULL`; `ERR_CANCELLED` where somebody else changed the file since.
 */
export async function writeDraft(now: SettingsNow, { top, secrets }: Draft): Promise<void> {
  const assertUnchanged = async (): Promise<void> => {
    if ((await readTextFile(now.path)) !== now.text) throw changed(now.path);
  };
  await assertUnchanged();
  await ensurePrivateFolder(dirname(now.path));
  for (const { path, text } of secrets) {
    await ensurePrivateFolder(dirname(path));
    await writeFileAtomic(path, text);
  }
  await writeFileAtomic(now.path, `${JSON.stringify(top, null, 2)}\n`, { beforeRename: assertUnchanged });
}

function changed(path: string): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: `${path} was changed by somebody else while you answered; it was left as it is now.`,
    next: "Run `codex-auth-skill setup` again.",
  });
}
