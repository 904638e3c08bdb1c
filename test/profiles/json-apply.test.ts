// How much of a change a store holds, what takes a change back, and what it writes: judged on files put together by hand.

import { describe, expect, it } from "vitest";
import { holdingOf, patchOf, takingBack } from "../../src/profiles/json-apply.ts";
import type { JsonObject } from "../../src/profiles/json-files.ts";
import { openCredential, sealCredential } from "../../src/profiles/profile.ts";
import type { FileChange, Holding } from "../../src/profiles/store.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { login } from "../support/openclaw-state.ts";
import { filesOf, pathOf, store } from "./plan-lab.ts";

const P = "openai-codex";
const [WORK, HOME, BOB, EVE] = [`${P}:work`, `${P}:home`, `${P}:bob`, `${P}:eve`];
const [old, fresh] = [login("ada"), login("ada")];
const [before, after] = [fingerprintJson(old), fingerprintJson(fresh)];

const nothing: FileChange = {
  path: pathOf("main"),
  agentId: "main",
  profileId: WORK,
  role: "owner",
  before: null,
  after: null,
  orderBefore: null,
  orderAfter: null,
  clearCooldown: false,
  creates: false,
};
const holding = (change: Partial<FileChange>, profiles: JsonObject | undefined, state?: JsonObject): Holding =>
  holdingOf(filesOf("main", profiles, state), { ...nothing, ...change });
const ordered = (order: readonly string[] | undefined, entries: JsonObject = { [WORK]: old, [BOB]: old }): JsonObject =>
  store(entries, order === undefined ? {} : { order: { [P]: order } });

describe("how much of a changed entry a store holds", () => {
  it("is told by its fingerprint, also of one that comes or goes", () => {
    expect(holding({ before, after }, store({ [WORK]: old }))).toBe("before");
    expect(holding({ before, after }, store({ [WORK]: fresh }))).toBe("after");
    expect(holding({ before, after }, store({ [WORK]: login("ada") }))).toBe("other");
    expect(holding({ before, after }, store({}))).toBe("other");
    expect(holding({ after }, store({}))).toBe("before");
    expect(holding({ after }, undefined)).toBe("before");
    expect(holding({ after }, store({ [WORK]: fresh }))).toBe("after");
    expect(holding({ before }, store({ [WORK]: old }))).toBe("before");
    expect(holding({ before }, store({}))).toBe("after");
  });

  it("is all of it where nothing was to change, whatever the entry has become", () => {
    expect(holding({ before, after: before }, store({ [WORK]: fresh }))).toBe("after");
    expect(holding({}, undefined)).toBe("after");
  });
});

describe("how much of a changed order a store holds", () => {
  const change = { orderBefore: [WORK], orderAfter: [BOB, WORK] };

  it("is told by the ids and their places", () => {
    expect(holding(change, ordered([WORK]))).toBe("before");
    expect(holding(change, ordered([BOB, WORK]))).toBe("after");
    expect(holding(change, ordered([WORK, BOB]))).toBe("other");
    expect(holding(change, ordered(undefined))).toBe("other");
    expect(holding({ orderAfter: [WORK] }, ordered(undefined))).toBe("before");
    expect(holding({ orderBefore: [WORK] }, ordered(undefined))).toBe("after");
    expect(holding({ orderBefore: [WORK] }, ordered([WORK]))).toBe("before");
  });

  it("is told without ids that are no profiles, since OpenClaw drops those by itself", () => {
    const gone = `${P}:gone`;
    expect(holding({ orderBefore: [WORK], orderAfter: [gone, BOB, WORK] }, ordered([BOB, WORK]))).toBe("after");
    expect(holding({ orderBefore: [gone, WORK], orderAfter: [BOB, WORK] }, ordered([WORK]))).toBe("before");
    expect(holding({ orderBefore: [gone], orderAfter: [BOB] }, ordered(undefined))).toBe("before");
    expect(holding({ orderBefore: [BOB], orderAfter: [gone] }, ordered(undefined))).toBe("after");
    expect(holding(change, ordered([gone, BOB, WORK]))).toBe("after");
  });

  it("goes by the very ids first, where both would be the same without those that are no profiles", () => {
    const gone = `${P}:gone`;
    expect(holding({ orderBefore: [BOB, gone], orderAfter: [BOB] }, ordered([BOB, gone]))).toBe("before");
    expect(holding({ orderBefore: [BOB], orderAfter: [BOB, gone] }, ordered([BOB]))).toBe("before");
    expect(holding({ orderBefore: [BOB, gone], orderAfter: [gone, BOB] }, ordered([gone, BOB]))).toBe("after");
  });

  it("counts the profile of the change among the profiles, entry or not", () => {
    expect(holding({ orderBefore: [BOB], orderAfter: [BOB, WORK] }, ordered([BOB], { [BOB]: old }))).toBe("before");
    expect(holding({ orderBefore: [BOB], orderAfter: [BOB, WORK] }, ordered([BOB, WORK], { [BOB]: old }))).toBe(
      "after",
    );
  });

  it("is read from the second file first", () => {
    expect(holding(change, ordered([WORK]), { version: 1, order: { [P]: [BOB, WORK] } })).toBe("after");
  });
});

describe("a change of an entry and of an order", () => {
  const change = { before, after, orderBefore: [WORK], orderAfter: [WORK, BOB] };

  it("is done where both are, and done again where one is not yet", () => {
    expect(holding(change, ordered([WORK, BOB], { [WORK]: fresh, [BOB]: old }))).toBe("after");
    expect(holding(change, ordered([WORK], { [WORK]: old, [BOB]: old }))).toBe("before");
    expect(holding(change, ordered([WORK, BOB], { [WORK]: old, [BOB]: old }))).toBe("before");
    expect(holding(change, ordered([WORK], { [WORK]: fresh, [BOB]: old }))).toBe("before");
  });

  it("is done where somebody has since changed the order with the profile in it, and not where they left it out", () => {
    const entries = { [WORK]: fresh, [BOB]: old, [EVE]: old };
    expect(holding(change, ordered([EVE, WORK], entries))).toBe("after");
    expect(holding(change, ordered([EVE], entries))).toBe("other");
    expect(holding(change, ordered([EVE, WORK], { ...entries, [WORK]: old }))).toBe("other");
    expect(holding({ ...change, after: before }, ordered([EVE, WORK], entries))).toBe("other");
  });

  it("is not done where the order is gone altogether by now", () => {
    expect(holding(change, store({ [WORK]: fresh, [BOB]: old }))).toBe("other");
  });

  it("is told by the entry alone where the order was not to change, whatever it is by now", () => {
    const entryOnly = { before, after, orderBefore: [WORK], orderAfter: [WORK] };
    expect(holding(entryOnly, ordered([BOB], { [WORK]: old, [BOB]: old }))).toBe("before");
    expect(holding(entryOnly, ordered([BOB], { [WORK]: fresh, [BOB]: old }))).toBe("after");
  });

  it("is neither where the entry is somebody else's by now", () => {
    expect(holding(change, ordered([WORK, BOB], { [WORK]: login("ada"), [BOB]: old }))).toBe("other");
  });
});

const noted = (stats: JsonObject): JsonObject => store({ [WORK]: old }, { usageStats: { [WORK]: stats } });

describe("how much of changed notes a store holds", () => {
  const notes = { before: { cooldownUntil: 9 }, after: {} };
  it("is told by the notes of failures alone", () => {
    expect(holding({ notes }, noted({ cooldownUntil: 9, lastUsed: 1 }))).toBe("before");
    expect(holding({ notes }, noted({ lastUsed: 1, errorCount: 0 }))).toBe("after");
    expect(holding({ notes }, store({ [WORK]: old }))).toBe("after");
    expect(holding({ notes }, noted({ cooldownUntil: 10 }))).toBe("other");
  });
});

describe("how much of a new name a store holds", () => {
  const change = { renameTo: HOME };

  it("is told by the ids alone, whatever the entry is by now", () => {
    expect(holding(change, store({ [WORK]: fresh }))).toBe("before");
    expect(holding(change, store({ [HOME]: fresh }))).toBe("after");
    expect(holding(change, store({ [WORK]: old, [HOME]: fresh }))).toBe("other");
  });

  it("is told by what else names it where the store has no such entry, in either file", () => {
    expect(holding(change, store({}))).toBe("after");
    expect(holding(change, undefined)).toBe("after");
    expect(holding(change, store({}, { order: { [P]: [WORK] } }))).toBe("before");
    expect(holding(change, store({}), { version: 1, usageStats: { [WORK]: {} } })).toBe("before");
    expect(holding(change, store({}), { version: 1, order: { [P]: [HOME] } })).toBe("after");
  });
});

describe("what takes a change back", () => {
  it("is the same change the other way round, which begins no store and forgets no failures", () => {
    const [next, previous] = [sealCredential(fresh), sealCredential(old)];
    const change = { ...nothing, before, after, orderBefore: [WORK], orderAfter: [BOB], clearCooldown: true };
    const back = takingBack({ ...change, creates: true }, { next, previous });
    expect(back.change).toStrictEqual({
      ...nothing,
      before: after,
      after: before,
      orderBefore: [BOB],
      orderAfter: [WORK],
    });
    expect(back.values).toEqual({ next: previous, previous: next });
  });

  it("puts back what is given for it, which may be less than there was, or nothing", () => {
    const { refresh: _spent, ...poorer } = old;
    const change = { ...nothing, before, after };
    const sealed = sealCredential(openCredential(sealCredential(poorer)));
    expect(takingBack(change, { next: null, previous: sealed }).change).toMatchObject({
      before: after,
      after: fingerprintJson(poorer),
    });
    expect(takingBack(change, { next: sealCredential(fresh), previous: null }).change).toMatchObject({
      before: after,
      after: null,
    });
  });

  it("leaves an entry alone that did not change, whatever was kept of it", () => {
    const change = { ...nothing, before, after: before, orderAfter: [WORK] };
    const values = { next: sealCredential(old), previous: sealCredential(fresh) };
    expect(takingBack(change, values)).toEqual({
      change: { ...change, orderBefore: [WORK], orderAfter: null },
      values: { next: values.previous, previous: values.next },
    });
  });

  it("gives a profile its old name and its old notes", () => {
    const notes = { before: { cooldownUntil: 9 }, after: {} };
    const none = { next: null, previous: null };
    expect(takingBack({ ...nothing, renameTo: HOME }, none).change).toStrictEqual({
      ...nothing,
      profileId: HOME,
      renameTo: WORK,
    });
    expect(takingBack({ ...nothing, notes }, none).change).toStrictEqual({
      ...nothing,
      notes: { before: notes.after, after: notes.before },
    });
  });
});

describe("what a change writes", () => {
  const patch = { profileId: WORK, clearCooldown: false };

  it("is what it is about, and no part more", () => {
    expect(patchOf(nothing, null)).toStrictEqual(patch);
    expect(patchOf({ ...nothing, after }, sealCredential(fresh))).toStrictEqual({ ...patch, entry: fresh });
    expect(patchOf({ ...nothing, before }, null)).toStrictEqual({ ...patch, entry: null });
    expect(patchOf({ ...nothing, orderBefore: [WORK], orderAfter: [BOB] }, null)).toStrictEqual({
      ...patch,
      order: [BOB],
    });
    expect(patchOf({ ...nothing, orderBefore: [WORK] }, null)).toStrictEqual({ ...patch, order: null });
    expect(patchOf({ ...nothing, orderBefore: [WORK], orderAfter: [WORK] }, null)).toStrictEqual(patch);
    expect(patchOf({ ...nothing, clearCooldown: true, renameTo: HOME }, null)).toStrictEqual({
      profileId: WORK,
      clearCooldown: true,
      renameTo: HOME,
    });
    const notes = { before: {}, after: { cooldownUntil: 9 } };
    expect(patchOf({ ...nothing, notes }, null)).toStrictEqual({ ...patch, notes: { cooldownUntil: 9 } });
  });

  it("is refused where the value is not the planned one, and not looked at where the entry stays", () => {
    const internal = expect.objectContaining({ code: "ERR_INTERNAL" }) as Error;
    expect(() => patchOf({ ...nothing, after }, sealCredential(old))).toThrow(internal);
    expect(() => patchOf({ ...nothing, after }, null)).toThrow(internal);
    expect(() => patchOf({ ...nothing, before }, sealCredential(old))).toThrow(internal);
    expect(patchOf({ ...nothing, before, after: before }, sealCredential(fresh))).toStrictEqual(patch);
  });
});
