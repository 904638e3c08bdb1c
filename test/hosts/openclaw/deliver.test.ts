// Answers out of the outbox inside OpenClaw: each has one place where it is told.

import { EventEmitter, once } from "node:events";
import { expect, it } from "vitest";
import { parkedFor } from "./parked-lab.ts";
import { OWNER, pluginLab } from "./plugin-lab.ts";

const OTHER = "999";

it("the outcome of a job stays with the command that asked for it, where another command is answered first", async () => {
  const owners = [OWNER, OTHER].map((id) => `telegram:${id}`);
  const lab = await pluginLab({ settings: { commands: { ownerAllowFrom: owners } } });
  const { openClaw, world } = lab;
  const address = { host: "openclaw", chatId: `telegram/default/${OTHER}`, personId: `telegram:${OTHER}` } as const;
  const parkedId = await parkedFor(lab, "erin");
  await world.outbox.put({ id: "reminder-1", address, content: { kind: "reminder", parkedId } });
  // What waits is told one after another: somebody else's is on its way, and takes long.
  const gate = new EventEmitter();
  openClaw.sendGate = once(gate, "open");
  await openClaw.startServices();
  await expect.poll(() => openClaw.sending).toBe(1);
  openClaw.sendGate = undefined;
  const taken = openClaw.types(OWNER, `/codex_auth take ${await parkedFor(lab, "carol")}`);
  await expect.poll(async () => (await world.outbox.list("openclaw")).length).toBe(2);
  await openClaw.types(OWNER, "/codex_auth status");
  expect(lab.last()).toMatch(/carol/);
  expect(lab.last()).not.toContain("is saved");
  gate.emit("open");
  await taken;
  expect(lab.last()).toMatch(/✅ .*carol.* is saved/);
  expect(openClaw.chat(OWNER)).toHaveLength(2);
});
