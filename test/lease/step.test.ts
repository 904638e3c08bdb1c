import { describe, expect, it } from "vitest";
import { HOUR, LEASE, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { leaseLab, type LeaseLab } from "./lease-lab.ts";

const calls = (lab: LeaseLab, action?: string): number =>
  lab.broker.log.filter((entry) => action === undefined || entry.action === action).length;
const active = (lab: LeaseLab): readonly string[] =>
  lab.broker.leases().flatMap(({ id, machineId, state }) => (machineId === "m1" && state === "active" ? [id] : []));

describe("a step of the keeper", () => {
  it("acquires, looks, and writes the tokens out, in one go", async () => {
    const lab = await leaseLab();
    expect(await lab.step()).toBe(lab.settings.refreshIntervalMs);
    const record = await lab.record();
    expect(record).toMatchObject({ status: { state: "active", machineId: "m1", agentId: "openclaw" }, label: "alpha" });
    expect(record?.problem).toBeUndefined();
    expect(lab.store.writes).toBe(1);
    await lab.step();
    expect(await lab.record()).toMatchObject({ storedBy: "job-1" });
    expect(lab.store.writes).toBe(1);
  });

  it("keeps no token in its record", async () => {
    const lab = await leaseLab({}, { onDisk: true });
    await lab.step();
    const { accessToken, refreshToken } = lab.broker.tokens("alpha");
    const text = JSON.stringify(await lab.record());
    expect(text).not.toContain(accessToken.expose());
    expect(text).not.toContain(refreshToken?.expose());
  });

  it("leaves the look to another process of this machine that has just looked", async () => {
    const lab = await leaseLab();
    await lab.step();
    const other = await lab.machine({}, { sharing: lab });
    const before = calls(lab);
    lab.clock.now += 10 * SECOND;
    await other.service.step();
    expect(calls(lab)).toBe(before);
    lab.clock.now += 30 * SECOND;
    await other.service.step();
    expect(calls(lab)).toBe(before + 1);
  });

  it("renews in time, and keeps the same lease and credential for ten hours with bounded calls", async () => {
    const lab = await leaseLab();
    await lab.pass(MINUTE);
    const first = (await lab.record())?.status;
    await lab.pass(10 * HOUR);
    expect(await lab.record()).toMatchObject({
      status: { leaseId: first?.leaseId, credentialId: first?.credentialId, state: "active" },
    });
    expect(lab.broker.leases()).toHaveLength(1);
    // 60 looks an hour, and a renewal with its look each 55 minutes.
    expect(calls(lab) / 10).toBeLessThan(64);
    expect(calls(lab, "renew")).toBeGreaterThanOrEqual(10);
    expect(calls(lab, "renew")).toBeLessThanOrEqual(12);
  });

  it("does the same with a clock that is three hours off", async () => {
    for (const skewMs of [3 * HOUR, -3 * HOUR]) {
      const lab = await leaseLab({}, { skewMs });
      await lab.pass(2 * HOUR);
      expect(lab.broker.leases()).toHaveLength(1);
      expect(active(lab)).toHaveLength(1);
      expect(calls(lab, "renew")).toBeLessThanOrEqual(3);
    }
  });

  it("fetches the tokens again when the manager changed them, and before they expire", async () => {
    const lab = await leaseLab();
    await lab.pass(2 * MINUTE);
    lab.broker.refreshCredential("alpha", 30 * MINUTE);
    await lab.pass(2 * MINUTE);
    expect(lab.store.writes).toBe(2);
    const held = lab.store.held;
    // The manager renews it only when it is asked: the keeper asks before the access token ends.
    await lab.pass(20 * MINUTE);
    expect(lab.store.writes).toBe(2);
    lab.broker.refreshCredential("alpha", 2 * HOUR);
    await lab.pass(5 * MINUTE);
    expect(lab.store.writes).toBe(3);
    expect(lab.store.held).not.toBe(held);
  });

  it("asks for tokens that are about to end, and writes them only when they are others", async () => {
    const lab = await leaseLab();
    await lab.pass(2 * MINUTE);
    lab.broker.refreshCredential("alpha", 4.5 * MINUTE);
    await lab.pass(3 * MINUTE);
    expect(lab.store.writes).toBe(2);
    expect(calls(lab, "materialize")).toBeLessThan(7);
    lab.broker.refreshCredential("alpha", 2 * HOUR);
    await lab.pass(2 * MINUTE);
    expect(lab.store.writes).toBe(3);
  });

  it("waits for nothing because of a clock that was ahead and is right again", async () => {
    const lab = await leaseLab({}, { broker: { credentials: [{ label: "alpha", utilizationPct: 10 }] } });
    const year = 365 * 24 * HOUR;
    for (let round = 0; round < 6; round += 1) {
      await lab.step().catch(() => undefined);
      lab.broker.markExhausted("alpha");
      await lab.step().catch(() => undefined);
    }
    expect(await lab.record()).toMatchObject({ note: "backing-off" });
    lab.clock.now -= year;
    await lab.pass(10 * MINUTE);
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
  });

  it("refuses tokens that have expired already, keeps the lease, and asks again later", async () => {
    const lab = await leaseLab();
    lab.broker.refreshCredential("alpha", -MINUTE);
    await expect(lab.step()).rejects.toMatchObject({ code: "ERR_LEASE_MATERIAL_EXPIRED" });
    expect(lab.store.writes).toBe(0);
    expect(await lab.record()).toMatchObject({
      status: { state: "active" },
      problem: { code: "ERR_LEASE_MATERIAL_EXPIRED" },
    });
    lab.broker.refreshCredential("alpha");
    await lab.pass(2 * MINUTE);
    expect(lab.store.writes).toBe(1);
    expect((await lab.record())?.problem).toBeUndefined();
  });
});

describe("a broker that is away", () => {
  it("is an error of the step and nothing else: the lease goes on when it is back", async () => {
    const lab = await leaseLab();
    await lab.step();
    const before = await lab.record();
    await lab.broker.stop();
    await expect(lab.step()).rejects.toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    expect(await lab.record()).toMatchObject({
      status: before?.status,
      problem: { code: "ERR_BROKER_UNREACHABLE" },
    });
    await lab.broker.start();
    await lab.step();
    expect(await lab.record()).toMatchObject({ status: { leaseId: before?.status?.leaseId } });
    expect((await lab.record())?.problem).toBeUndefined();
  });

  it("that lost the answer of an acquire has given no second lease", async () => {
    const lab = await leaseLab();
    lab.broker.faults.next({ kind: "lost-answer" }, { on: "acquire" });
    await lab.step();
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("that lost the answer of a rotation is asked for this machine's lease: the new one comes back", async () => {
    const lab = await leaseLab();
    await lab.step();
    lab.broker.faults.next({ kind: "lost-answer" }, { on: "rotate" });
    await expect(lab.service.act({ kind: "rotate" })).rejects.toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    await lab.step();
    const record = await lab.record();
    expect(active(lab)).toEqual([record?.status?.leaseId]);
    expect(record?.status?.credentialId).toContain("bravo");
    expect(calls(lab, "rotate")).toBe(1);
    expect(lab.store.writes).toBe(2);
  });

  it("that was gone longer than a lease lives without contact gives a new one", async () => {
    const lab = await leaseLab();
    await lab.pass(15 * MINUTE);
    const before = (await lab.record())?.status?.leaseId;
    lab.clock.now += 10 * MINUTE;
    await lab.pass(2 * MINUTE);
    const after = await lab.record();
    expect(after?.status).toMatchObject({ state: "active" });
    expect(after?.status?.leaseId).not.toBe(before);
    expect(active(lab)).toEqual([after?.status?.leaseId]);
  });

  it("that does not know the lease any more gives another one", async () => {
    const lab = await leaseLab();
    await lab.step();
    const before = (await lab.record())?.status?.leaseId ?? "";
    lab.broker.deleteLease(before);
    await lab.step();
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
    expect((await lab.record())?.status?.leaseId).not.toBe(before);
  });
});

describe("a credential that cannot be used", () => {
  it("is left for another one at once when it is exhausted", async () => {
    const lab = await leaseLab();
    await lab.pass(15 * MINUTE);
    lab.broker.setUtilization("alpha", 100);
    await lab.pass(2 * MINUTE);
    const record = await lab.record();
    expect(record?.status).toMatchObject({ state: "active" });
    expect(record?.label).toBe("bravo");
    // The machine does not go on holding both.
    expect(active(lab)).toEqual([record?.status?.leaseId]);
  });

  it("is asked for ever less often where the broker revokes it again and again", async () => {
    const lab = await leaseLab({}, { broker: { credentials: [{ label: "alpha", utilizationPct: 10 }] } });
    await lab.step();
    for (let round = 0; round < 40; round += 1) {
      // The manager's own figure makes it available again at the next call (§3.5).
      lab.broker.markExhausted("alpha");
      await lab.step().catch(() => undefined);
      lab.clock.now += SECOND;
    }
    expect(calls(lab, "acquire")).toBeLessThan(8);
    expect(await lab.record()).toMatchObject({ note: "backing-off" });
    await lab.pass(LEASE.backoffMaxMs + 2 * MINUTE);
    expect(active(lab)).toHaveLength(1);
  });

  it("is waited for where all are taken, and had when one is free", async () => {
    const lab = await leaseLab({}, { broker: { credentials: [{ label: "alpha", utilizationPct: 10 }] } });
    const other = await lab.machine({ machineId: "m2" });
    await other.step();
    await expect(lab.step()).rejects.toMatchObject({ code: "ERR_LEASE_NO_CREDENTIAL" });
    expect((await lab.record())?.problem).toMatchObject({ code: "ERR_LEASE_NO_CREDENTIAL" });
    await other.service.act({ kind: "release" });
    await lab.step();
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
  });

  it("is kept while it cools down, with contact and without futile calls", async () => {
    const lab = await leaseLab();
    await lab.pass(2 * MINUTE);
    lab.broker.cooldown("alpha", 10 * MINUTE);
    await lab.pass(5 * MINUTE);
    expect(await lab.record()).toMatchObject({ note: "cooldown", status: { state: "active" } });
    expect(lab.broker.log.filter(({ status }) => status === 409)).toHaveLength(0);
    await lab.pass(10 * MINUTE);
    expect((await lab.record())?.note).toBeUndefined();
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("without tokens at the broker for a moment is used when it has them again", async () => {
    const lab = await leaseLab();
    const body = JSON.stringify({ status: "denied", reason: "credential_material_not_found", lease: null });
    lab.broker.faults.next({ kind: "answer", status: 404, body }, { on: "materialize" });
    await expect(lab.step()).rejects.toMatchObject({ code: "ERR_LEASE_NO_MATERIAL" });
    await lab.pass(2 * MINUTE);
    expect(lab.store.writes).toBe(1);
    expect((await lab.record())?.note).toBeUndefined();
    await lab.pass(2 * HOUR);
    expect(lab.broker.leases()).toHaveLength(1);
  });

  it("without tokens at the broker is said, and left by a rotation", async () => {
    const lab = await leaseLab();
    lab.broker.deleteProfile("alpha");
    await expect(lab.step()).rejects.toMatchObject({ code: "ERR_LEASE_NO_MATERIAL" });
    await lab.pass(10 * MINUTE);
    expect(await lab.record()).toMatchObject({ note: "ghost" });
    expect(calls(lab, "acquire")).toBe(1);
    await lab.service.act({ kind: "rotate" });
    expect(await lab.record()).toMatchObject({ label: "bravo" });
    expect(lab.store.writes).toBe(1);
  });
});

describe("a lease that the broker wants rotated", () => {
  const nearlyFull = { capturedAtMs: 0, utilizationPct: 91 };

  it("is kept while it works, said, and acquired anew when it has run out", async () => {
    const lab = await leaseLab();
    await lab.step();
    const before = (await lab.record())?.status?.leaseId ?? "";
    await lab.client.telemetry(
      before,
      { machineId: "m1", agentId: "openclaw" },
      { ...nearlyFull, capturedAtMs: lab.clock.now },
    );
    await lab.pass(10 * MINUTE);
    expect(await lab.record()).toMatchObject({ note: "rotation-required", status: { leaseId: before } });
    expect(calls(lab, "renew") + calls(lab, "rotate")).toBe(0);
    await lab.pass(HOUR);
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
    expect((await lab.record())?.status?.leaseId).not.toBe(before);
  });

  it("is rotated at the next try where the first one failed", async () => {
    const lab = await leaseLab({ autoRotate: true });
    await lab.step();
    const before = (await lab.record())?.status?.leaseId ?? "";
    await lab.client.telemetry(
      before,
      { machineId: "m1", agentId: "openclaw" },
      { ...nearlyFull, capturedAtMs: lab.clock.now },
    );
    lab.broker.faults.next({ kind: "text500" }, { on: "rotate" });
    await lab.pass(5 * MINUTE);
    expect((await lab.record())?.label).toBe("bravo");
    expect(calls(lab, "rotate")).toBe(2);
  });

  it("is left by acquiring where the broker lets no client rotate and the credential is used up", async () => {
    const lab = await leaseLab({ autoRotate: true });
    lab.broker.configure({ allow_client_initiated_rotation: false });
    await lab.pass(15 * MINUTE);
    lab.broker.setUtilization("alpha", 100);
    await lab.pass(5 * MINUTE);
    expect((await lab.record())?.label).toBe("bravo");
    expect(calls(lab, "rotate")).toBe(1);
  });

  it("is rotated once where that is allowed, not to and fro", async () => {
    const lab = await leaseLab({ autoRotate: true, rotationPolicy: "recommended_or_required" });
    for (const label of ["alpha", "bravo", "charlie", "delta"]) lab.broker.setUtilization(label, 93);
    await lab.pass(25 * MINUTE);
    expect(calls(lab, "rotate")).toBe(1);
    expect(active(lab)).toEqual([(await lab.record())?.status?.leaseId]);
  });
});

describe("another agent's lease on this machine", () => {
  it("is neither used nor disturbed, and said; when it is given back we have our own", async () => {
    const lab = await leaseLab();
    const other = await lab.machine({ agentId: "somebody" });
    await other.step();
    for (let minute = 0; minute < 12; minute += 1) {
      await other.step();
      await lab.service.step();
      lab.clock.now += MINUTE;
    }
    expect(await lab.record()).toMatchObject({ note: "other-agent", status: { agentId: "somebody" } });
    expect(lab.store.writes).toBe(0);
    expect(lab.broker.leases()).toHaveLength(1);
    await other.service.act({ kind: "release" });
    await lab.step();
    expect((await lab.record())?.status).toMatchObject({ agentId: "openclaw", state: "active" });
    expect(lab.store.writes).toBe(1);
  });

  it("is not kept alive by our looks when its agent is gone", async () => {
    const lab = await leaseLab();
    const other = await lab.machine({ agentId: "somebody" });
    await other.step();
    await lab.pass(7 * MINUTE);
    expect((await lab.record())?.status).toMatchObject({ agentId: "openclaw", state: "active" });
  });
});

describe("what stays of a lease that is over", () => {
  it("is taken out of the store when no other lease is to be had, and not before", async () => {
    const lab = await leaseLab({}, { broker: { credentials: [{ label: "alpha", utilizationPct: 10 }] } });
    await lab.pass(15 * MINUTE);
    lab.broker.expireLease((await lab.record())?.status?.leaseId ?? "");
    const thief = await lab.machine({ machineId: "m2" });
    const minutes = async (count: number): Promise<void> => {
      for (let minute = 0; minute < count; minute += 1) {
        await thief.step();
        await lab.pass(MINUTE);
      }
    };
    await minutes(6);
    expect(lab.store.held).toBeDefined();
    await minutes(8);
    expect(lab.store.held).toBeUndefined();
    expect(lab.store.removals).toBe(1);
  });

  it("is not its name: the card shows no credential under another one's", async () => {
    const lab = await leaseLab();
    await lab.pass(15 * MINUTE);
    expect((await lab.record())?.label).toBe("alpha");
    lab.broker.deleteProfile("bravo");
    await lab.service.act({ kind: "rotate" }).catch(() => undefined);
    expect((await lab.record())?.status?.credentialId).toContain("bravo");
    expect((await lab.record())?.label).toBeUndefined();
    // And the earlier one's tokens do not stay in use for good.
    await lab.pass(15 * MINUTE);
    expect(lab.store.held).toBeUndefined();
  });
});

describe("two processes of one machine", () => {
  it("that begin at the same moment have one lease and one set of tokens", async () => {
    const lab = await leaseLab({}, { onDisk: true });
    const other = await lab.machine({}, { sharing: lab });
    await Promise.all([lab.service.step(), other.service.step(), lab.service.step(), other.service.step()]);
    expect(lab.broker.leases()).toHaveLength(1);
    expect(lab.store.writes).toBe(1);
    expect(calls(lab, "acquire")).toBe(1);
  });
});

describe("a lease that the settings name", () => {
  it("is taken over if it is ours", async () => {
    const lab = await leaseLab();
    await lab.step();
    const leaseId = (await lab.record())?.status?.leaseId ?? "";
    const moved = await lab.machine({ leaseId });
    await moved.step();
    expect((await moved.record())?.status).toMatchObject({ leaseId });
    expect(calls(lab, "acquire")).toBe(1);
  });

  it("is a clear error if it is somebody else's, and nothing is acquired", async () => {
    const lab = await leaseLab();
    await lab.step();
    const leaseId = (await lab.record())?.status?.leaseId ?? "";
    const thief = await lab.machine({ leaseId, machineId: "m2" });
    await expect(thief.step()).rejects.toMatchObject({ code: "ERR_LEASE_NOT_OWNED" });
    expect(thief.store.writes).toBe(0);
    expect(lab.broker.leases()).toHaveLength(1);
  });
});

describe("a profile store that refuses the tokens", () => {
  it("is asked again ever less often, and the lease is kept meanwhile", async () => {
    const lab = await leaseLab();
    const problem = {
      code: "ERR_LEASE_PROFILE_TAKEN",
      message: "Somebody's login is there.",
      next: "Choose another id.",
    };
    lab.store.outcome = { kind: "failed", problem };
    await lab.pass(2 * HOUR);
    expect(lab.store.writes).toBeLessThan(12);
    expect(await lab.record()).toMatchObject({
      problem: { code: "ERR_LEASE_PROFILE_TAKEN" },
      status: { state: "active" },
    });
    expect(lab.broker.leases()).toHaveLength(1);
    lab.store.outcome = { kind: "done" };
    await lab.pass(2 * HOUR);
    expect((await lab.record())?.problem).toBeUndefined();
    expect(lab.store.held).toBeDefined();
  });

  it("and one that lost them gets them again", async () => {
    const lab = await leaseLab();
    await lab.pass(2 * MINUTE);
    lab.store.held = undefined;
    await lab.pass(2 * MINUTE);
    expect(lab.store.writes).toBe(2);
    expect(lab.store.held).toBeDefined();
  });

  it("and one from which somebody takes them again and again gets them every few minutes, not every one", async () => {
    const lab = await leaseLab();
    await lab.step();
    for (let minute = 0; minute < 60; minute += 1) {
      lab.store.held = undefined;
      await lab.pass(MINUTE);
    }
    expect(lab.store.writes).toBeLessThan(15);
  });
});
