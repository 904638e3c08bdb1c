// What was done lately, from its receipts: the end of every status, and the whole of a quiet one.

import type { Receipt } from "../apply/receipt.ts";
import type { Asker } from "./conversation.ts";
import { nameFor } from "./profile-name.ts";
import { receiptWords } from "./receipt-words.ts";
import { bold, type Line } from "./reply.ts";
import { when } from "./time-words.ts";

const SHOWN = 5;

/** What is told of a receipt. */
export type Done = Pick<Receipt, "profileId" | "outcome" | "kind" | "how" | "note" | "endedAt">;

/** The newest of `receipts`, which come newest first, under their title; nothing where there are none. */
export function doneLines(asker: Pick<Asker, "private">, receipts: readonly Done[], now: number): readonly Line[] {
  const lines = receipts.slice(0, SHOWN).map((receipt) => receiptLine(asker, receipt, now));
  return lines.length === 0 ? [] : [[bold("Done")], ...lines];
}

function receiptLine(asker: Pick<Asker, "private">, receipt: Done, now: number): Line {
  const outcomes: Record<Done["outcome"], string> = {
    done: receipt.note === undefined ? `✅ ${receiptWords(receipt)}` : "as it was already",
    "rolled-back": "❌ rolled back",
    parked: "📥 kept for later",
    cancelled: "given up",
    failed: "⚠️ not changed",
  };
  return [nameFor(asker, receipt.profileId), `: ${outcomes[receipt.outcome]} ${when(receipt.endedAt, now)}`];
}
