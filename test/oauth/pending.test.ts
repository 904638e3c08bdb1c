import { createHash } from "node:crypto";
import { readdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY, LOGIN, MINUTE } from "../../src/config/defaults.ts";
import { ADA, callbackOf, EVE, pendingLab, stateOf, WORK } from "./pending-lab.ts";

describe("PendingLogins.start", () => {
  it("gives a link whose challenge belongs to the verifier that the claim gives", async () => {
    const { logins, clock } = await pendingLab();
    const login = await logins.start({ ...WORK, forceSignIn: true, loginHint: "ada@example.com", workspaceId: "w-1" });
    expect(login).toMatchObject({ ...WORK, expiresAtMs: clock.now + 10 * MINUTE });
    const query = new URL(login.authorizeUrl).searchParams;
    expect([query.get("prompt"), query.get("login_hint"), query.get("allowed_workspace_id")]).toEqual([
      "login",
      "ada@example.com",
      "w-1",
    ]);
    const claimed = await logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    const challenge = createHash("sha256").update(claimed.verifier.expose()).digest("base64url");
    expect(query.get("code_challenge")).toBe(challenge);
    expect(claimed.code.expose()).toBe("ac_code-1");
    expect(claimed.redirectUri).toBe("http://localhost:1455/auth/callback");
    expect(claimed.login).toEqual(login);
  });

  it("writes 0600 files in 0700 folders, with nothing of the person in a name", async () => {
    const { logins, folder } = await pendingLab();
    const login = await logins.start(WORK);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, `${login.id}.json`))).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name !== "ended")).toEqual([`${login.id}.json`]);
  });

  it("replaces the older attempt of the same person, chat, agent and profile only", async () => {
    const { logins } = await pendingLab();
    const older = await logins.start(WORK);
    const others = [
      await logins.start({ ...WORK, profileId: "openai-codex:home" }),
      await logins.start({ ...WORK, agentId: "ops" }),
      await logins.start({ ...WORK, person: "2" }),
      await logins.start({ ...WORK, chat: "2" }),
    ];
    const newer = await logins.start(WORK);
    const replaced = logins.claim(older.id, { ...ADA, callbackText: callbackOf(older) });
    await expect(replaced).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    for (const login of [...others, newer]) {
      const { person, chat } = login;
      await expect(logins.claim(login.id, { person, chat, callbackText: callbackOf(login) })).resolves.toBeDefined();
    }
  });

  it("leaves one live attempt where several programs start the same at once", async () => {
    const lab = await pendingLab();
    await Promise.all(Array.from({ length: 8 }, () => lab.another().start(WORK)));
    expect(await lab.logins.find(ADA)).toHaveLength(1);
  });

  it("does not let an attempt live longer than the limit", async () => {
    const { logins, clock } = await pendingLab();
    const login = await logins.start({ ...WORK, ttlMs: 10 * DAY });
    expect(login.expiresAtMs).toBe(clock.now + LOGIN.attemptTtlMs);
    expect((await logins.start({ ...WORK, ttlMs: MINUTE })).expiresAtMs).toBe(clock.now + MINUTE);
  });
});

describe("PendingLogins.find", () => {
  it("lists the live attempts of that person in that chat, also after a restart, with the same link", async () => {
    const lab = await pendingLab();
    const work = await lab.logins.start(WORK);
    lab.clock.now += 1;
    const home = await lab.logins.start({ ...WORK, profileId: "openai-codex:home" });
    await lab.logins.start({ ...WORK, ...EVE });
    expect(await lab.another().find(ADA)).toEqual([work, home]);
    expect(await lab.logins.find({ ...ADA, profileId: "openai-codex:home" })).toEqual([home]);
    expect(await lab.logins.find({ person: "1", chat: "2" })).toEqual([]);
    lab.clock.now = home.expiresAtMs;
    expect(await lab.logins.find(ADA)).toEqual([]);
  });

  it("finds nothing and creates nothing where there was never a sign-in", async () => {
    const { logins, folder } = await pendingLab();
    expect(await logins.find(ADA)).toEqual([]);
    await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("passes over a damaged file, which hinders no other sign-in and is left as it is", async () => {
    const { logins, folder } = await pendingLab();
    const login = await logins.start(WORK);
    await writeFile(join(folder, "aaaaaaaaaaaa.json"), "{ not json");
    expect(await logins.find(ADA)).toEqual([login]);
    await expect(logins.claim("aaaaaaaaaaaa", { ...ADA, callbackText: callbackOf(login) })).rejects.toMatchObject({
      code: "ERR_FILE_NOT_JSON",
    });
    expect(await readdir(folder)).toContain("aaaaaaaaaaaa.json");
  });
});

describe("PendingLogins.cancel, burn and burnByState", () => {
  it("cancel ends one by id, or those of a person in a chat, and says which", async () => {
    const { logins } = await pendingLab();
    const [work, home] = [await logins.start(WORK), await logins.start({ ...WORK, profileId: "openai-codex:home" })];
    const eve = await logins.start({ ...WORK, ...EVE });
    expect(await logins.cancel({ ...EVE, id: work.id })).toEqual([]);
    expect(await logins.cancel({ ...ADA, id: work.id })).toEqual([work]);
    expect(await logins.cancel(work.id)).toEqual([]);
    expect(await logins.cancel(ADA)).toEqual([home]);
    expect(await logins.cancel(eve.id)).toEqual([eve]);
    const again = logins.claim(work.id, { ...ADA, callbackText: callbackOf(work) });
    await expect(again).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT", message: "That sign-in was cancelled." });
  });

  it("burn ends an attempt once, and nothing unknown", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    expect(await logins.burn(login.id, "leaked")).toBe(true);
    expect(await logins.burn(login.id, "leaked")).toBe(false);
    expect(await logins.burn("000000000000", "leaked")).toBe(false);
    expect(await logins.burn("../../etc/passwd", "leaked")).toBe(false);
  });

  it("burnByState ends the attempt of an address seen in a group, whoever started it and whoever posts it", async () => {
    const { logins } = await pendingLab();
    const [leaked, other] = [await logins.start(WORK), await logins.start({ ...WORK, ...EVE })];
    expect(await logins.burnByState(`look: ${callbackOf(leaked)} !`)).toEqual([leaked]);
    expect(await logins.burnByState(callbackOf(leaked))).toEqual([]);
    const claim = logins.claim(leaked.id, { ...ADA, callbackText: callbackOf(leaked) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    expect(await logins.find(EVE)).toEqual([other]);
  });

  it.each<[string, (address: string) => string]>([
    ["encoded", (address) => encodeURIComponent(address)],
    ["broken over lines in its state", (address) => `${address.slice(0, -9)}\n${address.slice(-9)}`],
    ["nothing but its tail", (address) => address.slice(address.indexOf("code="))],
    ["a markdown link", (address) => `[${address}](${address})`],
  ])("burnByState and claimPasted know the attempt by an address that is %s", async (how, written) => {
    const { logins } = await pendingLab();
    const leaked = await logins.start(WORK);
    expect(await logins.burnByState(written(callbackOf(leaked)))).toEqual([leaked]);
    const login = await logins.start(WORK);
    await logins.start({ ...WORK, profileId: "openai-codex:newer" });
    const claim = logins.claimPasted({ ...ADA, callbackText: written(callbackOf(login)) });
    if (how === "nothing but its tail") await expect(claim).rejects.toMatchObject({ code: "ERR_CALLBACK_BARE_CODE" });
    else await expect(claim).resolves.toMatchObject({ login: { id: login.id } });
  });

  it("burnByState knows the attempt also by a part of the address or by the sign-in link, and by nothing else", async () => {
    const { logins } = await pendingLab();
    const first = await logins.start(WORK);
    expect(await logins.burnByState(`?code=x&state=${stateOf(first)}`)).toHaveLength(1);
    const second = await logins.start(WORK);
    for (const text of ["", "hello", "?code=x&state=", `?state=${stateOf(second)}x`, stateOf(second)]) {
      expect(await logins.burnByState(text)).toEqual([]);
    }
    expect(await logins.burnByState(second.authorizeUrl)).toEqual([second]);
  });
});

describe("PendingLogins.sweep and what stays on disk", () => {
  it.each(["claim", "cancel", "burn", "replace", "deny", "expire"] as const)(
    "removes verifier and state at %s and keeps a tombstone without any secret",
    async (how) => {
      const lab = await pendingLab();
      const { logins } = lab;
      const login = await logins.start(WORK);
      const before = await lab.disk();
      const verifier = /"verifier": "([^"]+)"/.exec(before)?.[1] ?? "";
      expect(verifier).toHaveLength(86);
      expect(before).toContain(stateOf(login));
      const claim = async (text: string): Promise<unknown> => logins.claim(login.id, { ...ADA, callbackText: text });
      if (how === "claim") await claim(callbackOf(login));
      if (how === "cancel") await logins.cancel(login.id);
      if (how === "burn") await logins.burnByState(callbackOf(login));
      if (how === "replace") await logins.cancel((await logins.start(WORK)).id);
      if (how === "deny") await claim(callbackOf(login, { error: "access_denied" })).catch(() => undefined);
      lab.clock.now = how === "expire" ? login.expiresAtMs : lab.clock.now;
      if (how === "expire") expect(await logins.sweep()).toEqual({ expired: 1, forgotten: 0 });
      const after = await lab.disk();
      for (const secret of [verifier, stateOf(login), "ac_code-1"]) expect(after).not.toContain(secret);
      expect(after).toContain(login.id);
    },
  );

  it("forgets a tombstone when nobody can ask for it any more", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    await lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    lab.clock.now = login.expiresAtMs + LOGIN.tombstoneMs - 1;
    expect(await lab.logins.sweep()).toEqual({ expired: 0, forgotten: 0 });
    lab.clock.now += 1;
    expect(await lab.logins.sweep()).toEqual({ expired: 0, forgotten: 1 });
    expect(await lab.disk()).not.toContain(login.id);
    const claim = lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
  });

  it("leaves live attempts alone", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    lab.clock.now = login.expiresAtMs - 1;
    expect(await lab.logins.sweep()).toEqual({ expired: 0, forgotten: 0 });
    expect(await lab.logins.find(ADA)).toEqual([login]);
  });

  it("removes the secrets of an attempt whose program died right after ending it", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    // What is on disk between the tombstone's creation and its first byte.
    await lab.logins.cancel((await lab.logins.start({ ...WORK, ...EVE })).id);
    await writeFile(join(lab.folder, "ended", `${login.id}.json`), "");
    expect(await lab.logins.find(ADA)).toEqual([]);
    const claim = lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    await lab.logins.sweep();
    expect(await lab.disk()).not.toContain(stateOf(login));
  });

  it("removes a damaged file only when it is a day old", async () => {
    const lab = await pendingLab();
    await lab.logins.start(WORK);
    const path = join(lab.folder, "aaaaaaaaaaaa.json");
    await writeFile(path, "{");
    await utimes(path, lab.clock.now / 1_000, lab.clock.now / 1_000);
    expect((await lab.logins.sweep()).forgotten).toBe(0);
    lab.clock.now += DAY + 1;
    expect((await lab.logins.sweep()).forgotten).toBe(1);
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says so where the end of an attempt cannot be written, and then gives out nothing", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    // Nothing can be made below a link that leads nowhere, not even by root.
    await symlink(join(lab.folder, "nowhere", "deep"), join(lab.folder, "ended"));
    const claim = lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await lab.logins.find(ADA)).toEqual([login]);
  });
});
