// Everything that the plugin works with in one lab: issuer, usage server, lease broker, a person's own Codex CLI login, and its gateway.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ApplyEngine } from "../../../src/apply/engine.ts";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { ownPaths } from "../../../src/config/paths.ts";
import { randomBytes } from "node:crypto";
import { startSandboxBroker, type SandboxBroker } from "../../../src/sandbox/broker.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { startSandboxUsage, type SandboxUsage } from "../../../src/sandbox/usage-server.ts";
import { codexDocument, loginOf } from "../../hosts/cli/codex-file-lab.ts";
import type { LabGateway } from "./gateway.ts";
import type { InstalledOpenClaw } from "./install.ts";
import { PluginPhone } from "./plugin-phone.ts";
import { makePluginLab, PLUGIN_ID, type BuiltPlugin, type PluginLab } from "./plugin.ts";

/** A running gateway with the plugin at work in it. */
export interface PluginWorld {
  readonly lab: PluginLab;
  readonly phone: PluginPhone;
  readonly broker: SandboxBroker;
  readonly issuer: SandboxIssuer;
  readonly usage: SandboxUsage;
  /** The queue and what comes of it, seen from outside. */
  readonly engine: ApplyEngine;
  gateway(): LabGateway;
  /** Ends the gateway by SIGTERM; `start` starts it again. */
  end(): Promise<void>;
  start(): Promise<void>;
  /** The lines that the plugin has logged. */
  logged(): Promise<readonly string[]>;
  /** The Codex CLI's login file. */
  readonly authFile: string;
  /** Whether a sign-in by a pasted address is offered: 2026.5.28 would show the address to the model. */
  readonly takesPastes: boolean;
  stop(): Promise<void>;
}

/** Starts it, with the profile `work` and a lease that is asked for at once. */
export async function startPluginWorld(openclaw: InstalledOpenClaw, plugin: BuiltPlugin): Promise<PluginWorld> {
  const [issuer, usage, broker] = [
    await startSandboxIssuer({ accounts: ["ada", "grace", "heidi", "ivan"].map(colleague) }),
    await startSandboxUsage(),
    await startSandboxBroker(),
  ];
  issuer.device.interval = 1;
  const lab = await makePluginLab(openclaw, {
    issuer: issuer.origin,
    usageServer: usage.origin,
    allowUnattended: true,
    lease: {
      baseUrl: broker.origin,
      internalApiToken: broker.token.expose(),
      machineId: "debian",
      refreshIntervalMs: 5_000,
      writeAuthFile: true,
      // Not where OpenClaw looks for a login of its own.
      authFilePath: "~/codex/auth.json",
    },
  });
  const authFile = join(lab.home.home, "codex", "auth.json");
  await mkdir(dirname(authFile), { mode: 0o700 });
  await writeFile(authFile, JSON.stringify(codexDocument(loginOf("mallory"))), { mode: 0o600 });
  await lab.install(plugin.folder);
  if (openclaw.version !== "2026.4.5") await allowConversations(lab.home.configPath);
  let gateway = await lab.start();
  const paths = ownPaths(lab.home.stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now: Date.now, randomBytes });
  return {
    lab,
    phone: new PluginPhone(lab, issuer),
    broker,
    issuer,
    usage,
    authFile,
    takesPastes: openclaw.version !== "2026.5.28",
    engine: new ApplyEngine({
      parked,
      queue: new JobQueue({ paths, parked, now: Date.now }),
      receipts: new Receipts({ folder: paths.receipts, now: Date.now }),
      outbox: new Outbox({ folder: paths.outbox, now: Date.now }),
      paths,
      now: Date.now,
      launch: () => Promise.resolve(),
    }),
    gateway: () => gateway,
    end: () => gateway.stop(),
    start: async () => {
      gateway = await lab.start();
    },
    logged: async () => {
      const text = await readFile(join(paths.log, "plugin.log"), "utf8").catch(() => "");
      return text.split("\n").filter((line) => line !== "");
    },
    stop: async () => {
      await lab.stop();
      await Promise.all([issuer.close(), usage.close(), broker.close()]);
    },
  };
}

/** One workspace, since a profile is only ever renewed in its own. */
function colleague(name: string) {
  return { email: `${name}@example.com`, userId: `user-${name}`, accountId: "acct-team", planType: "team" };
}

// As the README has a person set it: without it `llm_output` is not heard from 2026.5 on.
async function allowConversations(path: string): Promise<void> {
  const config = JSON.parse(await readFile(path, "utf8")) as {
    plugins?: { entries?: Record<string, Record<string, unknown>> };
  };
  const entries = config.plugins?.entries ?? {};
  const entry = { ...entries[PLUGIN_ID], hooks: { allowConversationAccess: true } };
  const plugins = { ...config.plugins, entries: { ...entries, [PLUGIN_ID]: entry } };
  await writeFile(path, JSON.stringify({ ...config, plugins }, null, 2), { mode: 0o600 });
}
