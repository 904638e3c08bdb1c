// The login card: starts a sign-in for one profile and says what to do, step by step.

import { nearestSubcommand } from "./command.ts";
import { resolveSelector, shortName, type Selection } from "../profiles/selector.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import { LOGIN } from "../config/defaults.ts";
import { agentFlag, button, requirePrivate, show, storedFingerprint, type Turn } from "./context.ts";
import { idSpan, nameFor, profileSpans } from "./profile-words.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";
import type { SignInAttempt } from "./services.ts";
import { span } from "./time-words.ts";

/** `/codex_auth <profile>`: asks where `default` is somebody's profile, else starts the sign-in. */
export async function logIn(turn: Turn, agentId: string, selector: string): Promise<void> {
  requirePrivate(turn);
  const store = await turn.services.store.read(agentId);
  const selection = resolveSelector(
    selector,
    store.summaries.map(({ id }) => id),
  );
  if (selection.viaDefault) await askBeforeRenewing(turn, store, selection);
  else await startSignIn(turn, store, selection.profileId);
}

/** Starts the sign-in and shows its card. */
export async function startSignIn(turn: Turn, store: StoreSnapshot, profileId: string): Promise<void> {
  requirePrivate(turn);
  const current = store.summaries.find(({ id }) => id === profileId);
  const { attempt, url } = await turn.services.signIns.start(turn.asker, {
    agentId: store.agentId,
    profileId,
    // A further profile is for another account than the browser's present one, as a rule.
    forceSignIn: current === undefined && store.summaries.length > 0,
    ...(current?.email === undefined ? {} : { email: current.email }),
  });
  await turn.services.invitations
    .answered(attempt)
    .catch((error: unknown) => turn.services.log.error("chat.invitation", error));
  await show(turn, loginCard(turn, attempt, url, current));
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

function loginCard(turn: Turn, attempt: SignInAttempt, url: string, current: ProfileSummary | undefined): Reply {
  const name = nameFor(turn.asker, attempt.profileId);
  const lines: Line[] = [[bold(`${current === undefined ? "New login" : "Renew"} ${name}`)]];
  if (current === undefined) {
    const near = nearestSubcommand(name);
    lines.push(["There is no profile ", idSpan(turn.asker, attempt.profileId), " yet: it will be made."]);
    if (near !== undefined) lines.push(["Did you mean ", code(`/codex_auth ${near}`), "?"]);
  } else {
    lines.push(["Now: ", ...profileSpans(turn.asker, current, turn.services.now())]);
    lines.push(["The same account replaces this; for another account I ask you first."]);
    if (current.inherited)
      lines.push(["It is kept in the store of main, and changes there for every agent that shares it."]);
    if (current.managedBy !== undefined)
      lines.push(["⚠️ Another program manages this credential and may write over it."]);
  }
  lines.push(
    [],
    ["1. Open the sign-in page and sign in with the account for this profile."],
    [
      "2. Your browser ends on a page that does not load; its address begins with ",
      code("http://localhost:1455/"),
      ". That is right.",
    ],
    ["3. Copy that whole address and send it to me here. I remove your message at once."],
    [`The link works once, for ${span(LOGIN.attemptTtlMs)}.`],
  );
  const cancel = button(turn, "codex_auth_stop", attemptSubject(attempt), {
    label: "Cancel",
    typed: "/codex_auth cancel",
  });
  return { lines, buttons: [[{ kind: "url", label: "Open the sign-in page", url }], [cancel]] };
}

async function askBeforeRenewing(turn: Turn, store: StoreSnapshot, selection: Selection): Promise<void> {
  const profile = store.summaries.find(({ id }) => id === selection.profileId);
  if (profile === undefined) return;
  const flag = agentFlag(turn, store.agentId);
  const renew = button(turn, "codex_auth_renew", await renewSubject(turn, store.agentId, profile.id), {
    label: `Renew ${nameFor(turn.asker, profile.id)}`,
    typed: `/codex_auth ${shortName(profile.id)}${flag}`,
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
