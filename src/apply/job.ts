// What a job is on disk: one change of a profile store, its kind and state, and the journal of how it got there.

import { z } from "zod";
import { storePlanSchema } from "../profiles/store.ts";
import { failureNotesSchema } from "../profiles/usage-stats.ts";
import { END_STATES, isEndState, MANAGED_KINDS, OPEN_STATES, ORDER_WAYS } from "./job-words.ts";

/** The version of the job file; a file with a newer one is left to the newer program that wrote it. */
const JOB_SCHEMA_VERSION = 1;

/** Any state of a job. */
export type JobState = (typeof OPEN_STATES)[number] | (typeof END_STATES)[number];

/** How a running gateway is made to use a changed store (decision 7). */
export const ACTIVATIONS = ["auto", "reload", "restart", "none"] as const;
/** One of {@link ACTIVATIONS}. */
export type Activation = (typeof ACTIVATIONS)[number];

const address = z.object({
  /** Which host delivers: `telegram`, `terminal`, `cli`. */
  host: z.string(),
  chatId: z.string(),
  personId: z.string(),
  /** The message to edit; absent means a new message. */
  messageId: z.string().optional(),
});

/** Where an answer goes: a host, a chat in it, the person who asked, and the message to edit. */
export type Address = z.infer<typeof address>;
export { address as addressSchema };

/** One line of a job's journal: a state, when it was reached, and in which executor's reign. */
const journalEntry = z.object({
  state: z.enum([...OPEN_STATES, ...END_STATES]),
  at: z.number(),
  epoch: z.number(),
  note: z.string().optional(),
});

const problem = z.object({ code: z.string(), message: z.string(), next: z.string() });

/** A failure as it is kept in a job or receipt: code, cause and next step, no more. */
export type Problem = z.infer<typeof problem>;
export { problem as problemSchema };

const progress = z.object({
  step: z.enum([
    "waiting-for-store",
    "renewing",
    "writing",
    "reloading",
    "waiting-for-start-window",
    "stopping",
    "starting",
    "healthy",
    "checking",
    "rolling-back",
  ]),
  at: z.number(),
  waitMs: z.number().optional(),
});

/** What the executor is doing right now, for the progress message. */
export type JobProgress = z.infer<typeof progress>;

/** What the executor changes of a job. */
const course = z.object({
  state: z.enum([...OPEN_STATES, ...END_STATES]),
  epoch: z.number(),
  journal: z.array(journalEntry),
  /** From `prepared` on: which entry of which file changes from and to which fingerprint. */
  plan: storePlanSchema.optional(),
  /** How the change will be, or was, made known to the gateway; decided at `prepared`, `none` again once the file is written. */
  mode: z.enum(["reload", "restart", "none"]).optional(),
  /** How often the store was found written back and patched again. */
  repairs: z.number().default(0),
  proven: z.enum(["listed-by-gateway", "reloaded", "restarted", "not-running", "unproven"]).optional(),
  healthyAfterMs: z.number().optional(),
  /** Whether the gateway answered when a rollback was over; absent where there was none. */
  gatewayAfter: z.enum(["running", "stopped"]).optional(),
  /** True where an undo is in the store and the gateway could not be restarted to read it. */
  isRestartOwed: z.boolean().optional(),
  order: z.object({ written: z.array(z.string()), wasImplicit: z.boolean() }).optional(),
  removedCopies: z.array(z.string()).optional(),
  /** True from the moment an executor found this job half done by another one. */
  interrupted: z.boolean().default(false),
  progress: progress.optional(),
  problem: problem.optional(),
  /** Why a job ended without the change it was for, where that is no failure. */
  note: z.string().optional(),
  /** Of a renewal: fingerprint of the refresh token that was presented, and facts of what came for it. */
  renewal: z
    .object({
      presented: z.string(),
      email: z.string().optional(),
      planType: z.string().optional(),
      expiresAtMs: z.number(),
    })
    .optional(),
});

/** A change of a job by its executor. */
export type JobPatch = Partial<z.infer<typeof course>>;

const shared = {
  schemaVersion: z.literal(JOB_SCHEMA_VERSION),
  id: z.string().regex(/^[a-z0-9-]{8,64}$/),
  createdAt: z.number(),
  agentId: z.string(),
  profileId: z.string(),
  activation: z.enum(ACTIVATIONS),
  ...course.shape,
};

/** Put the profile first in the order, or leave the order's other entries before it. */
const makeFirst = z.boolean();

/** The receipt whose change this job takes back. */
const undoes = z.string().optional();

const saveLogin = z.object({
  ...shared,
  kind: z.literal("save-login"),
  makeFirst,
  requestedBy: address,
  /** Fingerprint of what the profile held when the person decided. */
  previewed: z.string().optional(),
  /** Secret-free facts of the login that is being saved, for the receipt. */
  login: z.object({ email: z.string().optional(), planType: z.string().optional(), expiresAtMs: z.number() }),
  /** The parked login that this job took over. */
  parkedId: z.string(),
  /** The order to write in place of one worked out from `makeFirst`: where a removed profile had its place. */
  wantedOrder: z.array(z.string()).nullable().optional(),
  undoes,
});

const saveLease = z.object({
  ...shared,
  kind: z.literal("save-lease"),
  makeFirst,
  /** Absent where nobody in a chat asked: then nobody is told. */
  requestedBy: address.optional(),
  /** Secret-free facts of the leased credential. */
  lease: z.object({
    leaseId: z.string(),
    email: z.string().optional(),
    label: z.string().optional(),
    accountId: z.string().optional(),
    expiresAtMs: z.number(),
    /** Fingerprints of access tokens that we wrote there: under an id that people use too nothing else is replaced. */
    ours: z.array(z.string()).optional(),
  }),
});

const removeLease = z.object({
  ...shared,
  kind: z.literal("remove-lease"),
  requestedBy: address.optional(),
  lease: z.object({
    leaseId: z.string().optional(),
    /** Fingerprint of the entry to remove; absent = whichever leased one is there. */
    stored: z.string().optional(),
    /** As in a save: what may go under an id that people use too. */
    ours: z.array(z.string()).optional(),
    /** The order that the save wrote down where there was none; goes too where it is still that one. */
    madeOrder: z.array(z.string()).optional(),
  }),
});

/** What the four changes of a profile that is there have in common: a person saw what would be and confirmed it. */
const managed = {
  ...shared,
  requestedBy: address,
  /** Fingerprint of whose login the profile held when the person confirmed (`loginPrint`). */
  previewed: z.string().optional(),
  undoes,
};

const orderJob = z.object({
  ...managed,
  kind: z.literal("order"),
  /** `first`: before the others; `only`: nothing else is tried; `exactly`: as {@link wantedOrder} says. */
  how: z.enum(ORDER_WAYS),
  wantedOrder: z.array(z.string()).nullable().optional(),
});

const removeProfile = z.object({
  ...managed,
  kind: z.literal("remove-profile"),
  wantedOrder: z.array(z.string()).nullable().optional(),
});

const renameProfile = z.object({ ...managed, kind: z.literal("rename-profile"), to: z.string() });

const resetProfile = z.object({
  ...managed,
  kind: z.literal("reset-profile"),
  /** OpenClaw's notes to put back, by the path of each store. Default: they go. */
  wantedNotes: z.record(z.string(), failureNotesSchema).optional(),
});

const renewLogin = z.object({
  ...shared,
  kind: z.literal("renew-login"),
  requestedBy: address,
  /** Fingerprint of whose login the profile held when the person confirmed (`loginPrint`). */
  previewed: z.string().optional(),
});

/** The form of a job file. */
export const jobSchema = z.discriminatedUnion("kind", [
  saveLogin,
  saveLease,
  removeLease,
  orderJob,
  removeProfile,
  renameProfile,
  resetProfile,
  renewLogin,
]);

/** A job as it is on disk; it holds no secret (those lie in a sibling file until the job ends). */
export type Job = z.infer<typeof jobSchema>;
/** A job that saves somebody's login. */
export type LoginJob = z.infer<typeof saveLogin>;
/** A job that has the sign-in server renew a login, and saves what comes. */
export type RenewJob = z.infer<typeof renewLogin>;
/** A job that saves a leased credential. */
export type SaveLeaseJob = z.infer<typeof saveLease>;
/** A job that takes a leased credential out again. */
export type RemoveLeaseJob = z.infer<typeof removeLease>;

/** A job that changes the order. */
export type OrderJob = z.infer<typeof orderJob>;
/** A job that takes a profile out. */
export type RemoveJob = z.infer<typeof removeProfile>;
/** A job that gives a profile another id. */
export type RenameJob = z.infer<typeof renameProfile>;
/** A job that makes OpenClaw forget how a profile failed. */
export type ResetJob = z.infer<typeof resetProfile>;
/** A job that changes what is there, without a login of its own. */
export type ManagedJob = OrderJob | RemoveJob | RenameJob | ResetJob;

/** True for a job that changes what is there, without a login of its own. */
export function isManaged(job: Job): job is ManagedJob {
  return isManagedKind(job.kind);
}

/** The same by its kind alone. */
export function isManagedKind(kind: Job["kind"]): boolean {
  return MANAGED_KINDS.some((one) => one === kind);
}

/** True for a job that brings somebody's tokens into the store: they are parked where it cannot. */
export function bringsLogin(job: Job): job is LoginJob | RenewJob {
  return job.kind === "save-login" || job.kind === "renew-login";
}

/** What is known of the login that a job brings; undefined where it has none yet. */
export function loginFactsOf(job: LoginJob | RenewJob): LoginJob["login"] | undefined {
  if (job.kind === "save-login") return job.login;
  if (job.renewal === undefined) return undefined;
  const { presented: _spent, ...facts } = job.renewal;
  return facts;
}

/** True where the job has ended and nothing will happen to it any more. */
export function hasEnded(job: Pick<Job, "state">): boolean {
  return isEndState(job.state);
}
