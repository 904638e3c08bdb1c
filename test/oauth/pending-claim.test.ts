import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { PendingLogins } from "../../src/oauth/pending.ts";
import { ADA, callbackOf, EVE, pendingLab, stateOf, WORK } from "./pending-lab.ts";

describe("PendingLogins.claim", () => {
  it("works once: a replay is burnt, also for another program after a restart", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    await lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    for (const logins of [lab.logins, lab.another()]) {
      const replay = logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
      await expect(replay).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    }
  });

  it("is not pending where the id is unknown or no id at all", async () => {
    const { logins } = await pendingLab();
    for (const id of ["000000000000", "", "..", "../../../etc/passwd", "x".repeat(5_000)]) {
      const claim = logins.claim(id, { ...ADA, callbackText: "x" });
      await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
    }
  });

  it("is expired from its last moment on, and stays so after the sweep", async () => {
    const lab = await pendingLab();
    const early = await lab.logins.start(WORK);
    lab.clock.now = early.expiresAtMs - 1;
    await expect(lab.logins.claim(early.id, { ...ADA, callbackText: callbackOf(early) })).resolves.toBeDefined();
    const late = await lab.logins.start(WORK);
    lab.clock.now = late.expiresAtMs;
    for (let round = 0; round < 2; round += 1) {
      const claim = lab.logins.claim(late.id, { ...ADA, callbackText: callbackOf(late) });
      await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_EXPIRED" });
      await lab.logins.sweep();
    }
  });

  it.each([
    ["another person", { person: "2", chat: "1" }],
    ["another chat", { person: "1", chat: "-100" }],
  ])("is foreign to %s, alive or used, and goes on for its own", async (_who, by) => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    const callbackText = callbackOf(login);
    await expect(logins.claim(login.id, { ...by, callbackText })).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    await expect(logins.claim(login.id, { ...ADA, callbackText })).resolves.toBeDefined();
    await expect(logins.claim(login.id, { ...by, callbackText })).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
  });

  it("goes on after a malformed paste, a bare code and a wrong state, and an unsolicited error", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    const disk = await lab.disk();
    const wrong = randomBytes(32).toString("base64url");
    const pastes = [
      ["what is it?", "ERR_CALLBACK_MALFORMED"],
      ["ac_code-1", "ERR_CALLBACK_BARE_CODE"],
      [callbackOf(login).replace(stateOf(login), wrong), "ERR_CALLBACK_STATE"],
      [`http://localhost:1455/auth/callback?error=access_denied&state=${wrong}`, "ERR_CALLBACK_STATE"],
    ] as const;
    for (const [callbackText, code] of pastes) {
      await expect(lab.logins.claim(login.id, { ...ADA, callbackText })).rejects.toMatchObject({ code });
    }
    expect(await lab.disk()).toBe(disk);
    await expect(lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) })).resolves.toBeDefined();
  });

  it("ends with a refusal on the sign-in page", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    const denied = logins.claim(login.id, { ...ADA, callbackText: callbackOf(login, { error: "access_denied" }) });
    await expect(denied).rejects.toMatchObject({ code: "ERR_CALLBACK_DENIED" });
    const after = logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    await expect(after).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
  });

  it("does not send a code to another issuer than the one it came from", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    const other = lab.another("http://127.0.0.1:4010");
    expect(await other.find(ADA)).toEqual([]);
    const claim = other.claim(login.id, { ...ADA, callbackText: callbackOf(login) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
    await expect(lab.logins.claim(login.id, { ...ADA, callbackText: callbackOf(login) })).resolves.toBeDefined();
  });

  it("is won by exactly one of twenty at once, through instances of their own", async () => {
    const lab = await pendingLab();
    const login = await lab.logins.start(WORK);
    const claims = Array.from({ length: 20 }, () =>
      lab.another().claim(login.id, { ...ADA, callbackText: callbackOf(login) }),
    );
    const results = await Promise.allSettled(claims);
    const lost = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    expect(lost).toHaveLength(19);
    for (const error of lost) expect(isCodexAuthError(error, "ERR_LOGIN_BURNT")).toBe(true);
  });

  it("is won by exactly one of four processes", async () => {
    const { folder } = await pendingLab();
    const logins = new PendingLogins({ folder, issuer: parseIssuer(undefined), now: Date.now, randomBytes });
    const login = await logins.start(WORK);
    const peer = fileURLToPath(new URL("claim-peer.mjs", import.meta.url));
    const children = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, [peer, folder, login.id], { stdio: ["pipe", "pipe", "inherit"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      return child;
    });
    const outputs = children.map(() => "");
    children.forEach((child, index) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => (outputs[index] += text));
    });
    // All are loaded and waiting before the first gets its address.
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    const closed = children.map((child) => once(child, "close"));
    for (const child of children) child.stdin.end(callbackOf(login));
    await Promise.all(closed);
    const said = outputs.map((output) => output.trim().split("\n").at(-1));
    expect(said.filter((line) => line === "claimed")).toHaveLength(1);
    expect(said.filter((line) => line === "ERR_LOGIN_BURNT")).toHaveLength(3);
  });
});

describe("PendingLogins.claimPasted", () => {
  it("finds the attempt by the state of the address, among several", async () => {
    const { logins } = await pendingLab();
    const work = await logins.start(WORK);
    const home = await logins.start({ ...WORK, profileId: "openai-codex:home" });
    const claimed = await logins.claimPasted({ ...ADA, callbackText: `here: ${callbackOf(work)}` });
    expect(claimed.login.id).toBe(work.id);
    expect(await logins.find(ADA)).toEqual([home]);
  });

  it("tells a replay from an address that belongs to nothing", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    await logins.claimPasted({ ...ADA, callbackText: callbackOf(login) });
    const replay = logins.claimPasted({ ...ADA, callbackText: callbackOf(login) });
    await expect(replay).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    const unknown = callbackOf(login).replace(stateOf(login), randomBytes(32).toString("base64url"));
    await expect(logins.claimPasted({ ...ADA, callbackText: unknown })).rejects.toMatchObject({
      code: "ERR_LOGIN_NOT_PENDING",
    });
  });

  it("refuses the address of somebody else's attempt, which goes on", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    await logins.start({ ...WORK, ...EVE });
    const stolen = logins.claimPasted({ ...EVE, callbackText: callbackOf(login) });
    await expect(stolen).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    expect(await logins.find(ADA)).toEqual([login]);
  });

  it("refuses an address under another profile's name, and the attempt goes on", async () => {
    const { logins } = await pendingLab();
    const login = await logins.start(WORK);
    const claim = logins.claimPasted({ ...ADA, profileId: "openai-codex:home", callbackText: callbackOf(login) });
    await expect(claim).rejects.toMatchObject({ code: "ERR_LOGIN_FOREIGN" });
    expect(await logins.find(ADA)).toEqual([login]);
  });

  it("says what is wrong with a paste where an attempt waits, and that none waits where none does", async () => {
    const { logins } = await pendingLab();
    const nothing = logins.claimPasted({ ...ADA, callbackText: "ac_code-1" });
    await expect(nothing).rejects.toMatchObject({ code: "ERR_LOGIN_NOT_PENDING" });
    const login = await logins.start(WORK);
    const pastes = [
      ["ac_code-1", "ERR_CALLBACK_BARE_CODE"],
      ["hello there", "ERR_CALLBACK_MALFORMED"],
      ["http://localhost:1455/auth/callback?code=a&state=b", "ERR_CALLBACK_STATE"],
      [`?code=a&state=${stateOf(login)}`, "ERR_CALLBACK_BARE_CODE"],
      ["x".repeat(50_000), "ERR_CALLBACK_MALFORMED"],
    ] as const;
    for (const [callbackText, code] of pastes) {
      await expect(logins.claimPasted({ ...ADA, callbackText })).rejects.toMatchObject({ code });
    }
    expect(await logins.find(ADA)).toEqual([login]);
  });
});
