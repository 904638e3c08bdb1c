// The final answer of a job, from its receipt: what was saved, how the gateway got it, or why not and what now.

import type { Receipt } from "../apply/receipt.ts";
import { cleanText } from "../clean-text.ts";
import { CHAT } from "../config/defaults.ts";
import { undoButton } from "./change.ts";
import { changeHead, changeLines, isChangeReceipt } from "./change-receipt.ts";
import { mayBeUndone } from "./change-undo.ts";
import { button, type Turn } from "./context.ts";
import { parkedSubject } from "./parked.ts";
import { accountSpans, expiryWords } from "./profile-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";
import { revokeButton } from "./revoke-words.ts";
import { took } from "./time-words.ts";
import { problemLines } from "./wording.ts";

/** The receipt as a reply; `severalAgents` tells whether the agent has to be named. */
export function receiptReply(
  turn: Pick<Turn, "services" | "asker">,
  receipt: Receipt,
  options: { readonly severalAgents: boolean },
): Reply {
  const name = bold(nameFor(turn.asker, receipt.profileId));
  const agent: Line = options.severalAgents ? [" of agent ", code(cleanText(receipt.agentId, CHAT.maxLabelChars))] : [];
  const lines: Line[] = [headLine(receipt, name, agent)];
  if (receipt.outcome === "done") lines.push(...savedLines(turn, receipt));
  if (receipt.problem !== undefined) lines.push(...problemLines(receipt.problem));
  if (receipt.activation.gatewayAfter === "stopped") lines.push(stoppedLine());
  else if (receipt.activation.isRestartOwed === true) lines.push(restartOwedLine());
  if (receipt.interrupted === true) lines.push(["The work was interrupted on the way and taken up again."]);
  if (isChangeReceipt(receipt)) return { lines, ...undoRow(turn, receipt) };
  if (receipt.parkedId === undefined) return { lines, ...undoRow(turn, receipt) };
  const look = button(turn, "codex_auth_take", parkedSubject(receipt.parkedId), {
    label: "Look at the login",
    typed: "/codex_auth parked",
  });
  return { lines: [...lines, ["📥 The login is kept and waits for your decision."]], buttons: [[look]] };
}

/** What was changed or saved on purpose can be taken back on purpose, by a question of its own. */
function undoRow(turn: Pick<Turn, "services" | "asker">, receipt: Receipt): Pick<Reply, "buttons"> {
  const undo = mayBeUndone(receipt) ? [[undoButton(turn, receipt)]] : [];
  const { kind, outcome, parkedId } = receipt;
  const isKept = kind === "remove-profile" && outcome === "done" && parkedId !== undefined;
  const buttons = isKept ? [...undo, [revokeButton(turn, parkedId)]] : undo;
  return buttons.length > 0 ? { buttons } : {};
}

function headLine(receipt: Receipt, name: Line[number], agent: Line): Line {
  if (isChangeReceipt(receipt)) return changeHead(receipt, name, agent);
  if (receipt.kind === "remove-lease") return removedLine(receipt, name, agent);
  if (receipt.kind === "renew-login") return renewedLine(receipt, [name, ...agent]);
  const what: Line = receipt.kind === "save-lease" ? ["The leased login, as ", name, ...agent, ","] : [name, ...agent];
  switch (receipt.outcome) {
    case "done":
      return ["✅ ", ...what, " is saved."];
    case "rolled-back":
      return ["❌ ", ...what, " was not kept: the earlier value is back."];
    case "failed":
    case "parked":
      return ["⚠️ ", ...what, " was not changed."];
    case "cancelled":
      return ["Saving ", name, ...agent, " was given up; nothing was changed."];
  }
}

function renewedLine({ outcome, files }: Receipt, what: Line): Line {
  switch (outcome) {
    case "done":
      return files.length === 0 ? ["Nothing had to be done about ", ...what, "."] : ["✅ ", ...what, " is renewed."];
    case "rolled-back":
    case "failed":
    case "parked":
      return ["⚠️ ", ...what, " was not renewed."];
    case "cancelled":
      return ["Renewing ", ...what, " was given up; nothing was sent."];
  }
}

function removedLine({ outcome, note }: Receipt, name: Line[number], agent: Line): Line {
  if (outcome !== "done") return ["⚠️ The leased login could not be removed from ", name, ...agent, "."];
  return note === undefined
    ? ["✅ The leased login was removed from ", name, ...agent, "."]
    : ["Nothing was removed from ", name, ...agent, ": ", cleanText(note, CHAT.maxProblemChars)];
}

function savedLines(turn: Pick<Turn, "services" | "asker">, receipt: Receipt): readonly Line[] {
  const { asker, services } = turn;
  if (isChangeReceipt(receipt))
    return [
      ...changeLines(turn, receipt),
      ...(receipt.note === undefined ? [[gatewayWords(receipt)]] : []),
      ...orderLines(turn, receipt),
      ...copyLines(receipt),
    ];
  // Somebody else had renewed it: nothing of ours is in the store.
  if (receipt.kind === "renew-login" && receipt.files.length === 0)
    return receipt.note === undefined ? [] : [[cleanText(receipt.note, CHAT.maxProblemChars)]];
  const until = receipt.expiresAtMs === undefined ? "" : `, ${expiryWords(receipt.expiresAtMs, services.now())}`;
  const whose: Line =
    receipt.kind === "save-lease"
      ? ["Credential ", bold(leasedName(asker, receipt)), `${until}.`]
      : ["Signed in as ", ...accountSpans(asker, receipt), `${until}.`];
  const whoseLines = receipt.kind === "remove-lease" ? [] : [whose];
  return [...whoseLines, [gatewayWords(receipt)], ...orderLines(turn, receipt), ...copyLines(receipt)];
}

function orderLines({ asker }: Pick<Turn, "asker">, { order }: Receipt): readonly Line[] {
  if (order === undefined) return [];
  const names = order.written.map((id) => nameFor(asker, id)).join(", ");
  if (names === "") return [["Order: none is written down; OpenClaw chooses itself."]];
  const wasImplicit =
    " There was none before: OpenClaw's own choice was written down, and only these are tried from now on.";
  return [[`Order: ${names}.${order.wasImplicit ? wasImplicit : ""}`]];
}

function copyLines({ kind, removedCopies = [] }: Receipt): readonly Line[] {
  if (removedCopies.length === 0) return [];
  const agents = removedCopies.map((id) => cleanText(id, CHAT.maxLabelChars)).join(", ");
  const now = kind === "remove-profile" ? "" : " They use main's now.";
  return [[`Removed the second copy of this login from: ${agents}.${now}`]];
}

/** What the broker calls the credential; a group sees no address. */
function leasedName(asker: Pick<Turn["asker"], "private">, { label, email, leaseId }: Receipt): string {
  const name = cleanText(label ?? email ?? leaseId ?? "unnamed", CHAT.maxLabelChars);
  return asker.private || !name.includes("@") ? name : `${name.slice(0, 1)}…`;
}

/** A restart that ended in nothing: nobody but a person starts the gateway again, and until then the agent is silent. */
function stoppedLine(): Line {
  return [
    "🛑 ",
    bold("The gateway does not run now:"),
    " start it, for example with ",
    code("openclaw gateway start"),
    ".",
  ];
}

/** A gateway that runs, or may run, could not be restarted after its change was undone. */
function restartOwedLine(): Line {
  return [
    "🔁 ",
    bold("The gateway could not be restarted after that:"),
    " it may not use the earlier value yet. Restart it, for example with ",
    code("openclaw gateway restart"),
    ".",
  ];
}

/** What is known about the running gateway, and no more than that. */
function gatewayWords({ activation, kind }: Receipt): string {
  // Only inside OpenClaw something else is done than was asked for.
  const isInside = activation.used === "reload" && (activation.asked === "restart" || activation.asked === "none");
  if (isInside && activation.proven !== "unproven")
    return `Made inside OpenClaw, where a change is in force at once${activation.asked === "restart" ? ": nothing had to be restarted" : ""}.`;
  const healthy = activation.healthyAfterMs === undefined ? "" : `, healthy in ${took(activation.healthyAfterMs)}`;
  switch (activation.proven) {
    case "listed-by-gateway": {
      const how = { reload: "reloaded", restart: "was restarted", none: "was left running" }[activation.used];
      const isRemoval = kind === "remove-lease" || kind === "remove-profile";
      const sees = isRemoval ? "lists it no more" : "lists the profile";
      return `The gateway ${how}${healthy}, and ${sees}.`;
    }
    case "reloaded":
      return "The gateway reloaded its logins.";
    case "restarted":
      return `The gateway was restarted${healthy}.`;
    case "not-running":
      return "The gateway is not running; it reads this at its next start.";
    case "unproven":
      return "It could not be seen whether the running gateway uses it yet; a restart of the gateway makes sure.";
  }
}
