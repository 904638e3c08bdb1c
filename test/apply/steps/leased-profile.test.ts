// Which entries a leased credential may replace or leave with: its own, and what nobody can renew; never a person's login.

import { describe, expect, it } from "vitest";
import { isFreeFor, isLeased, keepLogins, ownerEntry } from "../../../src/apply/steps/leased-profile.ts";
import { LEASE } from "../../../src/config/defaults.ts";
import { sealCredential, type Credential } from "../../../src/profiles/profile.ts";
import type { EntryValues, FileChange, PlannedChange } from "../../../src/profiles/store.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { receivedTokens, storedLogin } from "../../support/apply-world.ts";

const WORK = "openai-codex:work";
const LEASED = LEASE.profileId;
const { access } = receivedTokens("pool");
const token = { type: "token", provider: "openai-codex", token: access.expose() };
const bare = { type: "oauth", provider: "openai-codex", access: access.expose() };

describe("isLeased", () => {
  it("takes any bare token under the lease's own id, in either spelling of it", () => {
    for (const profileId of [LEASED, LEASED.replace("openai-codex:", "openai:")])
      expect(isLeased({ profileId, ours: undefined })(token)).toBe(true);
    expect(isLeased({ profileId: LEASED, ours: [] })({ type: "token", provider: "openai-codex" })).toBe(true);
  });

  it("takes one under another id only where we wrote it", () => {
    expect(isLeased({ profileId: WORK, ours: ["other", fingerprint(access)] })(token)).toBe(true);
    expect(isLeased({ profileId: WORK, ours: ["other"] })(token)).toBe(false);
    expect(isLeased({ profileId: WORK, ours: undefined })(token)).toBe(false);
    expect(
      isLeased({ profileId: WORK, ours: [fingerprint(access)] })({ type: "token", provider: "openai-codex" }),
    ).toBe(false);
  });

  it("takes nothing that a person put there: a token elsewhere, a login, a key, or what nobody can read", () => {
    const tokenRef = { source: "env" };
    for (const entry of [
      { ...token, tokenRef },
      storedLogin("ada"),
      { type: "api_key", provider: "x", key: "k" },
      7,
      undefined,
    ])
      expect(isLeased({ profileId: LEASED, ours: [fingerprint(access)] })(entry)).toBe(false);
  });
});

describe("isFreeFor", () => {
  const lease = { profileId: LEASED, accountId: "account-pool", ours: undefined };
  const login = { ...bare, refresh: "anything" };

  it("lets nothing, the lease's own and an entry that nobody can renew be replaced, under any id", () => {
    for (const profileId of [LEASED, WORK]) {
      const mayGo = isFreeFor({ ...lease, profileId, ours: [fingerprint(access)] });
      for (const entry of [undefined, token, bare, { ...bare, refresh: "" }]) expect(mayGo(entry)).toBe(true);
    }
  });

  it("keeps a person's login under another id, also of the very account, and one that renews itself elsewhere", () => {
    const mayGo = isFreeFor({ ...lease, profileId: WORK });
    for (const entry of [login, { ...bare, oauthRef: { source: "keychain" } }, token]) expect(mayGo(entry)).toBe(false);
  });

  it("lets a copy of the same account go under the lease's own id, and no other account's", () => {
    expect(isFreeFor(lease)(login)).toBe(true);
    expect(isFreeFor({ ...lease, accountId: "account-other" })(login)).toBe(false);
    expect(isFreeFor({ ...lease, accountId: undefined })(login)).toBe(false);
  });

  it("goes by what the entry says where its token says nothing, and never takes two unknown accounts for one", () => {
    const opaque = { type: "oauth", provider: "openai-codex", access: "opaque", refresh: "r" };
    expect(isFreeFor(lease)({ ...opaque, accountId: "account-pool" })).toBe(true);
    expect(isFreeFor(lease)({ ...login, accountId: "account-other" })).toBe(true);
    const refreshOnly = { type: "oauth", provider: "openai-codex", refresh: "r" };
    for (const entry of [opaque, refreshOnly])
      for (const accountId of ["account-pool", undefined])
        expect(isFreeFor({ ...lease, accountId })(entry)).toBe(false);
  });

  it("keeps a key and what nobody can read", () => {
    for (const entry of [{ type: "api_key", provider: "x", key: "k" }, { type: "new" }, null])
      expect(isFreeFor(lease)(entry)).toBe(false);
  });
});

function file(agentId: string, role: FileChange["role"], rest: Partial<FileChange> = {}): FileChange {
  return {
    path: `/${agentId}`,
    agentId,
    profileId: LEASED,
    role,
    before: "before",
    after: null,
    orderBefore: null,
    orderAfter: null,
    clearCooldown: true,
    creates: false,
    ...rest,
  };
}

const seal = (entry: unknown): EntryValues => ({ next: null, previous: sealCredential(entry as Credential) });

function planned(files: FileChange[], entries: Record<string, unknown>): PlannedChange {
  return {
    plan: {
      profileId: LEASED,
      provider: "openai-codex",
      agentId: "main",
      files,
      keptElsewhere: ["kept"],
      unreadable: [],
    },
    values: new Map(Object.entries(entries).map(([path, entry]) => [path, seal(entry)])),
  };
}

const mayGo = (entry: unknown): boolean => JSON.stringify(entry) === JSON.stringify(token);

describe("keepLogins", () => {
  it("leaves a plan as it is whose copies may go", () => {
    const plan = planned([file("main", "owner"), file("ops", "copy"), file("third", "order")], { "/ops": token });
    expect(keepLogins(plan, mayGo)).toEqual(plan);
  });

  it("takes another agent's own login out of the plan, and says that it was kept", () => {
    const before = planned([file("main", "owner"), file("ops", "copy")], {
      "/main": token,
      "/ops": storedLogin("ada"),
    });
    const { plan, values } = keepLogins(before, mayGo);
    expect(plan).toEqual({ ...before.plan, files: [file("main", "owner")], keptElsewhere: ["kept", "ops"] });
    const kept = before.values.get("/ops")?.previous;
    expect(values.get("/ops")).toEqual({ next: kept, previous: kept });
    expect(values.get("/main")).toEqual(before.values.get("/main"));
    expect(before.plan.keptElsewhere).toEqual(["kept"]);
  });

  it("still changes the order of that agent, and nothing else of its file", () => {
    const change = { orderBefore: [LEASED, WORK], orderAfter: [WORK] };
    const before = planned([file("main", "owner"), file("ops", "copy", change)], { "/ops": storedLogin("ada") });
    const { plan } = keepLogins(before, mayGo);
    expect(plan.files[1]).toEqual(file("ops", "order", { ...change, after: "before", clearCooldown: false }));
    expect(plan.keptElsewhere).toEqual(["kept", "ops"]);
  });

  it("keeps a copy of which nothing is known, for it cannot be told that it may go", () => {
    const before = planned([file("main", "owner"), file("ops", "copy")], {});
    const { plan, values } = keepLogins(before, mayGo);
    expect(plan.files).toEqual([file("main", "owner")]);
    expect(values.get("/ops")).toEqual({ next: null, previous: null });
  });

  it("refuses where the login is that of the very agent that was asked for", () => {
    const before = planned([file("main", "copy")], { "/main": storedLogin("ada") });
    expect(() => keepLogins(before, mayGo)).toThrow(expect.objectContaining({ code: "ERR_LEASE_PROFILE_TAKEN" }));
  });
});

describe("ownerEntry", () => {
  it("is what the owner's file held, and nothing where there is no owner, no entry or no value", () => {
    expect(ownerEntry(planned([file("ops", "copy"), file("main", "owner")], { "/ops": token, "/main": bare }))).toEqual(
      bare,
    );
    expect(ownerEntry(planned([file("ops", "copy")], { "/ops": token }))).toBeUndefined();
    expect(ownerEntry(planned([file("main", "owner")], {}))).toBeUndefined();
    const none = planned([file("main", "owner")], {});
    expect(ownerEntry({ ...none, values: new Map([["/main", { next: null, previous: null }]]) })).toBeUndefined();
  });
});
