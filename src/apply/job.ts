// What a job is on disk: one change of a profile store, its state, and the journal of how it got there.

import { z } from "zod";
import { storePlanSchema } from "../profiles/store.ts";

/** The version of the job file; a file with a newer one is left to the newer program that wrote it. */
const JOB_SCHEMA_VERSION = 1;

/** States a job passes through: each is on disk before the effect that follows it. */
const OPEN_STATES = ["queued", "prepared", "written", "activated", "verified", "rolling-back"] as const;
/** States in which a job has ended. */
const END_STATES = ["done", "rolled-back", "parked", "cancelled"] as const;

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

export const jobSchema = z.object({
  schemaVersion: z.literal(JOB_SCHEMA_VERSION),
  id: z.string().regex(/^[a-z0-9-]{8,64}$/),
  kind: z.enum(["save-login"]),
  createdAt: z.number(),
  agentId: z.string(),
  profileId: z.string(),
  /** Put the profile first in the order, or leave the order's other entries before it. */
  makeFirst: z.boolean(),
  /** Fingerprint of what the profile held when the person decided. */
  previewed: z.string().optional(),
  activation: z.enum(ACTIVATIONS),
  requestedBy: address,
  state: z.enum([...OPEN_STATES, ...END_STATES]),
  epoch: z.number(),
  journal: z.array(journalEntry),
  /** From `prepared` on: which entry of which file changes from and to which fingerprint. */
  plan: storePlanSchema.optional(),
  /** How the change will be, or was, made known to the gateway; decided at `prepared`. */
  mode: z.enum(["reload", "restart", "none"]).optional(),
  /** How often the store was found written back and patched again. */
  repairs: z.number().default(0),
  proven: z.enum(["listed-by-gateway", "reloaded", "restarted", "not-running", "unproven"]).optional(),
  healthyAfterMs: z.number().optional(),
  /** Whether the gateway answered when a rollback was over; absent where there was none. */
  gatewayAfter: z.enum(["running", "stopped"]).optional(),
  order: z.object({ written: z.array(z.string()), wasImplicit: z.boolean() }).optional(),
  removedCopies: z.array(z.string()).optional(),
  /** Secret-free facts of the login that is being saved, for the receipt. */
  login: z.object({ email: z.string().optional(), planType: z.string().optional(), expiresAtMs: z.number() }),
  /** The parked login that this job took over. */
  parkedId: z.string(),
  /** True from the moment an executor found this job half done by another one. */
  interrupted: z.boolean().default(false),
  progress: progress.optional(),
  problem: problem.optional(),
});

/** A job as it is on disk; it holds no secret (those lie in a sibling file until the job ends). */
export type Job = z.infer<typeof jobSchema>;

/** True where the job has ended and nothing will happen to it any more. */
export function hasEnded(job: Pick<Job, "state">): boolean {
  return (END_STATES as readonly string[]).includes(job.state);
}
