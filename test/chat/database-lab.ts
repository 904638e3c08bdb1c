// A chat outside of an OpenClaw with a database: it sees what the plugin has published, and the plugin executes what it asks for.

import { Delivery } from "../../src/chat/delivery.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { databaseWorld } from "../support/database-world.ts";
import { accessToken, alice, bob, chatLab, type Account } from "./chat-lab.ts";

/** The entry of `account` in the database. */
export function databaseLogin(account: Account, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: "oauth",
    provider: "openai",
    access: accessToken(account),
    refresh: `stored-refresh-of-${account.user}`,
    expires: account.expiresAtMs,
    accountId: `acc-${account.user}`,
    ...more,
  };
}

/** A chat over a database with `home` (bob) and `work` (alice), in that order. */
export async function databaseLab(options: Partial<ChatServices> = {}) {
  const world = await databaseWorld();
  const { inside, outside } = world;
  const lab = await chatLab({ store: outside, mayRenew: async () => false, ...options });
  const { clock, outbox, out, parked, paths, queue, receipts, router, services } = lab;
  const now = (): number => clock.now;
  await inside.put("shared", {
    profiles: { "openai:home": databaseLogin(bob), "openai:work": databaseLogin(alice) },
    order: { openai: ["openai:home", "openai:work"] },
  });
  await world.publish(now);
  const port = { asker: () => lab.asker, out: () => out };
  const delivery = new Delivery({ host: "telegram", outbox, router, services, port });
  return {
    ...lab,
    world,
    inside,
    publish: () => world.publish(now),
    /** What the database holds. */
    stored: async () =>
      (await inside.get("shared")) as {
        profiles: Record<string, Record<string, unknown>>;
        order?: Record<string, string[]>;
        usageStats?: Record<string, Record<string, unknown>>;
      },
    /** The plugin ends what is queued; shows the answers. */
    drain: async () => {
      clock.now += 1_000;
      await world.drain({ parked, queue, receipts, outbox, now, log: services.log }, paths);
      await router.idle();
      for (const message of await outbox.list("telegram")) {
        await delivery.deliver(message);
        await outbox.delivered(message.id);
      }
      return out.last;
    },
  };
}
