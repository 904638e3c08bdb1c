// The login card: starts a sign-in for one profile and says what to do, step by step.

import { LOGIN } from "../config/defaults.ts";
import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import { resolveSelector, type Selection } from "../profiles/selector.ts";
import { shortName } from "../profiles/profile-id.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import { typedName } from "./command.ts";
import { agentFlag, button, requirePrivate, show, storedFingerprint, type Turn } from "./context.ts";
import type { Asker } from "./conversation.ts";
import { profileSpans } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Button, type Line, type Reply } from "./reply.ts";
import type { SignInAttempt, SignInTarget, StartedSignIn } from "./services.ts";
import { headOf } from "./sign-in-head.ts";
import { stepLines } from "./sign-in-steps.ts";
import { span } from "./time-words.ts";

/** `/codex_auth <profile>`: asks where `default` is somebody's profile, else starts the sign-in. */
export async function logIn(turn: Turn, agentId: string, selector: string): Promise<void> {
  requirePrivate(turn);
  const { store, selection } = await select(turn, agentId, selector);
  if (selection.viaDefault) await askBeforeRenewing(turn, store, selection);
  else await startSignIn(turn, store, selection.profileId);
}

async function select(
  { services }: Turn,
  agentId: string,
  selector: string,
): Promise<{ readonly store: StoreSnapshot; readonly selection: Selection }> {
  const store = await services.store.read(agentId);
  const ids = store.summaries.map(({ id }) => id);
  return { store, selection: resolveSelector(selector, ids, store.provider) };
}

/** How a person signs in: by a code that they enter on a page, or by a link whose last address they paste. */
export type SignInWay = "code" | "link";

/** Starts the sign-in and shows its card; `way` where the person chose one. */
export async function startSignIn(
  turn: Turn,
  store: StoreSnapshot,
  profileId: string,
  way: SignInWay = defaultWay(turn.asker),
): Promise<void> {
  requirePrivate(turn);
  const target = targetOf(store, profileId);
  // A double tap: a second attempt would end the first one, and its card stands in this very message.
  const { devices, pressed: messageId } = turn;
  if (messageId !== undefined && (await devices?.turnToShown({ ...turn.asker, ...target, messageId }, way)) === true)
    return;
  assertOffered(turn, profileId, way);
  const noCode = way === "code" ? await startByCode(turn, store, target) : undefined;
  if (way === "code" && noCode === undefined) return;
  const started = await turn.services.signIns.start(turn.asker, target);
  await answerInvitation(turn, started.attempt);
  await show(turn, linkCard(turn, store, started, noCode));
}

/**
 * `/codex_auth paste <profile>` and `/codex_auth device <profile>`: the other way of the sign-in that is under way, or a new
 * one by that way.
 */
export async function logInBy(turn: Turn, agentId: string, selector: string, way: SignInWay): Promise<void> {
  requirePrivate(turn);
  const { store, selection } = await select(turn, agentId, selector);
  if (selection.viaDefault) return askBeforeRenewing(turn, store, selection);
  const { profileId } = selection;
  assertOffered(turn, profileId, way);
  const waiting = await turn.services.signIns.waiting(turn.asker);
  const [underWay] = waiting.filter((one) => one.agentId === agentId && one.profileId === profileId);
  const isShown = underWay !== undefined && (await turn.devices?.turnTo(underWay.id, way, turn)) === true;
  if (!isShown) await startSignIn(turn, store, profileId, way);
}

/** *Paste instead* and *Use the code*: the same attempt where its code is waited for, else a new one. */
export async function turnTo(turn: Turn, { id, agentId, profileId }: SignInAttempt, way: SignInWay): Promise<void> {
  assertOffered(turn, profileId, way);
  if ((await turn.devices?.turnTo(id, way)) === true) return;
  await startSignIn(turn, await turn.services.store.read(agentId), profileId, way);
}

/** Somebody at the machine itself has a browser that comes back to it; everybody else is best off with a code. */
function defaultWay({ host }: Asker): SignInWay {
  return host === "telegram" || host === "openclaw" ? "code" : "link";
}

/** Undefined where the card of a code stands; else why there is none. */
async function startByCode(turn: Turn, store: StoreSnapshot, target: SignInTarget): Promise<Line | undefined> {
  const { devices } = turn.services;
  if (devices === undefined || turn.devices === undefined || turn.asker.host === "cli") return [];
  // Before somebody enters a code: afterwards there would be nowhere to put the login.
  await turn.services.engine.parked.assertRoom();
  const started = await devices.start(turn.asker, target, turn.pressed).catch((error: unknown) => {
    if (isCodexAuthError(error)) return error;
    throw error;
  });
  if (started instanceof CodexAuthError) {
    if (turn.services.codesOnly?.(turn.asker) === true) throw noCodeHere(turn, target, started);
    return ["ℹ️ ", started.message, " The link below does it as well."];
  }
  await answerInvitation(turn, started);
  await turn.devices.watch(started, turn, headOf(turn, store, target.profileId));
  return undefined;
}

/** The link is refused in this chat: the way on leads out of it. */
function noCodeHere(turn: Turn, { agentId, profileId }: SignInTarget, cause: CodexAuthError): CodexAuthError {
  const start = `codex-auth-skill start ${typedName(profileId)}${agentFlag(turn, agentId)} --link`;
  return new CodexAuthError(cause.code, {
    message: cause.message,
    next: `Try again later, or sign in by a link: in a terminal (\`${start}\`), or with codex-auth's own bot.`,
    retryable: cause.retryable,
    cause,
  });
}

/** @throws CodexAuthError `ERR_USAGE` for a link where what comes back could not be kept from others' eyes. */
function assertOffered({ asker, services }: Pick<Turn, "services" | "asker">, profileId: string, way: SignInWay): void {
  if (way === "code" || services.codesOnly?.(asker) !== true) return;
  throw new CodexAuthError("ERR_USAGE", {
    message: "Sign-ins go by a code here: an address that you paste could be read by the model before I see it.",
    next: `Send \`/codex_auth device ${shortName(profileId)}\`, or use the bot or a terminal for a link.`,
  });
}

/** What is asked of the sign-in page: the account that the profile is known to be of, nothing else. */
function targetOf(store: StoreSnapshot, profileId: string): SignInTarget {
  const current = store.summaries.find(({ id }) => id === profileId);
  const accountId = current?.identity?.accountId;
  return {
    agentId: store.agentId,
    profileId,
    // Without it the browser silently reuses its present account: a further profile is for another one as a rule, and a
    // renewal is for exactly the one that is stored.
    forceSignIn: current === undefined ? store.summaries.length > 0 : current.identity !== undefined,
    ...(current?.email === undefined ? {} : { email: current.email }),
    ...(accountId === undefined ? {} : { workspaceId: accountId }),
  };
}

async function answerInvitation(turn: Turn, attempt: Pick<SignInAttempt, "agentId" | "profileId">): Promise<void> {
  await turn.services.invitations
    .answered({ agentId: attempt.agentId, profileId: attempt.profileId })
    .catch((error: unknown) => turn.services.log.error("chat.invitation", error));
}

/** What the ref of *Renew it* covers: the profile as it was when the question was asked. */
export async function renewSubject(
  turn: Pick<Turn, "services">,
  agentId: string,
  profileId: string,
): Promise<readonly string[]> {
  return ["renew", agentId, profileId, await storedFingerprint(turn, agentId, profileId)];
}

/** What the ref of a card's *Cancel* covers. */
export function attemptSubject(attempt: SignInAttempt): readonly string[] {
  return ["attempt", attempt.id];
}

function linkCard(
  turn: Turn,
  store: StoreSnapshot,
  { attempt, url, landing }: StartedSignIn,
  noCode: Line | undefined,
): Reply {
  const note = noCode === undefined || noCode.length === 0 ? [] : [noCode];
  const lines = [
    ...headOf(turn, store, attempt.profileId),
    ...note,
    [],
    ...stepLines(landing),
    [`The link works once, for ${span(LOGIN.attemptTtlMs)}.`],
  ];
  const cancel = button(turn, "codex_auth_stop", attemptSubject(attempt), {
    label: "Cancel",
    typed: "/codex_auth cancel",
  });
  return {
    lines,
    buttons: [[{ kind: "url", label: "Open the sign-in page", url }], ...codeButton(turn, attempt, noCode), [cancel]],
  };
}

/** The way to a code, where there may be one; a command line call ends before anybody could enter it. */
function codeButton(turn: Turn, attempt: SignInAttempt, noCode: Line | undefined): readonly (readonly Button[])[] {
  if (turn.devices === undefined || noCode !== undefined || turn.asker.host === "cli") return [];
  const typed = `/codex_auth device ${shortName(attempt.profileId)}${agentFlag(turn, attempt.agentId)}`;
  return [[button(turn, "codex_auth_device", attemptSubject(attempt), { label: "Use a code instead", typed })]];
}

async function askBeforeRenewing(turn: Turn, store: StoreSnapshot, selection: Selection): Promise<void> {
  const profile = store.summaries.find(({ id }) => id === selection.profileId);
  if (profile === undefined) return;
  const flag = agentFlag(turn, store.agentId);
  const renew = button(turn, "codex_auth_renew", await renewSubject(turn, store.agentId, profile.id), {
    label: `Renew ${nameFor(turn.asker, profile.id)}`,
    typed: `/codex_auth ${typedName(profile.id)}${flag}`,
  });
  await show(turn, {
    lines: [
      [
        "There is no profile called ",
        code("default"),
        "; the first one is ",
        bold(nameFor(turn.asker, profile.id)),
        ".",
      ],
      ["Now: ", ...profileSpans(turn.asker, profile, turn.services.now())],
      ["Renew that one? For another name send ", code(`/codex_auth <name>${flag}`), "."],
    ],
    buttons: [[renew]],
  });
}
