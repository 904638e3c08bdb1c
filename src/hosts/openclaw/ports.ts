// How the plugin reaches the profiles and the gateway that it lives in: by OpenClaw's own code, which nobody outside can call.

import { join } from "node:path";
import { createDoor } from "../../gateway/door.ts";
import type { Generation } from "../../gateway/generation.ts";
import { procTable } from "../../gateway/proc-table.ts";
import { OpenClawProfileStore } from "../../profiles/openclaw-store.ts";
import type { SdkShape } from "../../profiles/openclaw-sdk.ts";
import { publishSnapshot } from "../../profiles/published.ts";
import { readSessionPins } from "../../profiles/session-pins.ts";
import { homeOf, type Parts, type Ports, type PortsFrame } from "../parts.ts";
import { inProcessGateway } from "./in-process-gateway.ts";
import { loadAuthSdk } from "./sdk.ts";

const GENERATIONS = {
  "one-file": "json-single",
  "two-files": "json-split",
  sqlite: "sqlite",
} as const satisfies Record<SdkShape, Generation>;

/** The ports of the process that we run in. @throws CodexAuthError `ERR_GENERATION_UNKNOWN`. */
export async function inProcessPorts(version: string | undefined): Promise<(frame: PortsFrame) => Ports> {
  const sdk = await loadAuthSdk({ version });
  const { shape } = sdk;
  return ({ openClaw, own, now, environment, home }) => {
    const store = new OpenClawProfileStore({ sdk, paths: openClaw, home, corruptFolder: own.corrupt, now });
    const { uid, tmp, openclaw } = environment;
    const door = createDoor({ paths: openClaw, tmp, uid, environment: openclaw, processes: procTable() });
    const { stateDir, configPath } = openClaw;
    // Its port is only asked for by what looks from outside.
    const gateway = inProcessGateway({ store, shape, port: 0, stateDir, configPath, version, door });
    const chats = {
      bound: (agentId: string) => store.pins(agentId),
      free: (agentId: string) => store.clearPins(agentId),
    };
    return { store, gateway, chats, generation: () => Promise.resolve(GENERATIONS[shape]) };
  };
}

const SHAPES: Readonly<Partial<Record<Generation, SdkShape>>> = {
  "json-single": "one-file",
  "json-split": "two-files",
  sqlite: "sqlite",
};

/** Tells other hosts of the profiles, without any secret: from 2026.6 on they cannot read OpenClaw's database. */
export async function publishProfiles(parts: Parts, version: string | undefined): Promise<void> {
  const { store, own, openClaw, now, environment } = parts;
  const home = homeOf(environment);
  const generation = SHAPES[await parts.generation()];
  if (generation === undefined) return;
  await publishSnapshot({
    store,
    path: join(own.root, "published.json"),
    generation,
    version,
    pid: process.pid,
    now,
    ...(generation === "sqlite" ? {} : { pins: (agentId: string) => readSessionPins({ ...openClaw, home }, agentId) }),
  });
}
