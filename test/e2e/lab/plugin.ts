// Our plugin in a lab: built as it is published, installed by OpenClaw's own command line, spoken to over a fake Telegram.

import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownPaths } from "../../../src/config/paths.ts";
import { fakeAccessToken } from "../../support/jwt.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { startCodexBackend, type CodexBackend } from "./codex-backend.ts";
import { openClawCli, PATIENCE_MS, startGatewayAgain, until, type LabGateway } from "./gateway.ts";
import { makeHome, seedStore, storePath, type OpenClawHome } from "./home.ts";
import type { InstalledOpenClaw } from "./install.ts";
import { fakeLogin } from "./lab.ts";
import type { OpenClawVersion } from "./recipes.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const HOUR_MS = 3_600_000;

/** The person who owns the lab's OpenClaw. */
export const OWNER = 4242;
/** One whom the channel lets in, and who owns nothing. */
export const GUEST = 777;
/** The id under which OpenClaw knows the plugin. */
export const PLUGIN_ID = "codex-auth";

/** What `npm run build:plugin` makes. */
export interface BuiltPlugin {
  readonly folder: string;
  readonly tarball: string;
}

/** Builds the plugin into `out`, as `version`. */
export async function buildPlugin(out: string, version: string): Promise<BuiltPlugin> {
  const script = join(ROOT, "scripts", "build-plugin.mjs");
  await run(process.execPath, [script, "--out", out, "--version", version], { cwd: ROOT });
  return { folder: join(out, PLUGIN_ID), tarball: join(out, `codex-auth-openclaw-${version}.tgz`) };
}

/** An OpenClaw with a Telegram bot and a fake Codex backend. */
export interface PluginLab {
  readonly openclaw: InstalledOpenClaw;
  readonly home: OpenClawHome;
  readonly telegram: FakeTelegram;
  readonly backend: CodexBackend;
  /** Runs `openclaw plugins install` as its operator would; `isThere` where the plugin is replaced. */
  install(source: string, isThere?: boolean): Promise<void>;
  uninstall(): Promise<void>;
  /** Starts the gateway and waits until its bot asks Telegram for messages. */
  start(): Promise<LabGateway>;
  /** All that the models were ever sent, as one readable text. */
  heard(): Promise<string>;
  /** The stored logins as they lie on the disk. Only while no gateway runs. */
  storedLogins(): Promise<string>;
  stop(): Promise<void>;
}

/** Makes one with a login in it; no gateway runs yet. `settings` are the plugin's own. */
export async function makePluginLab(
  openclaw: InstalledOpenClaw,
  settings?: Readonly<Record<string, unknown>>,
): Promise<PluginLab> {
  const { version } = openclaw;
  const [backend, telegram] = [await startCodexBackend(), await FakeTelegram.start({ answerWithinMs: PATIENCE_MS })];
  const config = { commands: { ownerAllowFrom: [`telegram:${OWNER}`] }, channels: { telegram: channelOf(telegram) } };
  const home = await makeHome({ version, backendUrl: backend.baseUrl, config });
  let gateway: LabGateway | undefined;
  if (settings !== undefined) await writeSettings(home, settings);
  await (version === "2026.9.6" ? pasteLogin(openclaw, home) : seedLogin(home));
  return {
    openclaw,
    home,
    telegram,
    backend,
    install: async (source, isThere = false) => {
      await openClawCli(openclaw, home, ["plugins", "install", source, ...installFlags(version, isThere)]);
    },
    uninstall: async () => {
      await openClawCli(openclaw, home, ["plugins", "uninstall", PLUGIN_ID, "--force"]);
    },
    start: async () => {
      const polls = telegram.callsOf("getUpdates").length;
      gateway = await startGatewayAgain(openclaw, home, { OPENCLAW_SKIP_CHANNELS: undefined });
      await until(() => telegram.callsOf("getUpdates").length > polls, PATIENCE_MS);
      return gateway;
    },
    heard: () => readable(openclaw, backend.bodies),
    storedLogins: () => storedLogins(openclaw, home),
    stop: async () => {
      await gateway?.stop();
      await telegram.close();
      await backend.stop();
      await home.remove();
    },
  };
}

async function writeSettings(home: OpenClawHome, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const { root, config } = ownPaths(home.stateDir);
  await mkdir(root, { mode: 0o700 });
  await writeFile(config, JSON.stringify(settings), { mode: 0o600 });
}

// 2026.9.6 asks for consent in a terminal; elsewhere only a plugin that is there needs a word.
function installFlags(version: OpenClawVersion, isThere: boolean): readonly string[] {
  if (version === "2026.9.6") return ["--force", "--accept-capabilities"];
  return isThere ? ["--force"] : [];
}

function channelOf(telegram: FakeTelegram): Record<string, unknown> {
  return {
    enabled: true,
    botToken: telegram.token,
    apiRoot: telegram.url,
    dmPolicy: "allowlist",
    allowFrom: [String(OWNER), String(GUEST)],
  };
}

async function seedLogin(home: OpenClawHome): Promise<void> {
  await seedStore(home, { profiles: { "openai-codex:work": fakeLogin("alice") } });
}

async function pasteLogin(openclaw: InstalledOpenClaw, home: OpenClawHome): Promise<void> {
  const owner = { email: "alice@example.com", userId: "user-alice", accountId: "account-alice" };
  const token = fakeAccessToken({ ...owner, expiresAtMs: Date.now() + 8 * HOUR_MS, planType: "plus" });
  const profile = ["--provider", "openai", "--profile-id", "openai:work"];
  await openClawCli(openclaw, home, ["models", "auth", "paste-token", ...profile], `${token}\n`);
}

async function readable(openclaw: InstalledOpenClaw, bodies: readonly Buffer[]): Promise<string> {
  // The Node.js that runs the tests may know no zstd; OpenClaw's own does.
  const script = `
    const { zstdDecompressSync } = require("node:zlib");
    const bodies = JSON.parse(require("node:fs").readFileSync(0, "utf8")).map((text) => Buffer.from(text, "base64"));
    const isPacked = (body) => body.length > 4 && body.readUInt32LE(0) === 0xfd2fb528;
    process.stdout.write(bodies.map((body) => (isPacked(body) ? zstdDecompressSync(body) : body).toString("utf8")).join("\\n"));`;
  const reading = run(openclaw.node, ["-e", script], { maxBuffer: 64 * 1024 * 1024 });
  reading.child.stdin?.end(JSON.stringify(bodies.map((body) => body.toString("base64"))));
  return (await reading).stdout;
}

async function storedLogins(openclaw: InstalledOpenClaw, home: OpenClawHome): Promise<string> {
  if (openclaw.version !== "2026.9.6") return await readFile(storePath(home), "utf8");
  // The Node.js that runs the tests may have no SQLite; OpenClaw's own has.
  const script = `
    const { DatabaseSync } = require("node:sqlite");
    const db = new DatabaseSync(process.argv[1], { readOnly: true, timeout: 30_000 });
    const rows = "select state_key, value_json from config_machine_state where state_key like 'authProfiles.%' order by 1";
    process.stdout.write(JSON.stringify(db.prepare(rows).all()));`;
  const path = join(home.stateDir, "state", "openclaw.sqlite");
  const { stdout } = await run(openclaw.node, ["--no-warnings", "-e", script, path]);
  return stdout;
}
