// Taking back what a receipt is about: the inverse change inside today's store, and in words what cannot come back.

import type { Receipt } from "../apply/receipt.ts";
import { CodexAuthError } from "../errors.ts";
import { orderRestored } from "../profiles/order.ts";
import { CODEX_PROVIDER } from "../profiles/profile-id.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { Secret } from "../secrets/secret.ts";
import { names, nameSpan } from "./change-lines.ts";
import { enqueuer, subjectOf, type Preview } from "./change-preview.ts";
import type { Turn } from "./context.ts";
import { accountSpans } from "./profile-words.ts";
import { bold, type Line } from "./reply.ts";
import { otherHolders, secondOwnerLines } from "./owners.ts";
import { revokingLines } from "./revoke-words.ts";

type Parts = Pick<Turn, "services" | "asker">;
type Undo = Pick<Preview, "lines" | "enqueue"> & { readonly covers: readonly string[]; readonly profileId?: string };

/** True for a receipt whose change may be taken back, as far as the receipt itself tells. */
export function mayBeUndone(receipt: Receipt): boolean {
  const { outcome, kind, note, files } = receipt;
  const isOurs = kind !== "save-lease" && kind !== "remove-lease" && kind !== "renew-login";
  if (outcome !== "done" || !isOurs || note !== undefined || files.length === 0) return false;
  return !hasReplaced(receipt) || orderChange(receipt) !== undefined;
}

/** Works out what taking back `receiptId` would do. @throws CodexAuthError `ERR_RECEIPT_UNKNOWN`, `ERR_UNDO_IMPOSSIBLE`. */
export async function previewUndo(turn: Parts, receiptId: string): Promise<Preview> {
  const { receipts } = turn.services.engine;
  const receipt = /^[a-z0-9-]{1,64}$/.test(receiptId) ? await receipts.get(receiptId) : undefined;
  if (receipt === undefined) throw unknownReceipt();
  if (!mayBeUndone(receipt) && !hasReplaced(receipt)) throw impossible(reasonOf(receipt), nextOf(receipt));
  const all = await receipts.list(Number.POSITIVE_INFINITY);
  if (all.some(({ undoes, outcome }) => undoes === receipt.id && outcome === "done"))
    throw impossible("That was taken back already.", "Nothing is to be done.");
  const store = await turn.services.store.read(receipt.agentId, { anew: true });
  const undo = await undoOf(turn, receipt, store);
  return {
    wanted: { kind: "rollback", receiptId: receipt.id },
    profileId: receipt.profileId,
    ...undo,
    covers: ["rollback", receipt.id, ...(store.storeOrder ?? ["-"]), "→", ...undo.covers],
    yes: { label: "Take it back", action: "codex_auth_undoyes", style: "danger" },
    typed: `/codex_auth rollback ${receipt.id}`,
  };
}

function undoOf(turn: Parts, receipt: Receipt, store: StoreSnapshot): Promise<Undo> | Undo {
  switch (receipt.kind) {
    case "order":
      return undoOrder(turn, receipt, store, [[bold("Take the change of the order back?")]]);
    case "remove-profile":
      return undoRemoval(turn, receipt, store);
    case "rename-profile":
      return undoName(turn, receipt);
    case "reset-profile":
      return undoReset(turn, receipt);
    case "save-login":
      return undoSave(turn, receipt, store);
    case "save-lease":
    case "renew-login":
    case "remove-lease":
      throw impossible(reasonOf(receipt), nextOf(receipt));
  }
}

function undoOrder(turn: Parts, receipt: Receipt, store: StoreSnapshot, head: readonly Line[]): Undo {
  const changed = orderChange(receipt);
  if (changed === undefined) throw impossible("The order was not changed by that.", "There is nothing to take back.");
  const known = store.summaries.map(({ id }) => id);
  const wanted = orderRestored(changed.before, store.storeOrder, known);
  if (same(wanted ?? [], store.storeOrder ?? []))
    throw impossible("The order is what it was before already.", "There is nothing to take back.");
  const isOurs = same(store.storeOrder ?? [], changed.after ?? []);
  return {
    lines: [
      ...head,
      [`Order now: ${names(turn, store.storeOrder ?? [])}.`],
      [`Order then: ${wanted === null ? "none, OpenClaw chooses itself" : names(turn, wanted)}.`],
      ...(isOurs ? [] : [["It was changed again since; what came to it later stays, behind the earlier ones."]]),
    ],
    covers: wanted ?? ["-"],
    enqueue: enqueuer(
      turn,
      receipt,
      { kind: "order", how: "exactly", wantedOrder: wanted === null ? null : [...wanted] },
      undefined,
      receipt.id,
    ),
  };
}

/** The login lies here since, and nobody has used it from here: as far as can be known it is unspent. */
async function undoRemoval(turn: Parts, receipt: Receipt, store: StoreSnapshot): Promise<Undo> {
  const { services, asker } = turn;
  const { profileId, agentId } = receipt;
  const parkedId = receipt.parkedId ?? "";
  const [parked, tokens] = await Promise.all([
    services.engine.parked.get(parkedId),
    services.engine.parked.tokens(parkedId),
  ]);
  if (parked === undefined || tokens === undefined)
    throw impossible(
      "Its login is not kept for that any more.",
      "See `/codex_auth parked`, or sign in again for that profile.",
    );
  if (store.summaries.some(({ id }) => id === profileId)) {
    const next = `Take it under another name: \`/codex_auth take ${parked.id} as <name>\`.`;
    throw impossible("There is another login under that name by now.", next);
  }
  await assertOneOwner(turn, profileId, tokens.refresh);
  const known = [...store.summaries.map(({ id }) => id), profileId];
  const before = orderChange(receipt)?.before;
  // Where the removal left the order alone, so does its undo.
  const wanted = before === undefined ? (store.storeOrder ?? null) : orderRestored(before, store.storeOrder, known);
  return {
    lines: [
      [bold("Put "), nameSpan(turn, profileId), bold(" back?")],
      ["Its login: ", ...accountSpans(asker, parked), "."],
      ...revokingLines(turn, parked),
      ...secondOwnerLines(await otherHolders(turn, parked)),
      ["It goes back as it was. Its tokens lay here since, unused by us: unspent, as far as can be known here."],
      ...(wanted === null ? [] : [[`Order then: ${names(turn, wanted)}.`]]),
    ],
    covers: [parked.id, ...(wanted ?? ["-"])],
    enqueue: (requestedBy) =>
      services.engine.queue.enqueueLogin({
        parkedId: parked.id,
        agentId,
        profileId,
        makeFirst: false,
        previewed: "none",
        activation: services.activation,
        requestedBy,
        wantedOrder: wanted === null ? null : [...wanted],
        undoes: receipt.id,
      }),
  };
}

/** The same refresh token in two places logs both out at its second use (facts/codex-oauth.md §0.2). */
async function assertOneOwner({ services }: Parts, profileId: string, refreshToken: Secret): Promise<void> {
  if (refreshToken.expose() === "") return;
  const shared = await services.store.sharedTokens([{ owner: OURS, profileId, refreshToken }]);
  if (!shared.some(({ holders }) => holders.some(({ owner }) => owner === OURS))) return;
  throw impossible(
    "The same login lies in another profile by now; in two places its tokens would end each other.",
    "Use that profile, or sign in again for this one.",
  );
}

const OURS = "codex-auth parked";

async function undoName(turn: Parts, receipt: Receipt): Promise<Undo> {
  const from = receipt.renamedTo ?? "";
  const { agentId, profileId: to } = receipt;
  const { print } = await subjectOf(turn, agentId, from);
  // Refuses where the old name is taken by now.
  await turn.services.store.plan({ profileId: from, provider: CODEX_PROVIDER, renameTo: to }, agentId);
  return {
    profileId: from,
    lines: [
      [bold("Give "), nameSpan(turn, from), bold(" its earlier name back?")],
      ["It is ", nameSpan(turn, to), " again then; its tokens stay those of today."],
    ],
    covers: [from, to, print],
    enqueue: enqueuer(turn, { agentId, profileId: from }, { kind: "rename-profile", to }, print, receipt.id),
  };
}

async function undoReset(turn: Parts, receipt: Receipt): Promise<Undo> {
  const { agentId, profileId, files } = receipt;
  await subjectOf(turn, agentId, profileId);
  const notes = files.flatMap(({ path, notes: change }) =>
    change === undefined ? [] : [[path, change.before] as const],
  );
  const wantedNotes = Object.fromEntries(notes);
  const { plan } = await turn.services.store.plan(
    { profileId, provider: CODEX_PROVIDER, failures: wantedNotes },
    agentId,
  );
  if (plan.files.length === 0)
    throw impossible("OpenClaw holds the same against it already.", "There is nothing to take back.");
  return {
    lines: [
      [bold("Hold against "), nameSpan(turn, profileId), bold(" again what was forgotten?")],
      ["OpenClaw's notes of that time come back; a cooldown that has passed by now changes nothing."],
    ],
    covers: plan.files.map((file) => JSON.stringify(file.notes)),
    enqueue: enqueuer(turn, receipt, { kind: "reset-profile", wantedNotes }, undefined, receipt.id),
  };
}

/** A new profile goes again, and its login is kept; of a login that was replaced nothing was kept, so only the order comes back. */
async function undoSave(turn: Parts, receipt: Receipt, store: StoreSnapshot): Promise<Undo> {
  const { agentId, profileId } = receipt;
  if (hasReplaced(receipt)) {
    const words =
      "The login before it is not kept (a spent token would end the new one), so only the order can go back.";
    if (orderChange(receipt) === undefined)
      throw impossible(words, "Sign in again with the account that it should be.");
    return undoOrder(turn, receipt, store, [[bold("Take the change of the order back?")], [words]]);
  }
  const { print } = await subjectOf(turn, agentId, profileId);
  const changed = orderChange(receipt);
  const known = store.summaries.map(({ id }) => id).filter((id) => id !== profileId);
  // An order that somebody has changed since is theirs, without this profile.
  const isOurs = changed !== undefined && same(store.storeOrder ?? [], changed.after ?? []);
  const basis = isOurs ? changed.before : (store.storeOrder ?? null);
  const wanted = orderRestored(basis, undefined, known);
  const removal = await turn.services.store.plan({ profileId, provider: CODEX_PROVIDER, credential: null }, agentId);
  const [written] = receipt.files.filter(({ after }) => after !== null);
  const today = removal.plan.files.find(({ path }) => path === written?.path);
  const isUnspent = today !== undefined && today.before === written?.after;
  return {
    lines: [
      [bold("Take "), nameSpan(turn, profileId), bold(" out again?")],
      [
        isUnspent
          ? "It holds the tokens that were saved then, unspent; they are kept here until you throw them away."
          : "OpenClaw has renewed its tokens since; the renewed ones are kept here until you throw them away.",
      ],
      [`Order then: ${wanted === null ? "none, OpenClaw chooses itself" : names(turn, wanted)}.`],
    ],
    covers: [print, ...(wanted ?? ["-"])],
    enqueue: enqueuer(
      turn,
      receipt,
      { kind: "remove-profile", wantedOrder: wanted === null ? null : [...wanted] },
      print,
      receipt.id,
    ),
  };
}

/** True where a saved login took another one's place: nothing of that is kept. */
function hasReplaced({ kind, outcome, files }: Receipt): boolean {
  const isOther = files.some(({ before, after }) => before !== null && after !== null && before !== after);
  return kind === "save-login" && outcome === "done" && isOther;
}

function orderChange({
  files,
}: Receipt): { readonly before: string[] | null; readonly after: string[] | null } | undefined {
  const changed = files.find(({ orderAfter }) => orderAfter !== undefined);
  return changed === undefined ? undefined : { before: changed.orderBefore ?? null, after: changed.orderAfter ?? null };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function reasonOf({ kind, outcome }: Receipt): string {
  if (kind === "save-lease" || kind === "remove-lease") return "That was the lease's doing.";
  if (kind === "renew-login") return "The login from before it was renewed is used up.";
  return outcome === "done"
    ? "Nothing was changed by that."
    : "That change was not made, so there is nothing to take back.";
}

function nextOf({ kind }: Receipt): string {
  return kind === "save-lease" || kind === "remove-lease"
    ? "Use `/lease release` or `/lease reacquire`."
    : "See what was done with `/codex_auth rollback`.";
}

function impossible(message: string, next: string): CodexAuthError {
  return new CodexAuthError("ERR_UNDO_IMPOSSIBLE", { message, next });
}

function unknownReceipt(): CodexAuthError {
  return new CodexAuthError("ERR_RECEIPT_UNKNOWN", {
    message: "There is no such receipt, or it is too old.",
    next: "See those there are with `/codex_auth rollback`.",
  });
}
