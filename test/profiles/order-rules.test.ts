// OpenClaw's rules for which profile counts at all: what openclaw.json declares, its drift, the provider's name, the last use.

import { describe, expect, it } from "vitest";
import { resolveOrder, type OrderFacts } from "../../src/profiles/order.ts";
import { parseCredential } from "../../src/profiles/profile.ts";

const NOW = 1_000_000;
const provider = "openai-codex";
const oauth = { type: "oauth", provider, access: "a", refresh: "r" };
const token = { type: "token", provider, token: "t" };
const expired = { ...token, expires: NOW };
const key = { type: "api_key", provider, key: "k" };

function order(entries: Record<string, unknown>, parts: Partial<OrderFacts> = {}): readonly string[] {
  return resolveOrder({
    storeOrder: undefined,
    configOrder: undefined,
    declared: new Map(),
    usage: new Map(),
    now: NOW,
    ...parts,
    credentials: new Map(Object.entries(entries).map(([id, entry]) => [id, parseCredential(entry)])),
  }).effective;
}

describe("a profile that openclaw.json declares", () => {
  it("is tried only in the mode that it is declared with; a token may stand where OAuth is declared, a key may not", () => {
    const entries = { oauth, token, key };
    const allAs = (mode?: string): OrderFacts["declared"] =>
      new Map(Object.keys(entries).map((id) => [id, { provider, mode }]));
    expect(order(entries, { declared: allAs("oauth") })).toEqual(["oauth", "token"]);
    expect(order(entries, { declared: allAs("token") })).toEqual(["token"]);
    expect(order(entries, { declared: allAs("api_key") })).toEqual(["key"]);
    expect(order(entries, { declared: allAs() })).toEqual([]);
  });

  it("of another provider says nothing about which of ours are tried", () => {
    const declared = new Map([["claude", { provider: "anthropic", mode: "oauth" }]]);
    expect(order({ oauth, claude: { ...oauth, provider: "anthropic" } }, { declared })).toEqual(["oauth"]);
  });

  it("keeps those that are only stored out while one of the declared is usable, also where another is gone", () => {
    const declared = new Map(["gone", "mine"].map((id) => [id, { provider, mode: "oauth" }]));
    expect(order({ mine: oauth, other: oauth }, { declared })).toEqual(["mine"]);
  });
});

describe("a declaration that has drifted from what is stored", () => {
  const declared = new Map(["gone", "lost"].map((id) => [id, { provider, mode: "oauth" }]));

  it("gives way to what is stored, but for what cannot be used", () => {
    expect(order({ a: oauth, old: expired, other: { ...oauth, provider: "anthropic" } }, { declared })).toEqual(["a"]);
  });

  it("gives way also where a written order names only what is gone", () => {
    expect(order({ a: oauth }, { declared, storeOrder: ["gone"] })).toEqual(["a"]);
  });

  it("is none where nothing is declared: a written order of what is gone is an order", () => {
    expect(order({ a: oauth }, { storeOrder: ["gone"] })).toEqual([]);
  });

  it("is none where one of the declared is stored and only cannot be used", () => {
    expect(order({ gone: expired, a: oauth }, { declared })).toEqual([]);
  });
});

describe("the provider of a stored profile", () => {
  it("may be written in capitals, and is the one of the generation that is asked about", () => {
    const entries = { a: { ...oauth, provider: "OpenAI-Codex" }, b: { ...oauth, provider: "openai" } };
    expect(order(entries)).toEqual(["a"]);
    expect(order(entries, { provider: "openai" })).toEqual(["b"]);
    expect(order(entries, { provider: "openai", storeOrder: ["a", "b"] })).toEqual(["b"]);
  });

  it("is compared with that of the declaration in the same generation", () => {
    const declared = new Map([["b", { provider: "openai", mode: "oauth" }]]);
    const entries = { a: { ...oauth, provider: "openai" }, b: { ...oauth, provider: "openai" } };
    expect(order(entries, { provider: "openai", declared })).toEqual(["b"]);
    expect(order({ b: oauth, c: oauth }, { declared })).toEqual(["c"]);
  });
});

describe("where nobody wrote an order", () => {
  it("one that was never used comes before those that were, and notes without a last use count as never", () => {
    const usage = new Map([
      ["late", { lastUsed: 20 }],
      ["early", { lastUsed: 10 }],
      ["noted", { cooldownReason: "rate_limit" }],
    ]);
    expect(order({ late: oauth, early: oauth, noted: oauth, fresh: oauth }, { usage })).toEqual([
      "noted",
      "fresh",
      "early",
      "late",
    ]);
  });

  it("the kind of the login weighs more than its last use", () => {
    const usage = new Map([["a", { lastUsed: 9 }]]);
    expect(order({ k: key, t: token, a: oauth }, { usage })).toEqual(["a", "t", "k"]);
  });

  it("an order names each profile once", () => {
    expect(order({ a: oauth, b: oauth }, { storeOrder: ["b", "a", "b"] })).toEqual(["b", "a"]);
  });
});
