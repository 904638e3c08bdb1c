// The lease end to end: a sandbox broker, the keeper as a process of its own, a person in the chat, and a real gateway that calls its model.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { startSandboxBroker, type SandboxBroker } from "../../src/sandbox/broker.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { OWNER, startLabBot, type LabBot } from "./lab/bot.ts";
import { PATIENCE_MS, until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { leaseVariables, startKeeper, untilRecord, type LabKeeper } from "./lab/keeper.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const OWN = "openai-codex:alice";
const LEASED = "openai-codex:lease";

interface Store {
  readonly profiles: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly order?: Readonly<Record<string, readonly string[]>>;
}

// Side by side: most of the time each waits for its keeper's next look.
describe.concurrent.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s with a lease", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let broker: SandboxBroker;
  let keeper: LabKeeper;
  let bot: LabBot;
  /** The person's own entries before there was a lease. */
  let ownBefore: string;
  let leaseId: string;
  const printed: (() => string)[] = [];

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    broker = await startSandboxBroker();
    const other = { type: "api_key", provider: "anthropic", key: "of-no-account" };
    lab = await startLab(installed.openclaw, {
      stores: { main: { profiles: { [OWN]: fakeLogin("alice"), "anthropic:work": other } } },
    });
  });

  afterAll(async () => {
    await keeper?.stop();
    await bot?.stop();
    await lab?.stop();
    await broker?.close();
  });

  test.sequential("the keeper stores what it leases without the refresh token, first, and the next model call carries it", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "account-alice" });
    ownBefore = ownEntries();

    keep();
    const record = await untilStored("alpha");
    leaseId = record.status?.leaseId ?? "";
    expect(record.status).toMatchObject({ machineId: "debian", agentId: "openclaw:main", state: "active" });
    expect(store().profiles[LEASED]).toEqual({
      type: "token",
      provider: "openai-codex",
      token: expect.any(String),
      expires: record.material?.expiresAtMs,
      email: "alpha@example.invalid",
    });
    await expectInUse("alpha");
  });

  test.sequential("a broker that restarts and then stays away ends neither the keeper nor the lease", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    await broker.restart();
    await untilLooked();
    await broker.stop();
    const away = await untilRecord(lab.home, ({ problem }) => problem !== undefined);
    expect(away.problem?.code).toMatch(/^ERR_BROKER_/);
    expect(keeper.isAlive()).toBe(true);
    await expectCarries("alpha");

    await broker.start();
    const back = await untilLooked();
    expect(back.problem).toBeUndefined();
    expect(back.status).toMatchObject({ leaseId, state: "active" });
    expect(broker.leases()).toHaveLength(1);
    expect(keeper.isAlive()).toBe(true);
  });

  test.sequential("what the manager refreshes is used by the next model call", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = accessOf("alpha");
    broker.refreshCredential("alpha");
    expect(accessOf("alpha")).not.toBe(before);
    const record = await untilStored("alpha");
    expect(record.status?.leaseId).toBe(leaseId);
    await expectInUse("alpha");
  });

  test.sequential("a keeper that was killed goes on with the same lease", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    await keeper.kill();
    keep();
    const record = await untilLooked();
    expect(record.keeper?.pid).toBe(keeper.pid);
    expect(record.status).toMatchObject({ leaseId, state: "active" });
    expect(broker.leases()).toHaveLength(1);
    await expectCarries("alpha");
  });

  test.sequential("a rotation that a person confirms in the chat has the next model call carry the other credential", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    bot = await startLabBot(lab.home, "auto", { lease: leaseVariables(broker) });
    printed.push(() => [bot.telegram.botOutput(), ...bot.output].join("\n"));
    await press("Rotate…", /Exchange this lease/);
    await confirm("Rotate", /Credential bravo/);
    await bot.telegram.shows(OWNER, /✅ The leased login/, PATIENCE_MS);

    const record = await untilStored("bravo");
    expect(record.status?.leaseId).not.toBe(leaseId);
    expect(broker.leases().map(({ id, state }) => [id === leaseId, state])).toEqual([
      [true, "released"],
      [false, "active"],
    ]);
    await expectInUse("bravo");
  });

  test.sequential("a release in the chat leaves the person's logins as they were, and the keeper asks for no other lease", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    await press("Release…", /Give the lease back/);
    await confirm("Release", /No lease now/);
    // Until its job has ended, a gateway may write its own copy back, which the job then mends.
    await until(async () => store().profiles[LEASED] === undefined && (await isIdle()), PATIENCE_MS);

    expect(ownEntries()).toBe(ownBefore);
    // The lease had begun it: with the lease it is gone again.
    expect(order()).toBeUndefined();
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "account-alice" });
    await expectListed([OWN]);
    const released = Date.now();
    await untilRecord(lab.home, (record) => (record.keeper?.atMs ?? 0) > released);
    expect(broker.leases().map(({ state }) => state)).toEqual(["released", "released"]);
    expect(ownEntries()).toBe(ownBefore);
  });

  test.sequential("a keeper that is asked to stop does, and nothing that was said or kept holds a secret", async ({
    skip,
  }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await keeper.stop()).toBe(0);
    const kept = filesBelow(ownPaths(lab.home.stateDir).root).map((path) => readFileSync(path, "utf8"));
    const everything = [...kept, ...printed.map((text) => text())].join("\n");
    expect(everything).toContain("Keeping the lease of debian / openclaw:main");
    expect(everything).toContain("lease.have");
    expect(shownSecrets(everything, /rt_[\w-]{20}/)).toEqual([]);
    expect(everything).not.toContain(broker.token.expose());
  });

  function keep(): void {
    keeper = startKeeper(lab.home, leaseVariables(broker));
    printed.push(keeper.output);
  }

  /** Waits until a step that began from now on has ended well: the lease was looked at, and its keeper was at work. */
  async function untilLooked(): ReturnType<typeof untilRecord> {
    const now = Date.now();
    return untilRecord(
      lab.home,
      ({ keeper: at, lookedAtMs, problem }) => lookedAtMs > now && (at?.atMs ?? 0) > now && problem === undefined,
    );
  }

  /** Waits until the manager's token for `label` is in the store, and its job has ended. */
  async function untilStored(label: string): ReturnType<typeof untilRecord> {
    const access = accessOf(label);
    const record = await untilRecord(lab.home, ({ material }) => material?.access === access);
    await until(async () => storedAccess() === access && (await isIdle()), PATIENCE_MS);
    return record;
  }

  function storedAccess(): string | undefined {
    const token = store().profiles[LEASED]?.["token"];
    return typeof token === "string" ? fingerprint(token) : undefined;
  }

  async function isIdle(): Promise<boolean> {
    const paths = ownPaths(lab.home.stateDir);
    const parked = new ParkedLogins({ folder: paths.parked, now: Date.now, randomBytes });
    return (await new JobQueue({ paths, parked, now: Date.now }).open()).length === 0;
  }

  async function expectInUse(label: string): Promise<void> {
    await expectCarries(label);
    expect(order()).toEqual([LEASED, OWN]);
    await expectListed([LEASED, OWN]);
    expect(ownEntries()).toBe(ownBefore);
    expect(readFileSync(storePath(lab.home), "utf8")).not.toContain(broker.tokens(label).refreshToken?.expose());
  }

  async function expectCarries(label: string): Promise<void> {
    const call = await callModel(lab.home, lab.backend);
    expect(call).toMatchObject({ tokenAccount: `acct-${label}`, tokenFingerprint: accessOf(label) });
  }

  function accessOf(label: string): string {
    return fingerprint(broker.tokens(label).accessToken);
  }

  /** Asks for the card and presses one of its buttons; waits for the question. */
  async function press(button: string, question: RegExp): Promise<void> {
    const person = bot.telegram.person(OWNER);
    const asked = person.sends("/lease");
    const card = await bot.telegram.waitFor(
      () =>
        bot.telegram
          .visible(OWNER)
          .find(({ messageId, text }) => messageId > asked && text.includes("Lease of debian / openclaw:main")),
      () => "the card of the lease",
      PATIENCE_MS,
    );
    await person.presses(card.messageId, button).answer;
    await bot.telegram.shows(OWNER, question, PATIENCE_MS);
  }

  /** Presses the answer to the question that was asked last; waits for the card that follows. */
  async function confirm(button: string, card: RegExp): Promise<void> {
    const question = await bot.telegram.shows(OWNER, /\?/, PATIENCE_MS);
    await bot.telegram.person(OWNER).presses(question.messageId, button).answer;
    await bot.telegram.shows(OWNER, card, PATIENCE_MS);
  }

  function store(): Store {
    return JSON.parse(readFileSync(storePath(lab.home), "utf8")) as Store;
  }

  /** Everything in the store that is the person's own, as it is written. */
  function ownEntries(): string {
    return JSON.stringify(Object.entries(store().profiles).filter(([id]) => id !== LEASED));
  }

  /** The written order: from 2026.4.22 on it has a file of its own. */
  function order(): readonly string[] | undefined {
    const path = version === "2026.4.5" ? storePath(lab.home) : join(storePath(lab.home), "..", "auth-state.json");
    return (JSON.parse(readFileSync(path, "utf8")) as Store).order?.["openai-codex"];
  }

  /** Asks OpenClaw's own list which profiles there are; from 2026.4.22 on it also says in which order they are tried. */
  async function expectListed(tried: readonly string[]): Promise<void> {
    interface Listed {
      readonly provider: string;
      readonly profiles: readonly { readonly profileId: string; readonly status: string }[];
      readonly effectiveProfiles?: Listed["profiles"];
    }
    const { auth } = (await lab.gateway.cli("models", "status", "--json")) as {
      auth: { oauth: { providers: readonly Listed[] } };
    };
    const codex = auth.oauth.providers.find(({ provider }) => provider === "openai-codex");
    expect(codex?.profiles.map(({ profileId }) => profileId).toSorted()).toEqual(tried.toSorted());
    const inOrder = codex?.effectiveProfiles?.map(({ profileId }) => profileId);
    expect(inOrder).toEqual(version === "2026.4.5" ? undefined : tried);
  }
});

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
