// The Codex CLI's own login file (`~/.codex/auth.json`): read, replaced as a whole and removed, in exactly its shape (facts/codex-oauth.md).

import { readlinkSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { CODEX_HOME } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import { Secret } from "../secrets/secret.ts";
import { ensurePrivateFolder, removeDurably, writeFileAtomic } from "../storage/atomic-write.ts";
import { parseJson, readTextFile } from "../storage/json-file.ts";
import { isLink } from "../storage/look.ts";
import { decodeAccessToken, identityOf, type Identity } from "./claims.ts";

/** The tokens of a ChatGPT login, as the file holds them. */
export interface CodexTokens {
  readonly accessToken: Secret;
  readonly refreshToken: Secret;
  readonly idToken: Secret | undefined;
  readonly accountId: string | undefined;
  /** RFC 3339, as it stands in the file. */
  readonly lastRefresh: string | undefined;
}

/** Tokens that can be written: without an id token or an account the CLI does not read its file. */
export interface WritableCodexTokens extends CodexTokens {
  readonly idToken: Secret;
  readonly accountId: string;
  readonly lastRefresh: string;
}

/** Whose login a file holds, without a secret. */
export interface CodexLoginSummary {
  /** `other` is whatever else may be there: never taken for nothing. */
  readonly kind: "chatgpt" | "api-key" | "other";
  /** By the claims of the access token. */
  readonly identity: Identity | undefined;
  /** What the file itself says. */
  readonly accountId: string | undefined;
  readonly email: string | undefined;
  readonly planType: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** When the person signed in, where the id token says it. */
  readonly signedInAtMs: number | undefined;
  readonly refreshFingerprint: string | undefined;
  readonly accessFingerprint: string | undefined;
  /** Whether the file holds more than its tokens (an API key, fields that we do not know): who keeps only those loses it. */
  readonly hasMore: boolean;
}

/** A login file as it was read. */
export interface CodexLogin {
  readonly whose: CodexLoginSummary;
  /** Of a ChatGPT login that can renew itself; else undefined. */
  readonly tokens: CodexTokens | undefined;
  /** The whole file: what has to be kept of it before it may be replaced. */
  readonly text: Secret;
}

/** How {@link writeCodexLogin} treats what is there. */
export interface WriteCodexLoginOptions {
  /** What the caller has decided to replace; where something else is there by now, nothing is written. Default: whatever is there. */
  readonly replaces?: CodexLogin | "nothing";
  /** Asked right before the rename; a throw leaves the file as it is. */
  readonly beforeRename?: () => void | Promise<void>;
}

const tokenText = z.string().min(1).optional().catch(undefined);
const documentSchema = z.looseObject({
  OPENAI_API_KEY: tokenText,
  tokens: z
    .looseObject({ id_token: tokenText, access_token: tokenText, refresh_token: tokenText, account_id: tokenText })
    .optional()
    .catch(undefined),
  last_refresh: tokenText,
});
/** All that a ChatGPT login of the CLI consists of; the last two are notes of 0.169 that it does without (facts §1.10). */
const PLAIN_FIELDS = new Set(
  "auth_mode last_refresh id_token access_token refresh_token account_id oauth_provenance login_owner_id".split(" "),
);
type LoginDocument = z.infer<typeof documentSchema>;

/**
 * The login in `path`, or undefined where there is no file.
 *
 * @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE`, `ERR_FILE_TOO_LARGE`, `ERR_FILE_UNREADABLE`.
 */
export async function readCodexLogin(path: string): Promise<CodexLogin | undefined> {
  const text = await readTextFile(path, CODEX_HOME.maxBytes);
  if (text === undefined) return undefined;
  const document = parseDocument(text, path);
  const { access_token, refresh_token, id_token, account_id } = document.tokens ?? {};
  const tokens: CodexTokens | undefined =
    access_token === undefined || refresh_token === undefined
      ? undefined
      : {
          accessToken: Secret.of(access_token),
          refreshToken: Secret.of(refresh_token),
          idToken: id_token === undefined ? undefined : Secret.of(id_token),
          accountId: account_id,
          lastRefresh: document.last_refresh,
        };
  return { whose: summarize(document, tokens), tokens, text: Secret.of(text) };
}

/**
 * Writes a login to `path`: 0600, atomically, a link followed. Fields that we do not know survive where the account stays the
 * same; another account's login takes nothing over from the one before it.
 *
 * @throws CodexAuthError `ERR_STORE_CONFLICT` where the file is not what `replaces` says, what {@link readCodexLogin} throws (a file
 * that does not parse is never replaced), `ERR_FILE_UNWRITABLE`, `ERR_DISK_FULL`.
 */
export async function writeCodexLogin(
  path: string,
  tokens: WritableCodexTokens,
  options: WriteCodexLoginOptions = {},
): Promise<void> {
  const found = await readCodexLogin(path);
  const expected = options.replaces ?? found ?? "nothing";
  assertSame(path, found, expected);
  const target = targetOf(path);
  // Behind a link the folder is the person's to make: a disk that is not mounted must not get a hidden file.
  if (target === path) await ensurePrivateFolder(dirname(path));
  await writeFileAtomic(target, `${JSON.stringify(documentFor(tokens, found), null, 2)}\n`, {
    beforeRename: async () => {
      await options.beforeRename?.();
      // Last of all: the CLI takes no lock, and what it has renewed since we looked must not go under.
      assertSame(path, await readCodexLogin(path), expected);
    },
  });
}

/** Removes the login whose refresh token has `ifFingerprint`; a link stays, the file behind it goes. */
export async function removeCodexLogin(path: string, ifFingerprint: string): Promise<"removed" | "absent" | "other"> {
  const found = await readCodexLogin(path);
  if (found === undefined) return "absent";
  if (found.whose.refreshFingerprint !== ifFingerprint) return "other";
  return (await removeDurably(targetOf(path))) ? "removed" : "absent";
}

/** Where the file really lies: as for the CLI itself, a link to a file that is not there yet names the place of the new file. */
export function targetOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    // Anything but "not there" is for the writer to find and to name.
    if (systemCode(error) !== "ENOENT") return path;
  }
  if (!isLink(path)) return path;
  // A ring of links is ELOOP above, so this ends.
  return targetOf(resolve(dirname(path), readlinkSync(path)));
}

/** The file's content for `tokens`, in the order in which the CLI writes it. */
export function codexLoginDocument(tokens: CodexTokens): Readonly<Record<string, unknown>> {
  return {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: tokens.idToken?.expose(),
      access_token: tokens.accessToken.expose(),
      refresh_token: tokens.refreshToken.expose(),
      account_id: tokens.accountId,
    },
    last_refresh: tokens.lastRefresh,
  };
}

function documentFor(tokens: WritableCodexTokens, found: CodexLogin | undefined): unknown {
  const fresh = codexLoginDocument(tokens);
  const isSameAccount = found?.tokens !== undefined && found.tokens.accountId === tokens.accountId;
  if (!isSameAccount) return fresh;
  const before = documentSchema.parse(JSON.parse(found.text.expose()));
  return {
    ...fresh,
    ...before,
    ...fresh,
    tokens: { ...asRecord(fresh["tokens"]), ...before.tokens, ...asRecord(fresh["tokens"]) },
  };
}

function asRecord(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function parseDocument(text: string, path: string): LoginDocument {
  const result = documentSchema.safeParse(parseJson(text, path));
  if (result.success) return result.data;
  throw new CodexAuthError("ERR_FILE_SHAPE", {
    message: `${path} is not a login file of the Codex CLI.`,
    next: "It was left as it is. Mend or move the file, then try again.",
  });
}

function summarize(document: LoginDocument, tokens: CodexTokens | undefined): CodexLoginSummary {
  const access = tokens === undefined ? undefined : decodeAccessToken(tokens.accessToken);
  const id = tokens?.idToken === undefined ? undefined : decodeAccessToken(tokens.idToken);
  return {
    kind: tokens !== undefined ? "chatgpt" : document.OPENAI_API_KEY !== undefined ? "api-key" : "other",
    identity: access === undefined ? undefined : identityOf(access),
    accountId: tokens?.accountId,
    email: access?.email ?? id?.email,
    planType: access?.planType ?? id?.planType,
    expiresAtMs: access?.expiresAtMs,
    signedInAtMs: id?.signedInAtMs,
    refreshFingerprint: tokens === undefined ? undefined : fingerprint(tokens.refreshToken),
    accessFingerprint: tokens === undefined ? undefined : fingerprint(tokens.accessToken),
    hasMore: tokens === undefined || holdsMore(document),
  };
}

function holdsMore({ tokens, ...top }: LoginDocument): boolean {
  const more = [...Object.entries(top), ...Object.entries(tokens ?? {})];
  return more.some(([name, value]) => !PLAIN_FIELDS.has(name) && value !== undefined && value !== null);
}

function assertSame(path: string, found: CodexLogin | undefined, expected: CodexLogin | "nothing"): void {
  const isSame = expected === "nothing" ? found === undefined : found?.text.expose() === expected.text.expose();
  if (isSame) return;
  throw new CodexAuthError("ERR_STORE_CONFLICT", {
    message: `${path} was changed by another program at the same moment.`,
    next: "Nothing was written. Try again.",
    retryable: true,
  });
}
