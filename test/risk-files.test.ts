// RISK.md's table of files against what a run of everything leaves on the disk, with an umask that forgives nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { OWNER } from "./hosts/telegram/bot-lab.ts";
import { executeOpenJobs } from "../src/hosts/worker/execute.ts";
import { enqueueChange } from "./support/change-jobs.ts";
import { LoginLab } from "./hosts/telegram/login-lab.ts";
import { announcePlugin, pluginAtWork } from "../src/apply/presence.ts";
import { loadConfig } from "../src/config/config.ts";
import { readEnvironment } from "../src/config/env.ts";
import { ownPaths } from "../src/config/paths.ts";
import { draftOf, readSettings, tokenFiles, writeDraft } from "../src/hosts/cli/setup/settings-file.ts";
import { LeaseHost } from "../src/hosts/lease.ts";
import { publishProfiles } from "../src/hosts/openclaw/ports.ts";
import { buildParts } from "../src/hosts/services.ts";
import { openUsage } from "../src/hosts/usage.ts";
import { startSandboxBroker } from "../src/sandbox/broker.ts";
import { startSandboxUsage } from "../src/sandbox/usage-server.ts";
import { silentLog } from "../src/secrets/log.ts";
import { Secret } from "../src/secrets/secret.ts";
import { receivedTokens } from "./support/apply-world.ts";
import { ENTRY } from "./support/launch-lab.ts";
import { codeIn, tableBelow } from "./support/repo-files.ts";
import { tree, type TreeEntry } from "./support/tree.ts";

interface Row {
  readonly path: string;
  readonly written: string;
  covers(path: string): boolean;
}

const ROWS: readonly Row[] = tableBelow("RISK.md", "Files").map(([cell = "", , , written = ""]) => {
  const [path = ""] = codeIn(cell);
  const pattern = path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace("<id>", "[a-z0-9._-]+");
  const whole = new RegExp(path.endsWith("/") ? `^${pattern}` : `^${pattern}$`);
  return { path, written, covers: (candidate) => whole.test(candidate) };
});

/** A lock is an empty folder of the library's making, there for a moment, inside a folder that nobody else may enter. */
function ours(path: string): boolean {
  return path.startsWith("codex-auth/") && !path.endsWith(".lock/");
}

function modes({ path, mode }: TreeEntry): string {
  return `${mode} ${path}`;
}

/** Everything that was ever seen below the state folder. */
class Seen {
  readonly files = new Map<string, TreeEntry>();
  readonly folders = new Map<string, TreeEntry>();
  readonly #stateDir: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  look(): void {
    for (const entry of tree(this.#stateDir)) (entry.isFolder ? this.folders : this.files).set(entry.path, entry);
  }
}

/** The sign-in page of a new login in a chat that shows earlier ones too. */
async function pageOf(lab: LoginLab, profile: string): Promise<string> {
  lab.telegram.person(OWNER).sends(`/codex_auth paste ${profile}`);
  const card = await lab.telegram.shows(OWNER, new RegExp(`^New login ${profile}\n`));
  return lab.buttonsOf(card).find(({ url }) => url !== undefined)?.url ?? "";
}

/** Lets a login wait at every place where one can: done, queued, undecided, not yet signed in. */
async function runEverything(lab: LoginLab, seen: Seen): Promise<void> {
  const owner = lab.telegram.person(OWNER);
  const bot = await lab.start();
  owner.sends("/codex_auth");
  await lab.telegram.shows(OWNER, /Codex logins/);
  owner.sends(lab.issuer.approve(await pageOf(lab, "carol"), "carol@example.com"));
  const first = await lab.telegram.shows(OWNER, /Signed in as carol/);
  await owner.presses(first.messageId, "Save and use first").answer;
  await lab.telegram.shows(OWNER, /✅ carol is saved/);
  seen.look();

  lab.works = false;
  owner.sends(lab.issuer.approve(await pageOf(lab, "later"), "carol@example.com"));
  const second = await lab.telegram.shows(OWNER, /Save as \S*later/);
  await owner.presses(second.messageId, "Save and use first").answer;
  await expect.poll(() => lab.world.queue.open()).toHaveLength(1);
  owner.sends(lab.issuer.approve(await pageOf(lab, "undecided"), "alice@example.com"));
  await lab.telegram.shows(OWNER, /Signed in as alice/);
  await pageOf(lab, "open");
  await bot.stop();
  seen.look();
  await lab.world.drain();
  seen.look();
}

/** A real worker that finds the store broken. */
async function runWorker(stateDir: string): Promise<void> {
  const env = { PATH: process.env["PATH"], HOME: dirname(stateDir), OPENCLAW_STATE_DIR: stateDir };
  const worker = spawn(process.execPath, [ENTRY], { env, stdio: "ignore" });
  onTestFinished(() => void worker.kill("SIGKILL"));
  await once(worker, "exit");
}

/** A person who has carol's login renewed. */
async function runRenewal(lab: LoginLab, stateDir: string): Promise<void> {
  const environment = readEnvironment({
    HOME: dirname(stateDir),
    OPENCLAW_STATE_DIR: stateDir,
    CODEX_AUTH_ISSUER: lab.issuer.origin,
  });
  const config = await loadConfig(ownPaths(stateDir).config, environment);
  const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined });
  const address = { host: "cli", chatId: "1", personId: "1" };
  const job = await enqueueChange(
    lab.world,
    "renew-login",
    {},
    { profileId: "openai-codex:carol", requestedBy: address },
  );
  await executeOpenJobs(parts, "foreground");
  expect(await lab.world.receipts.get(job.id)).toMatchObject({ outcome: "done" });
}

/** A person who looks at the usage of every profile. */
async function runUsage(stateDir: string): Promise<void> {
  const server = await startSandboxUsage();
  onTestFinished(() => server.close());
  const environment = readEnvironment({
    HOME: dirname(stateDir),
    OPENCLAW_STATE_DIR: stateDir,
    CODEX_AUTH_USAGE_SERVER: server.origin,
  });
  const config = await loadConfig(ownPaths(stateDir).config, environment);
  const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined });
  const { summaries } = await parts.store.read("main");
  const usages = await openUsage(parts).check(
    "main",
    summaries.map(({ id }) => id),
  );
  expect(usages.some(({ outcome }) => outcome.kind === "report")).toBe(true);
}

const typed = (text: string) => ({ kind: "typed", secret: Secret.of(text) }) as const;

/** A person who types both tokens into `setup`. */
async function runSetup(stateDir: string): Promise<void> {
  const { root, config } = ownPaths(stateDir);
  const now = await readSettings(config);
  const lease = { baseUrl: "https://broker.example", token: typed("a broker's token"), machineId: undefined };
  const draft = draftOf(now, { bot: typed("1:a bot's token"), lease }, tokenFiles(root));
  if (draft === undefined) throw new Error("nothing to write");
  await writeDraft(now, draft);
}

/** The plugin inside the gateway: it says that it is there, and what there is. */
async function runPlugin(stateDir: string, seen: Seen): Promise<void> {
  const environment = readEnvironment({ HOME: dirname(stateDir), OPENCLAW_STATE_DIR: stateDir });
  const config = await loadConfig(ownPaths(stateDir).config, environment);
  const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined });
  const stop = new AbortController();
  const sign = { version: "0", generation: "json-single" } as const;
  const announced = announcePlugin(parts.own, sign, { now: Date.now, signal: stop.signal });
  await publishProfiles(parts, "2026.4.5");
  await expect.poll(() => pluginAtWork(parts.own, Date.now)).toBeDefined();
  seen.look();
  stop.abort();
  await announced;
}

/** A machine that leases a login, counts, and passes an export on. */
async function runLease(stateDir: string): Promise<void> {
  const broker = await startSandboxBroker();
  onTestFinished(() => broker.close());
  const exported = join(dirname(stateDir), "usage.json");
  const today = { date: new Date().toISOString().slice(0, 10), input: 1, output: 1 };
  writeFileSync(exported, JSON.stringify({ totals: { input: 1, output: 1 }, daily: [today] }));
  const environment = readEnvironment({
    HOME: dirname(stateDir),
    OPENCLAW_STATE_DIR: stateDir,
    AUTH_MANAGER_BASE_URL: broker.origin,
    AUTH_MANAGER_INTERNAL_API_TOKEN: broker.token.expose(),
    AUTH_MANAGER_WRITE_AUTH_FILE: "true",
    AUTH_MANAGER_USAGE_EXPORT_JSON_PATH: exported,
  });
  const config = await loadConfig(ownPaths(stateDir).config, environment);
  const host = new LeaseHost(buildParts({ environment, config, log: silentLog, launch: async () => undefined }));
  await host.observe({ requests_count: 1, tokens_in: 2, tokens_out: 3 });
  const stop = new AbortController();
  const kept = host.keep(stop.signal);
  await expect.poll(() => broker.imports().length, { timeout: 10_000 }).toBe(1);
  stop.abort();
  await kept;
  await host.close();
}

describe("the files of RISK.md", () => {
  it("are all that a run of everything leaves, ours private, and openclaw.json and other logins as they were", async () => {
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const lab = await LoginLab.open();
    const stateDir = dirname(lab.world.paths.root);
    const configPath = join(stateDir, "openclaw.json");
    const [config, store] = [readFileSync(configPath), lab.world.readStore()];
    const seen = new Seen(stateDir);
    await runEverything(lab, seen);
    await runRenewal(lab, stateDir);
    await runLease(stateDir);
    await runUsage(stateDir);
    await runPlugin(stateDir, seen);
    await runSetup(stateDir);
    seen.look();

    const { profiles } = lab.world.readStore();
    expect(Object.keys(profiles)).toEqual([...Object.keys(store.profiles), "openai-codex:carol", "openai-codex:later"]);
    for (const [id, entry] of Object.entries(store.profiles)) expect(profiles[id]).toEqual(entry);

    const job = await lab.world.enqueue(receivedTokens("dora"), { profileId: "openai-codex:dora" });
    const broken = readFileSync(lab.world.storePath, "utf8").slice(0, -20);
    writeFileSync(lab.world.storePath, broken);
    await runWorker(stateDir);
    seen.look();
    expect(await lab.world.queue.get(job.id)).toMatchObject({ state: "parked" });
    expect(readFileSync(lab.world.storePath, "utf8")).toBe(broken);
    expect(readFileSync(configPath)).toEqual(config);

    const files = [...seen.files.keys()];
    expect(files.filter((path) => !ROWS.some((row) => row.covers(path)))).toEqual([]);
    expect([...seen.files.values()].filter(({ path, mode }) => ours(path) && mode !== "600").map(modes)).toEqual([]);
    expect([...seen.folders.values()].filter(({ path, mode }) => ours(path) && mode !== "700").map(modes)).toEqual([]);
    expect(seen.files.get("agents/main/agent/auth-profiles.json")?.mode).toBe("600");
    // No row of the table is an idle promise: each place of ours was used in this run.
    const idle = ROWS.filter((row) => ours(row.path) && !files.some((path) => row.covers(path)));
    expect(idle.map(({ path }) => path)).toEqual([]);
    expect(ROWS.filter(({ written }) => written === "never").map(({ path }) => path)).toEqual(["openclaw.json"]);
    const login = join(dirname(stateDir), ".codex", "auth.json");
    expect((statSync(login).mode & 0o777).toString(8)).toBe("600");
    // Nothing of a step stays: no temp file, no lock.
    expect(tree(stateDir).filter(({ path }) => /\.(?:lock|tmp|stale)\/?$/.test(path))).toEqual([]);
  });
});
