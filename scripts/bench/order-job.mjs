// One job from the queue to its end: a profile is put first, and the gateway reloads or restarts for it.

import { executeOpenJobs } from "../../dist/hosts/worker/execute.js";

/** Enqueues and executes it in this process. @throws where it did not end well, or the gateway was told in another way. */
export async function putFirst(parts, { profileId, activation, number }) {
  await parts.engine.queue.enqueueChange({
    kind: "order",
    how: "first",
    requestId: `bench-${number}`,
    agentId: "main",
    profileId,
    activation,
    requestedBy: { host: "cli", chatId: "bench", personId: "bench" },
  });
  await executeOpenJobs(parts, "foreground");
  const [{ outcome, activation: told, problem }] = await parts.engine.receipts.list(1);
  if (outcome !== "done" || told.used !== activation)
    throw new Error(`the job ended as ${outcome}, activated by ${told.used} (${problem?.code})`);
}
