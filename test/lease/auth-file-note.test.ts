import { describe, expect, it } from "vitest";
import { judge, noteSchema, settle, type AuthFileNote, type WrittenLogin } from "../../src/lease/auth-file-note.ts";
import { renewedIn } from "../../src/lease/auth-file-renewed.ts";
import type { CodexLogin, CodexLoginSummary } from "../../src/profiles/codex-home.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { NOW } from "./auth-file-lab.ts";

/** A login of user u in workspace a with refresh token `refresh`. */
function seen(refresh: string, changes: Partial<CodexLoginSummary> = {}): CodexLoginSummary {
  return {
    kind: "chatgpt",
    identity: { userId: "u", accountId: "a" },
    accountId: "a",
    email: undefined,
    planType: undefined,
    expiresAtMs: undefined,
    signedInAtMs: undefined,
    refreshFingerprint: refresh,
    accessFingerprint: `access of ${refresh}`,
    hasMore: false,
    ...changes,
  };
}

function written(refresh: string, changes: Partial<WrittenLogin> = {}): WrittenLogin {
  return {
    leaseId: `lease of ${refresh}`,
    accountId: "a",
    userId: "u",
    refreshFingerprint: refresh,
    accessFingerprint: `access of ${refresh}`,
    writtenAt: NOW,
    ...changes,
  };
}

const settled: AuthFileNote = { schemaVersion: 1, ...written("new") };
const overOurs: AuthFileNote = { ...settled, change: { kind: "write", from: written("old") } };
const overOther: AuthFileNote = {
  ...settled,
  change: { kind: "write", from: written("old", { accountId: "b" }) },
};
const firstWrite: AuthFileNote = { ...settled, change: { kind: "write", from: null } };
const removal: AuthFileNote = { ...settled, change: { kind: "remove", seen: "renewed" } };
const broken: AuthFileNote = { ...settled, broken: true };
const nameless: AuthFileNote = { schemaVersion: 1, ...written("new", { userId: undefined }) };
const inB = { identity: { userId: "u", accountId: "b" }, accountId: "b" };

describe("whether the login in the file is ours", () => {
  it.each<readonly [string, AuthFileNote | undefined, CodexLoginSummary, string | undefined]>([
    ["nothing was ever written", undefined, seen("new"), undefined],
    ["exactly as written", settled, seen("new"), "new"],
    ["renewed since", settled, seen("renewed"), "new"],
    ["renewed, but nobody knows whose the written one was", nameless, seen("renewed"), undefined],
    ["exactly as written, though nobody knows whose it was", nameless, seen("new"), "new"],
    ["killed before or after the file: the new one", overOurs, seen("new"), "new"],
    ["killed before the file: the old one", overOurs, seen("old"), "old"],
    ["killed before the file, and then renewed", overOurs, seen("renewed"), "old"],
    ["killed over another account's: the old one", overOther, seen("old", inB), "old"],
    ["killed over another account's: the old one, renewed", overOther, seen("renewed", inB), "old"],
    ["killed over another account's: a stranger in the new account", overOther, seen("renewed"), undefined],
    ["killed before the first file, and then signed in", firstWrite, seen("renewed"), undefined],
    ["killed after the first file", firstWrite, seen("new"), "new"],
    ["killed in a removal, before the file", removal, seen("renewed"), "new"],
    ["killed in a removal, after the file, and then signed in", removal, seen("own"), undefined],
    ["somebody else was seen in between: exactly ours again", broken, seen("new"), "new"],
    ["somebody else was seen in between: perhaps theirs", broken, seen("renewed"), undefined],
  ])("%s", (_what, note, whose, expected) => {
    expect(judge(whose, note)?.written.refreshFingerprint).toBe(expected);
  });

  it("says whether it was renewed, by either token", () => {
    expect(judge(seen("new"), settled)?.renewed).toBe(false);
    expect(judge(seen("renewed"), settled)?.renewed).toBe(true);
    expect(judge(seen("new", { accessFingerprint: "other" }), settled)?.renewed).toBe(true);
  });
});

describe("what is remembered after a look", () => {
  it("is what was found, as a note that reads back, without the change that was cut off", () => {
    expect(settle(overOurs, seen("old"))).toEqual({ schemaVersion: 1, ...written("old") });
    expect(settle(overOurs, seen("new"))).toEqual(settled);
    expect(settle(removal, seen("renewed"))).toEqual(settled);
    expect(settle(broken, seen("new"))).toEqual(settled);
    expect(settle(removal, seen("own"))).toEqual({ ...removal, broken: true });
    for (const note of [settled, overOurs, firstWrite, removal, broken]) expect(noteSchema.parse(note)).toEqual(note);
  });

  it("is nothing where there is no file", () => {
    for (const note of [undefined, settled, overOurs, removal]) expect(settle(note, undefined)).toBeUndefined();
  });
});

describe("tokens to push", () => {
  it("are asked for their account once more, whoever took them for ours", () => {
    const token = Secret.of("token");
    const login = (whose: CodexLoginSummary): CodexLogin => ({
      whose,
      text: Secret.of("{}"),
      tokens: { accessToken: token, refreshToken: token, idToken: token, accountId: "a", lastRefresh: "now" },
    });
    const ours = { written: written("new"), renewed: true };
    expect(renewedIn("lease of new", login(seen("renewed")), ours).kind).toBe("renewed");
    expect(renewedIn("lease of new", login(seen("renewed", inB)), ours)).toMatchObject({ because: "not-ours" });
  });
});
