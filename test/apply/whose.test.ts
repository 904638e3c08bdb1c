// Who keeps a credential, and that a person may not take away what others keep.

import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/apply/receipt.ts";
import { assertOwn, keeperOf } from "../../src/apply/whose.ts";
import { LEASE } from "../../src/config/defaults.ts";
import { factsOf, type CredentialFacts } from "../../src/profiles/credential-facts.ts";
import { sealCredential, type Credential } from "../../src/profiles/profile.ts";
import { receivedTokens, storedLogin } from "../support/apply-world.ts";

const WORK = "openai-codex:work";
const facts = (credential: unknown): CredentialFacts =>
  factsOf({ credential: sealCredential(credential as Credential), inherited: false });
const token = () => ({ type: "token", provider: "openai-codex", token: receivedTokens("lease").access.expose() });

/** Receipts of which the first is about `patch`, and what was asked of them. */
function receiptsWith(patch: Partial<Receipt>) {
  const limits: (number | undefined)[] = [];
  const file = { path: "/s", before: null, after: "print" };
  const receipt: Receipt = {
    schemaVersion: 1,
    id: "job-1",
    kind: "save-lease",
    agentId: "main",
    profileId: WORK,
    outcome: "done",
    startedAt: 1,
    endedAt: 2,
    durations: {},
    files: [file],
    activation: { asked: "auto", used: "reload", proven: "reloaded" },
    ...patch,
  };
  const list = (limit?: number): Promise<readonly Receipt[]> => {
    limits.push(limit);
    return Promise.resolve([{ ...receipt, kind: "save-login" }, receipt]);
  };
  return { list, limits };
}
const none = { list: () => Promise.resolve([]) };

const kept = (managedBy: string) => keeperOf(facts({ ...storedLogin("ada"), managedBy }), WORK, none);

describe("keeperOf", () => {
  it("takes what cannot be read, and a login that renews itself, for a person's", async () => {
    expect(await keeperOf(undefined, WORK, none)).toEqual({ kind: "person" });
    expect(await keeperOf(facts(storedLogin("ada")), LEASE.profileId, none)).toEqual({ kind: "person" });
    expect(await keeperOf(facts(storedLogin("ada")), WORK, receiptsWith({}))).toEqual({ kind: "person" });
  });

  it("names the program that keeps an entry, cleaned and cut, and ignores an empty name", async () => {
    expect(await kept("auth-manager")).toEqual({ kind: "program", name: "auth-manager" });
    expect(await kept("a\u202eb")).toEqual({ kind: "program", name: "ab" });
    const long = await kept("x".repeat(100));
    expect(long.kind === "program" ? long.name.length : 0).toBe(64);
    expect(await kept("  ")).toEqual({ kind: "person" });
    expect(await kept("")).toEqual({ kind: "person" });
  });

  it("knows a token that lies in another program's store", async () => {
    const elsewhere = { type: "oauth", provider: "openai-codex", oauthRef: { source: "codex" } };
    expect(await keeperOf(facts(elsewhere), WORK, none)).toMatchObject({ kind: "program" });
  });

  it("takes a bare token under the lease's own id for the lease's, in either generation's spelling", async () => {
    expect(await keeperOf(facts(token()), LEASE.profileId, none)).toEqual({ kind: "lease" });
    expect(await keeperOf(facts(token()), LEASE.profileId.replace("openai-codex", "openai"), none)).toEqual({
      kind: "lease",
    });
    const elsewhere = { type: "token", provider: "openai-codex", tokenRef: { source: "env" } };
    expect(await keeperOf(facts(elsewhere), LEASE.profileId, none)).toEqual({ kind: "person" });
  });

  it("takes one under another id for the lease's only where a receipt says that the lease has written just that", async () => {
    const stored = facts(token());
    const files = [
      { path: "/other", before: null, after: null },
      { path: "/s", before: null, after: stored.entry },
    ];
    const written = receiptsWith({ files });
    expect(await keeperOf(stored, WORK, written)).toEqual({ kind: "lease" });
    expect(written.limits).toEqual([Number.POSITIVE_INFINITY]);
    expect(await keeperOf(stored, "openai:work", receiptsWith({ files }))).toEqual({ kind: "lease" });
    for (const patch of [{ files, kind: "save-login" }, { files, profileId: "openai-codex:home" }, {}] as const) {
      expect(await keeperOf(stored, WORK, receiptsWith(patch))).toEqual({ kind: "person" });
    }
  });
});

describe("assertOwn", () => {
  it("lets a person's own login pass, and refuses what a program or the lease keeps", () => {
    expect(() => assertOwn({ kind: "person" })).not.toThrow();
    for (const keeper of [{ kind: "lease" }, { kind: "program", name: "auth-manager" }] as const) {
      expect(() => assertOwn(keeper)).toThrow(expect.objectContaining({ code: "ERR_PROFILE_MANAGED" }));
    }
    const lease = expect.objectContaining({ next: expect.stringContaining("/lease release") as string });
    expect(() => assertOwn({ kind: "lease" })).toThrow(lease);
    const program = expect.objectContaining({ message: expect.stringContaining("auth-manager") as string });
    expect(() => assertOwn({ kind: "program", name: "auth-manager" })).toThrow(program);
  });
});
