// Whom a reminder is not for: a login that was removed on purpose, and a person who already has one waiting.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Outbox } from "../../src/apply/outbox.ts";
import { ParkedLogins, type ParkedLogin } from "../../src/apply/parked.ts";
import { enqueueReminders } from "../../src/apply/reminders.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function setUp() {
  const folder = await temporaryFolder();
  const clock = { now: 1_000 };
  const now = (): number => clock.now;
  const parked = new ParkedLogins({ folder: join(folder, "parked"), now, randomBytes });
  const outbox = new Outbox({ folder: join(folder, "outbox"), now });
  const park = (reason: ParkedLogin["reason"]): Promise<ParkedLogin> =>
    parked.put(
      { agentId: "main", profileId: "openai-codex:work", reason, expiresAtMs: 9, requestedBy: REQUESTED_BY },
      receivedTokens("carol"),
    );
  const remind = async () => {
    clock.now += APPLY.parkedReminderMs;
    await enqueueReminders({ parked, outbox, now, approvers: () => [], host: REQUESTED_BY.host });
    return (await outbox.list(REQUESTED_BY.host)).filter(({ content }) => content.kind === "reminder");
  };
  return { parked, outbox, park, remind };
}

it("does not ask for a decision about a login that was removed, and leaves no mark on it", async () => {
  const { parked, park, remind } = await setUp();
  const { id } = await park("removed");
  expect(await remind()).toEqual([]);
  expect(await parked.get(id)).not.toHaveProperty("remindedAt");
});

it("reminds of a login although another answer about it still waits to be told", async () => {
  const { outbox, park, remind } = await setUp();
  const { id } = await park("put-aside");
  await outbox.put({ id: "a-1", address: REQUESTED_BY, content: { kind: "approval", parkedId: id } });
  expect(await remind()).toHaveLength(1);
  expect(await remind()).toHaveLength(1);
});
