// `export`: hands a login to the Codex CLI by its login file; what lies there of somebody else is asked about and kept.

import { CodexAuthError } from "../../errors.ts";
import { renewParked, wantsRenewal } from "../../apply/renew-parked.ts";
import { sameIdentity } from "../../profiles/claims.ts";
import { writeCodexLogin, type CodexLogin } from "../../profiles/codex-home.ts";
import { fingerprint } from "../../secrets/fingerprint.ts";
import { putAside } from "../put-aside.ts";
import { tokenPlacesOf } from "../chat-services.ts";
import { renewalOf } from "../renewal.ts";
import type { Parts } from "../services.ts";
import type { Call, CommandRun } from "./call.ts";
import { accountWords, codexFileOf, isAtTerminal, readOwnLogin, requireTerminal } from "./codex-file.ts";
import { uiOf } from "./decide.ts";
import { exportSource, type ExportSource, type Freshen } from "./export-source.ts";
import { openParts, openSession, profileWord } from "./open.ts";

/** Writes the login of a profile, or one that waits for a decision, where the Codex CLI looks for its own. */
export const exportLogin: CommandRun = async (call) => {
  const word = profileWord(call);
  if (word === undefined) throw needsProfile();
  const parts = await openParts(call);
  const path = codexFileOf(call, "to");
  const there = await readOwnLogin(parts, path);
  const freshen = freshener(call, parts);
  const source = await exportSource(parts, word, there, parts.now(), freshen);
  requireTerminal(call, "export");
  if (there?.whose.refreshFingerprint === fingerprint(source.tokens.refreshToken)) {
    return { text: [`${path} holds this very login already.`, await handedOver(parts, source)].join(" ") };
  }
  const fate = fateOf(path, source, there);
  call.output.progress(explanation(path, source, there, fate));
  if (!(await uiOf(call.host).agree(`Write it to ${path}?`))) throw stopped();
  // The gateway may have renewed it while the question stood there: then the token that was read is spent.
  const today = await exportSource(parts, word, there, parts.now(), freshen);
  if (fingerprint(today.tokens.refreshToken) !== fingerprint(source.tokens.refreshToken)) throw isOther();
  if (fate === "park" && there !== undefined) await keepAside(call, path, there);
  await writeCodexLogin(path, source.tokens, { replaces: there ?? "nothing" });
  return {
    text: [`The Codex CLI is signed in as ${accountWords(source)}.`, await handedOver(parts, source)].join(" "),
  };
};

/** A login that has run out, or came without an id token (a removed profile's), is renewed before the CLI gets it: it would refuse it. */
function freshener(call: Call, parts: Parts): Freshen {
  return async (login, tokens) => {
    const { parked } = parts.engine;
    if (tokens === undefined || tokens.refresh.expose() === "" || !wantsRenewal(tokens, parts.now())) return tokens;
    // Nobody is there to ask: it is judged as it is.
    if (!isAtTerminal(call)) return tokens;
    call.output.progress(
      tokens.id === undefined
        ? "The Codex CLI wants an id token, and this login came without one: the sign-in server gives one when it is renewed."
        : "This login's access token has run out.",
    );
    if (!(await uiOf(call.host).agree("Have the sign-in server renew it first?"))) throw stopped();
    const places = tokenPlacesOf(parts);
    await renewParked(login.id, { places, renewal: renewalOf(parts), folder: parts.own.parked, now: parts.now });
    return parked.tokens(login.id);
  };
}

/** What becomes of the login that lies in the file. */
type Fate = "none" | "outdated" | "park";

/** @throws CodexAuthError `ERR_EXPORT_FILE_TAKEN`, `ERR_EXPORT_FILE_NEWER`; nothing is written then. */
function fateOf(path: string, source: ExportSource, there: CodexLogin | undefined): Fate {
  if (there === undefined) return "none";
  const { kind, hasMore, identity, expiresAtMs } = there.whose;
  // An API key or fields of a newer CLI: neither a waiting login nor the write would keep them.
  if (kind !== "chatgpt" || hasMore) throw cannotBeKept(path);
  if (!sameIdentity(identity, source.identity)) return "park";
  // Only a later one of the same account takes its place: the earlier refresh token may be used up, and kept it would do harm.
  if ((expiresAtMs ?? 0) >= source.expiresAtMs) throw isNewer(path);
  return "outdated";
}

function explanation(path: string, source: ExportSource, there: CodexLogin | undefined, fate: Fate): string {
  const lines = [`To the Codex CLI, in ${path}: ${accountWords(source)}.`];
  if (source.from.kind === "profile") {
    lines.push(
      `It stays in ${source.from.id} of OpenClaw, so it has two owners then: its refresh token works once, whoever renews second`,
      "is refused, and both may have to sign in again.",
    );
  } else lines.push("It waits here for a decision and in no profile; with this it is the CLI's alone.");
  if (source.from.kind === "parked" && source.from.mayBeRevoked)
    lines.push("Its revocation was asked for, and no answer is known: it may be no good any more.");
  if (fate === "park" && there !== undefined)
    lines.push(
      `There lies a login of ${accountWords(there.whose)}: it is kept among the waiting ones (\`codex-auth-skill parked\`).`,
    );
  if (fate === "outdated") lines.push("The login there is an earlier one of the same account; it is replaced.");
  return lines.join("\n");
}

async function keepAside(call: Call, path: string, there: CodexLogin): Promise<void> {
  const { parts, session } = await openSession(call, { presses: true });
  const { host, chatId, personId } = session.asker;
  if (!(await putAside(parts, there, { host, chatId, personId }))) throw cannotBeKept(path);
}

/** A waiting login is nobody's but the CLI's from here on; killed before this, the same export again ends it. */
async function handedOver({ engine }: Parts, { from }: ExportSource): Promise<string> {
  if (from.kind === "profile") return "OpenClaw has it too: renewed by one, it is lost to the other.";
  if ((await engine.queue.discardLogin(from.id)).isDiscarded) return "It waits here no more.";
  return "Somebody has saved or thrown away the waiting one meanwhile: see `codex-auth-skill doctor` for a second owner.";
}

function cannotBeKept(path: string): CodexAuthError {
  return new CodexAuthError("ERR_EXPORT_FILE_TAKEN", {
    message: `${path} holds an API key or something else that could not be kept beside a waiting login. Nothing was written.`,
    next: "Move the file away yourself, then export again.",
  });
}

function isNewer(path: string): CodexAuthError {
  return new CodexAuthError("ERR_EXPORT_FILE_NEWER", {
    message: `${path} holds a login of the same account that is good for as long or longer. Nothing was written.`,
    next: "Leave it to the CLI; if the CLI says that it is signed out, move the file away yourself and make it a login of its own: `codex login`.",
  });
}

function isOther(): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "It was renewed or replaced while you were asked. Nothing was written.",
    next: "Export it again: it is read anew then.",
  });
}

function needsProfile(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "Which profile?",
    next: "Name it: `codex-auth-skill export work`. `codex-auth-skill list` shows those there are.",
  });
}

function stopped(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "You stopped; nothing was written.",
    next: "A login that only the CLI has is made with `codex login`.",
  });
}
