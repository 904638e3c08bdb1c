// Attempts at their edges: which profile an address is for, how much of a text is read, and what a cancelled one leaves.

import { describe, expect, it } from "vitest";
import { LOGIN } from "../../src/config/defaults.ts";
import { ADA, callbackOf, EVE, pendingLab, WORK } from "./pending-lab.ts";

describe("an address that was pasted for a profile", () => {
  it("finishes the sign-in of that profile, and is refused for another one, which goes on", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    const pasted = { ...ADA, callbackText: callbackOf(login) };
    const other = logins.claimPasted({ ...pasted, profileId: "openai-codex:home" });
    await expect(other).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    expect(await logins.endOf(login.id)).toBeUndefined();
    const claimed = await logins.claimPasted({ ...pasted, profileId: WORK.profileId });
    expect(claimed.login.id).toBe(login.id);
    expect(await logins.endOf(login.id)).toBe("used");
  });

  it("is looked for in as much of the text as an address may have, and says nothing of what stands behind that", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    const behind = `${"x ".repeat(LOGIN.maxCallbackChars)}${callbackOf(login)}`;
    await expect(logins.claimPasted({ ...EVE, callbackText: behind })).rejects.toMatchObject({
      code: "ERR_LOGIN_NOT_PENDING",
    });
    await expect(logins.claimPasted({ ...EVE, callbackText: callbackOf(login) })).rejects.toMatchObject({
      code: "ERR_LOGIN_FOREIGN",
    });
    expect(await logins.endOf(login.id)).toBeUndefined();
  });
});

describe("an attempt that is cancelled by its id", () => {
  it("has ended for that reason, once, and an unknown one ends nothing", async () => {
    const { logins, disk } = await pendingLab();
    const login = await logins.start(WORK);
    expect(await logins.cancel("ffffffffffff")).toEqual([]);
    expect((await logins.cancel(login.id)).map(({ id }) => id)).toEqual([login.id]);
    expect(await logins.endOf(login.id)).toBe("cancelled");
    expect(await logins.cancel(login.id)).toEqual([]);
    expect(await disk()).not.toContain("verifier");
  });
});

describe("the options of a sign-in", () => {
  it("are on disk only where they were asked for, and then in the link", async () => {
    const { logins, disk } = await pendingLab();
    await logins.start(WORK);
    for (const option of ["forceSignIn", "loginHint", "workspaceId"]) expect(await disk()).not.toContain(option);
    const asked = await logins.start({ ...WORK, forceSignIn: true, loginHint: "a@example.com", workspaceId: "w-1" });
    expect(asked.authorizeUrl).toContain("a%40example.com");
    for (const option of ["forceSignIn", "loginHint", "workspaceId"]) expect(await disk()).toContain(option);
  });
});
