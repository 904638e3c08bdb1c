// The crash matrix at random instants: jobs of every kind, one after another on one machine, whose workers are killed wherever they are.

import { expect } from "vitest";
import { assertEnded, assertHalfway, assertTokens, waitedForAnswer } from "./crash-checks.ts";
import { enqueue, STEPS, WORK, type Activation } from "./crash-steps.ts";
import { CrashWorld } from "./crash-world.ts";
import { chance, seed, tellFigure } from "./run.ts";

/** Of the next starts, those that are another worker; the others are the next host that is there, which is cheaper. */
const BY_WORKER = 0.15;

/** Kills `kills` workers, one job after another, and checks after each what must be true. */
export async function crashMatrix(shape: "one-file" | "two-files", kills: number): Promise<void> {
  const crash = await CrashWorld.open(shape);
  const random = chance(shape);
  const usual = new Map<string, number>();
  let [killed, jobs, renewals, unknown] = [0, 0, 0, 0];
  let removed: string | undefined;
  const began = performance.now();
  for (let round = 0; killed < kills; round += 1) {
    const step = STEPS[round % STEPS.length] ?? "login";
    const mayRestart = step !== "rollback" && step !== "renewal";
    const activation: Activation = mayRestart && random() < 0.25 ? "restart" : "reload";
    if (step === "rollback") await crash.world.setFaults([{ kind: "reload-fails" }]);
    const before = crash.standing();
    const job = await enqueue(crash, step, activation, removed);
    jobs += 1;
    const killedBefore = killed;
    // The answer of a sign-in server takes a while, here as long as all the rest: a kill is to fall into it as well.
    const lateUs = step === "renewal" && random() < 0.6 ? usual.get("renewal reload") : undefined;
    const kind = `${step} ${lateUs === undefined ? activation : "late"}`;
    let isUnknown = false;
    try {
      // Until it is known how long such a job takes, none of its kind is killed.
      const expected = usual.get(kind);
      if (lateUs !== undefined) crash.answersLate(Math.min(3_000, lateUs / 1_000));
      if (expected !== undefined) {
        // Who takes over may be killed in its turn.
        for (const share of random() < 0.3 ? [random(), random()] : [random()]) {
          const run = await crash.work(share * expected * 1.05);
          if (!run.killed) {
            // The machine is less busy than when it was last looked at.
            usual.set(kind, run.tookUs);
            break;
          }
          killed += 1;
          if (step === "renewal") renewals += 1;
          await assertHalfway(crash, job, before);
          isUnknown ||= await waitedForAnswer(crash, job, before);
        }
      }
      // Also where the job had ended before the kill: the next executor tidies up behind the dead one.
      if (killed > killedBefore || (await crash.queue.open()).length > 0) {
        if (expected !== undefined && random() >= BY_WORKER) await crash.workHere();
        else {
          const { tookUs } = await crash.work();
          if (expected === undefined) usual.set(kind, tookUs);
        }
      }
      crash.answersAtOnce();
      const receipt = await assertEnded(crash, { job, step, before, isUnknown });
      if (step === "remove") removed = receipt.id;
      if (step === "rollback") await discardAll(crash);
      if (isUnknown) unknown += 1;
      // Now and then the gateway spends the token that it was given: what comes later must not put that one back.
      if (step === "switch" && round % 3 === 0) await crash.refreshAsGateway(WORK);
    } catch (error) {
      const journal = (await crash.queue.get(job.id))?.journal;
      // With what was wrong in its own words: the last lines of `.ci/run` tell no causes.
      throw new Error(`round ${round}, ${kind}, seed ${seed}: ${String(error)}\n${JSON.stringify(journal)}`, {
        cause: error,
      });
    }
    if (step === "rollback") await crash.world.setFaults([]);
  }
  await assertTokens(crash);
  // Also those that came while nobody looked for them any more.
  expect([...crash.told.values()].filter((count) => count > 1)).toEqual([]);
  const figures = [
    ["", killed, "kills"],
    [", of renewals", renewals, "of the kills in a renewal"],
    [", of renewals, unknown", unknown, "of them while its answer was waited for"],
    [", jobs", jobs, "jobs"],
    [", time", Math.round((performance.now() - began) / 1_000), "seconds of crash matrix"],
  ] as const;
  for (const [what, count, unit] of figures) tellFigure(`crash matrix, ${shape}${what}`, count, unit);
}

async function discardAll(crash: CrashWorld): Promise<void> {
  for (const { id } of await crash.parked.list()) await crash.parked.discard(id);
}
