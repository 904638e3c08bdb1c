// Plans and their values as they are kept: whether a step changes anything, and values that go through JSON and come back sealed.

import { describe, expect, it } from "vitest";
import { exposeValues, isChange, readValues, type FileChange } from "../../src/profiles/store.ts";
import { Secret } from "../../src/secrets/secret.ts";

const nothing: FileChange = {
  path: "/stores/main.json",
  agentId: "main",
  profileId: "openai-codex:work",
  role: "owner",
  before: "print",
  after: "print",
  orderBefore: ["a", "b"],
  orderAfter: ["a", "b"],
  clearCooldown: true,
  creates: false,
};

describe("a step of a plan", () => {
  it("is for nothing where entry and order stay and there is neither a new name nor other notes", () => {
    expect(isChange(nothing)).toBe(false);
    expect(isChange({ ...nothing, before: null, after: null, orderBefore: null, orderAfter: null })).toBe(false);
  });

  it("is for something where any one of them changes", () => {
    for (const more of [
      { after: "other" },
      { before: null },
      { after: null },
      { orderAfter: ["b", "a"] },
      { orderAfter: null },
      { orderBefore: null },
      { renameTo: "openai-codex:home" },
      { notes: { before: {}, after: {} } },
    ]) {
      expect(isChange({ ...nothing, ...more }), JSON.stringify(more)).toBe(true);
    }
  });
});

describe("the values of a plan", () => {
  const values = new Map([
    ["/stores/main.json", { next: Secret.of('{"a":1}'), previous: null }],
    ["/stores/ops.json", { next: null, previous: Secret.of('{"b":2}') }],
  ]);
  const plain = {
    "/stores/main.json": { next: '{"a":1}', previous: null },
    "/stores/ops.json": { next: null, previous: '{"b":2}' },
  };

  it("are plain for the file that keeps them, and sealed again when it is read", () => {
    expect(exposeValues(values)).toStrictEqual(plain);
    const read = readValues(JSON.parse(JSON.stringify(plain)));
    expect(exposeValues(read)).toStrictEqual(plain);
    expect(JSON.stringify([...read])).not.toContain('\\"a\\"');
    expect([...read.keys()]).toEqual([...values.keys()]);
    expect(read.get("/stores/main.json")?.previous).toBeNull();
    expect(read.get("/stores/ops.json")?.next).toBeNull();
  });

  it("are refused in any other form, never half read", () => {
    for (const json of [null, [], "text", { path: { next: 1, previous: null } }, { path: { next: null } }]) {
      expect(() => readValues(json), JSON.stringify(json)).toThrow();
    }
  });
});
