// The section of the lease broker: where it is, what opens it, and under which name this machine leases. Optional.

import { brokerToken } from "../../../config/lease-settings.ts";
import type { Secret } from "../../../secrets/secret.ts";
import type { Choice } from "../../terminal/ui.ts";
import { askBroker, type BrokerVerdict } from "./broker-check.ts";
import type { SetupFrame } from "./frame.ts";
import { judgeBrokerUrl, judgeMachineId } from "./judge.ts";
import { askSecret } from "./secret-question.ts";
import type { LeaseChange } from "./settings-file.ts";

/** Asks; undefined where everything stays as it is. */
export async function askLease(frame: SetupFrame): Promise<LeaseChange | undefined> {
  const { ui, parts } = frame;
  const { broker, enabled } = parts.config.lease;
  ui.heading("4 of 4 · A lease broker (optional)");
  if (!enabled) {
    ui.note("The lease is switched off (`enabled: false`); it stays so.");
    return undefined;
  }
  const isSet = broker !== undefined;
  const how = await ui.choose<"skip" | "check" | "ask">(
    isSet ? `This machine leases from ${broker.baseUrl}` : "Are your logins leased from a Codex Auth Manager?",
    [
      ...(isSet ? [{ value: "check", label: "Keep it, and ask whether it answers" } as const] : []),
      { value: "skip", label: isSet ? "Keep it" : "No", ...(isSet ? {} : { hint: "skip" }) },
      { value: "ask", label: isSet ? "Change it" : "Yes, set it up" },
    ],
  );
  if (how === "skip") return undefined;
  const now = await tokenNow(frame);
  if (how === "check" && isSet && now !== undefined) {
    const next = await checked(frame, broker.baseUrl, now);
    if (next !== "another") return undefined;
  }
  return askAll(frame, now);
}

/** Whether http on this machine is taken. */
function mayBeHttp({ parts, settings }: SetupFrame): boolean {
  return parts.config.lease.broker?.allowInsecureLocalhost ?? settings.mayBeHttp;
}

async function askAll(frame: SetupFrame, now: Secret | undefined): Promise<LeaseChange | undefined> {
  const { ui, parts } = frame;
  const { broker, machineId } = parts.config.lease;
  const { environment } = parts;
  let baseUrl = broker?.baseUrl;
  for (;;) {
    baseUrl = await ui.type({
      question: "The broker's address",
      ...(baseUrl === undefined ? {} : { initial: baseUrl }),
      example: "an https address",
      judge: (answer) => judgeBrokerUrl(answer, mayBeHttp(frame)),
    });
    const token = await askSecret(ui, {
      what: "The broker's API token",
      from: "the Auth Manager's INTERNAL_API_TOKEN",
      set: now === undefined ? undefined : "already",
      without: undefined,
      judge: (text) =>
        /^[\x21-\x7e]{1,4096}$/.test(text) ? undefined : "Copy it again: it is one word of plain characters.",
      home: environment.home,
      uid: environment.uid,
    });
    const secret = token.kind === "keep" ? now : token.secret;
    const next = secret === undefined ? "leave" : await checked(frame, baseUrl, secret);
    if (next === "another") continue;
    if (next === "leave") return undefined;
    const typed = await ui.type({
      question: "This machine's id: the broker gives one lease to each, so no other machine may use it",
      initial: machineId,
      judge: judgeMachineId,
    });
    return { baseUrl, token, machineId: typed === machineId || typed === "" ? undefined : typed };
  }
}

type Next = "take" | "another" | "leave";

/** Asks the broker, and where it does not answer well, the person. */
async function checked(frame: SetupFrame, baseUrl: string, token: Secret): Promise<Next> {
  const { ui, parts } = frame;
  const door = { baseUrl, token, allowInsecureLocalhost: mayBeHttp(frame) };
  for (;;) {
    const verdict = await ui.working<BrokerVerdict>({
      label: "Asking the broker",
      run: (signal) => askBroker(door, signal, parts.now),
    });
    if (verdict === undefined) return "leave";
    ui.tell([verdict.finding]);
    if (verdict.kind === "ok") return "take";
    const next = await ui.choose<Next | "again">("What now?", verdict.kind === "refused" ? REFUSED : UNREACHABLE);
    if (next !== "again") return next;
  }
}

const ANOTHER: Choice<Next> = { value: "another", label: "Enter address and token again" };
const LEAVE: Choice<Next> = { value: "leave", label: "Leave the lease as it is set now" };
const REFUSED: readonly Choice<Next | "again">[] = [ANOTHER, LEAVE];
const UNREACHABLE: readonly Choice<Next | "again">[] = [
  { value: "again", label: "Try again" },
  { value: "take", label: "Take it unchecked" },
  ANOTHER,
  LEAVE,
];

/** The broker's token of now; undefined where there is none that can be read. */
async function tokenNow({ parts }: SetupFrame): Promise<Secret | undefined> {
  const { broker } = parts.config.lease;
  return broker === undefined ? undefined : brokerToken(broker, parts.environment.uid).catch(() => undefined);
}
