import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { USAGE_SHAPES } from "../../src/sandbox/usage-shapes.ts";
import { usageKey } from "../../src/usage/usage-records.ts";
import { fakeAccessToken } from "../support/jwt.ts";
import { usageLab, type UsageLab } from "./usage-lab.ts";

const id = (name: string): string => `openai-codex:${name}`;

async function check(lab: UsageLab, name: string, service = lab.service) {
  const [usage] = await service.check("main", [id(name)]);
  if (usage === undefined) throw new Error("no answer for the profile");
  return usage;
}

describe("a usage check", () => {
  it("asks for the profile's own workspace, once, with an honest name, and gives what came", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    const before = await readFile(lab.storePath, "utf8");
    const usage = await check(lab, "work");
    expect(usage).toMatchObject({ profileId: id("work"), outcome: { kind: "report", isConfirmed: true } });
    expect(lab.server.log).toMatchObject([
      { method: "GET", path: "/backend-api/wham/usage", accountId: "acct-work", status: 200 },
    ]);
    expect(lab.server.log[0]?.userAgent).toMatch(/^codex-auth-skill\/\d/);
    expect(await readFile(lab.storePath, "utf8")).toBe(before);
  });

  it("works with a static token, and with a login that cannot be renewed", async () => {
    const lab = await usageLab();
    await lab.write({ leased: { type: "token" }, bare: { refresh: null } });
    expect(await check(lab, "leased")).toMatchObject({ outcome: { kind: "report" }, renewsItself: false });
    expect(await check(lab, "bare")).toMatchObject({ outcome: { kind: "report" }, renewsItself: false });
  });

  it("does not ask with a token that is over, with none, or with the marker of a renewal", async () => {
    const lab = await usageLab();
    const marker = "openclaw-oauth-refresh-fence:v1:claim:refresh:00";
    await lab.write({ old: { expiresInMs: -HOUR }, key: { type: "api_key", access: "k" }, fence: { access: marker } });
    expect(await check(lab, "old")).toMatchObject({
      outcome: { kind: "expired", expiredAtMs: lab.clock.now - HOUR },
      renewsItself: true,
    });
    for (const name of ["key", "fence", "nobody"])
      expect(await check(lab, name)).toMatchObject({ outcome: { kind: "no-token" } });
    expect(lab.server.log).toEqual([]);
  });

  it("is asked at most three times at once, however many profiles there are", async () => {
    const lab = await usageLab();
    const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
    await lab.write(Object.fromEntries(names.map((name) => [name, {}])));
    lab.server.hold();
    const checks = lab.service.check("main", names.map(id));
    await expect.poll(() => lab.server.mostAtOnce).toBe(3);
    lab.server.release();
    expect((await checks).map(({ profileId }) => profileId)).toEqual(names.map(id));
    expect(lab.server.mostAtOnce).toBe(3);
    expect(lab.server.log).toHaveLength(8);
  });

  it("is answered from the one under way, and for 20 s from the one that came", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.hold();
    const both = Promise.all([check(lab, "work"), check(lab, "work")]);
    await expect.poll(() => lab.server.mostAtOnce).toBe(1);
    lab.server.release();
    const [one, two] = await both;
    expect(two).toBe(one);
    lab.clock.now += 19 * SECOND;
    expect(await check(lab, "work")).toBe(one);
    expect(lab.server.log).toHaveLength(1);
    lab.clock.now += 1 * SECOND;
    await check(lab, "work");
    expect(lab.server.log).toHaveLength(2);
  });

  it("asks anew within 20 s where the profile has another login by now", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.revoke(lab.tokens.get("work") ?? "");
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "renew" } });
    await lab.write({ work: {} });
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report" } });
  });
});

describe("a check that brings no figures", () => {
  it("says that the sign-in needs renewal after a 401, and leaves the store as it is", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.revoke(lab.tokens.get("work") ?? "");
    const before = await readFile(lab.storePath, "utf8");
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "renew" }, renewsItself: true });
    expect(lab.server.log).toHaveLength(1);
    expect(await readFile(lab.storePath, "utf8")).toBe(before);
  });

  it.each([
    ["a block page", { kind: "html403" }, { kind: "blocked" }],
    ["another account", { kind: "other-account" }, { kind: "other-account" }],
    ["garbage", { kind: "garbage" }, { kind: "trouble", isTransient: false }],
    ["a body above the cap", { kind: "huge" }, { kind: "trouble", isTransient: false }],
    ["a redirect, which is not followed", { kind: "redirect" }, { kind: "trouble", status: 302 }],
  ] as const)(
    "asks once where it got %s, and shows the earlier figures with their age",
    async (_what, fault, outcome) => {
      const lab = await usageLab();
      await lab.write({ work: {} });
      await check(lab, "work");
      const asked = lab.clock.now;
      lab.clock.now += 1 * HOUR;
      lab.server.fail(fault);
      const usage = await check(lab, "work");
      expect(usage).toMatchObject({ outcome, kept: { atMs: asked, report: { planType: "plus" } } });
      expect(lab.server.log).toHaveLength(2);
      const identity = { userId: "user-work", accountId: "acct-work" };
      const known = await lab.service.known("main", [{ id: id("work"), identity }, { id: id("home") }]);
      expect([...known]).toMatchObject([[id("work"), { atMs: asked }]]);
    },
  );

  it("knows nothing, and says so to the operator alone, where the kept answers cannot be listed", async () => {
    const lab = await usageLab();
    await mkdir(dirname(lab.folder), { recursive: true });
    await writeFile(lab.folder, "a file");
    expect(await lab.service.known("main", [{ id: id("work") }])).toEqual(new Map());
    expect(lab.logged.join("\n")).toContain("usage.read");
    expect(lab.server.log).toEqual([]);
  });

  it("shows the figures of the profiles that have some where another one's file is damaged", async () => {
    const lab = await usageLab();
    await lab.write({ work: {}, home: {} });
    await lab.service.check("main", [id("work"), id("home")]);
    const whose = ["work", "home"].map((name) => ({
      id: id(name),
      identity: { userId: `user-${name}`, accountId: `acct-${name}` },
    }));
    expect([...(await lab.service.known("main", whose)).keys()]).toEqual([id("work"), id("home")]);
    await writeFile(join(lab.folder, `${usageKey(whose[0]?.identity, "main", id("work"))}.json`), "{");
    expect([...(await lab.service.known("main", whose)).keys()]).toEqual([id("home")]);
  });

  it.each([
    ["a server's error", { kind: "status", status: 503 }],
    ["a broken connection", { kind: "drop" }],
  ] as const)("tries once more after %s, and not a third time", async (_what, fault) => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.fail(fault);
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report" } });
    expect(lab.server.log).toHaveLength(2);
    lab.clock.now += 1 * MINUTE;
    lab.server.fail(fault);
    lab.server.fail(fault);
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "trouble" }, kept: { report: {} } });
    expect(lab.server.log).toHaveLength(4);
  });

  it.each(["hang", "stall"] as const)(
    "gives a server that falls silent (%s) up after the time of a try",
    async (kind) => {
      const lab = await usageLab();
      await lab.write({ work: {} });
      lab.server.fail({ kind });
      expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report" } });
      expect(lab.server.log).toHaveLength(2);
    },
  );

  it("holds back after a 429 for as long as the provider asks, also in another process", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.fail({ kind: "status", status: 429, retryAfter: "90" });
    const retryAtMs = lab.clock.now + 90 * SECOND;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "busy", retryAtMs } });
    expect(lab.server.log).toHaveLength(1);
    lab.clock.now += 89 * SECOND;
    expect(await check(lab, "work", lab.another())).toMatchObject({ outcome: { kind: "busy", retryAtMs } });
    expect(lab.server.log).toHaveLength(1);
    lab.clock.now += 1 * SECOND;
    expect(await check(lab, "work", lab.another())).toMatchObject({ outcome: { kind: "report" } });
  });

  it("holds back in this process also where the hold cannot be written", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await mkdir(dirname(lab.folder), { recursive: true });
    await writeFile(lab.folder, "a file where the folder should be");
    lab.server.fail({ kind: "status", status: 429, retryAfter: "300" });
    const retryAtMs = lab.clock.now + 5 * MINUTE;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "busy", retryAtMs } });
    lab.clock.now += 1 * MINUTE;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "busy", retryAtMs } });
    expect(lab.server.log).toHaveLength(1);
    lab.clock.now += 4 * MINUTE;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report" } });
  });

  it("ends the run after too many questions: who is still waiting is not asked, and is asked again later", async () => {
    const lab = await usageLab();
    const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
    await lab.write(Object.fromEntries(names.map((name) => [name, {}])));
    for (let count = 0; count < 3; count += 1) lab.server.fail({ kind: "status", status: 429, retryAfter: "60" });
    lab.server.hold();
    const checking = lab.service.check("main", names.map(id));
    // As many as may be asked at once are on their way before the first of them hears a no.
    await expect.poll(() => lab.server.mostAtOnce).toBe(3);
    lab.server.release();
    expect((await checking).map(({ outcome }) => outcome.kind)).toEqual(names.map(() => "busy"));
    expect(lab.server.log).toHaveLength(3);
    lab.clock.now += 30 * SECOND;
    expect(await check(lab, "p7")).toMatchObject({ outcome: { kind: "report" } });
  });

  it("believes no hold that only a wrong clock can have made", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.fail({ kind: "status", status: 429, retryAfter: "60" });
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "busy" } });
    lab.clock.now -= 2 * DAY;
    expect(await check(lab, "work", lab.another())).toMatchObject({ outcome: { kind: "report" } });
    expect(lab.server.log).toHaveLength(2);
  });

  it("shares no answer from a time that is still to come, and no hold of it", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    lab.server.fail({ kind: "status", status: 429, retryAfter: "60" });
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "busy" } });
    lab.clock.now -= 2 * DAY;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report" } });
    lab.clock.now -= 1 * SECOND;
    await check(lab, "work");
    expect(lab.server.log).toHaveLength(3);
  });

  it("tells a provider that cannot be reached from one that is silent or breaks off, and logs the code", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    for (const kind of ["drop", "drop"] as const) lab.server.fail({ kind });
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "trouble", how: "broken" } });
    lab.clock.now += 1 * MINUTE;
    await lab.server.close();
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "trouble", how: "unreachable" } });
    expect(lab.logged.join("\n")).toContain("ECONNREFUSED");
    expect(lab.logged.join("\n")).not.toContain(lab.tokens.get("work"));
  });

  it("looks at no figures of another user where the login itself says only half of whose it is", async () => {
    const lab = await usageLab();
    const access = fakeAccessToken({ userId: "user-work", expiresAtMs: lab.clock.now + DAY });
    await lab.write({ work: { access } });
    lab.server.fail({ kind: "other-account" });
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "other-account" } });
    lab.clock.now += 1 * MINUTE;
    expect(await check(lab, "work")).toMatchObject({ outcome: { kind: "report", isConfirmed: true } });
  });

  it("logs no token, and keeps none", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    for (const kind of ["drop", "drop", "garbage"] as const) lab.server.fail({ kind });
    await check(lab, "work");
    lab.clock.now += 1 * MINUTE;
    await check(lab, "work");
    lab.clock.now += 1 * MINUTE;
    await check(lab, "work");
    const token = lab.tokens.get("work") ?? "?";
    expect(lab.logged.join("\n")).not.toContain(token);
  });
});

describe("what is asked of the provider over all of this", () => {
  it("is the one path, by GET: nothing is renewed and no reset is spent", async () => {
    const lab = await usageLab();
    await lab.write({ work: {}, over: {}, old: { expiresInMs: -DAY } });
    lab.server.setUsage("acct-over", USAGE_SHAPES.over);
    await lab.service.check("main", ["work", "over", "old"].map(id));
    expect(new Set(lab.server.log.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(["GET /backend-api/wham/usage"]),
    );
  });
});
