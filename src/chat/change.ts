// Changing a profile that is there: the preview with its confirmation, and what a confirmation sets going.

import type { Address } from "../apply/job.ts";
import type { Receipt } from "../apply/receipt.ts";
import type { Wanted } from "../apply/wanted.ts";
import { CODEX_PROVIDER } from "../profiles/profile-id.ts";
import { resolveSelector } from "../profiles/selector.ts";
import { askingWords, nobodyToAsk } from "./approval.ts";
import { refOf, staleButton } from "./button.ts";
import { previewOf, type Preview } from "./change-preview.ts";
import { mayBeUndone, previewUndo } from "./change-undo.ts";
import type { CodexAuthCommand } from "./command.ts";
import { button, requirePrivate, show, type Turn } from "./context.ts";
import { noButton } from "./decline.ts";
import { nameFor } from "./profile-name.ts";
import { receiptWords } from "./receipt-words.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";
import { submit } from "./save.ts";
import { when } from "./time-words.ts";

type ChangeCommand = Extract<
  CodexAuthCommand,
  { kind: "use" | "only" | "remove" | "reset" | "refresh" | "rename" | "rollback" }
>;

/** `/codex_auth use|only|remove|reset|refresh|rename|rollback …`: shows what it would do, or does what was shown. */
export async function change(turn: Turn, agentId: string, command: ChangeCommand): Promise<void> {
  requirePrivate(turn);
  if (command.kind === "rollback" && command.which === undefined) return showReceipts(turn);
  const wanted = await wantedOf(turn, agentId, command);
  const preview = await previewAny(turn, wanted);
  // Whoever sits at the machine may say yes at once; in a chat a yes is for what was shown there.
  if (!command.sure) return propose(turn, preview);
  const ref = await refFor(turn, preview);
  const isConfirmed = turn.asker.host === "cli" || (await turn.services.lists.hasPreviewed(turn.asker, ref));
  await (isConfirmed ? carryOut(turn, preview, ref) : propose(turn, preview));
}

/** Shows what `wanted` would do, with its confirmation. */
export async function proposeChange(turn: Turn, wanted: Wanted): Promise<void> {
  requirePrivate(turn);
  await propose(turn, await previewAny(turn, wanted));
}

/** Does what a confirmation was shown for. @throws CodexAuthError `ERR_BUTTON_STALE` where anything of it has changed since. */
export async function confirmChange(turn: Turn, ref: string): Promise<void> {
  requirePrivate(turn);
  const wanted = await turn.services.lists.proposed(turn.asker, ref);
  if (wanted === undefined) throw staleButton();
  const preview = await previewAny(turn, wanted).catch(() => undefined);
  if (preview === undefined || (await refFor(turn, preview)) !== ref) throw staleButton();
  await carryOut(turn, preview, ref);
}

/** The question about a change that a script asks for, for the person who is to decide. */
export async function changeReply(turn: Pick<Turn, "services" | "asker">, wanted: Wanted): Promise<Reply> {
  const preview = await previewAny(turn, wanted);
  const subject = await subjectFor(turn, preview);
  await turn.services.lists.propose(turn.asker, refOf(...subject), preview.wanted);
  const head: Line = ["🔔 A script on this machine asks for a change. Nothing is done before you press."];
  const reply = replyOf(turn, preview, subject);
  const no = noButton(turn, { kind: "change", covers: subject });
  return { lines: [head, ...reply.lines], buttons: [...(reply.buttons ?? []), [no]] };
}

/** The receipts whose change may be taken back, the newest first. */
async function showReceipts(turn: Turn): Promise<void> {
  const all = await turn.services.engine.receipts.list(50);
  const undone = new Set(all.flatMap(({ undoes, outcome }) => (outcome === "done" ? [undoes] : [])));
  const receipts = all.filter((receipt) => mayBeUndone(receipt) && !undone.has(receipt.id)).slice(0, 5);
  if (receipts.length === 0) {
    await show(turn, { lines: [["Nothing was done yet that could be taken back."]] });
    return;
  }
  await show(turn, {
    lines: [[bold("What may be taken back")], ...receipts.map((receipt) => receiptLine(turn, receipt))],
    buttons: receipts.map((receipt) => [undoButton(turn, receipt)]),
  });
}

/** The button that asks whether a receipt's change shall be taken back. */
export function undoButton(turn: Pick<Turn, "services" | "asker">, receipt: Receipt) {
  return button(turn, "codex_auth_undo", undoSubject(receipt.id), {
    label: `↩️ Undo: ${nameFor(turn.asker, receipt.profileId)} ${receiptWords(receipt)}`,
    typed: `/codex_auth rollback ${receipt.id}`,
  });
}

/** What the ref of an undo button covers. */
export function undoSubject(receiptId: string): readonly string[] {
  return ["undo", receiptId];
}

function receiptLine({ asker, services }: Turn, receipt: Receipt): Line {
  const ago = when(receipt.endedAt, services.now());
  return [bold(nameFor(asker, receipt.profileId)), ` ${receiptWords(receipt)} ${ago}: `, code(receipt.id)];
}

async function wantedOf(turn: Turn, agentId: string, command: ChangeCommand): Promise<Wanted> {
  if (command.kind === "rollback") return { kind: "rollback", receiptId: command.which ?? "" };
  const target = await targetOf(turn, agentId, command.selector);
  if (command.kind !== "rename") return { kind: command.kind, ...target };
  // Checked as a name and made an id here; `default` is a name like any other.
  const { provider = CODEX_PROVIDER } = turn.services.store;
  const { profileId: to } = resolveSelector(command.to, [`${provider}:default`], provider);
  return { kind: "rename", ...target, to };
}

/** A number is an entry of the list last shown, with its agent; everything else is a selector. */
export async function targetOf(
  turn: Turn,
  agentId: string,
  selector: string,
): Promise<{ readonly agentId: string; readonly profileId: string }> {
  if (/^\d{1,4}$/.test(selector)) {
    const picked = await turn.services.lists.pick(turn.asker, "profiles", Number(selector));
    return { agentId: picked.agentId, profileId: picked.entry };
  }
  const { provider, summaries } = await turn.services.store.read(agentId);
  const known = summaries.map(({ id }) => id);
  return { agentId, profileId: resolveSelector(selector, known, provider).profileId };
}

function previewAny(turn: Pick<Turn, "services" | "asker">, wanted: Wanted): Promise<Preview> {
  return wanted.kind === "rollback" ? previewUndo(turn, wanted.receiptId) : previewOf(turn, wanted);
}

async function propose(turn: Turn, preview: Preview): Promise<void> {
  const subject = await subjectFor(turn, preview);
  // A script finds out at once what a person will be asked; the question itself goes to them.
  if (turn.services.approvers !== undefined) return askPeople(turn, preview, turn.services.approvers);
  await turn.services.lists.propose(turn.asker, refOf(...subject), preview.wanted);
  await show(turn, replyOf(turn, preview, subject));
}

/** The confirmation's ref names the job: all receipts were read for it, and are not read a second time before the person hears of it. */
async function carryOut(turn: Turn, preview: Preview, requestId: string): Promise<void> {
  const { approvers } = turn.services;
  if (approvers !== undefined) return askPeople(turn, preview, approvers);
  await submit(turn, preview.profileId, "That is already taken care of.", (requestedBy) =>
    preview.enqueue(requestedBy, requestId),
  );
}

/** A script's change waits for a person's press (design, decision 12). @throws CodexAuthError `ERR_CONFIRMATION_NEEDED`. */
async function askPeople(turn: Turn, preview: Preview, approvers: readonly Address[]): Promise<void> {
  if (approvers.length === 0)
    throw nobodyToAsk(
      "Do it in a terminal of your own, or set the bot up. Where the plugin runs inside OpenClaw, name its owners (`commands.ownerAllowFrom`).",
    );
  const ref = await refFor(turn, preview);
  for (const [index, address] of approvers.entries()) {
    // The same wish again is the same question while it waits.
    const id = `change-${Buffer.from(ref).toString("hex")}-${index}`;
    await turn.services.engine.outbox.put({ id, address, content: { kind: "change", wanted: preview.wanted } });
  }
  await show(turn, {
    lines: [...preview.lines, [`Nothing is changed yet. A person must allow it: ${askingWords(approvers)}.`]],
  });
}

function replyOf(turn: Pick<Turn, "services" | "asker">, preview: Preview, subject: readonly string[]): Reply {
  const { action, label, style } = preview.yes;
  const yes = button(turn, action, subject, {
    label,
    typed: `${preview.typed} yes`,
    ...(style === undefined ? {} : { style }),
  });
  return { lines: preview.lines, buttons: [[yes]] };
}

/**
 * What a confirmation's ref covers: what was shown, and after which of our changes. Without the latter the same wish on another day
 * would be the same job, and be taken for done.
 */
async function subjectFor({ services }: Pick<Turn, "services">, preview: Preview): Promise<readonly string[]> {
  const receipts = await services.engine.receipts.list(Number.POSITIVE_INFINITY);
  const last = receipts.find(({ kind }) => kind !== "save-lease" && kind !== "remove-lease");
  return ["change", last === undefined ? "none" : `${last.id} ${last.endedAt}`, ...preview.covers];
}

async function refFor(turn: Pick<Turn, "services">, preview: Preview): Promise<string> {
  return refOf(...(await subjectFor(turn, preview)));
}
