// The life of the listening: how long, for whom, and what a second program of the same person may not take.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Asker } from "../../../src/chat/conversation.ts";
import { IssuerSignIns } from "../../../src/chat/sign-ins.ts";
import { CodexAuthError } from "../../../src/errors.ts";
import { LocalSignIns } from "../../../src/hosts/terminal/local-sign-ins.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { askAt, type Answer } from "../../oauth/loopback-lab.ts";
import { freePorts } from "./terminal-lab.ts";

const ME: Asker = { host: "cli", botId: "cli", personId: "1000", chatId: "cli", private: true, hasButtons: false };
const target = (name: string) => ({ agentId: "main", profileId: `openai-codex:${name}`, forceSignIn: true });

/** One machine, on which several programs of one person may run. */
async function machine() {
  const folder = join(await temporaryFolder(), "pending");
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const issuer = parseIssuer(undefined);
  const ports = await freePorts();
  const listenAt = (port: number): number => ports.get(port) ?? 0;
  const program = (
    options: { lingerMs?: number; lookEveryMs?: number; readonly assertRoom?: () => Promise<void> } = {},
  ) => {
    const pending = new PendingLogins({ folder, issuer, now, randomBytes });
    const signIns = new LocalSignIns({
      inner: new IssuerSignIns({ pending, issuer, now }),
      assertRoom: () => Promise.resolve(),
      loopback: { listenAt },
      log: silentLog,
      ...options,
    });
    const arrived: string[] = [];
    signIns.onArrival = (address) => void arrived.push(address);
    onTestFinished(() => signIns.close());
    return { signIns, arrived };
  };
  return { clock, program, browse: browserOf(listenAt) };
}

function browserOf(listenAt: (port: number) => number) {
  return async (address: string): Promise<Answer> => {
    const { port, pathname, search, host } = new URL(address);
    return askAt(listenAt(Number(port)))(pathname + search, { host });
  };
}

/** Where a browser ends that has signed in on the page behind `url`. */
function landingOf(url: string, code = "ac-1"): string {
  const query = new URL(url).searchParams;
  const address = new URL(query.get("redirect_uri") ?? "");
  address.search = new URLSearchParams({ code, state: query.get("state") ?? "" }).toString();
  return address.href;
}

describe("local sign-ins", () => {
  it("hand a browser's address in once, and give its claim to whoever hands it in", async () => {
    const { browse, program } = await machine();
    const { arrived, signIns } = program();
    const { attempt, url, landing } = await signIns.start(ME, target("work"));
    expect(landing).toEqual({ origin: "http://localhost:1455", heard: true });
    const address = landingOf(url);
    expect((await browse(address)).status).toBe(200);
    await expect.poll(() => arrived).toEqual([address]);
    expect((await signIns.claim(ME, address)).attempt).toEqual(attempt);
    // It is given out once; afterwards it is what it is on the disk: used.
    await expect(signIns.claim(ME, address)).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
    expect((await browse(address)).status).toBe(409);
    expect(arrived).toHaveLength(1);
  });

  it("stop listening soon after the last one is over, and listen again for the next", async () => {
    const { browse, program } = await machine();
    // The browser of the line after the claim is still to be heard, also on a busy machine.
    const { signIns } = program({ lingerMs: 2_000 });
    const first = await signIns.start(ME, target("work"));
    await signIns.claim(ME, landingOf(first.url));
    expect((await browse(landingOf(first.url))).status).toBe(409);
    const later = () => browse(landingOf(first.url)).catch(({ code }) => code as string);
    await expect.poll(later, { timeout: 15_000 }).toBe("ECONNREFUSED");
    const second = await signIns.start(ME, target("work"));
    expect(second.landing?.heard).toBe(true);
    expect((await browse(landingOf(second.url))).status).toBe(200);
  });

  it("stop listening for one that has expired, or was ended by another program", async () => {
    const { browse, clock, program } = await machine();
    const { signIns } = program({ lingerMs: 20, lookEveryMs: 20 });
    const state = (): Promise<number | string> =>
      browse("http://localhost:1455/")
        .then(({ status }) => status)
        .catch(({ code }: NodeJS.ErrnoException) => code ?? "");
    await signIns.start(ME, target("work"));
    expect(await state()).toBe(404);
    clock.now += 11 * 60_000;
    await expect.poll(state, { timeout: 15_000 }).toBe("ECONNREFUSED");
    const { attempt } = await signIns.start(ME, target("work"));
    expect(await state()).toBe(404);
    await program().signIns.cancel(ME, attempt.id);
    await expect.poll(state, { timeout: 15_000 }).toBe("ECONNREFUSED");
  });

  it("keep listening where the next one starts while the last one's end is still told", async () => {
    const { browse, program } = await machine();
    const { signIns } = program({ lingerMs: 100 });
    const first = await signIns.start(ME, target("work"));
    await signIns.cancel(ME, first.attempt.id);
    const second = await signIns.start(ME, target("work"));
    expect((await browse(landingOf(first.url))).status).toBe(409);
    const since = Date.now();
    // Longer than the first one's end would have been told.
    await expect.poll(() => Date.now() - since).toBeGreaterThan(250);
    expect((await browse(landingOf(second.url))).status).toBe(200);
  });

  it("are over for the browser where a newer one for the same profile has replaced them", async () => {
    const { browse, program } = await machine();
    const { arrived, signIns } = program();
    const older = await signIns.start(ME, target("work"));
    const newer = await signIns.start(ME, target("work"));
    expect((await browse(landingOf(older.url))).status).toBe(409);
    expect((await browse(landingOf(newer.url))).status).toBe(200);
    await expect.poll(() => arrived).toEqual([landingOf(newer.url)]);
  });

  it("that have expired, or were ended by another program, are told so in the browser and at the terminal", async () => {
    const { browse, clock, program } = await machine();
    const one = program();
    const expiring = await one.signIns.start(ME, target("work"));
    clock.now += 11 * 60_000;
    expect((await browse(landingOf(expiring.url))).status).toBe(409);
    await expect.poll(() => one.arrived).toHaveLength(1);
    await expect(one.signIns.claim(ME, one.arrived[0] ?? "")).rejects.toMatchObject({ code: "ERR_LOGIN_EXPIRED" });
    const used = await one.signIns.start(ME, target("team"));
    await program().signIns.claim(ME, landingOf(used.url));
    expect((await browse(landingOf(used.url))).status).toBe(409);
    await expect.poll(() => one.arrived).toHaveLength(2);
    await expect(one.signIns.claim(ME, one.arrived[1] ?? "")).rejects.toMatchObject({ code: "ERR_LOGIN_BURNT" });
  });

  it("of two programs at once each have a port; a third one is told, and its address is not taken by the others", async () => {
    const { browse, program } = await machine();
    const [one, two, three] = [program(), program(), program()];
    const first = await one.signIns.start(ME, target("one"));
    const second = await two.signIns.start(ME, target("two"));
    const third = await three.signIns.start(ME, target("three"));
    expect([first, second, third].map(({ landing }) => landing)).toEqual([
      { origin: "http://localhost:1455", heard: true },
      { origin: "http://localhost:1457", heard: true },
      { origin: "http://localhost:1455", heard: false },
    ]);
    // The browser of the third ends at the first one's server.
    const stray = await browse(landingOf(third.url));
    expect(stray).toMatchObject({ status: 400, text: expect.stringContaining("another sign-in") as string });
    expect(one.arrived).toEqual([]);
    expect((await three.signIns.claim(ME, landingOf(third.url))).attempt).toEqual(third.attempt);
    expect((await browse(landingOf(second.url))).status).toBe(200);
    expect((await browse(landingOf(first.url))).status).toBe(200);
    expect([one.arrived.length, two.arrived.length]).toEqual([1, 1]);
  });

  it("do not use a code up where its login would find no room", async () => {
    const full = new CodexAuthError("ERR_DISK_FULL", { message: "The disk is full.", next: "Make room." });
    const disk = { isFull: true };
    const { browse, program } = await machine();
    const { arrived, signIns } = program({
      assertRoom: () => (disk.isFull ? Promise.reject(full) : Promise.resolve()),
    });
    const { attempt, url } = await signIns.start(ME, target("work"));
    expect((await browse(landingOf(url))).status).toBe(500);
    // The terminal says what is wrong; the sign-in goes on.
    await expect.poll(() => arrived).toHaveLength(1);
    expect(await signIns.waiting(ME)).toEqual([attempt]);
    disk.isFull = false;
    expect((await browse(landingOf(url))).status).toBe(200);
  });

  it("leave the paste where nobody may listen on this machine at all", async () => {
    const { program } = await machine();
    const { signIns } = program();
    const strange = new LocalSignIns({
      inner: signIns,
      assertRoom: () => Promise.resolve(),
      loopback: { listenAt: () => 70_000 },
      log: silentLog,
    });
    expect((await strange.start(ME, target("work"))).landing?.heard).toBe(false);
  });
});
