import { describe, expect, it } from "vitest";
import { MINUTE } from "../../src/config/defaults.ts";
import { leaseLab } from "./lease-lab.ts";

const OWNER = { machineId: "m1", agentId: "openclaw" };

describe("what a person does about the lease", () => {
  it("release: gives it back, takes the tokens away, and none is asked for until they say so", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.service.act({ kind: "release" });
    expect(lab.broker.leases()).toMatchObject([{ state: "released" }]);
    expect(lab.store).toMatchObject({ removals: 1, held: undefined });
    await lab.pass(30 * MINUTE);
    expect(await lab.record()).toMatchObject({ note: "released-by-person" });
    expect(lab.broker.leases()).toHaveLength(1);
    await lab.service.act({ kind: "reacquire" });
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
    expect(lab.store.held).toBeDefined();
  });

  it("release while the broker is away: it is carried out when it is back, and nothing is acquired in between", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.broker.stop();
    await expect(lab.service.act({ kind: "release" })).rejects.toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    // The tokens do not wait for the broker.
    expect(lab.store).toMatchObject({ removals: 1, held: undefined });
    await lab.broker.start();
    await lab.step();
    expect(lab.broker.leases()).toMatchObject([{ state: "released" }]);
    expect(lab.store.removals).toBe(1);
    expect(await lab.record()).toMatchObject({ note: "released-by-person" });
  });

  it("release with a lost answer is a release all the same", async () => {
    const lab = await leaseLab();
    await lab.step();
    lab.broker.faults.next({ kind: "lost-answer" }, { on: "release" });
    await lab.service.act({ kind: "release" }).catch(() => undefined);
    await lab.pass(5 * MINUTE);
    expect(lab.broker.leases()).toMatchObject([{ state: "released" }]);
    expect(lab.store.held).toBeUndefined();
  });

  it("release: a removal that is not carried out is asked for again until it is", async () => {
    const lab = await leaseLab();
    await lab.step();
    lab.store.removing = { kind: "unknown" };
    await lab.service.act({ kind: "release" });
    expect(lab.store.held).toBeDefined();
    await lab.pass(30 * MINUTE);
    expect(lab.store.held).toBeDefined();
    expect(lab.store.removals).toBeLessThan(12);
    lab.store.removing = { kind: "done" };
    await lab.pass(70 * MINUTE);
    expect(lab.store.held).toBeUndefined();
    expect((await lab.record())?.removals).toEqual([]);
  });

  it("release: a removal waits for no clock that was ahead and is right again", async () => {
    const lab = await leaseLab();
    await lab.step();
    lab.store.removing = { kind: "unknown" };
    await lab.service.act({ kind: "release" });
    await lab.step();
    lab.clock.now -= 365 * 24 * 60 * MINUTE;
    lab.store.removing = { kind: "done" };
    await lab.pass(2 * MINUTE);
    expect(lab.store.held).toBeUndefined();
  });

  it("reacquire: a queue that cannot be read keeps nobody from looking at the lease", async () => {
    const lab = await leaseLab();
    await lab.step();
    lab.store.removing = { kind: "unknown" };
    await lab.service.act({ kind: "release" });
    lab.store.profileId = "openai-codex:other";
    await lab.service.act({ kind: "reacquire" });
    expect((await lab.record())?.removals).toHaveLength(1);
    lab.store.isReadable = false;
    await lab.pass(90 * MINUTE);
    expect((await lab.record())?.status).toMatchObject({ state: "active" });
    expect(lab.broker.log.some(({ action }) => action === "renew")).toBe(true);
    expect((await lab.record())?.removals).toHaveLength(1);
    lab.store.isReadable = true;
    lab.store.removing = { kind: "done" };
    await lab.pass(90 * MINUTE);
    expect((await lab.record())?.removals).toEqual([]);
  });

  it("rotate, confirmed for a lease that is gone by now: nothing is given up", async () => {
    const lab = await leaseLab();
    await lab.step();
    const leaseId = (await lab.record())?.status?.leaseId ?? "";
    const rotate = { kind: "rotate", leaseId } as const;
    const [one, other] = await Promise.allSettled([lab.service.act(rotate), lab.service.act(rotate)]);
    expect([one.status, other.status]).toEqual(["fulfilled", "rejected"]);
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["released", "active"]);
  });

  it("rotate: another credential, written out at once", async () => {
    const lab = await leaseLab();
    await lab.step();
    const { jobId } = await lab.service.act({ kind: "rotate" });
    expect(jobId).toBe("job-2");
    expect(await lab.record()).toMatchObject({ label: "bravo" });
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["released", "active"]);
  });

  it("rotate where there is no other: the lease stays as it was", async () => {
    const lab = await leaseLab({}, { broker: { credentials: [{ label: "alpha", utilizationPct: 10 }] } });
    await lab.step();
    const before = await lab.record();
    await expect(lab.service.act({ kind: "rotate" })).rejects.toMatchObject({ code: "ERR_LEASE_NO_CREDENTIAL" });
    expect((await lab.record())?.status?.leaseId).toBe(before?.status?.leaseId);
    expect(lab.broker.leases()).toMatchObject([{ state: "active" }]);
  });

  it("reacquire with a lease in hand gives it back first", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.service.act({ kind: "reacquire" });
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["released", "active"]);
    expect(lab.store).toMatchObject({ removals: 1, writes: 2 });
  });

  it("reacquire while the broker is away: it is given back and had anew when it is back", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.broker.stop();
    await expect(lab.service.act({ kind: "reacquire" })).rejects.toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    await lab.broker.start();
    await lab.step();
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["released", "active"]);
    expect((await lab.record())?.note).toBeUndefined();
    expect(lab.store.held).toBeDefined();
  });

  it("renew makes it longer; without a lease it says what to do", async () => {
    const lab = await leaseLab({ requestedTtlSeconds: 600 });
    await expect(lab.service.act({ kind: "renew" })).rejects.toMatchObject({ code: "ERR_LEASE_NONE" });
    await lab.step();
    const before = (await lab.record())?.status?.expiresAtMs ?? 0;
    await lab.service.act({ kind: "renew" });
    expect((await lab.record())?.status?.expiresAtMs).toBeGreaterThan(before);
  });

  it("materialize fetches the tokens even if nothing has changed", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.service.act({ kind: "materialize" });
    expect(lab.store.writes).toBe(2);
  });

  it("switches are kept on disk and win over the settings", async () => {
    const lab = await leaseLab();
    await lab.service.act({ kind: "auto-renew", on: false });
    await lab.service.act({ kind: "auto-rotate", on: true });
    const again = await lab.machine({}, { sharing: lab });
    expect((await again.service.view()).policy).toMatchObject({ autoRenew: false, autoRotate: true });
    await lab.pass(26 * MINUTE);
    expect(await lab.record()).toMatchObject({ note: "not-renewed" });
    expect(lab.broker.log.some(({ action }) => action === "renew")).toBe(false);
  });

  it("a host that stops may give the lease back; its next start has one again", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.service.releaseForNow({});
    expect(lab.broker.leases()).toMatchObject([{ state: "released" }]);
    expect(lab.store.held).toBeUndefined();
    await lab.pass(5 * MINUTE);
    expect(lab.broker.leases()).toHaveLength(1);
    await lab.service.begin();
    await lab.step();
    expect((await lab.record())?.status).toMatchObject({ state: "active", ...OWNER });
  });

  it("a host that stopped while the broker was away has one lease, not two, after its next start", async () => {
    const lab = await leaseLab();
    await lab.step();
    await lab.broker.stop();
    await expect(lab.service.releaseForNow({})).rejects.toMatchObject({ code: "ERR_BROKER_UNREACHABLE" });
    await lab.broker.start();
    await lab.service.begin();
    await lab.step();
    expect(lab.broker.leases().map(({ state }) => state)).toEqual(["released", "active"]);
    expect(lab.store.held).toBeDefined();
  });

  it("a host that stops leaves the lease to another process that keeps it", async () => {
    const lab = await leaseLab();
    await lab.service.step({ pid: 1 });
    await lab.service.releaseForNow({ pid: 2 });
    expect(lab.broker.leases()).toMatchObject([{ state: "active" }]);
    await lab.service.releaseForNow({ pid: 1 });
    expect(lab.broker.leases()).toMatchObject([{ state: "released" }]);
  });

  it("a view shows where the tokens are now, whoever put them there", async () => {
    const lab = await leaseLab();
    expect((await lab.service.view()).tokens).toBe("none");
    lab.store.outcome = { kind: "open" };
    await lab.step();
    expect((await lab.service.view()).tokens).toBe("on-their-way");
    lab.store.finish();
    expect((await lab.service.view()).tokens).toBe("stored");
    lab.store.held = undefined;
    expect((await lab.service.view()).tokens).toBe("missing");
  });
});

describe("a machine whose settings change", () => {
  it("does not take the lease of another broker, machine or agent for its own", async () => {
    const lab = await leaseLab();
    await lab.step();
    const renamed = await lab.machine({ machineId: "m9" }, { sharing: lab });
    expect((await renamed.service.view()).record).toBeUndefined();
    await renamed.step();
    expect((await renamed.record())?.status).toMatchObject({ machineId: "m9", state: "active" });
  });

  it("takes the tokens out of the profile that they were written to, when another one is to have them", async () => {
    const lab = await leaseLab();
    await lab.step();
    expect((await lab.record())?.stored).toMatchObject({ profileId: "openai-codex:lease" });
    lab.store.profileId = "openai-codex:shared";
    await lab.service.act({ kind: "materialize" });
    expect(lab.store.removals).toBe(1);
    expect((await lab.record())?.stored).toMatchObject({ profileId: "openai-codex:shared" });
  });

  it("does not fight with a keeper of other settings, and takes its tokens over once that is gone", async () => {
    const lab = await leaseLab({}, { onDisk: true });
    await lab.service.step({ pid: process.pid + 1 });
    const renamed = await lab.machine({ machineId: "m9" }, { sharing: lab });
    await expect(renamed.step()).rejects.toMatchObject({ code: "ERR_LEASE_OTHER_AGENT" });
    expect(lab.broker.leases()).toHaveLength(1);
    lab.clock.now += 10 * MINUTE;
    await renamed.step();
    await renamed.service.act({ kind: "release" });
    expect(lab.store.held).toBeUndefined();
  });

  it("is told what to set where there is no broker, and where the lease is switched off", async () => {
    const lab = await leaseLab();
    const off = await lab.machine({ enabled: false });
    await expect(off.service.step()).rejects.toMatchObject({ code: "ERR_BROKER_NOT_SET" });
    expect(lab.broker.log).toHaveLength(0);
  });
});
