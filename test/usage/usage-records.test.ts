import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY, HOUR, MINUTE } from "../../src/config/defaults.ts";
import { USAGE_SHAPES } from "../../src/sandbox/usage-shapes.ts";
import { ensurePrivateFolder } from "../../src/storage/atomic-write.ts";
import { withProcessLock } from "../../src/storage/process-lock.ts";
import { usageKey } from "../../src/usage/usage-records.ts";
import { usageLab, type UsageLab } from "./usage-lab.ts";

const ID = "openai-codex:work";
const identity = { userId: "user-work", accountId: "acct-work" };
const key = usageKey(identity, "main", ID);

async function checkAfter(lab: UsageLab, ms: number): Promise<void> {
  lab.clock.now += ms;
  await lab.service.check("main", [ID]);
}

describe("the kept usage of an account", () => {
  it("is one 0600 file in a 0700 folder, named by neither person nor profile, without token, address or id", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await checkAfter(lab, 0);
    expect(await readdir(lab.folder)).toEqual([`${key}.json`]);
    const path = join(lab.folder, `${key}.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(lab.folder)).mode & 0o777).toBe(0o700);
    const text = await readFile(path, "utf8");
    expect(text).not.toMatch(/example\.com|user-work|acct-work|openai-codex/);
    expect(text).not.toContain(lab.tokens.get("work"));
  });

  it("has one point an hour, the newest of it, for two weeks", async () => {
    const lab = await usageLab();
    await lab.write({ work: { expiresInMs: 60 * DAY } });
    await checkAfter(lab, 0);
    lab.server.setUsage("acct-work", USAGE_SHAPES.over);
    await checkAfter(lab, 30 * MINUTE);
    await checkAfter(lab, 30 * MINUTE);
    const points = await lab.service.history("main", { id: ID, identity });
    expect(points.map(({ windows }) => windows[0]?.usedPercent)).toEqual([104, 104]);
    expect(points).toHaveLength(2);
    for (let hour = 0; hour < 6; hour += 1) await checkAfter(lab, 3 * DAY);
    const later = await lab.service.history("main", { id: ID, identity });
    expect(later.map(({ atMs }) => (lab.clock.now - atMs) / DAY)).toEqual([12, 9, 6, 3, 0]);
  });

  it("is not shown when it is older than two weeks, and goes when another account is kept", async () => {
    const lab = await usageLab();
    await lab.write({ work: { expiresInMs: 60 * DAY }, home: { expiresInMs: 60 * DAY } });
    await checkAfter(lab, 0);
    lab.clock.now += 14 * DAY;
    expect([...(await lab.service.known("main", [{ id: ID, identity }]))]).toEqual([]);
    await lab.service.check("main", ["openai-codex:home"]);
    expect(await readdir(lab.folder)).toHaveLength(1);
    expect(await readdir(lab.folder)).not.toContain(`${key}.json`);
  });

  it("belongs to whose login it is: another login in the same profile does not show it, a renewed one does", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await checkAfter(lab, 0);
    lab.clock.now += 1 * HOUR;
    await lab.write({ work: { user: "other", account: "other" } });
    lab.server.fail({ kind: "html403" });
    const [other] = await lab.service.check("main", [ID]);
    expect(other).not.toHaveProperty("kept");
    lab.clock.now += 1 * HOUR;
    await lab.write({ work: {} });
    lab.server.fail({ kind: "html403" });
    const [own] = await lab.service.check("main", [ID]);
    expect(own).toHaveProperty("kept");
  });

  it("is left as it is where the file is damaged; the answer is shown all the same", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await checkAfter(lab, 0);
    const path = join(lab.folder, `${key}.json`);
    await writeFile(path, "{ broken");
    lab.clock.now += 1 * HOUR;
    const [usage] = await lab.service.check("main", [ID]);
    expect(usage).toMatchObject({ outcome: { kind: "report" } });
    expect(await readFile(path, "utf8")).toBe("{ broken");
    expect(lab.logged.join("\n")).toContain("ERR_FILE_NOT_JSON");
  });

  it("cannot be kept where the disk refuses; the answer is shown all the same", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await mkdir(dirname(lab.folder), { recursive: true });
    await writeFile(lab.folder, "a file where the folder should be");
    const [usage] = await lab.service.check("main", [ID]);
    expect(usage).toMatchObject({ outcome: { kind: "report" } });
    expect(lab.logged.join("\n")).toContain("usage.keep");
    expect(await readFile(lab.folder, "utf8")).toBe("a file where the folder should be");
  });

  it("does not delay the answer where another process keeps it just now, however long that takes", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await ensurePrivateFolder(lab.folder);
    await withProcessLock(join(lab.folder, key), async () => {
      const since = performance.now();
      expect(await lab.service.check("main", [ID])).toMatchObject([{ outcome: { kind: "report" } }]);
      expect(performance.now() - since).toBeLessThan(6_000);
    });
    expect(lab.logged.join("\n")).toContain("ERR_LOCK_TIMEOUT");
  });

  it("is not forgotten for an answer without any figure, which is shown as it is", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await checkAfter(lab, 0);
    const atMs = lab.clock.now;
    lab.server.setUsage("acct-work", () => ({ plan_type: "plus", rate_limit: null }));
    lab.clock.now += 1 * HOUR;
    const [usage] = await lab.service.check("main", [ID]);
    expect(usage).toMatchObject({ outcome: { kind: "report", report: { limits: [] } } });
    const known = await lab.service.known("main", [{ id: ID, identity }]);
    expect([...known]).toMatchObject([[ID, { atMs, report: { limits: [{ windows: [{ usedPercent: 32 }, {}] }] } }]]);
    lab.server.setUsage("acct-work", USAGE_SHAPES.over);
    await checkAfter(lab, 1 * HOUR);
    expect(await lab.records.get(key)).toMatchObject({ latest: { atMs: lab.clock.now } });
  });

  it("is found while the login is renewed, when a marker stands where its token says whose it is", async () => {
    const lab = await usageLab();
    await lab.write({ work: {} });
    await checkAfter(lab, 0);
    const atMs = lab.clock.now;
    lab.clock.now += 1 * HOUR;
    const marker = "openclaw-oauth-refresh-fence:v1:claim:refresh:00";
    await lab.write({ work: { access: marker, refresh: marker } });
    expect(await lab.service.check("main", [ID])).toMatchObject([{ outcome: { kind: "no-token" }, kept: { atMs } }]);
    const known = await lab.service.known("main", [{ id: ID, renewal: "under-way" }]);
    expect([...known]).toMatchObject([[ID, { atMs }]]);
    // What is no renewal may be anybody's.
    await lab.write({ work: { type: "api_key", access: "a-key" } });
    const [other] = await lab.service.check("main", [ID]);
    expect(other).not.toHaveProperty("kept");
    expect([...(await lab.service.known("main", [{ id: ID }]))]).toEqual([]);
  });

  it("loses nothing where two processes keep different accounts at once", async () => {
    const lab = await usageLab();
    const names = ["a", "b", "c", "d"];
    await lab.write(Object.fromEntries(names.map((name) => [name, {}])));
    const ids = names.map((name) => `openai-codex:${name}`);
    await Promise.all([lab.service.check("main", ids), lab.another().check("main", ids)]);
    expect(await readdir(lab.folder)).toHaveLength(4);
  });
});
