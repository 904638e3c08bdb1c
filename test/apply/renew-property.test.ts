// Whatever is asked for and whatever goes wrong, in whichever order: the sign-in server never sees one refresh token twice, and no
// token that came is lost.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IssuerFault } from "../../src/sandbox/issuer-faults.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { assertNoneLost, assertNoneTwice, newLogin, takeBack } from "../support/renewal-steps.ts";
import { ALICE, renewalWorld } from "../support/renewal-world.ts";

/** After these the server has not taken the token, and has said so. */
const REFUSALS: readonly IssuerFault[] = [
  { kind: "html403" },
  { kind: "error", shape: "flat", code: "server_error", status: 500 },
  { kind: "error", shape: "nested", code: "temporarily_unavailable", status: 503 },
  { kind: "status", status: 429, body: "{}", contentType: "application/json", retryAfter: "5" },
  { kind: "error", shape: "code", code: "something_new", status: 400 },
];
/** After these nobody can know. */
const SILENCES: readonly IssuerFault[] = [
  { kind: "drop-before-process" },
  { kind: "drop-after-process" },
  { kind: "garbage" },
  { kind: "status-after-process", status: 502 },
  { kind: "status-after-process", status: 503 },
  { kind: "status", status: 500, body: "", contentType: "text/plain" },
];
const PARTIAL: readonly IssuerFault[] = [
  { kind: "without", field: "access_token" },
  { kind: "without", field: "id_token" },
];

const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: "renew" } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      fault: fc.constantFrom(...REFUSALS, ...SILENCES, ...PARTIAL),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ kind: "drain" } as const, { kind: "two drains" } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: "sign in" } as const) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "remove" } as const, { kind: "take back" } as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: "gateway writes back" } as const, { kind: "reload fails" } as const),
  },
);

describe("a sequence of renewals, sign-ins, removals and undos", () => {
  it("presents no refresh token twice, and keeps every one that came", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        const w = await renewalWorld({ timeoutMs: 1_000 });
        for (const one of steps) {
          switch (one.kind) {
            case "renew":
              await w.renew();
              break;
            case "fault":
              w.sandbox.faults.next(one.fault);
              break;
            case "drain":
              await w.drain();
              break;
            case "two drains":
              // The second finds nothing, or what the first one left.
              await Promise.all([w.drain(), w.drain()]);
              break;
            case "sign in":
              await newLogin(w);
              break;
            case "remove":
              await enqueueChange(w, "remove-profile", {}, { profileId: ALICE });
              break;
            case "take back":
              await w.drain();
              await takeBack(w);
              break;
            case "gateway writes back":
              w.gateway.writesBack = 1;
              break;
            case "reload fails":
              w.gateway.reloadFails = 1;
              break;
          }
        }
        await w.drain();
        assertNoneTwice(w);
        await assertNoneLost(w);
        expect(await w.queue.open()).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
