// One store as OpenClaw has it in its memory, and the proof of a write in each of its three shapes.

import { describe, expect, it } from "vitest";
import type { StoreView } from "../../src/profiles/openclaw-backend.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import { documentFrom, dropsFrom, proveWritten, storeFrom, viewOf } from "../../src/profiles/openclaw-view.ts";
import { login } from "../support/openclaw-state.ts";

const [WORK, BOB] = ["openai:work", "openai:bob"];
const ada = login("ada");
const bob = login("bob");
const empty: StoreView = { profiles: {}, order: {}, lastGood: {}, usageStats: {} };
const none = { profiles: undefined, state: undefined };

describe("both documents as one", () => {
  it("have the second's values before the first's, key by key", () => {
    const profiles = {
      profiles: { [WORK]: ada },
      order: { openai: ["first"], other: ["x"] },
      lastGood: { openai: "first", other: "x" },
      usageStats: { [WORK]: { lastUsed: 1 }, [BOB]: {} },
    };
    const state = {
      profiles: { [BOB]: bob },
      order: { openai: ["second"] },
      lastGood: { openai: "second" },
      usageStats: { [WORK]: { lastUsed: 2 } },
    };
    expect(viewOf({ profiles, state })).toStrictEqual({
      profiles: { [WORK]: ada },
      order: { openai: ["second"], other: ["x"] },
      lastGood: { openai: "second", other: "x" },
      usageStats: { [WORK]: { lastUsed: 2 }, [BOB]: {} },
    });
    expect(viewOf({ profiles: undefined, state })).toMatchObject({ profiles: {}, lastGood: { openai: "second" } });
  });

  it("are empty where there are none, and have neither entries nor orders that OpenClaw would not take", () => {
    expect(viewOf(none)).toStrictEqual(empty);
    const odd = { profiles: { odd: { type: "magic" }, [WORK]: ada }, order: { a: [], b: "text", c: ["x"] } };
    expect(viewOf({ profiles: odd, state: undefined })).toStrictEqual({
      ...empty,
      profiles: { [WORK]: ada },
      order: { c: ["x"] },
    });
    expect(viewOf({ profiles: { profiles: "text", order: [], lastGood: 7 }, state: undefined })).toStrictEqual(empty);
  });
});

describe("what OpenClaw's own code drops at its next write", () => {
  const whole = { version: 1, profiles: { [WORK]: ada }, order: {}, lastGood: {}, usageStats: {} };

  it("is an entry that it does not know, and a part that it does not know, in either file", () => {
    expect(dropsFrom({ profiles: whole, state: undefined })).toBe(false);
    expect(dropsFrom({ profiles: whole, state: { version: 1, order: {} } })).toBe(false);
    expect(dropsFrom(none)).toBe(false);
    expect(dropsFrom({ profiles: { ...whole, news: 1 }, state: undefined })).toBe(true);
    expect(dropsFrom({ profiles: whole, state: { news: 1 } })).toBe(true);
    expect(dropsFrom({ profiles: { profiles: { [WORK]: ada, odd: "text" } }, state: undefined })).toBe(true);
  });
});

describe("a store that is handed over", () => {
  it("is one of version 1 with its parts", () => {
    expect(storeFrom({ ...empty, profiles: { [WORK]: ada } })).toStrictEqual({
      version: 1,
      ...empty,
      profiles: { [WORK]: ada },
    });
  });

  it("is read without what OpenClaw notes for itself, and as a copy that nobody else changes", () => {
    const entry = { ...ada };
    const store = { version: 1, profiles: { [WORK]: entry }, order: undefined, runtimePersistedProfileIds: [WORK] };
    const document = documentFrom(store);
    expect(document).toStrictEqual({ version: 1, profiles: { [WORK]: ada } });
    entry["access"] = "changed";
    expect(document).toStrictEqual({ version: 1, profiles: { [WORK]: ada } });
  });
});

describe("the proof of a write", () => {
  const wanted: StoreView = {
    profiles: { [WORK]: ada, [BOB]: bob },
    order: { openai: [WORK, "gone"] },
    lastGood: { openai: "gone", other: WORK },
    usageStats: { [BOB]: { lastUsed: 1, strange: 1 }, gone: { lastUsed: 2 } },
  };
  const isDrift = (shape: SdkShape, found: StoreView, ids: readonly string[] = [WORK], from = wanted): boolean => {
    try {
      proveWritten(from, found, shape, ids);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: "ERR_STORE_DRIFT", retryable: true });
      return true;
    }
  };
  const others: readonly SdkShape[] = ["one-file", "sqlite"];

  it("holds where everything is as it was to be, in every shape that keeps it", () => {
    for (const shape of others) expect(isDrift(shape, wanted)).toBe(false);
    for (const shape of ["one-file", "two-files", "sqlite"] as const)
      expect(isDrift(shape, empty, [], empty)).toBe(false);
  });

  it("fails in every shape where an entry is lost, foreign or another one, or the order is", () => {
    for (const shape of ["one-file", "two-files", "sqlite"] as const) {
      const kept = { ...empty, profiles: { [WORK]: ada, [BOB]: bob }, order: { openai: [WORK] } };
      expect(isDrift(shape, kept, [WORK], kept)).toBe(false);
      for (const profiles of [
        { [WORK]: ada },
        { ...kept.profiles, eve: login("eve") },
        { [WORK]: login("ada"), [BOB]: bob },
        { [WORK]: ada, [BOB]: login("eve") },
        { [WORK]: ada, eve: bob },
      ]) {
        expect(isDrift(shape, { ...kept, profiles }, [WORK], kept), shape).toBe(true);
      }
      expect(isDrift(shape, { ...kept, order: { openai: [BOB] } }, [WORK], kept)).toBe(true);
      expect(isDrift(shape, { ...kept, order: {} }, [WORK], kept)).toBe(true);
    }
  });

  it("lets a database's gateway renew another profile and note a use meanwhile; files are compared at once", () => {
    const renewed = { ...wanted, profiles: { [WORK]: ada, [BOB]: login("bob") } };
    expect(isDrift("sqlite", renewed)).toBe(false);
    expect(isDrift("sqlite", renewed, [WORK, BOB])).toBe(true);
    expect(isDrift("one-file", renewed)).toBe(true);
    const noted = { ...wanted, lastGood: { openai: WORK }, usageStats: {} };
    expect(isDrift("sqlite", noted)).toBe(false);
    expect(isDrift("one-file", noted)).toBe(true);
  });

  it("takes every note of one file as it was to be", () => {
    expect(isDrift("one-file", { ...wanted, lastGood: {} })).toBe(true);
    expect(isDrift("one-file", { ...wanted, usageStats: { gone: { lastUsed: 2 } } })).toBe(true);
  });

  describe("in two files", () => {
    const kept: StoreView = {
      profiles: wanted.profiles,
      order: { openai: [WORK] },
      lastGood: { other: WORK },
      usageStats: { [BOB]: { lastUsed: 1 } },
    };

    it("lets OpenClaw leave out names of what the store does not have, and fields that it does not know", () => {
      expect(isDrift("two-files", kept)).toBe(false);
      expect(isDrift("two-files", { ...kept, usageStats: {} })).toBe(false);
    });

    it("fails where such names are there all the same, or those of the store are not", () => {
      expect(isDrift("two-files", wanted)).toBe(true);
      expect(isDrift("two-files", { ...kept, order: {} })).toBe(true);
      expect(isDrift("two-files", { ...kept, lastGood: {} })).toBe(true);
      expect(isDrift("two-files", { ...kept, lastGood: { ...kept.lastGood, openai: "gone" } })).toBe(true);
    });

    it("fails where a note has another value or is a new one, unless it is the target's", () => {
      for (const stats of [{ lastUsed: 2 }, { lastUsed: 1, fresh: 1 }]) {
        expect(isDrift("two-files", { ...kept, usageStats: { [BOB]: stats } })).toBe(true);
        expect(isDrift("two-files", { ...kept, usageStats: { [BOB]: stats } }, [BOB])).toBe(false);
      }
    });

    it("has no order at all where none of its names is a profile, and none where it was no list", () => {
      const from = { ...wanted, order: { openai: ["gone"], other: "text", odd: [7, WORK] } };
      expect(isDrift("two-files", { ...kept, order: { odd: [WORK] } }, [WORK], from)).toBe(false);
      expect(isDrift("two-files", { ...kept, order: { openai: [], odd: [WORK] } }, [WORK], from)).toBe(true);
    });
  });
});
