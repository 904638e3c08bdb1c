// What a job did, in a word or two: for lists, buttons and cards of receipts.

import type { Receipt } from "../apply/receipt.ts";

/** "saved", "used first", "renamed" …: what a done receipt's profile was. */
export function receiptWords({ kind, how }: Pick<Receipt, "kind" | "how">): string {
  switch (kind) {
    case "save-login":
    case "save-lease":
      return "saved";
    case "renew-login":
      return "renewed";
    case "remove-lease":
    case "remove-profile":
      return "removed";
    case "rename-profile":
      return "renamed";
    case "reset-profile":
      return "reset";
    case "order":
      return { first: "used first", only: "used alone", exactly: "order put back" }[how ?? "first"];
  }
}
