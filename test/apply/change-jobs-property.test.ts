// Whatever is used, removed, renamed and saved, in whichever order: every other profile stays as it was, byte for byte.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NAMES = ["alice", "bob", "carol", "dave"] as const;
const idOf = (name: string): string => `openai-codex:${name}`;
const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom("use", "only", "remove", "save", "reset"), name }),
  fc.record({ kind: fc.constant("rename"), name, to: name }),
);

describe("a sequence of changes", () => {
  it(
    "touches no profile but its own, loses no login, and keeps the order free of ids that went",
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), fc.boolean(), async (steps, together) => {
          const w = applyWorld(await temporaryFolder());
          /** What each id must hold, worked out beside the program. */
          const model = new Map(
            Object.entries(w.readStore().profiles).map(([id, entry]) => [id, JSON.stringify(entry)]),
          );
          const received: string[] = [];
          for (const wanted of steps) {
            const profileId = idOf(wanted.name);
            const request = { profileId };
            if (wanted.kind === "use" || wanted.kind === "only")
              await enqueueChange(w, "order", { how: wanted.kind === "use" ? "first" : "only" }, request);
            else if (wanted.kind === "reset") await enqueueChange(w, "reset-profile", {}, request);
            else if (wanted.kind === "remove") {
              await enqueueChange(w, "remove-profile", {}, request);
              model.delete(profileId);
            } else if ("to" in wanted) {
              await enqueueChange(w, "rename-profile", { to: idOf(wanted.to) }, request);
              const moved = model.get(profileId);
              if (moved !== undefined && !model.has(idOf(wanted.to))) {
                model.delete(profileId);
                model.set(idOf(wanted.to), moved);
              }
            } else {
              const tokens = receivedTokens(wanted.name);
              received.push(tokens.refresh.expose());
              await w.enqueue(tokens, request);
              model.set(profileId, `refresh ${tokens.refresh.expose()}`);
            }
            if (!together) await w.drain();
          }
          await w.drain();

          const { profiles, order } = w.readStore();
          expect(Object.keys(profiles).toSorted()).toEqual([...model.keys()].toSorted());
          for (const [id, entry] of Object.entries(profiles)) {
            const expected = model.get(id) ?? "";
            if (expected.startsWith("refresh ")) expect(`refresh ${String(entry["refresh"])}`).toBe(expected);
            else expect(JSON.stringify(entry)).toBe(expected);
          }
          for (const id of order?.["openai-codex"] ?? []) expect(Object.keys(profiles)).toContain(id);
          expect(await w.queue.open()).toEqual([]);
          // One login is in one place: no refresh token is stored and parked at once.
          const kept = await Promise.all((await w.parked.list()).map(({ id }) => w.parked.tokens(id)));
          const everywhere = [
            ...Object.values(profiles).map(({ refresh }) => refresh),
            ...kept.map((tokens) => tokens?.refresh.expose()),
          ].filter((token) => token !== undefined);
          expect(new Set(everywhere).size).toBe(everywhere.length);
        }),
        { numRuns: 25 },
      );
    },
  );
});
