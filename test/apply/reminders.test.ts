// Reminders of parked logins: who is due, one message each, and what a crash or a second host makes of it.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Address } from "../../src/apply/job.ts";
import { Outbox } from "../../src/apply/outbox.ts";
import { ParkedLogins, type ParkedLogin } from "../../src/apply/parked.ts";
import { dueReminders, enqueueReminders } from "../../src/apply/reminders.ts";
import { APPLY, DAY, HOUR } from "../../src/config/defaults.ts";
import { receivedTokens } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const START = 1_800_000_000_000;
const address = { host: "telegram", chatId: "1", personId: "1" };
const CLI = { host: "cli", chatId: "cli", personId: "1000" };

const approvers = (): readonly Address[] => [address, { host: "telegram", chatId: "2", personId: "2" }];

function login(patch: Partial<ParkedLogin> = {}): ParkedLogin {
  return {
    schemaVersion: 1,
    id: "p-1",
    createdAt: START,
    agentId: "main",
    profileId: "openai-codex:work",
    reason: "other-identity",
    expiresAtMs: START,
    requestedBy: address,
    ...patch,
  };
}

/** Parked logins and an outbox with a clock of their own. */
async function house() {
  const folder = await temporaryFolder();
  const clock = { now: START };
  const now = (): number => clock.now;
  const parked = new ParkedLogins({ folder: join(folder, "parked"), now, randomBytes });
  const outbox = new Outbox({ folder: join(folder, "outbox"), now });
  const park = (
    requestedBy: ParkedLogin["requestedBy"] = address,
    patch: Partial<ParkedLogin> = {},
  ): Promise<ParkedLogin> => {
    const { id: _id, createdAt: _at, schemaVersion: _version, ...record } = login({ requestedBy, ...patch });
    return parked.put(record, receivedTokens("alice"));
  };
  const parts = { parked, outbox, now, approvers, host: "telegram" };
  return { parked, outbox, clock, park, parts };
}

describe("a reminder for somebody inside OpenClaw", () => {
  it("has a name that a file can have, whatever OpenClaw calls people, and is put once", async () => {
    const { outbox, clock, park, parts } = await house();
    const owner = { host: "openclaw", chatId: "telegram/default/42", personId: "telegram:42" };
    await park(CLI, { reason: "approval-needed" });
    clock.now = START + APPLY.parkedReminderMs;
    const inside = { ...parts, host: "openclaw", approvers: () => [owner] };
    await enqueueReminders(inside);
    await enqueueReminders(inside);
    expect(await outbox.list("openclaw")).toMatchObject([{ address: owner, content: { kind: "reminder" } }]);
  });
});

describe("dueReminders", () => {
  it.each([
    ["came just now", {}, START, false],
    ["is a millisecond too young", {}, START + APPLY.parkedReminderMs - 1, false],
    ["has waited long enough", {}, START + APPLY.parkedReminderMs, true],
    ["was reminded of an hour ago", { remindedAt: START + 2 * DAY }, START + 2 * DAY + HOUR, false],
    ["was reminded of a day ago", { remindedAt: START + 2 * DAY }, START + 3 * DAY, true],
    ["was asked for elsewhere", { requestedBy: CLI }, START + 9 * DAY, false],
    ["a script may not save", { requestedBy: CLI, reason: "approval-needed" }, START + 9 * DAY, true],
    ["seems to come from the future", { createdAt: START + DAY }, START, false],
  ] as const)("of a login that %s: due is decided right", (_what, patch, now, isDue) => {
    const asked = { host: "telegram", approvers: () => [address], now: () => now };
    expect(dueReminders([login(patch)], asked)).toHaveLength(isDue ? 1 : 0);
  });

  it("goes to those who are left where whoever asked was taken off the list", () => {
    const problem = { code: "ERR_NOT_ALLOWED", message: "Not any more.", next: "Somebody else decides." };
    const gone = { host: "telegram", chatId: "9", personId: "9" };
    const left = login({ requestedBy: gone, reason: "store-failed", problem });
    const due = dueReminders([left], { host: "telegram", approvers, now: () => START + DAY });
    expect(due.flatMap(({ to }) => to.map(({ personId }) => personId))).toEqual(["1", "2"]);
  });

  it("concerns nobody while there is nobody who may allow what a script asks for, and is not used up", () => {
    const wish = login({ requestedBy: CLI, reason: "approval-needed" });
    const at = (people: readonly Address[]) =>
      dueReminders([wish], { host: "telegram", approvers: () => people, now: () => START + 9 * DAY });
    expect(at([])).toEqual([]);
    expect(at([address])).toEqual([{ login: wish, to: [address] }]);
  });
});

describe("enqueueReminders", () => {
  it("puts one message to whoever asked, as a new message, and none before the next day", async () => {
    const { parked, outbox, clock, park, parts } = await house();
    const { id } = await park({ ...address, messageId: "77" });
    await park({ ...address, host: "terminal" });
    await enqueueReminders(parts);
    expect(await outbox.list("telegram")).toEqual([]);

    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders(parts);
    const [message, ...more] = await outbox.list("telegram");
    expect(message).toMatchObject({ content: { kind: "reminder", parkedId: id } });
    expect(message?.address).toEqual(address);
    expect(more).toEqual([]);
    expect(await outbox.list("terminal")).toEqual([]);
    expect((await parked.get(id))?.remindedAt).toBe(clock.now);

    await outbox.delivered(message?.id ?? "");
    clock.now += HOUR;
    await enqueueReminders(parts);
    expect(await outbox.list("telegram")).toEqual([]);
    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders(parts);
    expect(await outbox.list("telegram")).toHaveLength(1);
  });

  it("reminds each of those who may allow what a script asks for, once a day, and nobody when one has decided", async () => {
    const { parked, outbox, clock, park, parts } = await house();
    const { id } = await park(CLI, { reason: "approval-needed" });
    const told = async (): Promise<readonly string[]> =>
      (await outbox.list("telegram")).map(({ address: { personId } }) => personId).toSorted();
    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders(parts);
    await enqueueReminders(parts);
    expect(await told()).toEqual(["1", "2"]);
    expect(await outbox.list("cli")).toEqual([]);

    // One of them has read it, the other cannot be reached: neither finds two.
    const first = (await outbox.list("telegram")).find(({ address: { personId } }) => personId === "1");
    await outbox.delivered(first?.id ?? "");
    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders(parts);
    expect(await told()).toEqual(["1", "2"]);

    for (const message of await outbox.list("telegram")) await outbox.delivered(message.id);
    await parked.discard(id);
    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders(parts);
    expect(await told()).toEqual([]);
  });

  it("of two hosts at once makes one", async () => {
    const { outbox, clock, park, parts } = await house();
    await park();
    clock.now += APPLY.parkedReminderMs;
    // The second host's clock is a little off: the id must not come from it.
    await Promise.all([enqueueReminders(parts), enqueueReminders({ ...parts, now: () => clock.now + 5 })]);
    expect(await outbox.list("telegram")).toHaveLength(1);
  });

  it("killed before the mark makes the same message again, which is one too many only if it was delivered", async () => {
    const { parked, outbox, clock, park, parts } = await house();
    const { id } = await park();
    clock.now += APPLY.parkedReminderMs;
    const killed = { list: () => parked.list(), update: () => Promise.reject(new Error("killed")) };
    await expect(enqueueReminders({ ...parts, parked: killed })).rejects.toThrow("killed");
    const [first] = await outbox.list("telegram");
    await expect(enqueueReminders({ ...parts, parked: killed })).rejects.toThrow("killed");
    expect(await outbox.list("telegram")).toEqual([first]);

    await outbox.delivered(first?.id ?? "");
    await enqueueReminders(parts);
    expect((await outbox.list("telegram")).map((message) => message.id)).toEqual([first?.id]);
    await outbox.delivered(first?.id ?? "");
    await enqueueReminders(parts);
    expect(await outbox.list("telegram")).toEqual([]);
    expect((await parked.get(id))?.remindedAt).toBe(clock.now);
  });

  it("leaves one reminder, not one a day, for somebody who cannot be reached", async () => {
    const { outbox, clock, park, parts } = await house();
    await park();
    for (let day = 0; day < 5; day += 1) {
      clock.now += APPLY.parkedReminderMs;
      await enqueueReminders(parts);
    }
    expect(await outbox.list("telegram")).toHaveLength(1);
  });

  it("changes nothing of the login but the mark, and brings no discarded one back", async () => {
    const { parked, outbox, clock, park, parts } = await house();
    const before = await park();
    const { id } = await park();
    clock.now += APPLY.parkedReminderMs;
    const list = async (): Promise<readonly ParkedLogin[]> => {
      const all = await parked.list();
      await parked.discard(id);
      return all;
    };
    await enqueueReminders({ ...parts, parked: { list, update: (...change) => parked.update(...change) } });
    expect(await parked.list()).toEqual([{ ...before, remindedAt: clock.now }]);
    expect((await parked.tokens(before.id))?.refresh.expose()).toBeDefined();
    expect(await outbox.list("telegram")).toHaveLength(2);
  });
});
