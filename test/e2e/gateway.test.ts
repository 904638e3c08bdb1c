// src/gateway against real gateways: found, asked, reloaded, restarted by signal, and told apart by generation.

import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serviceOf, readCgroup } from "../../src/gateway/cgroup.ts";
import { createGateway, type GatewayInstance, type IdentifyingGateway } from "../../src/gateway/gateway.ts";
import { detectGeneration, detectGenerationWith } from "../../src/gateway/generation.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";

const ID = "openai-codex:work";
const EXPIRES = Date.now() + 5 * 3_600_000;

const expected = {
  "2026.4.5": { generation: "json-single", protocol: 3, listsProfiles: false, restartsInProcess: false },
  "2026.5.28": { generation: "json-split", protocol: 4, listsProfiles: true, restartsInProcess: true },
} as const;

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  const facts = expected[version];
  let installed: InstallResult;
  let lab: Lab;
  let gateway: IdentifyingGateway;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await startLab(installed.openclaw, { stores: { main: { profiles: { [ID]: fakeLogin("alice", EXPIRES) } } } });
    gateway = gatewayOf(lab);
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test("it is found, and asked without a token how it is", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const instance = await running(gateway);
    expect(instance).toMatchObject({ pid: lab.gateway.pid(), port: lab.home.port });
    // Its start goes on for a while after "ready", and may keep it from answering in time.
    await expect
      .poll(() => gateway.health(instance), { timeout: PATIENCE_MS })
      .toMatchObject({ live: true, ready: true, failing: [] });
  });

  test("it is found without its TMPDIR being known", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const elsewhere = gatewayOf(lab, "/nowhere");
    expect(await elsewhere.locate()).toMatchObject({ kind: "running", instance: { pid: lab.gateway.pid() } });
  });

  test("it reloads, names its version, and lists its profiles where it can", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await gateway.reload(await running(gateway))).toMatchObject({ warningCount: 0 });
    const instance = await running(gateway);
    expect(instance).toMatchObject({ protocol: facts.protocol, version });
    const profiles = await gateway.profiles(instance);
    if (facts.listsProfiles)
      expect(profiles).toContainEqual(expect.objectContaining({ profileId: ID, expiresAtMs: EXPIRES }));
    else expect(profiles).toBeUndefined();
  });

  test("its generation is told from the disk alone and from its own word", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    // The first use of a login makes 2026.5.28 write auth-state.json.
    await callModel(lab.home, lab.backend);
    const places = { ...lab.home, mainAgentDir: agentDir(lab) };
    const { generation, signs } = await detectGeneration(places);
    process.stdout.write(
      `${version}: ${JSON.stringify({ signs, files: await readdir(agentDir(lab)), state: await readdir(lab.home.stateDir) })}\n`,
    );
    // 2026.5.28 writes neither `meta` nor auth-state.json until something changes: its store is read as one file until then.
    expect([facts.generation, "json-single"]).toContain(generation);
    expect(await detectGenerationWith(gateway, places)).toMatchObject({ generation: facts.generation });
  });

  test("its control group is read", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const text = await readCgroup(lab.gateway.pid());
    process.stdout.write(`${version} cgroup: ${JSON.stringify({ text, service: serviceOf(text) })}\n`);
    expect(text).toBe(await readCgroup("self"));
  });

  test("SIGUSR1 restarts it, and that is seen", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await running(gateway);
    const plan = await gateway.planRestart(before);
    expect(plan).toMatchObject({ kind: "possible", method: "signal" });
    const steps: string[] = [];
    const { instance, durationMs } = await gateway.restart(before, plan, { onProgress: (step) => steps.push(step) });
    process.stdout.write(
      `${version} restart: ${durationMs} ms, steps ${steps.join(" ")}, pid ${before.pid} -> ${instance.pid}\n`,
    );
    expect(steps).toContain("stopping");
    expect(steps.at(-1)).toBe("healthy");
    expect(instance.pid === before.pid).toBe(facts.restartsInProcess);
    expect(lab.gateway.pid()).toBe(instance.pid);
    await expect.poll(() => gateway.health(instance), { timeout: PATIENCE_MS }).toMatchObject({ ready: true });
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "account-alice" });
  });
});

function gatewayOf({ home }: Lab, tmp = home.tmp): IdentifyingGateway {
  return createGateway({
    paths: {
      stateDir: home.stateDir,
      configPath: home.configPath,
      mainAgentDir: dirname(storePath(home)),
    },
    tmp,
    uid: process.getuid?.(),
    environment: { gatewayPort: undefined, gatewayToken: undefined },
  });
}

function agentDir({ home }: Lab): string {
  return dirname(storePath(home));
}

async function running(gateway: IdentifyingGateway): Promise<GatewayInstance> {
  const location = await gateway.locate();
  if (location.kind === "running") return location.instance;
  throw location.kind === "refused" ? location.error : new Error("the gateway is stopped");
}
