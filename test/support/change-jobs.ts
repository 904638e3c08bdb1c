// Confirmed changes of profiles for the tests of apply/.

import type { ChangeRequest } from "../../src/apply/new-job.ts";
import { REQUESTED_BY, type applyWorld } from "./apply-world.ts";

let requests = 0;

type Kind = ChangeRequest["kind"];
type Own<K extends Kind> = Omit<Extract<ChangeRequest, { kind: K }>, "kind" | keyof typeof usual>;

const usual = {
  requestId: "",
  agentId: "main",
  profileId: "openai-codex:bob",
  activation: "auto",
  requestedBy: REQUESTED_BY,
} as const;

/** Enqueues the change `kind` of bob's profile, or of another. */
export async function enqueueChange<K extends Kind>(
  world: Pick<ReturnType<typeof applyWorld>, "queue">,
  kind: K,
  own: Own<K>,
  request: Partial<Omit<ChangeRequest, "kind">> = {},
) {
  const all = { ...usual, requestId: `change-${++requests}`, ...request, ...own, kind } as unknown as ChangeRequest;
  return (await world.queue.enqueueChange(all)).job;
}
