// What a person is shown before a profile that is there is changed: how it is, how it will be, and what follows from that.

import type { Address, Job } from "../apply/job.ts";
import type { ChangeRequest } from "../apply/new-job.ts";
import type { Enqueued } from "../apply/queue.ts";
import { notHere } from "../apply/steps/renewal-errors.ts";
import type { Wanted } from "../apply/wanted.ts";
import { assertOwn, keeperOf, type Keeper } from "../apply/whose.ts";
import { CodexAuthError } from "../errors.ts";
import { describeCredential } from "../profiles/credential-facts.ts";
import { orderAfterChoice, orderAfterRemoval } from "../profiles/order.ts";
import { CODEX_PROVIDER } from "../profiles/profile-id.ts";
import { loginPrint } from "../profiles/same-login.ts";
import { resolveSelector } from "../profiles/selector.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { ActionName } from "./button.ts";
import {
  boundLines,
  configLines,
  elsewhereLines,
  keeperLine,
  mainLines,
  names,
  nameSpan,
  pinLines,
} from "./change-lines.ts";
import { typedName } from "./command.ts";
import { agentFlag, type Turn } from "./context.ts";
import { profileSpans } from "./profile-words.ts";
import { bold, type Line } from "./reply.ts";

/** A change with what it would do, ready to be confirmed. */
export interface Preview {
  readonly wanted: Wanted;
  readonly profileId: string;
  readonly lines: readonly Line[];
  /** What the confirmation covers: it is for exactly this, and for no later state. */
  readonly covers: readonly string[];
  readonly yes: { readonly label: string; readonly action: ActionName; readonly style?: "primary" | "danger" };
  /** The typed command, without the `yes` that confirms it. */
  readonly typed: string;
  /** Makes the job; the same `requestId` is the same job. */
  readonly enqueue: (requestedBy: Address, requestId: string) => Promise<Enqueued<Job>>;
}

type Parts = Pick<Turn, "services" | "asker">;
type WantedOf<K extends Wanted["kind"]> = Extract<Wanted, { kind: K }>;

/** A profile as it is stored, with all that a preview says of it. */
export interface Subject {
  readonly store: StoreSnapshot;
  readonly profile: ProfileSummary;
  readonly keeper: Keeper;
  /** Whose login it is, as a fingerprint. */
  readonly print: string;
  /** False where OpenClaw itself cannot read the entry. */
  readonly isReadable: boolean;
  /** Whether it holds a refresh token. */
  readonly isRenewable: boolean;
}

/** @throws CodexAuthError `ERR_PROFILE_UNKNOWN`. */
export async function subjectOf(
  { services }: Pick<Turn, "services">,
  agentId: string,
  profileId: string,
): Promise<Subject> {
  const store = await services.store.read(agentId, { anew: true });
  const profile = store.summaries.find(({ id }) => id === profileId);
  if (profile === undefined) {
    throw new CodexAuthError("ERR_PROFILE_UNKNOWN", {
      message: "There is no such profile.",
      next: "See those there are with `/codex_auth`.",
    });
  }
  const facts = await describeCredential(services.store, profileId, agentId);
  const keeper = await keeperOf(facts, profileId, services.engine.receipts);
  const print = facts?.login ?? loginPrint(undefined);
  const isRenewable = facts?.renewsItself === true;
  return { store, profile, keeper, print, isReadable: facts !== undefined, isRenewable };
}

/** Works out what `wanted` would do. @throws CodexAuthError where it cannot be done, with the reason. */
export async function previewOf(turn: Parts, wanted: Exclude<Wanted, { kind: "rollback" }>): Promise<Preview> {
  const subject = await subjectOf(turn, wanted.agentId, wanted.profileId);
  switch (wanted.kind) {
    case "use":
    case "only":
      return previewOrder(turn, wanted, subject);
    case "remove":
      return previewRemoval(turn, wanted, subject);
    case "rename":
      return previewName(turn, wanted, subject);
    case "reset":
      return previewReset(turn, wanted, subject);
    case "refresh":
      return previewRenewal(turn, wanted, subject);
  }
}

async function previewOrder(turn: Parts, wanted: WantedOf<"use" | "only">, subject: Subject): Promise<Preview> {
  const { store, profile } = subject;
  const { agentId, profileId, kind } = wanted;
  const how = kind === "use" ? "first" : "only";
  const { order, isNew, isChanged } = orderAfterChoice(
    { storeOrder: store.storeOrder, lasting: store.lastingOrder },
    profileId,
    how,
  );
  if (!isChanged) throw nothingToDo(how === "first" ? "It is the first already." : "It is the only one already.");
  const { plan } = await turn.services.store.plan({ profileId, provider: CODEX_PROVIDER, order }, agentId);
  const now = store.storeOrder ?? store.lastingOrder;
  const question =
    how === "first" ? "first? The others stay behind it." : "alone? If it cannot be used, nothing else is tried.";
  return {
    ...frame(turn, wanted, subject, [order.join(" ")]),
    lines: [
      [bold("Use "), nameSpan(turn, profileId), ` ${question}`],
      ["It is: ", ...profileSpans(turn.asker, profile, turn.services.now())],
      [`Order now: ${names(turn, now)}${isNew ? " (OpenClaw's own choice, nothing is written down)" : ""}.`],
      [`Order then: ${names(turn, order)}.${isNew ? " Only these are tried from then on." : ""}`],
      ...mainLines(plan, agentId),
      ...(await pinLines(turn, agentId, profileId, how)),
    ],
    yes: {
      label: how === "first" ? "Use it first" : "Use only this",
      action: how === "first" ? "codex_auth_useyes" : "codex_auth_onlyyes",
      style: "primary",
    },
    enqueue: enqueuer(turn, wanted, { kind: "order", how }),
  };
}

async function previewRemoval(turn: Parts, wanted: WantedOf<"remove">, subject: Subject): Promise<Preview> {
  const { store, profile, isReadable } = subject;
  const { agentId, profileId } = wanted;
  assertOwn(subject.keeper);
  const rest = orderAfterRemoval(store.storeOrder, profileId);
  const planned = await turn.services.store.plan(
    { profileId, provider: CODEX_PROVIDER, credential: null, ...(rest === undefined ? {} : { order: rest }) },
    agentId,
  );
  const others = store.summaries.filter(({ id }) => id !== profileId);
  const kept = isReadable
    ? "Its login is kept here until you throw it away: this can be undone."
    : "What it holds cannot be read, by OpenClaw neither, so nothing of it can be kept.";
  return {
    ...frame(
      turn,
      wanted,
      subject,
      planned.plan.files.map(({ path }) => path),
    ),
    lines: [
      [bold("Remove "), nameSpan(turn, profileId), " from OpenClaw?"],
      ["It is: ", ...profileSpans(turn.asker, profile, turn.services.now())],
      [kept],
      ...(others.length === 0 ? [["⚠️ It is the only Codex login: nothing is left to try then."]] : []),
      ...(rest === null ? [["The order goes with it: OpenClaw then chooses among all profiles itself."]] : []),
      ...(rest === undefined || rest === null ? [] : [[`Order then: ${names(turn, rest)}.`]]),
      ...mainLines(planned.plan, agentId),
      ...elsewhereLines(planned.plan, "loses its copy of this login too"),
      ...(await configLines(turn, profileId)),
    ],
    yes: { label: "Remove it", action: "codex_auth_removeyes", style: "danger" },
    enqueue: enqueuer(turn, wanted, { kind: "remove-profile" }, subject.print),
  };
}

async function previewName(turn: Parts, wanted: WantedOf<"rename">, subject: Subject): Promise<Preview> {
  const { agentId, profileId } = wanted;
  assertOwn(subject.keeper);
  const { provider = CODEX_PROVIDER } = subject.store;
  const { profileId: to, viaDefault } = resolveSelector(wanted.to, [`${provider}:default`], provider);
  if (to === profileId || viaDefault) throw nothingToDo("It has that name already.");
  const { plan } = await turn.services.store.plan({ profileId, provider: CODEX_PROVIDER, renameTo: to }, agentId);
  const change = { ...wanted, to };
  return {
    ...frame(turn, change, subject, [to]),
    lines: [
      [bold("Rename "), nameSpan(turn, profileId), " to ", nameSpan(turn, to), "?"],
      ["It is: ", ...profileSpans(turn.asker, subject.profile, turn.services.now())],
      ["Its login, its place in the order and OpenClaw's notes about it go with it."],
      ...mainLines(plan, agentId),
      ...elsewhereLines(plan, "has it under the new name too"),
      ...(await boundLines(turn, agentId, profileId)),
      ...(await configLines(turn, profileId)),
    ],
    yes: { label: "Rename it", action: "codex_auth_renameyes", style: "primary" },
    typed: `/codex_auth rename ${typedName(profileId)} ${typedName(to)}${agentFlag(turn, agentId)}`,
    enqueue: enqueuer(turn, change, { kind: "rename-profile", to }, subject.print),
  };
}

async function previewReset(turn: Parts, wanted: WantedOf<"reset">, subject: Subject): Promise<Preview> {
  const { agentId, profileId } = wanted;
  const { profile, keeper } = subject;
  const { plan } = await turn.services.store.plan({ profileId, provider: CODEX_PROVIDER, failures: "clear" }, agentId);
  if (plan.files.length === 0) throw nothingToDo("OpenClaw holds nothing against it.");
  const notes = plan.files.map((file) => JSON.stringify(file.notes?.before));
  return {
    ...frame(turn, wanted, subject, notes),
    lines: [
      [bold("Reset "), nameSpan(turn, profileId), "?"],
      ["It is: ", ...profileSpans(turn.asker, profile, turn.services.now())],
      ["OpenClaw forgets its cooldown and failures and tries it again at once."],
      ["A limit that still holds is met again at the next call."],
      ...(keeper.kind === "person" ? [] : [keeperLine(keeper)]),
      ...mainLines(plan, agentId),
    ],
    yes: { label: "Reset it", action: "codex_auth_resetyes", style: "primary" },
    enqueue: enqueuer(turn, wanted, { kind: "reset-profile" }),
  };
}

async function previewRenewal(turn: Parts, wanted: WantedOf<"refresh">, subject: Subject): Promise<Preview> {
  const { profile, keeper, isRenewable } = subject;
  assertOwn(keeper);
  if ((await turn.services.mayRenew?.()) === false) throw notHere();
  if (!isRenewable) {
    throw new CodexAuthError("ERR_RENEWAL_NONE", {
      message: "This profile holds nothing that could be renewed: there is no refresh token in it.",
      next: "Sign in again for it: that gives it a new login.",
    });
  }
  return {
    ...frame(turn, wanted, subject, []),
    lines: [
      [bold("Renew "), nameSpan(turn, wanted.profileId), "?"],
      ["It is: ", ...profileSpans(turn.asker, profile, turn.services.now())],
      [
        "The sign-in server is asked for fresh tokens, which take the place of the old ones. The account stays the same.",
      ],
      ["OpenClaw does this by itself when it has to, so it is for when you do not want to wait for that."],
      ["It cannot be taken back: the old tokens are used up by it."],
    ],
    yes: { label: "Renew it", action: "codex_auth_refreshyes", style: "primary" },
    enqueue: enqueuer(turn, wanted, { kind: "renew-login" }, subject.print),
  };
}

/** What all previews share. */
function frame(
  turn: Parts,
  wanted: WantedOf<"use" | "only" | "remove" | "reset" | "rename" | "refresh">,
  { store, print }: Subject,
  result: readonly string[],
): Pick<Preview, "wanted" | "profileId" | "covers" | "typed"> {
  const { kind, agentId, profileId } = wanted;
  const typed = `/codex_auth ${kind} ${typedName(profileId)}${agentFlag(turn, agentId)}`;
  return {
    wanted,
    profileId,
    covers: [kind, agentId, profileId, print, ...(store.storeOrder ?? ["-"]), "→", ...result],
    typed,
  };
}

type Own = Parameters<Turn["services"]["engine"]["queue"]["enqueueChange"]>[0] extends infer R
  ? R extends ChangeRequest
    ? Omit<R, "requestId" | "agentId" | "profileId" | "activation" | "requestedBy" | "previewed" | "undoes">
    : never
  : never;

/** Makes the job of a confirmed change; `undoes` where it takes a receipt's back. */
export function enqueuer(
  { services }: Parts,
  { agentId, profileId }: { readonly agentId: string; readonly profileId: string },
  own: Own,
  previewed?: string,
  undoes?: string,
): Preview["enqueue"] {
  return (requestedBy, requestId) =>
    services.engine.queue.enqueueChange({
      requestId,
      agentId,
      profileId,
      activation: services.activation,
      requestedBy,
      ...(previewed === undefined ? {} : { previewed }),
      ...(undoes === undefined ? {} : { undoes }),
      ...own,
    });
}

function nothingToDo(message: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", { message, next: "Nothing was changed. Look at it with `/codex_auth show`." });
}
