// A leased credential on a real gateway: used from the next call on, renewed in place, and gone again, without a restart.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Executor } from "../../src/apply/executor.ts";
import type { LeaseRequest } from "../../src/apply/new-job.ts";
import { Outbox } from "../../src/apply/outbox.ts";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { Receipts, type Receipt } from "../../src/apply/receipt.ts";
import { withReign } from "../../src/apply/reign.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { leasedFingerprint } from "../../src/apply/steps/credential.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, ownPaths } from "../../src/config/paths.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { leased } from "../support/lease-jobs.ts";
import { storePath, type OpenClawHome } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";

const ID = "openai-codex:lease";

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await startLab(installed.openclaw, {
      stores: { main: { profiles: { "openai-codex:alice": fakeLogin("alice") } } },
    });
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test("a leased credential is used, replaced and removed, each at the next call", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { home, backend } = lab;
    const services = servicesOf(home);
    const proven = version === "2026.4.5" ? "reloaded" : "listed-by-gateway";
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-alice" });

    const first = leased("pool");
    expect(await save(services, home, "1", first)).toMatchObject({
      outcome: "done",
      activation: { used: "reload", proven },
    });
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-pool" });

    // The gateway has used it and kept its notes: what it wrote of the entry is still what we wrote.
    const second = leased("other", Date.now() + 1_800_000);
    const renewed = await save(services, home, "2", second);
    expect(renewed).toMatchObject({ outcome: "done", activation: { used: "reload", proven } });
    expect(renewed.files).toMatchObject([{ before: leasedFingerprint(first), after: leasedFingerprint(second) }]);
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-other" });

    const stored = leasedFingerprint(second);
    const { job } = await services.queue.enqueueLeaseRemoval({
      requestId: "3",
      agentId: "main",
      profileId: ID,
      activation: "reload",
      stored,
    });
    expect(await ended(services, home, job.id)).toMatchObject({
      outcome: "done",
      activation: { used: "reload", proven },
    });
    expect(idsOf(home)).toEqual(["openai-codex:alice"]);
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-alice" });
    expect(idsOf(home)).toEqual(["openai-codex:alice"]);
  });
});

function idsOf(home: OpenClawHome): string[] {
  return Object.keys((JSON.parse(readFileSync(storePath(home), "utf8")) as { profiles: object }).profiles);
}

async function save(
  services: ExecutorServices,
  home: OpenClawHome,
  requestId: string,
  credential: LeaseRequest["credential"],
): Promise<Receipt> {
  const { job } = await services.queue.enqueueLeased({
    requestId,
    leaseId: "lease_1",
    agentId: "main",
    profileId: ID,
    makeFirst: true,
    activation: "reload",
    credential,
  });
  return ended(services, home, job.id);
}

async function ended(services: ExecutorServices, home: OpenClawHome, jobId: string): Promise<Receipt> {
  const options = {
    paths: ownPaths(home.stateDir),
    kind: "foreground",
    version: "e2e",
    now: Date.now,
    waitMs: 0,
  } as const;
  await withReign(options, (reign) => new Executor(services, reign).drain());
  const receipt = await services.receipts.get(jobId);
  if (receipt === undefined) throw new Error("the job left no receipt");
  return receipt;
}

function servicesOf(home: OpenClawHome): ExecutorServices {
  const environment = readEnvironment({ HOME: home.home, PATH: process.env["PATH"] ?? "" });
  const paths = ownPaths(home.stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now: Date.now, randomBytes });
  const openClaw = openClawPaths(environment);
  return {
    parked,
    queue: new JobQueue({ paths, parked, now: Date.now }),
    receipts: new Receipts({ folder: paths.receipts, now: Date.now }),
    outbox: new Outbox({ folder: paths.outbox, now: Date.now }),
    store: new JsonProfileStore({ paths: openClaw, home: home.home }),
    gateway: createGateway({
      paths: openClaw,
      tmp: home.tmp,
      uid: environment.uid,
      environment: environment.openclaw,
      restartCommand: undefined,
    }),
    now: Date.now,
    log: silentLog,
  };
}
