// The lease in words: its states, why the keeper only waits, how much is used.

import type { CredentialState, LeaseState } from "../lease/broker.ts";
import type { LeaseNote } from "../lease/policy.ts";
import { code, type Line } from "./reply.ts";

/** A state of a lease as a person says it. */
export function stateWords(state: LeaseState): string {
  const words: Record<LeaseState, string> = {
    active: "active",
    rotation_required: "to be rotated",
    released: "given back",
    revoked: "revoked by the broker",
    expired: "expired",
    unknown: "in a state that this version does not know",
  };
  return words[state];
}

/** A state of a credential, where it is worth a word. */
export function credentialWords(state: CredentialState): string | undefined {
  const words: Record<CredentialState, string | undefined> = {
    leased: undefined,
    available: undefined,
    exhausted: "used up",
    cooldown: "cooling down",
    revoked: "revoked",
    expired: "expired",
    unavailable_for_assignment: "not given to anybody else any more",
    degraded: "degraded",
    unknown: "in a state that this version does not know",
  };
  return words[state];
}

/** Why nothing more is done by itself, and what a person may do. */
export function noteLines(note: LeaseNote): readonly Line[] {
  const lines: Record<LeaseNote, readonly Line[]> = {
    "released-by-person": [
      ["You gave the lease back; none is asked for."],
      ["→ To have one again: ", code("/lease reacquire")],
    ],
    "backing-off": [["The last leases did not last, so the next one is asked for a little later."]],
    "other-agent": [
      ["⚠️ The broker has leased this machine to another agent, and gives one lease for each machine."],
      ["→ Give each agent a ", code("lease.machineId"), " of its own, or use the same ", code("lease.agentId"), "."],
    ],
    "state-unknown": [["⚠️ The broker names a state that this version does not know; nothing is done about it."]],
    ghost: [
      ["⚠️ The broker has no tokens for this credential, and would lease the same one again."],
      ["→ Only a rotation leads to another one: ", code("/lease rotate")],
    ],
    cooldown: [["The credential cools down at the broker; it is kept until it can be renewed again."]],
    "rotation-required": [
      ["⚠️ The broker wants this lease rotated. The credential still works, but the lease cannot be renewed."],
      ["→ Exchange it now: ", code("/lease rotate"), ", or let it run out; another one is then asked for."],
    ],
    "replacement-advised": [
      ["⚠️ The broker wants another credential used. This one still works."],
      ["→ Exchange it now: ", code("/lease rotate")],
    ],
    "rotation-recommended": [["The broker recommends another credential: ", code("/lease rotate")]],
    "switched-off": [
      ["⚠️ The lease is off in the settings, but the leased login is still on this machine."],
      ["→ Take it away: ", code("/lease release")],
    ],
    "not-renewed": [
      ["⚠️ The lease runs out: the automatic renewal is off."],
      ["→ Renew it now: ", code("/lease renew"), ", or switch it on: ", code("/lease auto renew on")],
    ],
  };
  return lines[note];
}

/** A share as a bar of ten and a figure; undefined where it is not known. */
export function bar(percent: number | undefined): string | undefined {
  if (percent === undefined || !Number.isFinite(percent)) return undefined;
  const within = Math.min(100, Math.max(0, percent));
  const full = Math.round(within / 10);
  return `${"▓".repeat(full)}${"░".repeat(10 - full)} ${Math.round(percent)} %`;
}

/** A count with thin groups of three: 12 345. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, " ");
}
