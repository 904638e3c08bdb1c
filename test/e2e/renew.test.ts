// A renewal on real gateways, by buttons: the next model call carries the fresh token, nothing restarts, and OpenClaw is kept out meanwhile.

import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { writeFileAtomic } from "../../src/storage/atomic-write.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { entryOf, signIn } from "../support/renewal-world.ts";
import { OWNER, startLabBot, type LabBot } from "./lab/bot.ts";
import { PATIENCE_MS, until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel, gatewayCall } from "./lab/model-call.ts";
import { Phone } from "./lab/phone.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const [GRACE, BOB] = ["openai-codex:grace", "openai-codex:bob"] as const;

interface Store {
  readonly profiles: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let bot: LabBot;
  let phone: Phone;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    const profiles = { [GRACE]: fakeLogin("grace"), [BOB]: fakeLogin("bob") };
    lab = await startLab(installed.openclaw, {
      stores: { main: { profiles, order: { "openai-codex": [GRACE, BOB] } } },
    });
    bot = await startLabBot(lab.home, "auto");
    phone = new Phone(bot);
    // A login that the sandbox issuer really gave; our own writer puts it there as OpenClaw would.
    const login = await signIn(bot.issuer);
    const { note: _unknown, displayName: _unset, ...entry } = entryOf(login);
    await withOpenClawLock(storePath(lab.home), async () => {
      const store = await read();
      await writeFileAtomic(
        storePath(lab.home),
        JSON.stringify({ ...store, profiles: { ...store.profiles, [GRACE]: entry } }),
      );
      await gatewayCall(lab.home, "secrets.reload", {});
    });
  });

  afterAll(async () => {
    await bot?.stop();
    await lab?.stop();
  });

  test("a press renews the login that the next model call carries, without a restart", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await callModel(lab.home, lab.backend);
    expect(before).toMatchObject({ tokenAccount: "acct-grace" });
    const uptime = (await lab.gateway.readiness())?.uptimeMs ?? Number.NaN;
    const pid = lab.gateway.pid();
    const store = await read();

    const card = await phone.cardOf("grace");
    await phone.confirms(card, /^Renew now$/, /^Renew it$/, /✅ grace is renewed/);

    const after = await callModel(lab.home, lab.backend);
    expect(after).toMatchObject({ tokenAccount: "acct-grace" });
    expect(after.tokenId).not.toBe(before.tokenId);
    const now = await read();
    expect(bot.issuer.standing(String(now.profiles[GRACE]?.["refresh"]))).toBe("live");
    expect(now.profiles[BOB]).toEqual(store.profiles[BOB]);
    expect(lab.gateway.pid()).toBe(pid);
    expect((await lab.gateway.readiness())?.uptimeMs).toBeGreaterThan(uptime);
    // The call has not made OpenClaw write its earlier memory back.
    expect((await read()).profiles[GRACE]?.["refresh"]).toBe(now.profiles[GRACE]?.["refresh"]);
  });

  test("while the answer is waited for, the locks that OpenClaw renews under are held, and then they are gone", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    const locks = [storePath(lab.home), refreshLockTarget(lab.home.stateDir, GRACE)].map((path) => `${path}.lock`);
    const gate = new EventEmitter();
    bot.issuer.faults.next({ kind: "slow", until: once(gate, "answer") });
    const asked = bot.issuer.presentations().length;
    const question = await phone.asks("/codex_auth refresh grace", /Renew grace\?/);
    const done = phone.presses(question, /^Renew it$/, /✅ grace is renewed/);
    await expect.poll(() => bot.issuer.presentations().length, { timeout: PATIENCE_MS }).toBe(asked + 1);
    for (const path of locks) expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: expect.any(Number) });
    gate.emit("answer");
    await done;
    // The gateway takes them too, for a moment; what we left would lie there for good.
    await until(() => !locks.some((path) => existsSync(path)), PATIENCE_MS);
    const times = new Map<string, number>();
    for (const { fingerprint: token } of bot.issuer.presentations()) times.set(token, (times.get(token) ?? 0) + 1);
    expect([...times.values()]).toEqual([1, 1]);
    expect(times.has(fingerprint(String((await read()).profiles[GRACE]?.["refresh"])))).toBe(false);
  });

  test("a login that the server has ended is said to be so, and the card's button signs in anew", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const store = await readFile(storePath(lab.home), "utf8");
    bot.issuer.expire(String((await read()).profiles[GRACE]?.["refresh"]));
    const question = await phone.asks("/codex_auth refresh grace", /Renew grace\?/);
    await phone.presses(
      question,
      /^Renew it$/,
      /⚠️ grace was not renewed[\s\S]*too old to be renewed[\s\S]*Sign in again/,
    );
    expect(await readFile(storePath(lab.home), "utf8")).toBe(store);
    const said = [...bot.output, ...bot.telegram.visible(OWNER).map(({ text }) => text)].join("\n");
    expect(shownSecrets(said, /refresh_token=/)).toEqual([]);
  });

  async function read(): Promise<Store> {
    return JSON.parse(await readFile(storePath(lab.home), "utf8")) as Store;
  }
});
