// The picker: which Codex profiles there are and how they are, and where to go from here.

import { resolveSelector } from "../profiles/selector.ts";
import { shortName } from "../profiles/profile-id.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { KeptUsage } from "../usage/usage-service.ts";
import { typedName } from "./command.ts";
import { agentFlag, button, requirePrivate, show, type Turn } from "./context.ts";
import { profileLine, seenLines, stateLabel } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type ActionButton, type Line, type Reply } from "./reply.ts";
import { keptWords } from "./usage-words.ts";

/** `/codex_auth`: the profiles of one agent. */
export async function showPicker(turn: Turn, agentId: string): Promise<void> {
  const { services, asker } = turn;
  const [store, agents, parked] = await Promise.all([
    services.store.read(agentId),
    services.store.agents(),
    services.engine.parked.list().then((all) => all.filter(({ reason }) => reason !== "removed")),
  ]);
  const entries = store.summaries.map(({ id }) => id);
  const usage = await knownUsage(turn, store);
  const around = { agents: agents.map((agent) => agent.agentId), waiting: parked.length, usage };
  await show(turn, pickerReply(turn, store, around));
  // After the answer, which would wait for the disk: a number is read when this turn is over, and a bot killed here gets the update again.
  await services.lists.show(asker, { kind: "profiles", agentId, entries });
}

/** What was seen of the usage last; a list of logins is no place to fail for the lack of that. */
async function knownUsage(turn: Turn, { agentId, summaries }: StoreSnapshot): Promise<ReadonlyMap<string, KeptUsage>> {
  try {
    return await turn.services.usage().known(agentId, summaries);
  } catch (error) {
    turn.services.log.error("chat.picker-usage", error);
    return new Map();
  }
}

/** The picker as a reply. */
function pickerReply(
  turn: Pick<Turn, "services" | "asker">,
  store: StoreSnapshot,
  around: {
    readonly agents: readonly string[];
    readonly waiting: number;
    readonly usage: ReadonlyMap<string, KeptUsage>;
  },
): Reply {
  const { asker, services } = turn;
  const now = services.now();
  const lines: Line[] = [
    around.agents.length > 1 ? [bold("Codex logins"), " of agent ", code(store.agentId)] : [bold("Codex logins")],
    ...store.summaries.flatMap((profile, index) => {
      const seen = around.usage.get(profile.id);
      const line = profileLine(asker, profile, index + 1, now);
      return seen === undefined ? [line] : [line, [`   ↳ ${keptWords(seen, now)}`]];
    }),
  ];
  if (store.summaries.length === 0) lines.push(["There is none yet."]);
  lines.push(...seenLines(store, now));
  if (around.waiting > 0) {
    const what = around.waiting === 1 ? "1 received login waits" : `${around.waiting} received logins wait`;
    lines.push([`📥 ${what} for your decision.`]);
  }
  // In a group nothing can be signed in, so there is nothing to press.
  if (!asker.private) return { lines: [...lines, ["→ Sign in from a private chat with me."]] };
  const buttons: ActionButton[][] = store.summaries.map((profile) => [profileButton(turn, store.agentId, profile)]);
  buttons.push([newButton(turn, store.agentId)]);
  if (store.summaries.length > 0) buttons.push([manageButton(turn, store.agentId)]);
  if (around.waiting > 0) {
    const label = `Waiting logins (${around.waiting})`;
    buttons.push([button(turn, "codex_auth_parked", ["parked"], { label, typed: "/codex_auth parked" })]);
  }
  for (const agentId of around.agents) if (agentId !== store.agentId) buttons.push([agentButton(turn, agentId)]);
  return {
    lines,
    buttons,
    ...(store.summaries.length === 0 ? {} : { choices: store.summaries.map(({ id }) => shortName(id)) }),
  };
}

/** *New login*: asks for a name; `default` is offered while there is no such profile. */
export async function askForName(turn: Turn, agentId: string): Promise<void> {
  requirePrivate(turn);
  const store = await turn.services.store.read(agentId);
  const known = store.summaries.map(({ id }) => id);
  const flag = agentFlag(turn, agentId);
  const selection = resolveSelector("default", known, store.provider);
  const lines: Line[] = [
    [bold("New login")],
    ["Choose a name and send it like this: ", code(`/codex_auth work${flag}`)],
    ["Letters, digits and . _ @ + - are fine; a name of digits alone is not."],
  ];
  if (selection.exists) {
    await show(turn, { lines });
    return;
  }
  const label = `Name it "default"`;
  const take = button(turn, "codex_auth_login", loginSubject(agentId, selection.profileId), {
    label,
    typed: `/codex_auth default${flag}`,
  });
  await show(turn, { lines, buttons: [[take]] });
}

/** What the ref of a login button covers. */
export function loginSubject(agentId: string, profileId: string): readonly string[] {
  return ["login", agentId, profileId];
}

function profileButton(turn: Pick<Turn, "services" | "asker">, agentId: string, profile: ProfileSummary): ActionButton {
  const label = `${nameFor(turn.asker, profile.id)} · ${stateLabel(profile, turn.services.now())}`;
  const typed = `/codex_auth ${typedName(profile.id)}${agentFlag(turn, agentId)}`;
  return button(turn, "codex_auth_login", loginSubject(agentId, profile.id), { label, typed, inList: true });
}

function newButton(turn: Pick<Turn, "services" | "asker">, agentId: string): ActionButton {
  const typed = `/codex_auth new${agentFlag(turn, agentId)}`;
  return button(turn, "codex_auth_new", ["new", agentId], { label: "➕ New login", typed });
}

function manageButton(turn: Pick<Turn, "services" | "asker">, agentId: string): ActionButton {
  const typed = `/codex_auth show${agentFlag(turn, agentId)}`;
  return button(turn, "codex_auth_manage", ["manage", agentId], { label: "⚙️ Manage…", typed });
}

function agentButton(turn: Pick<Turn, "services" | "asker">, agentId: string): ActionButton {
  return button(turn, "codex_auth_menu", ["menu", agentId], {
    label: `Agent ${agentId}`,
    typed: `/codex_auth --agent ${agentId}`,
  });
}
