// `import`: takes the Codex CLI's login over into an OpenClaw profile, as a received login that a person decides on.

import type { ParkedLogin } from "../../apply/parked.ts";
import { refOf } from "../../chat/button.ts";
import { relationOf, type Relation } from "../../chat/confirm.ts";
import { parkedSubject } from "../../chat/parked.ts";
import { CodexAuthError } from "../../errors.ts";
import type { Identity } from "../../profiles/claims.ts";
import type { CodexLogin, CodexTokens } from "../../profiles/codex-home.ts";
import { CODEX_CLI } from "../../profiles/owners.ts";
import { CODEX_PROVIDER, profileIdFor, shortName } from "../../profiles/profile-id.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import type { StoreSnapshot } from "../../profiles/store.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import { CODEX_CLI_PROFILE } from "../put-aside.ts";
import { buildChatServices, type Parts } from "../services.ts";
import type { Call, CommandRun } from "./call.ts";
import { accountWords, codexFileOf, readOwnLogin, requireTerminal } from "./codex-file.ts";
import { chooseOn, uiOf } from "./decide.ts";
import { atNumber, openParts, openSession, profileWord, type CliSession } from "./open.ts";

/** Takes the login over; the file stays as it is. */
export const importLogin: CommandRun = async (call) => {
  const path = codexFileOf(call, "from");
  const login = importable(path, await readOwnLogin(await openParts(call), path));
  requireTerminal(call, "import");
  const cli = await openSession(call, { presses: true });
  const { store, config } = cli.parts;
  const snapshot = await store.read(config.agentId, { anew: true });
  const { summaries } = snapshot;
  const profileId = targetOf(profileWord(call), snapshot, login);
  const holder = await holderOf(cli.parts, path, login.tokens);
  if (holder !== undefined) return { text: `${holder} holds this very login already. Nothing was changed.` };
  call.output.progress(explanation(path, login, profileId));
  if (!(await uiOf(call.host).agree("Take it over, and let the next card ask where it is saved?"))) throw stopped();
  const parked = await park(cli, login, {
    profileId,
    relation: relationOf(
      login,
      summaries.find(({ id }) => id === profileId),
    ),
  });
  return decideOn(call, cli, parked);
};

interface Importable {
  readonly tokens: CodexTokens;
  readonly identity: Identity;
  readonly expiresAtMs: number;
  readonly email: string | undefined;
  readonly planType: string | undefined;
}

/** A login that OpenClaw can use. @throws CodexAuthError `ERR_CODEX_LOGIN_MISSING`, `ERR_CODEX_LOGIN_KIND`, `ERR_TOKEN_CLAIMS`. */
function importable(path: string, login: CodexLogin | undefined): Importable {
  if (login === undefined) {
    throw new CodexAuthError("ERR_CODEX_LOGIN_MISSING", {
      message: `There is no login of the Codex CLI at ${path}.`,
      next: "Name its file with `--from <path>`; a login that the CLI keeps in the system's keyring cannot be taken over.",
    });
  }
  const { tokens, whose } = login;
  if (tokens === undefined) {
    throw new CodexAuthError("ERR_CODEX_LOGIN_KIND", {
      message:
        whose.kind === "api-key"
          ? `${path} holds an API key and no ChatGPT login.`
          : `${path} holds no ChatGPT login that could renew itself.`,
      next: "Nothing was changed. Sign in here instead: `codex-auth-skill start <profile>`.",
    });
  }
  const { identity, expiresAtMs, email, planType } = whose;
  if (identity !== undefined && expiresAtMs !== undefined) return { tokens, identity, expiresAtMs, email, planType };
  throw new CodexAuthError("ERR_TOKEN_CLAIMS", {
    message: `The access token in ${path} does not say whose it is or until when it is good.`,
    next: "Nothing was changed. Sign in here instead: `codex-auth-skill start <profile>`.",
  });
}

/** Where it goes: what was named, else the profile of the same account, else one of its own. @throws as a selector does. */
function targetOf(
  word: string | undefined,
  { provider = CODEX_PROVIDER, summaries }: StoreSnapshot,
  login: Importable,
): string {
  const ids = summaries.map(({ id }) => id);
  const same = summaries.find((one) => relationOf(login, one) === "same")?.id;
  if (word === undefined) return same ?? profileIdFor(provider, CODEX_CLI_PROFILE);
  const { profileId, viaDefault } = resolveSelector(atNumber(word, ids, "list"), ids, provider);
  if (!viaDefault) return profileId;
  throw new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: "There is no profile called `default`: here it would mean the first profile, which is somebody's.",
    next: `Name the profile itself, such as \`codex-auth-skill import ${shortName(profileId)}\`, or a new one.`,
  });
}

/** The profile that has this refresh token already. */
async function holderOf({ store }: Parts, path: string, { refreshToken }: CodexTokens): Promise<string | undefined> {
  const shared = await store.sharedTokens([{ owner: CODEX_CLI, profileId: path, refreshToken }]);
  const print = fingerprint(refreshToken);
  return shared.find((one) => one.fingerprint === print)?.holders.find(({ owner }) => owner !== CODEX_CLI)?.profileId;
}

function explanation(path: string, login: Importable, profileId: string): string {
  return [
    `The Codex CLI's login in ${path}: ${accountWords(login)}. It would go to ${profileId}.`,
    "The file stays as it is, so this login then has two owners: the Codex CLI and OpenClaw. Its refresh token works once:",
    "whoever renews second is refused, and both may have to sign in again.",
    `So, once it is saved, give the CLI a login of its own: take ${path} away by hand, then run \`codex login\`. Not by the CLI's`,
    "logout, and not by its login while the file is still there: both revoke the login, here too. Or leave the CLI signed out and",
    `hand it a login later: \`codex-auth-skill export ${shortName(profileId)}\`.`,
  ].join("\n");
}

/** Keeps a copy of the login as a waiting one; the same login waits once. */
async function park(
  { parts, session }: CliSession,
  { tokens, ...login }: Importable,
  { profileId, relation }: { readonly profileId: string; readonly relation: Relation },
): Promise<ParkedLogin> {
  const { parked } = parts.engine;
  for (const waiting of await parked.list()) {
    const found = await parked.tokens(waiting.id);
    if (found !== undefined && fingerprint(found.refresh) === fingerprint(tokens.refreshToken)) {
      await parked.update(waiting.id, { profileId });
      return { ...waiting, profileId };
    }
  }
  const { host, chatId, personId } = session.asker;
  const { email, planType, identity, expiresAtMs } = login;
  const why: Record<Relation, ParkedLogin["reason"]> = {
    new: "first-login",
    same: "same-identity",
    other: "other-identity",
    unknown: "unknown-identity",
  };
  return parked.put(
    {
      agentId: parts.config.agentId,
      profileId,
      reason: why[relation],
      expiresAtMs,
      identity,
      ...(email === undefined ? {} : { email }),
      ...(planType === undefined ? {} : { planType }),
      requestedBy: { host, chatId, personId },
    },
    { access: tokens.accessToken, refresh: tokens.refreshToken, id: tokens.idToken, expiresAtMs },
  );
}

/** The card that asks about any received login, and the person's presses on it. */
async function decideOn(call: Call, cli: CliSession, { id }: ParkedLogin): ReturnType<CommandRun> {
  const { buttons } = await buildChatServices(cli.parts);
  const { session } = cli;
  await session.take({
    kind: "press",
    data: buttons.encode("codex_auth_take", refOf(...parkedSubject(id)), session.asker),
  });
  await chooseOn(call, cli);
  return cli.result();
}

function stopped(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "You stopped; nothing was taken over.",
    next: "A sign-in of its own has no second owner: `codex-auth-skill start <profile>`.",
  });
}
