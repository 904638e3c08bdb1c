// OpenClaw 2026.9.6 killed by SIGKILL while our plugin inside it applies a job: the next start ends it, tells it once, and answers.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Job } from "../../src/apply/job.ts";
import { PATIENCE_MS, startGatewayAgain, until, type LabGateway } from "./lab/gateway.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { ask } from "./lab/killed-jobs.ts";
import { KilledWorker } from "./lab/killed-worker.ts";
import { buildPlugin, makePluginLab, OWNER, type PluginLab } from "./lab/plugin.ts";

const [ALICE, WORK, LEASED] = ["openai:work", "openai:grace", "openai:lease"] as const;
const REQUESTED_BY = {
  host: "openclaw",
  chatId: `telegram/default/${OWNER}`,
  personId: `telegram:${OWNER}`,
} as const;
const ASKED = { requestedBy: REQUESTED_BY, activation: "auto", work: WORK, first: ALICE, lease: LEASED } as const;
/** What is asked for, and the state after which the gateway dies. */
const KILLS = [
  ["login", "queued"],
  ["switch", "prepared"],
  ["lease", "written"],
  ["unlease", "prepared"],
  ["remove", "verified"],
] as const;

let installed: InstallResult;
let out: string;
let lab: PluginLab;
let machine: KilledWorker;
let gateway: LabGateway;

beforeAll(async () => {
  installed = await installOpenClaw("2026.9.6");
  if (!installed.ok) return;
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  const plugin = await buildPlugin(out, "0.0.1");
  lab = await makePluginLab(installed.openclaw, { allowUnattended: true });
  await lab.install(plugin.folder);
  machine = new KilledWorker(lab.home, String(OWNER));
  gateway = await started();
});

afterAll(async () => {
  await gateway?.stop();
  await lab?.stop();
  if (out !== undefined) await rm(out, { recursive: true, force: true });
});

test(
  "a gateway that dies in the middle of a job ends it after its next start, and tells it once",
  { timeout: 1_800_000 },
  async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    // A bot cannot write to somebody who has never written to it.
    await answers();
    let inJob = 0;
    for (const [index, [step, state]] of [...KILLS, ...KILLS, ...KILLS].entries()) {
      if (index >= KILLS.length && inJob >= 2) break;
      const before = await profiles();
      const shown = lab.telegram.everything(OWNER).length;
      const job = await ask(step, { machine, ...ASKED });
      const end = new AbortController();
      // From outside the states are seen a moment late, so where it dies is a matter of chance, and is tried again.
      await machine.queue.watch(
        job.id,
        ({ journal }) => {
          if (journal.some((entry) => entry.state === state)) end.abort();
        },
        end.signal,
      );
      process.kill(gateway.pid(), "SIGKILL");
      await gateway.stop();
      const left = (await machine.queue.open()).length;
      inJob += left;
      const halfway = await profiles();
      for (const id of others(before, job)) expect(halfway[id]).toEqual(before[id]);
      const toldInTime = saidDone(shown).length;
      const polls = lab.telegram.callsOf("getUpdates").length;
      gateway = await started();
      await startChannel(polls);
      await until(async () => (await machine.queue.open()).length === 0, PATIENCE_MS);
      expect((await machine.receipts.get(job.id))?.outcome).toBe("done");
      const now = await profiles();
      expect(now[job.profileId] === undefined).toBe(step === "unlease" || step === "remove");
      for (const id of others(before, job)) expect(now[id]).toEqual(before[id]);
      // It answers; and whoever is heard from is told at once what could not be told while the channel was still starting.
      await answers();
      await until(async () => (await machine.outbox.list("openclaw")).length === 0, PATIENCE_MS);
      const told = saidDone(shown);
      // One that died after it was said, which is before or after the last line of the job, may not have noted that.
      if (left === 1 && toldInTime === 0) expect(told).toHaveLength(1);
      else expect(told.length).toBeGreaterThan(0);
    }
    expect(inJob).toBeGreaterThanOrEqual(2);
  },
);

/** The messages since `from` that say that something is done. */
function saidDone(from: number): readonly string[] {
  const said = lab.telegram.everything(OWNER).slice(from);
  const told = said.filter(({ from: author, kind, text }) => author === "bot" && kind === "sent" && /✅/.test(text));
  return told.map(({ text }) => text);
}

/** The owner's command is answered. */
async function answers(): Promise<void> {
  const sent = lab.telegram.person(OWNER).sends("/codex_auth");
  await lab.telegram.waitFor(
    () => lab.telegram.visible(OWNER).find(({ from, messageId }) => from === "bot" && messageId > sent),
    () => "an answer to /codex_auth",
    180_000,
  );
}

async function started(): Promise<LabGateway> {
  return await startGatewayAgain(lab.openclaw, lab.home, { OPENCLAW_SKIP_CHANNELS: undefined });
}

/**
 * After three kills in five minutes OpenClaw takes itself for broken and starts no channel; its log says how its owner does. Which of
 * the two it is may show only after the gateway is ready. `polls` are those of the gateways before it.
 */
async function startChannel(polls: number): Promise<void> {
  const isPolling = (): boolean => lab.telegram.callsOf("getUpdates").length > polls;
  const isSuppressed = async (): Promise<boolean> => (await gateway.log()).includes("channel autostart suppressed");
  await until(async () => isPolling() || (await isSuppressed()), PATIENCE_MS);
  if (isPolling()) return;
  // It has just started, and by itself asks for no more than 10 s.
  const patient = ["--timeout", String(PATIENCE_MS)];
  await gateway.cli(
    "gateway",
    "call",
    "channels.start",
    "--params",
    JSON.stringify({ channel: "telegram" }),
    "--json",
    ...patient,
  );
  await until(isPolling, PATIENCE_MS);
}

function others(before: Profiles, { profileId }: Job): readonly string[] {
  return Object.keys(before).filter((id) => id !== profileId);
}

type Profiles = Readonly<Record<string, unknown>>;

/** What the database holds: whole, or it does not parse. */
async function profiles(): Promise<Profiles> {
  const rows = JSON.parse(await lab.storedLogins()) as readonly { readonly value_json: string }[];
  const found = rows.map(({ value_json: text }) => JSON.parse(text) as { readonly profiles?: Profiles });
  return found.find((one) => one.profiles !== undefined)?.profiles ?? {};
}
