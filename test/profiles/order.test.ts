import { describe, expect, it } from "vitest";
import { orderAfterRemoval, orderAfterSave, resolveOrder, type OrderFacts } from "../../src/profiles/order.ts";
import { parseCredential } from "../../src/profiles/profile.ts";

const NOW = 1_000_000;
const oauth = { type: "oauth", provider: "openai-codex", access: "a", refresh: "r" };

function credentialsOf(entries: Readonly<Record<string, unknown>>): OrderFacts["credentials"] {
  return new Map(Object.entries(entries).map(([id, entry]) => [id, parseCredential(entry)]));
}

function facts(parts: Partial<OrderFacts> & { readonly ids?: readonly string[] } = {}): OrderFacts {
  return {
    storeOrder: undefined,
    configOrder: undefined,
    declared: new Map(),
    credentials: credentialsOf(Object.fromEntries((parts.ids ?? ["a", "b", "c"]).map((id) => [id, oauth]))),
    usage: new Map(),
    now: NOW,
    ...parts,
  };
}

describe("the order in which OpenClaw tries profiles", () => {
  it("is the store's, before that of openclaw.json, before what openclaw.json declares, before all there are", () => {
    const declared = new Map([["b", { provider: "openai-codex", mode: "oauth" }]]);
    const all = { storeOrder: ["c"], configOrder: ["a"], declared };
    expect(resolveOrder(facts(all))).toEqual({ effective: ["c"], lasting: ["c"], isExplicit: true });
    expect(resolveOrder(facts({ ...all, storeOrder: undefined }))).toMatchObject({
      effective: ["a"],
      isExplicit: false,
    });
    expect(resolveOrder(facts({ declared })).effective).toEqual(["b"]);
    expect(resolveOrder(facts()).effective).toEqual(["a", "b", "c"]);
  });

  it("leaves out what is not there, is of another provider, cannot be used, or is declared otherwise", () => {
    const credentials = credentialsOf({
      ok: oauth,
      other: { ...oauth, provider: "anthropic" },
      empty: { type: "oauth", provider: "openai-codex" },
      "old-token": { type: "token", provider: "openai-codex", token: "t", expires: NOW },
      token: { type: "token", provider: "openai-codex", token: "t", expires: NOW + 1 },
      mismatch: oauth,
      foreign: oauth,
      broken: "text",
    });
    const declared = new Map([
      ["mismatch", { provider: "openai-codex", mode: "api_key" }],
      ["foreign", { provider: "anthropic", mode: "oauth" }],
      ["token", { provider: "openai-codex", mode: "oauth" }],
    ]);
    const storeOrder = ["gone", ...credentials.keys(), "ok"];
    expect(resolveOrder(facts({ credentials, declared, storeOrder })).effective).toEqual(["ok", "token"]);
  });

  it("without a written order is OAuth before token before key, then the least recently used", () => {
    const credentials = credentialsOf({
      key: { mode: "api_key", provider: "openai-codex", apiKey: "k" },
      token: { type: "token", provider: "openai-codex", token: "t" },
      new: oauth,
      late: oauth,
      early: oauth,
    });
    const usage = new Map([
      ["late", { lastUsed: 200 }],
      ["early", { lastUsed: 100 }],
    ]);
    expect(resolveOrder(facts({ credentials, usage })).effective).toEqual(["new", "early", "late", "token", "key"]);
    expect(resolveOrder(facts({ credentials, usage, storeOrder: ["key", "late"] })).effective).toEqual(["key", "late"]);
  });

  it("puts those in cooldown last, the soonest to return first, and forgets that in what would be written down", () => {
    const usage = new Map([
      ["a", { cooldownUntil: NOW + 200 }],
      ["b", { disabledUntil: NOW + 100 }],
      ["c", { cooldownUntil: NOW - 1 }],
    ]);
    expect(resolveOrder(facts({ usage, storeOrder: ["a", "b", "c"] }))).toMatchObject({
      effective: ["c", "b", "a"],
      lasting: ["a", "b", "c"],
    });
    expect(resolveOrder(facts({ usage })).effective).toEqual(["c", "b", "a"]);
  });

  it("falls back to what is stored where nothing of what openclaw.json declares is", () => {
    const declared = new Map([["drifted", { provider: "openai-codex", mode: "oauth" }]]);
    expect(resolveOrder(facts({ declared })).effective).toEqual(["a", "b", "c"]);
  });
});

describe("the order after a profile is saved", () => {
  it("is what was tried until now plus the new one where there was no order, and says that it is new", () => {
    const before = { storeOrder: undefined, lasting: ["a", "b"] };
    expect(orderAfterSave(before, "n", { makeFirst: false })).toEqual({
      order: ["a", "b", "n"],
      isNew: true,
      isChanged: true,
    });
    expect(orderAfterSave(before, "n", { makeFirst: true })).toEqual({
      order: ["n", "a", "b"],
      isNew: true,
      isChanged: true,
    });
  });

  it("keeps to the written order, ids that are not tried now included", () => {
    const before = { storeOrder: ["resting", "a", "b"], lasting: ["a", "b"] };
    expect(orderAfterSave(before, "n", { makeFirst: false }).order).toEqual(["resting", "a", "b", "n"]);
    expect(orderAfterSave(before, "b", { makeFirst: true }).order).toEqual(["b", "resting", "a"]);
  });

  it("says where nothing changes", () => {
    const before = { storeOrder: ["a", "b"], lasting: ["a", "b"] };
    expect(orderAfterSave(before, "b", { makeFirst: false })).toEqual({
      order: ["a", "b"],
      isNew: false,
      isChanged: false,
    });
    expect(orderAfterSave(before, "a", { makeFirst: true }).isChanged).toBe(false);
    expect(orderAfterSave(before, "b", { makeFirst: true }).isChanged).toBe(true);
  });

  it("that is removed is the rest, none where nothing is left, untouched where it was not in it", () => {
    expect(orderAfterRemoval(["a", "b"], "a")).toEqual(["b"]);
    expect(orderAfterRemoval(["a"], "a")).toBeNull();
    expect(orderAfterRemoval(["a"], "b")).toBeUndefined();
    expect(orderAfterRemoval(undefined, "b")).toBeUndefined();
  });
});
