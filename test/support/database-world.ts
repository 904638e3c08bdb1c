// An OpenClaw that keeps its logins in a database: the plugin's executor inside it, and the store of a host outside, beside one queue.

import { join } from "node:path";
import { Executor } from "../../src/apply/executor.ts";
import { withReign } from "../../src/apply/reign.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, type OwnPaths } from "../../src/config/paths.ts";
import { inProcessGateway } from "../../src/hosts/openclaw/in-process-gateway.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { OutsideStore } from "../../src/profiles/outside-store.ts";
import { PublishedStore } from "../../src/profiles/published-store.ts";
import { publishSnapshot } from "../../src/profiles/published.ts";
import { openClawInside, type Inside } from "./openclaw-inside.ts";

/** What a test has of it. */
export interface DatabaseWorld {
  readonly inside: Inside;
  readonly outside: OutsideStore;
  /** Which generation the host outside takes it for. */
  generation: "sqlite" | "json-single";
  /** The plugin tells what is there now. */
  publish(now?: () => number): Promise<void>;
  /** The plugin ends every open job, and tells what is there then. */
  drain(services: Omit<ExecutorServices, "store" | "gateway">, paths: OwnPaths): Promise<number>;
}

/** A database with nobody signed in; nothing is published yet. */
export async function databaseWorld(): Promise<DatabaseWorld> {
  const inside = await openClawInside("sqlite");
  const { root } = inside.state;
  const openClaw = openClawPaths(readEnvironment({ HOME: root, OPENCLAW_STATE_DIR: root }));
  const path = join(root, "published.json");
  const { configPath, stateDir } = openClaw;
  const generation = async (): Promise<"sqlite" | "json-single"> => world.generation;
  const gateway = inProcessGateway({ store: inside.store, shape: "sqlite", port: 0, stateDir, configPath });
  const world: DatabaseWorld = {
    inside,
    outside: new OutsideStore({
      files: new JsonProfileStore({ paths: openClaw, home: root, generation }),
      published: new PublishedStore({ path, configPath }),
      generation,
    }),
    generation: "sqlite",
    publish: async (now = Date.now) => {
      await publishSnapshot({ store: inside.store, path, generation: "sqlite", pid: process.pid, now });
    },
    drain: async (services, paths) => {
      const { now } = services;
      const reign = { paths, kind: "plugin", version: "test", now, waitMs: 5_000 } as const;
      const executor = { ...services, store: inside.store, gateway };
      const ended = await withReign(reign, (mine) => new Executor(executor, mine).drain());
      await world.publish(now);
      return ended;
    },
  };
  return world;
}
