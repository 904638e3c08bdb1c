import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LEASE } from "../../src/config/defaults.ts";
import type { Batch, LeaseContext } from "../../src/lease/batch.ts";
import type { SandboxBroker } from "../../src/sandbox/broker.ts";
import { supportFile } from "../support/child-process.ts";
import { openTelemetryLab, REQUEST, type TelemetryLab } from "./telemetry-lab.ts";

const MEMORY = "/dev/shm";

interface Peer {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;
  lines(): readonly string[];
}

function startPeer(command: string, lab: TelemetryLab, lease: LeaseContext, size: number): Peer {
  const args = [command, lab.folder, lease.leaseId, lease.owner.machineId, String(size)];
  const child = spawn(process.execPath, [supportFile("telemetry-peer.mjs"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PEER_BROKER: lab.site.origin, PEER_TOKEN: lab.site.token.expose() },
  });
  const exit = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return { child, exit, lines: () => output.split("\n").slice(0, -1) };
}

async function kill(peer: Peer): Promise<void> {
  peer.child.kill("SIGKILL");
  await peer.exit;
}

/** How many requests were told, each batch once: a batch may be told twice, and says so by its id. */
function toldOnce(site: SandboxBroker, lease: LeaseContext): { readonly requests: number; readonly repeated: number } {
  const rows = site.telemetryRows(lease.leaseId);
  const byBatch = new Map(rows.map((row) => [row.metadata?.["batch_id"], row.requestsCount ?? 0]));
  return {
    requests: [...byBatch.values()].reduce((sum, count) => sum + count, 0),
    repeated: rows.length - byBatch.size,
  };
}

const telemetryCalls = ({ log }: SandboxBroker): number => log.filter(({ path }) => path.endsWith("/telemetry")).length;

const SOON = { timeout: 15_000 };

describe("telemetry over processes", { timeout: 120_000 }, () => {
  it.each(["hang", "lost-answer"] as const)(
    "loses nothing that a flush had begun with, killed while it hung: %s",
    async (kind) => {
      const lab = await openTelemetryLab();
      const lease = await lab.lease();
      lab.site.faults.next({ kind }, { on: "telemetry" });
      const peer = startPeer("hold", lab, lease, 1234);
      await expect.poll(() => telemetryCalls(lab.site), SOON).toBe(1);
      await kill(peer);
      // The lock of a killed process is taken over when it was not renewed for a while; here that while is over.
      await utimes(join(lab.folder, "spool.lock"), 0, 0).catch(() => undefined);
      const telemetry = lab.telemetry();
      expect((await telemetry.totals()).unsent).toEqual({ requests: 1234, tokensIn: 123_400, tokensOut: 12_340 });
      expect(await telemetry.flush()).toMatchObject({ outcome: "sent" });
      expect(toldOnce(lab.site, lease)).toEqual({ requests: 1234, repeated: kind === "hang" ? 0 : 1 });
      expect(await readdir(join(lab.folder, "spool"))).toEqual([]);
    },
  );

  it("loses at most one spool interval to a SIGKILL", async () => {
    // How long a disk takes to write is no part of the interval, and a killed process loses nothing that the system has.
    const lab = await openTelemetryLab(existsSync(MEMORY) ? MEMORY : tmpdir());
    const lease = await lab.lease();
    const spoolMs = 300;
    const peer = startPeer("pace", lab, lease, spoolMs);
    const seen = (): readonly (readonly number[])[] => peer.lines().map((line) => line.split(" ").map(Number));
    const lastedMs = (): number => (seen().at(-1)?.[1] ?? 0) - (seen()[0]?.[1] ?? 0);
    await expect.poll(lastedMs, SOON).toBeGreaterThan(2_000);
    await kill(peer);
    const [lastCount = 0, lastMs = 0] = seen().at(-1) ?? [];
    // Nor is how late a busy machine comes to it.
    const slackMs = 700;
    const [surely = 0] = seen().findLast(([, ms = 0]) => ms <= lastMs - spoolMs - slackMs) ?? [];
    expect(surely).toBeGreaterThan(0);
    const telemetry = lab.telemetry();
    await telemetry.flush();
    const { requests } = toldOnce(lab.site, lease);
    expect(requests).toBeGreaterThanOrEqual(surely);
    expect(requests).toBeLessThanOrEqual(lastCount + 20);
    expect(telemetryCalls(lab.site)).toBe(1);
  });

  it("never sends the same batch from two processes, and counts each request once", async () => {
    const lab = await openTelemetryLab();
    const leases = [await lab.lease("m1"), await lab.lease("m2"), await lab.lease("m3")];
    // Nothing is done in any of these, so that a batch told twice would be our doing.
    for (let time = 0; time < 15; time += 1)
      lab.site.faults.next({ kind: time % 2 === 0 ? "text500" : "reset" }, { on: "telemetry" });
    const peers = leases.map((lease) => startPeer("work", lab, lease, 120));
    await Promise.all(peers.map(async (peer) => peer.exit));
    await lab.telemetry().flush();
    expect(leases.map((lease) => toldOnce(lab.site, lease))).toEqual(
      leases.map(() => ({ requests: 120, repeated: 0 })),
    );
    expect((await lab.telemetry().totals()).sent.requests).toBe(360);
  });

  it("leaves the open batch of a living process alone", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const living = lab.telemetry();
    living.setLease(lease);
    living.observeUsage(REQUEST);
    living.tick();
    await expect.poll(() => lab.batchFiles(), SOON).toHaveLength(1);
    expect(await lab.telemetry().flush()).toMatchObject({ outcome: "nothing" });
    expect(await lab.batchFiles()).toHaveLength(1);
    expect(await living.flush()).toMatchObject({ outcome: "sent", sent: { requests: 1 } });
  });

  it("takes a process of another container for dead only when it has saved nothing for long, and stands it being alive", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    let now = Date.now();
    const living = lab.telemetry({ now: () => now });
    living.setLease(lease);
    living.observeUsage(REQUEST);
    living.tick();
    await expect.poll(() => lab.batchFiles(), SOON).toHaveLength(1);
    const [file = ""] = await lab.batchFiles();
    const path = join(lab.folder, "spool", file);
    const batch = JSON.parse(await readFile(path, "utf8")) as Batch;
    // As it looks from another container: a pid that nobody has there.
    const foreign = { ...batch, process: { pid: 2 ** 22 + 1, host: `${hostname()}-other` } };
    await writeFile(path, JSON.stringify(foreign));
    const other = lab.telemetry({ now: () => now });
    expect(await other.flush()).toMatchObject({ outcome: "nothing" });
    now += LEASE.foreignSpoolMs;
    expect(await other.flush()).toMatchObject({ outcome: "sent", sent: { requests: 1 } });
    living.observeUsage(REQUEST);
    expect(await living.flush()).toMatchObject({ outcome: "sent", sent: { requests: 1 } });
    expect(toldOnce(lab.site, lease)).toEqual({ requests: 2, repeated: 0 });
  });

  it("does not count a batch twice whose process was killed between the ledger and the removal", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const telemetry = lab.telemetry();
    telemetry.setLease(lease);
    telemetry.observeUsage(REQUEST);
    telemetry.tick();
    await expect.poll(() => lab.batchFiles(), SOON).toHaveLength(1);
    const [file = ""] = await lab.batchFiles();
    const path = join(lab.folder, "spool", file);
    const batch = JSON.parse(await readFile(path, "utf8")) as Batch;
    await telemetry.flush();
    await writeFile(path, JSON.stringify({ ...batch, state: "sealed" }), { mode: 0o600 });
    expect((await telemetry.totals()).unsent.requests).toBe(0);
    expect(await lab.telemetry().flush()).toMatchObject({ outcome: "nothing", rows: 0 });
    expect(await lab.batchFiles()).toEqual([]);
    expect((await lab.telemetry().totals()).sent.requests).toBe(1);
    expect(toldOnce(lab.site, lease)).toEqual({ requests: 1, repeated: 0 });
  });

  it("leaves nothing open behind when it stops while the broker is away", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const first = lab.telemetry();
    first.setLease(lease);
    first.observeUsage(REQUEST);
    await lab.site.stop();
    await first.stop();
    await lab.site.start();
    expect(await lab.telemetry().flush()).toMatchObject({ outcome: "sent", sent: { requests: 1 } });
    expect(toldOnce(lab.site, lease)).toEqual({ requests: 1, repeated: 0 });
  });
});
