// What working out a job's wish starts from, and what it comes to.

import type { PlannedChange, StoreSnapshot } from "../../profiles/store.ts";
import type { Job } from "../job.ts";
import type { JobSecret } from "../job-secrets.ts";
import type { ExecutorServices } from "../services.ts";

/** A planned change with the order it writes, or the reason why nothing is to be done. */
export type Wish =
  | { readonly kind: "change"; readonly planned: PlannedChange; readonly order: Job["order"] }
  /** An earlier plan of this very job has done it already: it is carried to its end. */
  | { readonly kind: "as-planned" }
  | { readonly kind: "nothing"; readonly note: string };

/** Whether some file holds what the job's plan writes: then it is carried to its end. */
export async function hasBegun(job: Job, { store }: ExecutorServices): Promise<boolean> {
  for (const file of job.plan?.files ?? []) if ((await store.check(file)) === "after") return true;
  return false;
}

/** What a wish rests on. */
export interface WishInput<J extends Job> {
  readonly job: J;
  readonly secret: JobSecret;
  readonly snapshot: StoreSnapshot;
  readonly services: ExecutorServices;
}
