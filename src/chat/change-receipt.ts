// The receipt of a change of a profile that was there, in words.

import { isManagedKind } from "../apply/job.ts";
import type { Receipt } from "../apply/receipt.ts";
import { cleanText } from "../clean-text.ts";
import { CHAT } from "../config/defaults.ts";
import type { Turn } from "./context.ts";
import { nameFor } from "./profile-name.ts";
import { receiptWords } from "./receipt-words.ts";
import { bold, code, type Line } from "./reply.ts";

/** True for the receipt of a change of a profile that was there. */
export function isChangeReceipt({ kind }: Receipt): boolean {
  return isManagedKind(kind);
}

/** The first line. */
export function changeHead(receipt: Receipt, name: Line[number], agent: Line): Line {
  switch (receipt.outcome) {
    case "done":
      if (receipt.files.length === 0) return ["Nothing was changed about ", name, ...agent, "."];
      return ["✅ ", name, ...agent, ` is ${receiptWords(receipt)}.`];
    case "rolled-back":
      return ["❌ The change of ", name, ...agent, " was not kept: it is as it was before."];
    case "failed":
    case "parked":
      return ["⚠️ ", name, ...agent, " was not changed."];
    case "cancelled":
      return ["The change of ", name, ...agent, " was given up; nothing was changed."];
  }
}

/** What came of it besides: the new name, where the login is, what could not be done. */
export function changeLines({ asker }: Pick<Turn, "asker">, receipt: Receipt): readonly Line[] {
  const { note, parkedId, renamedTo } = receipt;
  return [
    ...(note === undefined ? [] : [[cleanText(note, CHAT.maxProblemChars)]]),
    ...(renamedTo === undefined || receipt.files.length === 0
      ? []
      : [["It is called ", bold(nameFor(asker, renamedTo)), " now."]]),
    ...(parkedId === undefined
      ? []
      : [["📥 Its login is kept. To throw it away: ", code(`/codex_auth discard ${parkedId}`)]]),
    ...(receipt.undoes === undefined ? [] : [["That took an earlier change back."]]),
  ];
}
