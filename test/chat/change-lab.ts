// A chat whose jobs are really executed, by a gateway port in memory: what a press leads to, up to its receipt in the chat.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Executor } from "../../src/apply/executor.ts";
import { withReign } from "../../src/apply/reign.ts";
import { Delivery } from "../../src/chat/delivery.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { GatewayPort } from "../support/gateway-port.ts";
import { alice, bob, chatLab } from "./chat-lab.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { readEnvironment } from "../../src/config/env.ts";

/** A chat over a store with `home` (bob) and `work` (alice), in that order. */
export async function changeLab(options: Partial<ChatServices> = {}) {
  const lab = await chatLab(options);
  await lab.writeStore({ home: bob, work: alice }, { order: ["home", "work"] });
  const stateDir = dirname(lab.paths.root);
  const environment = readEnvironment({ HOME: dirname(stateDir), OPENCLAW_STATE_DIR: stateDir });
  const { router, services, outbox, out } = lab;
  const port = { asker: () => lab.asker, out: () => out };
  const delivery = new Delivery({ host: "telegram", outbox, router, services, port });
  return {
    ...lab,
    stateDir,
    readStore: () =>
      JSON.parse(readFileSync(lab.storePath(), "utf8")) as {
        profiles: Record<string, Record<string, unknown>>;
        order?: Record<string, string[]>;
        usageStats?: Record<string, Record<string, unknown>>;
      },
    writeState: (path: string, value: unknown) => {
      mkdirSync(dirname(join(stateDir, path)), { recursive: true });
      writeFileSync(join(stateDir, path), JSON.stringify(value));
    },
    deliver: async () => {
      for (const message of await outbox.list("telegram")) {
        await delivery.deliver(message);
        await outbox.delivered(message.id);
      }
    },
    /** Ends what is queued and shows the answers; time passes meanwhile. */
    drain: async () => {
      const executor = {
        parked: lab.parked,
        queue: lab.queue,
        receipts: lab.receipts,
        outbox,
        store: new JsonProfileStore({
          paths: openClawPaths(environment),
          home: dirname(stateDir),
          now: () => lab.clock.now,
        }),
        gateway: new GatewayPort(lab.storePath()),
        now: () => lab.clock.now,
        log: services.log,
      };
      lab.clock.now += 1_000;
      const reign = {
        paths: lab.paths,
        kind: "foreground",
        version: "t",
        now: () => lab.clock.now,
        waitMs: 0,
      } as const;
      await withReign(reign, (mine) => new Executor(executor, mine).drain());
      await router.idle();
      for (const message of await outbox.list("telegram")) {
        await delivery.deliver(message);
        await outbox.delivered(message.id);
      }
      return out.last;
    },
  };
}
