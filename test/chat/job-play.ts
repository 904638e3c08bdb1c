// Plays the executor's part on a real queue: moves jobs, writes receipts and what is to be told.

import { randomUUID } from "node:crypto";
import type { LoginJob } from "../../src/apply/job.ts";
import type { Receipt } from "../../src/apply/receipt.ts";
import type { ChatLab } from "./chat-lab.ts";

/** The one open job of `lab`. */
async function openLogin(lab: ChatLab): Promise<LoginJob> {
  const [job] = await lab.queue.open();
  if (job?.kind !== "save-login") throw new Error("no open job");
  return job;
}

/** Changes the one open job of `lab`. */
export async function move(lab: ChatLab, patch: Partial<LoginJob>): Promise<LoginJob> {
  const job = await openLogin(lab);
  const next = { ...job, ...patch };
  await lab.queue.save(next);
  return next;
}

/** The receipt of a job that went well; `patch` makes it another. */
export function receiptOf(
  job: Pick<LoginJob, "id" | "agentId" | "profileId" | "requestedBy">,
  patch: Partial<Receipt> = {},
): Receipt {
  return {
    schemaVersion: 1,
    id: job.id,
    kind: "save-login",
    agentId: job.agentId,
    profileId: job.profileId,
    outcome: "done",
    startedAt: 0,
    endedAt: 0,
    durations: {},
    files: [],
    activation: { asked: "auto", used: "reload", proven: "listed-by-gateway" },
    requestedBy: job.requestedBy,
    ...patch,
  };
}

/** Ends the one open job: its receipt, its answer in the outbox, its last state. */
export async function end(lab: ChatLab, patch: Partial<Receipt> = {}): Promise<Receipt> {
  const job = await openLogin(lab);
  const receipt = receiptOf(job, { endedAt: lab.clock.now, ...patch });
  await lab.receipts.put(receipt);
  await lab.outbox.put({
    id: randomUUID(),
    address: job.requestedBy,
    content: { kind: "receipt", receiptId: job.id },
  });
  await lab.queue.save({ ...job, state: receipt.outcome });
  return receipt;
}
