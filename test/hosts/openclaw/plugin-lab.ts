// The plugin in a fake OpenClaw, on a real state folder; its store and gateway are those of the JSON generation.

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { createGateway } from "../../../src/gateway/gateway.ts";
import { composePlugin, type ComposeOptions, type PluginHost } from "../../../src/hosts/openclaw/compose.ts";
import { createPlugin } from "../../../src/hosts/openclaw/plugin.ts";
import type { Ports, PortsFrame } from "../../../src/hosts/parts.ts";
import { JsonProfileStore } from "../../../src/profiles/json-store.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { FakeOpenClaw, type FakeOpenClawOptions } from "../../support/fake-openclaw-api.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

export const OWNER = "4242";
export const FRIEND = "222";
export const GROUP = "-100123";

/** Everything of one plugin in one gateway. */
export interface PluginLab {
  readonly openClaw: FakeOpenClaw;
  readonly world: ReturnType<typeof applyWorld>;
  readonly home: string;
  readonly logged: string[];
  /** How often the plugin was put together. */
  composed(): number;
  host(): Promise<PluginHost>;
  /** The text of the newest message of a chat. */
  last(chatId?: string): string;
  /** Waits until nothing is being answered, also where no hook waits for it. */
  answered(): Promise<void>;
  /** Waits until a chat shows `pattern`. */
  shows(pattern: RegExp, chatId?: string): Promise<string>;
}

/** A loaded plugin; its service is not started yet. */
export async function pluginLab(
  options: Partial<FakeOpenClawOptions> &
    Pick<
      Partial<ComposeOptions>,
      "answerWithinMs" | "now" | "wait" | "publish" | "retryMs" | "publishEveryMs" | "settlesMs"
    > & {
      readonly variables?: Record<string, string>;
      readonly stopWithinMs?: number;
    } = {},
): Promise<PluginLab> {
  const home = await temporaryFolder();
  const world = applyWorld(home);
  const version = options.version ?? "2026.4.5";
  const stateDir = dirname(world.paths.root);
  const settings = options.settings ?? { commands: { ownerAllowFrom: [`telegram:${OWNER}`] } };
  await writeFile(
    join(stateDir, "openclaw.json"),
    JSON.stringify({ ...settings, meta: { lastTouchedVersion: "2026.4.5" }, gateway: { port: 9 } }),
  );
  const openClaw = new FakeOpenClaw({ ...options, version, settings });
  const logged: string[] = [];
  const environment = readEnvironment({ HOME: home, OPENCLAW_STATE_DIR: stateDir, ...options.variables });
  let composed = 0;
  let host: Promise<PluginHost> | undefined;
  const { answerWithinMs, now, wait, publish, retryMs, publishEveryMs, stopWithinMs, settlesMs = 0 } = options;
  const plugin = createPlugin({
    ...(stopWithinMs === undefined ? {} : { stopWithinMs }),
    tables: async () => openClaw.tables.sdk,
    compose: (runtime) => {
      composed += 1;
      host = composePlugin({
        environment,
        runtime,
        ports: () => Promise.resolve(jsonPorts),
        log: createLog((line) => logged.push(line), Date.now),
        deliveryRetryMs: 5,
        settlesMs,
        ...(answerWithinMs === undefined ? {} : { answerWithinMs }),
        ...(now === undefined ? {} : { now }),
        ...(wait === undefined ? {} : { wait }),
        ...(publish === undefined ? {} : { publish }),
        ...(retryMs === undefined ? {} : { retryMs }),
        ...(publishEveryMs === undefined ? {} : { publishEveryMs }),
      });
      return host;
    },
  });
  openClaw.load(plugin);
  onTestFinished(async () => {
    await openClaw.stopServices();
    await (await host?.catch(() => undefined))?.close();
  });
  const last = (chatId = OWNER): string => openClaw.chat(chatId).at(-1)?.text ?? "";
  return {
    openClaw,
    world,
    home,
    logged,
    composed: () => composed,
    host: async () => host ?? Promise.reject(new Error("not put together yet")),
    last,
    answered: async () => (await host?.catch(() => undefined))?.underWay.settled(),
    shows: async (pattern, chatId = OWNER) => {
      const found = (): string | undefined => openClaw.chat(chatId).findLast(({ text }) => pattern.test(text))?.text;
      const until = Date.now() + 10_000;
      while (found() === undefined) {
        if (Date.now() > until) throw new Error(`not shown: ${String(pattern)}; shown: ${openClaw.everything}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return found() ?? "";
    },
  };
}

/** The store as files, and no gateway that answers: a change counts as soon as it is written. */
function jsonPorts({ openClaw, home, environment }: PortsFrame): Ports {
  return {
    store: new JsonProfileStore({ paths: openClaw, home }),
    gateway: createGateway({
      paths: openClaw,
      tmp: environment.tmp,
      uid: environment.uid,
      environment: environment.openclaw,
    }),
    generation: () => Promise.resolve("json-single"),
  };
}
