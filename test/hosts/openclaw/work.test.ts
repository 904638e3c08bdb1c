// The plugin's service: it ends the queue's jobs inside the gateway, other hosts leave them to it, and answers find their chat.

import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pluginAtWork, readPresence } from "../../../src/apply/presence.ts";
import { DAY } from "../../../src/config/defaults.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { buildParts, type Parts } from "../../../src/hosts/services.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { receivedTokens } from "../../support/apply-world.ts";
import { FRIEND, OWNER, pluginLab, type PluginLab } from "./plugin-lab.ts";

const BY_CLI = { host: "cli", chatId: "cli", personId: "1000" };

/** Another host on the same machine, such as the bot; its launches are counted. */
async function neighbour({ home }: PluginLab): Promise<{ readonly parts: Parts; readonly launches: () => number }> {
  const environment = readEnvironment({ HOME: home });
  let launches = 0;
  const launch = async (): Promise<void> => void (launches += 1);
  const config = await loadConfig(join(home, "none.json"), environment);
  return { parts: buildParts({ environment, config, log: silentLog, launch }), launches: () => launches };
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error("it did not come to that");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the plugin's service", () => {
  it("ends jobs of any host inside the gateway, with no worker: another host starts none while it is at work", async () => {
    const lab = await pluginLab();
    const { openClaw, world } = lab;
    const { parts, launches } = await neighbour(lab);
    await openClaw.startServices();
    await until(async () => (await pluginAtWork(world.paths, Date.now)) !== undefined);
    expect(await readPresence(world.paths)).toMatchObject({
      pid: process.pid,
      generation: "json-single",
      openClawVersion: "2026.4.5",
    });
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    await parts.engine.kick();
    await parts.engine.resume();
    await until(async () => (await world.queue.get(job.id))?.state === "done");
    expect(launches()).toBe(0);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
  });

  it("takes its sign away when it stops, and others start workers again", async () => {
    const lab = await pluginLab();
    const { openClaw, world } = lab;
    const { parts, launches } = await neighbour(lab);
    await openClaw.startServices();
    await until(async () => (await pluginAtWork(world.paths, Date.now)) !== undefined);
    await openClaw.stopServices();
    expect(await readPresence(world.paths)).toBeUndefined();
    await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    await parts.engine.kick();
    expect(launches()).toBe(1);
  });

  it("has a worker that was started all the same leave at once; where the plugin's process is gone, it does not", async () => {
    const lab = await pluginLab();
    const { world } = lab;
    const { parts } = await neighbour(lab);
    const { writeJsonFile } = await import("../../../src/storage/json-file.ts");
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    const sign = { schemaVersion: 1, version: "0", generation: "json-single", heartbeat: Date.now() };
    await writeJsonFile(join(world.paths.root, "plugin.json"), { ...sign, pid: process.pid });
    expect(await executeOpenJobs(parts, "worker")).toBe(0);
    expect((await world.queue.get(job.id))?.state).toBe("queued");
    // The number of a process that has another start: it was given to somebody else.
    await writeJsonFile(join(world.paths.root, "plugin.json"), { ...sign, pid: process.pid, startTime: 1 });
    expect(await executeOpenJobs(parts, "worker")).toBe(1);
    expect((await world.queue.get(job.id))?.state).toBe("done");
  });

  it("leaves a job alone on SQLite where the plugin is not at work: only the plugin could write", async () => {
    const lab = await pluginLab();
    const { world } = lab;
    const { parts, launches } = await neighbour(lab);
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    const before = world.readStore();
    const sqlite: Parts = { ...parts, generation: () => Promise.resolve("sqlite") };
    expect(await executeOpenJobs(sqlite, "worker")).toBe(0);
    expect((await world.queue.get(job.id))?.state).toBe("queued");
    expect(world.readStore()).toEqual(before);
    expect(launches()).toBe(0);
  });

  it("publishes at its start and after each job", async () => {
    let published = 0;
    const { openClaw, world } = await pluginLab({ publish: async () => void (published += 1) });
    await openClaw.startServices();
    await until(async () => published === 1);
    await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    await until(async () => published === 2);
  });

  it("publishes again and again without a job: OpenClaw signs in by itself too", async () => {
    let published = 0;
    const { openClaw } = await pluginLab({ publish: async () => void (published += 1), publishEveryMs: 5 });
    await openClaw.startServices();
    await until(async () => published > 3);
  });

  it("looks at the queue again where its folder could not be made at the start", async () => {
    const { openClaw, logged, world } = await pluginLab({ retryMs: 5 });
    const jobs = join(world.paths.queue, "jobs");
    mkdirSync(world.paths.queue, { recursive: true, mode: 0o700 });
    writeFileSync(jobs, "in the way");
    await openClaw.startServices();
    await until(async () => logged.some((line) => line.includes("plugin.queue")));
    await until(async () => (await pluginAtWork(world.paths, Date.now)) !== undefined);
    rmSync(jobs);
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    await until(async () => (await world.queue.get(job.id))?.state === "done");
  });

  it("tries a job again though the clock was set back after its failure", async () => {
    let aheadMs = 0;
    let published = 0;
    const publish = async (): Promise<void> => void (published += 1);
    const { openClaw, logged, world } = await pluginLab({ now: () => Date.now() + aheadMs, publish });
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    // The receipt cannot be written: a folder lies where its file belongs.
    const inTheWay = join(world.paths.receipts, `${job.id}.json`);
    mkdirSync(inTheWay, { recursive: true });
    await openClaw.startServices();
    await until(async () => published === 2);
    expect(logged.join()).toContain("plugin.executor");
    rmdirSync(inTheWay);
    aheadMs -= DAY;
    await until(async () => (await world.queue.get(job.id))?.state === "done");
  });

  it("ends its stop in time where something hangs, and says so; a start right behind works on after it", async () => {
    const hanging = new AbortController();
    let published = 0;
    const publish = async (): Promise<void> => {
      published += 1;
      if (published === 1) await once(hanging.signal, "abort");
    };
    const { openClaw, composed, world } = await pluginLab({ publish, stopWithinMs: 20 });
    await openClaw.startServices();
    await until(async () => published === 1);
    await openClaw.stopServices();
    expect(openClaw.logged.join()).toContain("stopped while it was at work");
    await openClaw.startServices();
    hanging.abort();
    await until(async () => composed() === 2 && published > 1);
    const job = await world.enqueue(receivedTokens("carol"), { requestedBy: BY_CLI });
    await until(async () => (await world.queue.get(job.id))?.state === "done");
  });

  it("begins anew only when the stop before is over", async () => {
    const hanging = new AbortController();
    let published = 0;
    const publish = async (): Promise<void> => {
      published += 1;
      if (published === 1) await once(hanging.signal, "abort");
    };
    const { openClaw, composed } = await pluginLab({ publish, stopWithinMs: 10_000 });
    await openClaw.startServices();
    await until(async () => published === 1);
    const stopping = openClaw.stopServices();
    await openClaw.startServices();
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(composed()).toBe(1);
    expect(published).toBe(1);
    hanging.abort();
    await stopping;
    await until(async () => composed() === 2 && published === 2);
    expect(openClaw.logged).toEqual([]);
  });

  it("keeps trying where the settings do not load, and says so in the gateway's own log", async () => {
    const { openClaw } = await pluginLab({ variables: { CODEX_AUTH_ISSUER: "https://evil.example" } });
    await openClaw.startServices();
    await until(async () => openClaw.logged.length > 0);
    expect(openClaw.logged[0]).toMatch(/^codex-auth: ERR_ISSUER_FORBIDDEN: /);
  });
});

describe("the answer of a change inside OpenClaw", () => {
  it("is the outcome itself where the job is over in time: typed, in the command's one answer", async () => {
    const { openClaw, last, world } = await pluginLab();
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth use bob");
    expect(last()).toMatch(/bob/);
    await openClaw.types(OWNER, "/codex_auth use bob yes");
    expect(last()).toContain("✅");
    expect(world.readStore().order?.["openai-codex"]?.[0]).toBe("openai-codex:bob");
    await until(async () => (await world.outbox.list("openclaw")).length === 0);
    expect(openClaw.chat(OWNER)).toHaveLength(2);
  });

  it("takes the place of the pressed message where a button was pressed", async () => {
    const { openClaw, shows, world } = await pluginLab();
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth use bob");
    const label = openClaw.chat(OWNER)[0]?.buttons[0]?.[0]?.text ?? "";
    await openClaw.presses(OWNER, label);
    expect(await shows(/✅/)).toContain("bob");
    expect(openClaw.chat(OWNER)).toHaveLength(1);
    expect(world.readStore().order?.["openai-codex"]?.[0]).toBe("openai-codex:bob");
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("comes as a message of its own where the command could not wait for it, also after the gateway was started again", async () => {
    const lab = await pluginLab({ answerWithinMs: 1 });
    const { openClaw, last, shows, world } = lab;
    await openClaw.types(OWNER, "/codex_auth use bob");
    await openClaw.types(OWNER, "/codex_auth use bob yes");
    expect(last()).toContain("queued");
    expect(await world.queue.open()).toMatchObject([
      { requestedBy: { host: "openclaw", chatId: `telegram/default/${OWNER}` } },
    ]);
    await openClaw.startServices();
    await shows(/✅/);
    expect(openClaw.chat(OWNER)).toHaveLength(3);
    await until(async () => (await world.outbox.list("openclaw")).length === 0);
  });

  it("waits for the person's next command where this OpenClaw cannot send, and is shown once", async () => {
    const { openClaw, last, world } = await pluginLab({ answerWithinMs: 1, canSend: false });
    await openClaw.types(OWNER, "/codex_auth use bob");
    await openClaw.types(OWNER, "/codex_auth use bob yes");
    await openClaw.startServices();
    await until(async () => (await world.outbox.list("openclaw")).length === 1);
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).toContain("Codex logins");
    expect(last()).toContain("✅");
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).not.toContain("✅");
    expect(await world.outbox.list("openclaw")).toEqual([]);
  });

  it("waits on where many wait and not all of them fit into one message: none is cut off, each is shown once", async () => {
    const { openClaw, world } = await pluginLab({ canSend: false, answerWithinMs: 1 });
    const address = { host: "openclaw", chatId: `telegram/default/${OWNER}`, personId: `telegram:${OWNER}` };
    const names = Array.from({ length: 30 }, (_, index) => `profile-number-${index}-${"x".repeat(40)}`);
    for (const name of names) {
      const wanted = { kind: "use", agentId: "main", profileId: `openai-codex:${name}` } as const;
      await world.outbox.put({ id: name, address, content: { kind: "change", wanted } as never });
    }
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth status");
    const left = (await world.outbox.list("openclaw")).length;
    expect(left).toBeGreaterThan(0);
    for (let turn = 0; turn < 5; turn += 1) await openClaw.types(OWNER, "/codex_auth status");
    await until(async () => (await world.outbox.list("openclaw")).length === 0);
    expect(openClaw.everything).not.toContain("not fit into one message");
    expect(openClaw.everything.match(/A script asked/g)).toHaveLength(names.length);
  });

  it("is not carried out for somebody who was taken off the list meanwhile, and they hear nothing of it", async () => {
    const { openClaw, world } = await pluginLab({ answerWithinMs: 1 });
    await openClaw.types(OWNER, "/codex_auth use bob");
    await openClaw.types(OWNER, "/codex_auth use bob yes");
    const before = world.readStore();
    openClaw.settings = { commands: { ownerAllowFrom: [FRIEND] } };
    await openClaw.startServices();
    await until(async () => (await world.queue.open()).length === 0);
    expect(world.readStore()).toEqual(before);
    expect(openClaw.chat(OWNER)).toHaveLength(2);
    expect(existsSync(world.storePath)).toBe(true);
  });
});
