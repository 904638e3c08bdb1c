// For how long a snapshot says the same while its files do: to the next moment at which the clock alone changes it, and not beyond.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, HOUR, MINUTE, PROFILES } from "../../src/config/defaults.ts";
import { lookOf, snapshotOf, type SnapshotInput } from "../../src/profiles/json-snapshot.ts";
import { fakeAccessToken } from "../support/jwt.ts";
import { login, NOW } from "../support/openclaw-state.ts";
import { filesOf, store } from "./plan-lab.ts";

const P = "openai-codex";
const WORK = `${P}:work`;
const config: SnapshotInput["config"] = { agents: [], configOrder: undefined, declared: new Map() };

function inputOf(profiles: Record<string, unknown>, usageStats: Record<string, unknown> = {}, own?: typeof profiles) {
  const main = filesOf("main", store(profiles, { usageStats }));
  const agentId = own === undefined ? "main" : "ops";
  return { agentId, main, own: own === undefined ? undefined : filesOf("ops", store(own)), config, now: NOW };
}

/** A login that ends `afterMs` by its token's words, and by the store's at another time. */
function ending(afterMs: number, storedAfterMs = afterMs): Record<string, unknown> {
  const access = fakeAccessToken({ email: "ada@example.com", expiresAtMs: NOW + afterMs });
  return { ...login("ada"), access, expires: NOW + storedAfterMs };
}

function staticToken(expires?: number): Record<string, unknown> {
  return { type: "token", provider: P, token: "t", ...(expires === undefined ? {} : { expires }) };
}

describe("what was seen of a store", () => {
  it.each<[string, SnapshotInput, number]>([
    ["a login expires", inputOf({ [WORK]: ending(HOUR) }), HOUR],
    ["a login is soon to expire", inputOf({ [WORK]: ending(3 * DAY) }), 3 * DAY - PROFILES.expiringWithinMs],
    ["a static token is not tried any more", inputOf({ [WORK]: staticToken(NOW + MINUTE) }), MINUTE],
    ["a cooldown is over", inputOf({ [WORK]: ending(9 * DAY) }, { [WORK]: { cooldownUntil: NOW + 5 } }), 5],
    ["a disabled one is tried", inputOf({ [WORK]: ending(9 * DAY) }, { [WORK]: { disabledUntil: NOW + 6 } }), 6],
    ["a limit has passed", inputOf({ [WORK]: ending(9 * DAY) }, { [WORK]: { blockedUntil: NOW + 7 } }), 7],
    [
      "the first of two windows ends",
      inputOf({ [WORK]: ending(9 * DAY) }, { [WORK]: { disabledUntil: NOW + 6, cooldownUntil: NOW + 60 } }),
      6,
    ],
    ["an agent's own login expires", inputOf({ [WORK]: ending(9 * DAY) }, {}, { [WORK]: ending(HOUR) }), HOUR],
  ])("is the same until %s, and another then", (_what, input, afterMs) => {
    const { snapshot, fromMs, untilMs } = lookOf(input);
    expect([fromMs, untilMs]).toEqual([NOW, NOW + afterMs]);
    expect(snapshot).toEqual(snapshotOf(input));
    expect(snapshotOf({ ...input, now: untilMs - 1 })).toEqual(snapshot);
    expect(snapshotOf({ ...input, now: untilMs })).not.toEqual(snapshot);
  });

  it("is the same for good where no moment is to come", () => {
    const past = { cooldownUntil: NOW, disabledUntil: NOW - 1, blockedUntil: 0 };
    const key = { type: "api_key", provider: P, key: "k", expires: NOW + 5 };
    for (const entry of [staticToken(), key, ending(0), ending(-DAY), "text"])
      expect(lookOf(inputOf({ [WORK]: entry }, { [WORK]: past })).untilMs).toBe(Infinity);
  });

  it("was in the files of main and, besides, the agent's own, there or not", () => {
    const input = inputOf({ [WORK]: login("ada") });
    const paths = [input.main.place.storePath, input.main.place.statePath];
    expect(lookOf(input).readFrom).toEqual(paths);
    const own = filesOf("ops", undefined);
    expect(lookOf({ ...input, own }).readFrom).toEqual([...paths, own.place.storePath, own.place.statePath]);
  });

  it("is the same at every moment until the one that was said, whatever is in it", () => {
    const after = fc.integer({ min: -3, max: 6 }).map((steps) => steps * (DAY / 2));
    const entry = fc.oneof(
      fc.tuple(after, after).map(([said, stored]) => ending(said, stored)),
      after.map((ms) => staticToken(NOW + ms)),
      fc.constant(staticToken()),
      fc.constant("text"),
    );
    const notes = fc.record({ cooldownUntil: after, disabledUntil: after, blockedUntil: after }, { requiredKeys: [] });
    const noted = notes.map((fields) =>
      Object.fromEntries(Object.entries(fields).map(([name, ms]) => [name, NOW + ms])),
    );
    const ids = [WORK, `${P}:bob`, `${P}:carol`];
    const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
      fc.dictionary(fc.constantFrom(...ids), one, { maxKeys: 3, noNullPrototype: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        some(entry),
        some(noted),
        fc.option(some(entry), { nil: undefined }),
        share,
        (main, usage, own, at) => {
          const input = inputOf(main, usage, own);
          const { snapshot, untilMs } = lookOf(input);
          const last = Math.min(untilMs, NOW + 9 * DAY) - 1;
          for (const now of [NOW + Math.floor((last - NOW) * at), last])
            expect(snapshotOf({ ...input, now })).toEqual(snapshot);
        },
      ),
      { numRuns: 500 },
    );
  });
});
