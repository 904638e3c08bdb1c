import { describe, expect, it } from "vitest";
import { DAY, DEVICE, MINUTE } from "../../src/config/defaults.ts";
import { ADA, callbackOf, EVE, pendingLab, WORK } from "./pending-lab.ts";

const BY_DEVICE = { ...WORK, byDevice: true } as const;

describe("an attempt that a device code may finish", () => {
  it("lives as long as the code, and no longer", async () => {
    const { logins, clock } = await pendingLab();
    expect((await logins.start(BY_DEVICE)).expiresAtMs).toBe(clock.now + DEVICE.ttlMs);
    expect((await logins.start({ ...BY_DEVICE, ttlMs: DAY })).expiresAtMs).toBe(clock.now + DEVICE.ttlMs);
    expect((await logins.start({ ...BY_DEVICE, ttlMs: MINUTE })).expiresAtMs).toBe(clock.now + MINUTE);
  });

  it("is taken by the code or by the pasted address, whichever comes first", async () => {
    const lab = await pendingLab();
    const burnt = { code: "ERR_LOGIN_BURNT" };
    const first = await lab.logins.start(BY_DEVICE);
    expect(await lab.logins.claimByDevice(first.id, ADA)).toEqual(first);
    const pasted = lab.another().claim(first.id, { ...ADA, callbackText: callbackOf(first) });
    await expect(pasted).rejects.toMatchObject(burnt);

    const second = await lab.logins.start(BY_DEVICE);
    await lab.another().claim(second.id, { ...ADA, callbackText: callbackOf(second) });
    await expect(lab.logins.claimByDevice(second.id, ADA)).rejects.toMatchObject(burnt);

    const third = await lab.logins.start(BY_DEVICE);
    const rivals = await Promise.allSettled([
      lab.logins.claimByDevice(third.id, ADA),
      lab.another().claim(third.id, { ...ADA, callbackText: callbackOf(third) }),
      lab.another().claimByDevice(third.id, ADA),
    ]);
    expect(rivals.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is nobody else's, and nobody's when its time is over", async () => {
    const { logins, clock } = await pendingLab();
    const login = await logins.start(BY_DEVICE);
    await expect(logins.claimByDevice(login.id, EVE)).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    clock.now += DEVICE.ttlMs;
    await expect(logins.claimByDevice(login.id, ADA)).rejects.toMatchObject({ code: "ERR_LOGIN_EXPIRED" });
    await expect(logins.claimByDevice("000000000000", ADA)).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
  });

  it("of another issuer than the one that is set now sends its code nowhere", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(BY_DEVICE);
    const other = lab.another("http://127.0.0.1:1");
    await expect(other.claimByDevice(login.id, ADA)).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
    expect(await lab.logins.endOf(login.id)).toBeUndefined();
  });

  it("tells how it ended", async () => {
    const { logins, clock } = await pendingLab();
    const [used, denied, old, replaced] = [
      await logins.start(BY_DEVICE),
      await logins.start({ ...BY_DEVICE, profileId: "openai-codex:b" }),
      await logins.start({ ...BY_DEVICE, profileId: "openai-codex:c" }),
      await logins.start({ ...BY_DEVICE, profileId: "openai-codex:d" }),
    ];
    await logins.claimByDevice(used.id, ADA);
    await logins.burn(denied.id, "denied");
    await logins.start({ ...BY_DEVICE, profileId: "openai-codex:d" });
    expect(await logins.endOf(old.id)).toBeUndefined();
    clock.now += DEVICE.ttlMs;
    const ends = await Promise.all([used, denied, old, replaced].map(({ id }) => logins.endOf(id)));
    expect([...ends, await logins.endOf("000000000000")]).toEqual(["used", "denied", "expired", "replaced", "expired"]);
  });
});
