import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Rotations } from "../../src/apply/rotations.ts";
import { RENEWAL } from "../../src/config/defaults.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const about = (token: string) => ({ token, agentId: "main", profileId: "openai-codex:a", jobId: "job-1" });

describe("the journal of renewals", () => {
  it("knows the last phase of a token by its fingerprint alone, and forgets it when told", async () => {
    const folder = join(await temporaryFolder(), "rotations");
    const rotations = new Rotations({ folder, now: () => 7 });
    const token = fingerprint("rt_canary");
    expect(await rotations.get(token)).toBeUndefined();
    await rotations.note({ ...about(token), phase: "prepared" });
    await rotations.note({ ...about(token), phase: "sent" });
    expect(await rotations.get(token)).toEqual({ schemaVersion: 1, ...about(token), phase: "sent", at: 7 });
    const [name] = readdirSync(folder);
    expect(readFileSync(join(folder, name ?? ""), "utf8")).not.toContain("rt_canary");
    expect([statSync(folder).mode & 0o777, statSync(join(folder, name ?? "")).mode & 0o777]).toEqual([0o700, 0o600]);
    await rotations.forget(token);
    expect(await rotations.get(token)).toBeUndefined();
    await rotations.forget(token);
  });

  it("does not take a damaged note for none: the token may have been sent", async () => {
    const folder = join(await temporaryFolder(), "rotations");
    const rotations = new Rotations({ folder, now: Date.now });
    const token = fingerprint("rt_canary");
    await rotations.note({ ...about(token), phase: "sent" });
    const path = join(folder, readdirSync(folder)[0] ?? "");
    writeFileSync(path, '{"phase":');
    await expect(rotations.get(token)).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    expect(readFileSync(path, "utf8")).toBe('{"phase":');
  });

  it("keeps notes for a year, and the newest of too many", async () => {
    let now = 0;
    const rotations = new Rotations({ folder: join(await temporaryFolder(), "rotations"), now: () => now });
    await rotations.note({ ...about(fingerprint("old")), phase: "spent" });
    now = RENEWAL.journalTtlMs;
    await rotations.note({ ...about(fingerprint("new")), phase: "spent" });
    expect(await rotations.prune()).toBe(0);
    now += 1;
    expect(await rotations.prune()).toBe(1);
    expect(await rotations.get(fingerprint("old"))).toBeUndefined();
    expect(await rotations.get(fingerprint("new"))).toBeDefined();
  });
});
