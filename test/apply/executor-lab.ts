// An executor whose jobs can be stopped at any line, for the tests of what it decides.

import { Executor } from "../../src/apply/executor.ts";
import type { Job } from "../../src/apply/job.ts";
import type { JobQueue } from "../../src/apply/queue.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { storeWith } from "./steps/step-lab.ts";

/** An error of `code`. */
export const failure = (code: ErrorCode): CodexAuthError =>
  new CodexAuthError(code, { message: "No.", next: "Nothing." });

/** What fails with `code` each time it is asked. */
export const fails = (code: ErrorCode) => (): Promise<never> => Promise.reject(failure(code));

/** Executes everything that is open, with `more` in the place of some services. */
export function drainerOf(services: ExecutorServices): (more?: Partial<ExecutorServices>) => Promise<number> {
  const reign = { epoch: 7, signal: new AbortController().signal, assertMine: () => Promise.resolve() };
  return (more = {}) => new Executor({ ...services, ...more }, reign).drain();
}

/** Lets each job that `isIt` picks be saved in its new form, or not (`before`), and ends the executor there; gives the way back. */
export function killAt(queue: JobQueue, isIt: (job: Job) => boolean, when: "before" | "after" = "after"): () => void {
  const save = queue.save.bind(queue);
  queue.save = async (job) => {
    if (when === "after" || !isIt(job)) await save(job);
    if (isIt(job)) throw failure("ERR_EXECUTOR_FENCED");
  };
  return () => void (queue.save = save);
}

/** Notes the kind and state of each job whenever it is saved, each state once in a row. */
export function statesOf(queue: JobQueue): readonly string[] {
  const states: string[] = [];
  const save = queue.save.bind(queue);
  queue.save = async (job) => {
    await save(job);
    const line = `${job.kind} ${job.state}`;
    if (states.at(-1) !== line) states.push(line);
  };
  return states;
}

/** The store, whose locks are let go of with `error` after what was done under them. */
export function losingLocks(store: ProfileStore, error: CodexAuthError): ProfileStore {
  return storeWith(store, {
    holding: async (...args) => {
      await store.holding?.(...args);
      throw error;
    },
  });
}
