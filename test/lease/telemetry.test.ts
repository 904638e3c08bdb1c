import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BROKER, LEASE } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { LeaseTelemetry } from "../../src/lease/telemetry.ts";
import { createLog } from "../../src/secrets/log.ts";
import { clientOf, openTelemetryLab, REQUEST } from "./telemetry-lab.ts";

const NOTHING = { requests: 0, tokensIn: 0, tokensOut: 0 };
const ONE = { requests: 1, tokensIn: 100, tokensOut: 10 };

/** A clock that is five minutes slow. */
const slow = (): number => Date.now() - 5 * 60_000;

describe("telemetry of a lease", () => {
  it("tells counts, model, source and status once, with the batch's id, and keeps nothing on disk", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    for (let time = 0; time < 3; time += 1) telemetry.observeUsage({ ...REQUEST, source: "openclaw" });
    const result = await telemetry.flush();
    expect(result).toMatchObject({ outcome: "sent", rows: 1, error: undefined, sent: { requests: 3, tokensIn: 300 } });
    expect(result.answer?.lease.leaseId).toBe(lease.leaseId);
    const [row] = lab.site.telemetryRows(lease.leaseId);
    expect(row).toMatchObject({ requestsCount: 3, tokensIn: 300, tokensOut: 30, status: "ok", utilizationPct: null });
    expect(row?.metadata).toEqual({
      batch_id: expect.stringMatching(/^\d+-[0-9a-f]{16}$/),
      source: "openclaw",
      models: ["gpt-5.4"],
    });
    expect(Date.now() - (row?.capturedAtMs ?? 0)).toBeLessThan(10_000);
    expect(await lab.batchFiles()).toEqual([]);
    expect(await telemetry.flush()).toMatchObject({ outcome: "nothing", rows: 0 });
    expect(lab.told(lease).rows).toBe(1);
    expect(await telemetry.totals()).toEqual({
      sent: { requests: 3, tokensIn: 300, tokensOut: 30 },
      unsent: NOTHING,
      unattributed: NOTHING,
    });
  });

  it("sends status and utilization where there are no counts, and no row where there is nothing", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage({ model: "gpt-5.4", usage: { prompt_tokens: -1 } });
    expect(await telemetry.flush()).toMatchObject({ outcome: "nothing" });
    telemetry.observeUsage({
      status: "error",
      utilization_pct: 42.5,
      quota_remaining: 7000,
      last_error_at: 1_800_000_000_000,
    });
    await telemetry.flush();
    const rows = lab.site.telemetryRows(lease.leaseId);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      requestsCount: null,
      tokensIn: null,
      status: "error",
      utilizationPct: 42.5,
      quotaRemaining: 7000,
      lastErrorAt: null,
      metadata: { batch_id: expect.any(String) },
    });
  });

  it("tells utilization only of what was observed since the last flush", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage({ ...REQUEST, utilizationPct: 12 });
    await telemetry.flush();
    telemetry.observeUsage(REQUEST);
    await telemetry.flush();
    expect(lab.site.telemetryRows(lease.leaseId).map((row) => row.utilizationPct)).toEqual([12, null]);
  });

  it("tells counts of before a rotation to the old lease, now, and without what would revoke the new holder", async () => {
    const lab = await openTelemetryLab();
    const first = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(first);
    telemetry.observeUsage({ ...REQUEST, utilization_pct: 100, quota_remaining: 0 });
    const rotated = await lab.broker.rotate(first.leaseId, first.owner, "admin_requested_rotation");
    const second = { leaseId: rotated.leaseId, owner: first.owner };
    telemetry.setLease(second);
    telemetry.observeUsage({ ...REQUEST, utilization_pct: 5 });
    const other = await lab.lease("m2");
    await telemetry.flush();
    expect(lab.told(first)).toMatchObject({ rows: 1, ...ONE });
    expect(lab.told(second)).toMatchObject({ rows: 1, ...ONE });
    const [late] = lab.site.telemetryRows(first.leaseId);
    expect(late).toMatchObject({ utilizationPct: null, quotaRemaining: null, status: null });
    expect(Date.now() - (late?.capturedAtMs ?? 0)).toBeLessThan(10_000);
    expect(lab.site.telemetryRows(second.leaseId)[0]).toMatchObject({ utilizationPct: 5, status: "ok" });
    expect([lab.site.lease(second.leaseId)?.state, lab.site.lease(other.leaseId)?.state]).toEqual(["active", "active"]);
  });

  it("counts events that come during a flush in the next batch, also over a rotation", async () => {
    const lab = await openTelemetryLab();
    const first = await lab.lease();
    const second = await lab.lease("m2");
    const telemetry = lab.telemetry();
    telemetry.setLease(first);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "slow", ms: 300 }, { on: "telemetry" });
    const flushing = telemetry.flush();
    await expect.poll(() => lab.site.log.filter(({ path }) => path.endsWith("/telemetry")).length).toBe(1);
    telemetry.observeUsage(REQUEST);
    telemetry.setLease(second);
    telemetry.observeUsage(REQUEST);
    expect(await flushing).toMatchObject({ outcome: "sent", sent: ONE });
    expect(await telemetry.totals()).toMatchObject({ sent: ONE, unsent: { requests: 2 } });
    await telemetry.flush();
    expect([lab.told(first).requests, lab.told(second).requests]).toEqual([2, 1]);
  });

  it("runs one flush at a time, and calls in between share the next", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    const flushes = Array.from({ length: 50 }, async () => {
      telemetry.observeUsage(REQUEST);
      return telemetry.flush();
    });
    await Promise.all(flushes);
    expect(lab.told(lease)).toMatchObject({ requests: 51 });
    expect(lab.told(lease).rows).toBeLessThanOrEqual(2);
  });

  it("keeps what no lease was set for as unattributed, on disk too, and tells nobody", async () => {
    const lab = await openTelemetryLab();
    const telemetry = lab.telemetry();
    telemetry.observeUsage(REQUEST);
    expect((await telemetry.totals()).unattributed).toEqual(ONE);
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", rows: 0, unattributed: ONE });
    const again = await lab.telemetry().totals();
    expect(again).toEqual({ sent: NOTHING, unsent: NOTHING, unattributed: ONE });
    expect(lab.site.log.filter(({ path }) => path.endsWith("/telemetry"))).toEqual([]);
  });

  it("moves the counts of a lease that the broker does not know to unattributed, and goes on with the others", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease({ leaseId: "lease_gone", owner: lease.owner });
    telemetry.observeUsage(REQUEST);
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", rows: 1, unattributed: ONE, error: undefined });
    expect(await telemetry.totals()).toEqual({ sent: ONE, unsent: NOTHING, unattributed: ONE });
    expect(await lab.batchFiles()).toEqual([]);
  });

  it("keeps a batch as it was sent where the broker fails, waits longer each time, and tells it once it is back", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, random: () => 1 });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "text500" }, { on: "telemetry" });
    const failed = await telemetry.flush();
    expect(failed).toMatchObject({
      outcome: "failed",
      error: { code: "ERR_BROKER_BUSY" },
      retryAtMs: now + LEASE.backoffMinMs,
    });
    expect(telemetry.lastError).toBe("ERR_BROKER_BUSY");
    const [file = ""] = await lab.batchFiles();
    const sealed = await readFile(join(lab.folder, "spool", file), "utf8");
    lab.site.faults.next({ kind: "text500" }, { on: "telemetry" });
    telemetry.observeUsage(REQUEST);
    expect((await telemetry.flush()).retryAtMs).toBe(now + 2 * LEASE.backoffMinMs);
    expect(await readFile(join(lab.folder, "spool", file), "utf8")).toBe(sealed);
    expect((await stat(join(lab.folder, "spool", file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(lab.folder, "spool"))).mode & 0o777).toBe(0o700);
    now += 60_000;
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", rows: 2, retryAtMs: undefined });
    expect(telemetry.lastError).toBeUndefined();
    expect(lab.told(lease)).toMatchObject({ requests: 2 });
    expect(lab.told(lease).batches[0]).toBe(JSON.parse(sealed).id);
  });

  it("makes no flood of a dead broker: the open batch grows, and its file does not become many", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now });
    telemetry.setLease(lease);
    await lab.site.stop();
    const before = lab.site.log.length;
    for (let minute = 0; minute < 120; minute += 1) {
      for (let time = 0; time < 20; time += 1) telemetry.observeUsage(REQUEST);
      telemetry.tick();
      await telemetry.totals();
      now += 1_000;
    }
    await telemetry.flush();
    expect((await lab.batchFiles()).length).toBeLessThanOrEqual(2);
    expect(lab.site.log.length).toBe(before);
    await lab.site.start();
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent" });
    expect(lab.told(lease)).toMatchObject({ requests: 2_400, tokensIn: 240_000 });
  });

  it("tells the same batch again where only the answer was lost: at least once, and recognisable", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "lost-answer" }, { on: "telemetry" });
    expect(await telemetry.flush()).toMatchObject({ outcome: "failed", error: { retryable: true } });
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", sent: ONE });
    const { batches, rows } = lab.told(lease);
    expect([rows, new Set(batches).size]).toEqual([2, 1]);
  });

  it("leaves a refused batch and a damaged file where they are, and tells the rest", async () => {
    const lab = await openTelemetryLab();
    const [lease, other] = [await lab.lease(), await lab.lease("m2")];
    const telemetry = lab.telemetry();
    telemetry.setLease(other);
    telemetry.observeUsage(REQUEST);
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "answer", status: 400, body: `{"detail":"no"}` }, { on: "telemetry" });
    expect(await telemetry.flush()).toMatchObject({
      outcome: "failed",
      rows: 1,
      error: { code: "ERR_BROKER_REQUEST" },
    });
    await writeFile(join(lab.folder, "spool", "damaged.json"), "{");
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", rows: 1, damagedFiles: 1 });
    expect([lab.told(lease).requests, lab.told(other).requests]).toEqual([1, 1]);
    expect(await readFile(join(lab.folder, "spool", "damaged.json"), "utf8")).toBe("{");
  });

  it("sends nothing where its ledger cannot be read, and does not replace it", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    await writeFile(join(lab.folder, "telemetry.json"), "{}");
    expect(await telemetry.flush()).toMatchObject({ outcome: "failed", error: { code: "ERR_FILE_SHAPE" } });
    expect(await readFile(join(lab.folder, "telemetry.json"), "utf8")).toBe("{}");
    expect(lab.told(lease).rows).toBe(0);
  });

  it("flushes by itself after so many requests, and at its stop", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const results: string[] = [];
    const telemetry = lab.telemetry({ flushEveryRequests: 5, onFlushed: ({ outcome }) => results.push(outcome) });
    telemetry.setLease(lease);
    telemetry.start();
    for (let time = 0; time < 4; time += 1) telemetry.observeUsage(REQUEST);
    telemetry.observeUsage(REQUEST);
    await expect.poll(() => lab.told(lease).requests, { timeout: 5_000 }).toBe(5);
    telemetry.observeUsage(REQUEST);
    await telemetry.stop();
    expect(lab.told(lease).requests).toBe(6);
    expect(results).toEqual(["sent", "sent"]);
  });

  it("flushes by the clock, and not before", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, flushIntervalMs: 60_000 });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    now += 59_000;
    telemetry.tick();
    await expect.poll(() => lab.batchFiles()).toHaveLength(1);
    expect(lab.told(lease).rows).toBe(0);
    now += 1_000;
    telemetry.tick();
    await expect.poll(() => lab.told(lease).rows).toBe(1);
    await telemetry.flush();
  });

  it("names the time by the broker's clock, and judges what it kept by ours: a clock that is slow ends no lease", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry({ now: slow, brokerNow: Date.now });
    telemetry.setLease(lease);
    telemetry.observeUsage({ ...REQUEST, utilization_pct: 12 });
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", rows: 1 });
    const [row] = lab.site.telemetryRows(lease.leaseId);
    expect(Math.abs(Date.now() - (row?.capturedAtMs ?? 0))).toBeLessThan(10_000);
    expect(row).toMatchObject({ utilizationPct: 12, status: "ok" });
    expect(await lab.broker.get(lease.leaseId)).toMatchObject({ state: "active" });
    // Without it our own clock is the broker's: that is how the lease would have ended.
    const trusting = lab.telemetry({ now: slow });
    trusting.setLease(lease);
    trusting.observeUsage(REQUEST);
    await trusting.flush();
    expect(await lab.broker.get(lease.leaseId)).toMatchObject({ state: "expired" });
  });

  it("flushes an interval after the clock was put back, not as late as the clock is", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, brokerNow: Date.now, flushIntervalMs: 60_000 });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    now -= 3_600_000;
    telemetry.tick();
    await expect.poll(() => lab.batchFiles()).toHaveLength(1);
    expect(lab.told(lease).rows).toBe(0);
    now += 60_000;
    telemetry.tick();
    await expect.poll(() => lab.told(lease).rows).toBe(1);
    await telemetry.flush();
  });

  it("tries again at once where the clock was put back by more than any retry waits", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, brokerNow: Date.now, random: () => 1 });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "text500" }, { on: "telemetry" });
    expect(await telemetry.flush()).toMatchObject({ outcome: "failed", retryAtMs: now + LEASE.backoffMinMs });
    now -= 3_600_000;
    telemetry.tick();
    await expect.poll(() => lab.told(lease).rows).toBe(1);
    await telemetry.flush();
  });

  it("flushes after so many requests also where the clock was put back", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, brokerNow: Date.now, flushEveryRequests: 2 });
    telemetry.setLease(lease);
    now -= 3_600_000;
    telemetry.start();
    for (let time = 0; time < 2; time += 1) telemetry.observeUsage(REQUEST);
    await expect.poll(() => lab.told(lease).requests, { timeout: 5_000 }).toBe(2);
    await telemetry.stop();
  });

  it("counts a row as told where the broker took it and its answer cannot be read, and says so once", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let calls = 0;
    const answers = [{ status: "ok" }, "{", "x".repeat(2 * BROKER.maxBodyBytes)];
    const server = createServer((request, response) => {
      request.resume().on("end", () => {
        const answer = answers[calls];
        calls += 1;
        response.setHeader("content-type", "application/json");
        response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
      });
    });
    const broker = await clientOf(server);
    const lines: string[] = [];
    const telemetry = lab.telemetry({ broker, log: createLog((line) => lines.push(line), Date.now) });
    telemetry.setLease(lease);
    for (let time = 1; time <= answers.length; time += 1) {
      telemetry.observeUsage(REQUEST);
      const result = await telemetry.flush();
      expect(result).toMatchObject({ outcome: "sent", rows: 1, sent: ONE, error: undefined, answer: undefined });
      expect([calls, await lab.batchFiles()]).toEqual([time, []]);
    }
    expect(await telemetry.flush()).toMatchObject({ outcome: "nothing" });
    expect(calls).toBe(answers.length);
    const said = lines.filter((line) => line.includes("lease-telemetry-answer-unread"));
    expect(said).toHaveLength(answers.length);
    expect(said[0]).toContain("ERR_BROKER_RESPONSE");
    expect(await telemetry.totals()).toMatchObject({ sent: { requests: answers.length }, unsent: NOTHING });
  });

  it.each([
    ["HTML with 404", { status: 404, body: "<!doctype html>" }],
    ["a redirect", { status: 307, body: "", headers: { location: "/elsewhere" } }],
  ])("keeps a row that something else than the broker answered, and tries again later: %s", async (_what, answer) => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const telemetry = lab.telemetry({ now: () => now, random: () => 1 });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "answer", ...answer }, { on: "telemetry" });
    expect(await telemetry.flush()).toMatchObject({
      outcome: "failed",
      rows: 0,
      error: { code: "ERR_BROKER_RESPONSE" },
      retryAtMs: now + LEASE.backoffMaxMs,
    });
    expect(await lab.batchFiles()).toHaveLength(1);
    now += LEASE.backoffMaxMs;
    telemetry.tick();
    await expect.poll(() => lab.told(lease).rows).toBe(1);
    expect(await telemetry.flush()).toMatchObject({ error: undefined });
    expect(await telemetry.totals()).toMatchObject({ sent: ONE, unsent: NOTHING });
  });

  it("ends a flush by signal without losing what it was about to tell", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "hang" }, { on: "telemetry" });
    const end = new AbortController();
    const flushing = telemetry.flush(end.signal);
    await expect.poll(() => lab.site.log.filter(({ path }) => path.endsWith("/telemetry")).length).toBe(1);
    end.abort();
    expect(await flushing).toMatchObject({ outcome: "failed", error: { code: "ERR_CANCELLED" }, retryAtMs: undefined });
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", sent: ONE });
    expect(lab.told(lease)).toMatchObject({ rows: 1, ...ONE });
  });

  it("settles what the broker took though the disk did not: it is not told again", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = new LeaseTelemetry({
      folder: lab.folder,
      broker: {
        telemetry: async (...call) => {
          const answer = await lab.broker.telemetry(...call);
          await writeFile(join(lab.folder, "telemetry.json"), "{");
          return answer;
        },
      },
    });
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    expect(await telemetry.flush()).toMatchObject({ outcome: "failed", error: { code: "ERR_FILE_NOT_JSON" } });
    const empty = { schemaVersion: 1, sent: NOTHING, unattributed: NOTHING, settled: [] };
    await writeFile(join(lab.folder, "telemetry.json"), JSON.stringify(empty));
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent", sent: ONE });
    expect(lab.told(lease).rows).toBe(1);
  });

  it("keeps no row back because its listener throws", async () => {
    const lab = await openTelemetryLab();
    const telemetry = lab.telemetry({
      onFlushed: () => {
        throw new CodexAuthError("ERR_INTERNAL", { message: "no", next: "no" });
      },
    });
    telemetry.setLease(await lab.lease());
    telemetry.observeUsage(REQUEST);
    expect(await telemetry.flush()).toMatchObject({ outcome: "sent" });
  });
});
