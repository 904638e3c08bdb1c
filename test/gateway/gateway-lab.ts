// A private OpenClaw home with a stand-in for the gateway's process in it, for the tests of this folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { createGateway, type GatewayOptions, type IdentifyingGateway } from "../../src/gateway/gateway.ts";
import { gatewayLockPath } from "../../src/gateway/lock-file.ts";
import { supportFile } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** What the stand-in does on SIGUSR1. */
export type PeerBehaviour = "respawn" | "in-process" | "ignore" | "exit";

/** Places of one home. */
export interface GatewayHome {
  readonly tmp: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly lockPath: string;
  readonly uid: number;
  writeConfig(config: Record<string, unknown>): Promise<void>;
  gateway(options?: Partial<GatewayOptions>): IdentifyingGateway;
}

/** Makes a home whose openclaw.json names a version of the JSON generation. */
export async function gatewayHome(): Promise<GatewayHome> {
  const folder = await temporaryFolder();
  const [tmp, stateDir] = [join(folder, "tmp"), join(folder, "state")];
  const configPath = join(stateDir, "openclaw.json");
  const uid = process.getuid?.() ?? 0;
  await mkdir(tmp, { mode: 0o700 });
  await mkdir(stateDir, { mode: 0o700 });
  const writeConfig = (config: Record<string, unknown>): Promise<void> =>
    writeFile(configPath, JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" }, ...config }));
  await writeConfig({});
  return {
    tmp,
    stateDir,
    configPath,
    lockPath: gatewayLockPath(tmp, uid, configPath),
    uid,
    writeConfig,
    gateway: (options = {}) =>
      createGateway({
        paths: { stateDir, configPath, mainAgentDir: join(stateDir, "agents", "main", "agent") },
        tmp,
        uid,
        environment: { gatewayPort: undefined, gatewayToken: undefined },
        ...options,
      }),
  };
}

/** A running stand-in. */
export interface GatewayPeer {
  readonly pid: number;
  readonly port: number;
  readonly exit: Promise<unknown>;
}

/** Starts the stand-in and writes its port into openclaw.json; it and its successor end with the test. */
export async function startPeer(
  home: GatewayHome,
  behaviour: PeerBehaviour,
  given: { readonly title?: string; readonly env?: NodeJS.ProcessEnv; readonly config?: Record<string, unknown> } = {},
): Promise<GatewayPeer> {
  const args = [home.lockPath, home.configPath, behaviour, given.title ?? "openclaw-gateway"];
  const child = spawn(process.execPath, [supportFile("gateway-peer.mjs"), ...args], {
    env: { TMPDIR: home.tmp, ...given.env },
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const exit = once(child, "exit");
  onTestFinished(async () => {
    // The leash: whoever holds its other end, also a successor, ends now.
    child.stdio[3]?.destroy();
    await exit;
  });
  const { stdout } = child;
  if (stdout === null) throw new Error("the stand-in has no output");
  let port = 0;
  for await (const line of createInterface({ input: stdout })) {
    if (/^\d+$/.test(line)) port = Number(line);
    if (line === "ready") break;
  }
  await home.writeConfig({ gateway: { port }, ...given.config });
  return { pid: child.pid ?? -1, port, exit };
}
