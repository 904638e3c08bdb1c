// What the store's order becomes: after a choice, an undo and a save; and that what it was made from stays as it was.

import { describe, expect, it } from "vitest";
import { orderAfterChoice, orderAfterRemoval, orderAfterSave, orderRestored } from "../../src/profiles/order.ts";

describe("the order after a profile is chosen", () => {
  it("as the first is that profile and then what was tried until now", () => {
    const before = { storeOrder: ["a", "b", "c"], lasting: ["b"] };
    expect(orderAfterChoice(before, "c", "first")).toEqual({ order: ["c", "a", "b"], isNew: false, isChanged: true });
    expect(before.storeOrder).toEqual(["a", "b", "c"]);
  });

  it("as the first changes nothing where it is the first already", () => {
    const before = { storeOrder: ["a", "b"], lasting: ["a", "b"] };
    expect(orderAfterChoice(before, "a", "first")).toEqual({ order: ["a", "b"], isNew: false, isChanged: false });
  });

  it("as the only one is that profile alone", () => {
    const before = { storeOrder: ["a", "b"], lasting: ["a", "b"] };
    expect(orderAfterChoice(before, "b", "only")).toEqual({ order: ["b"], isNew: false, isChanged: true });
    expect(orderAfterChoice(before, "a", "only")).toEqual({ order: ["a"], isNew: false, isChanged: true });
  });

  it("as the only one changes nothing where it stands there alone already, and does where another one does", () => {
    expect(orderAfterChoice({ storeOrder: ["a"], lasting: [] }, "a", "only")).toEqual({
      order: ["a"],
      isNew: false,
      isChanged: false,
    });
    expect(orderAfterChoice({ storeOrder: ["b"], lasting: [] }, "a", "only").isChanged).toBe(true);
  });

  it("as the only one is a change where OpenClaw chose it by itself until now, and says that it is new", () => {
    expect(orderAfterChoice({ storeOrder: undefined, lasting: ["a"] }, "a", "only")).toEqual({
      order: ["a"],
      isNew: true,
      isChanged: true,
    });
  });
});

describe("an earlier order that is put back", () => {
  it("is the earlier one, and behind it what has come since", () => {
    expect(orderRestored(["b", "a"], ["a", "new", "b"], ["a", "b", "new"])).toEqual(["b", "a", "new"]);
    expect(orderRestored(["b", "a"], undefined, ["a", "b"])).toEqual(["b", "a"]);
  });

  it("leaves out profiles that there no longer are, earlier ones and today's", () => {
    expect(orderRestored(["gone", "a"], ["also-gone", "b"], ["a", "b"])).toEqual(["a", "b"]);
  });

  it("is none where there was none, whatever today's is, and none where nothing of it is left", () => {
    expect(orderRestored(null, ["a"], ["a"])).toBeNull();
    expect(orderRestored(["gone"], ["gone"], ["a"])).toBeNull();
    expect(orderRestored([], undefined, ["a"])).toBeNull();
  });
});

describe("the order after a save", () => {
  it("names each profile once, also where it was written twice by hand", () => {
    const before = { storeOrder: ["a", "b", "a"], lasting: ["a", "b"] };
    expect(orderAfterSave(before, "n", { makeFirst: false }).order).toEqual(["a", "b", "n"]);
    expect(orderAfterSave(before, "b", { makeFirst: true }).order).toEqual(["b", "a"]);
  });

  it("is a change also where the profile stood in it and only its place is another", () => {
    const before = { storeOrder: ["a", "b", "c"], lasting: [] };
    expect(orderAfterSave(before, "c", { makeFirst: true })).toEqual({
      order: ["c", "a", "b"],
      isNew: false,
      isChanged: true,
    });
    expect(orderAfterSave(before, "b", { makeFirst: true })).toMatchObject({ order: ["b", "a", "c"], isChanged: true });
    const twice = { storeOrder: ["a", "b", "a"], lasting: [] };
    expect(orderAfterSave(twice, "a", { makeFirst: true })).toMatchObject({ order: ["a", "b"], isChanged: true });
  });

  it("says that it is new where there was none, even if it then names what was tried anyway", () => {
    const before = { storeOrder: undefined, lasting: ["a"] };
    expect(orderAfterSave(before, "a", { makeFirst: false })).toEqual({ order: ["a"], isNew: true, isChanged: true });
  });

  it("keeps an order that was cleared by hand an order: only the new profile is tried", () => {
    expect(orderAfterSave({ storeOrder: [], lasting: ["a"] }, "n", { makeFirst: false })).toEqual({
      order: ["n"],
      isNew: false,
      isChanged: true,
    });
  });
});

describe("the order after a removal", () => {
  it("loses every mention of the profile and leaves the list that it was made from alone", () => {
    const before = ["a", "b", "a", "c"];
    expect(orderAfterRemoval(before, "a")).toEqual(["b", "c"]);
    expect(orderAfterRemoval(["a", "a"], "a")).toBeNull();
    expect(before).toEqual(["a", "b", "a", "c"]);
  });
});
