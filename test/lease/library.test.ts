import { describe, expect, it, onTestFinished } from "vitest";
import { createOpenClawAuthManagerPlugin, type OpenClawAuthManagerOptions } from "../../src/index.ts";
import { openTelemetryLab, REQUEST } from "./telemetry-lab.ts";

/** Sets variables for one test. */
function environment(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    process.env[name] = value;
    onTestFinished(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

function create(options: OpenClawAuthManagerOptions): ReturnType<typeof createOpenClawAuthManagerPlugin> {
  const plugin = createOpenClawAuthManagerPlugin(options);
  onTestFinished(async () => plugin.stop());
  return plugin;
}

describe("the library's telemetry plugin", () => {
  it("does what its documented example says", async () => {
    const lab = await openTelemetryLab();
    const { leaseId, owner } = await lab.lease("debian");
    environment({
      AUTH_MANAGER_BASE_URL: lab.site.origin,
      AUTH_MANAGER_INTERNAL_API_TOKEN: lab.site.token.expose(),
    });
    const plugin = create({
      baseUrl: process.env["AUTH_MANAGER_BASE_URL"],
      internalApiToken: process.env["AUTH_MANAGER_INTERNAL_API_TOKEN"],
      context: { leaseId, machineId: "debian", agentId: owner.agentId },
    });
    plugin.observeUsage({
      usage: { prompt_tokens: 1200, completion_tokens: 340, total_tokens: 1540 },
      model: "gpt-5.4",
      status: "ok",
    });
    expect(await plugin.flushTelemetry()).toMatchObject({ outcome: "sent", rows: 1, error: undefined });
    expect(lab.site.telemetryRows(leaseId)).toMatchObject([
      { requestsCount: 1, tokensIn: 1200, tokensOut: 340, status: "ok", metadata: { models: ["gpt-5.4"] } },
    ]);
    expect(await lab.batchFiles()).toEqual([]);
  });

  it.each([
    ["address", { baseUrl: undefined, internalApiToken: "token" }, "ERR_BROKER_NOT_SET"],
    ["token", { baseUrl: "http://127.0.0.1:9", internalApiToken: "" }, "ERR_BROKER_NOT_SET"],
    ["https", { baseUrl: "http://broker.example", internalApiToken: "token" }, "ERR_CONFIG_INVALID"],
    ["address that is one", { baseUrl: "not an address", internalApiToken: "token" }, "ERR_CONFIG_INVALID"],
  ])("does not fail a host that gave no %s: the flush says so, and the counts are kept", async (_what, given, code) => {
    const plugin = create({ ...given, context: { leaseId: "lease_1", machineId: "m1", agentId: "openclaw" } });
    expect(plugin.observeUsage(REQUEST)).toBe(true);
    expect(await plugin.flushTelemetry()).toMatchObject({ outcome: "failed", error: { code } });
    expect((await plugin.totals()).unsent).toEqual({ requests: 1, tokensIn: 100, tokensOut: 10 });
  });

  it("counts for the lease of the moment, with functions that need no this", async () => {
    const lab = await openTelemetryLab();
    const [first, second] = [await lab.lease("m1"), await lab.lease("m2")];
    const { observeUsage, setLeaseContext, flushTelemetry, totals } = create({
      baseUrl: `${lab.site.origin}/`,
      internalApiToken: lab.site.token.expose(),
    });
    observeUsage(REQUEST);
    setLeaseContext({ leaseId: first.leaseId, ...first.owner });
    observeUsage(REQUEST);
    observeUsage(REQUEST);
    setLeaseContext({ leaseId: second.leaseId, ...second.owner });
    observeUsage(REQUEST);
    setLeaseContext({ leaseId: second.leaseId, machineId: " ", agentId: "openclaw" });
    observeUsage(REQUEST);
    await flushTelemetry();
    expect([lab.told(first).requests, lab.told(second).requests]).toEqual([2, 1]);
    expect(await totals()).toMatchObject({
      sent: { requests: 3 },
      unsent: { requests: 0 },
      unattributed: { requests: 2 },
    });
  });

  it("keeps counts in the spool folder it was given, for the next one to tell", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const options = {
      baseUrl: lab.site.origin,
      internalApiToken: lab.site.token.expose(),
      spoolFolder: lab.folder,
      context: { leaseId: lease.leaseId, ...lease.owner },
    };
    const before = createOpenClawAuthManagerPlugin(options);
    before.observeUsage(REQUEST);
    lab.site.faults.next({ kind: "text500" }, { on: "telemetry" });
    await before.stop();
    expect(lab.told(lease).rows).toBe(0);
    expect(await lab.batchFiles()).toHaveLength(1);
    await create(options).flushTelemetry();
    expect(lab.told(lease)).toMatchObject({ rows: 1, requests: 1 });
  });

  it("sends no prompt and no header of an event, whatever it holds", async () => {
    const lab = await openTelemetryLab();
    const lease = await lab.lease();
    const plugin = create({
      baseUrl: lab.site.origin,
      internalApiToken: lab.site.token.expose(),
      context: { leaseId: lease.leaseId, ...lease.owner },
    });
    plugin.observeUsage({
      ...REQUEST,
      prompt: "PRIVATE",
      headers: { authorization: "Bearer PRIVATE" },
      source: "PRIVATE text",
    });
    plugin.observeUsage({ ...REQUEST, messages: ["PRIVATE"], metadata: { note: "PRIVATE" }, status: "PRIVATE text" });
    await plugin.flushTelemetry();
    const rows = lab.site.telemetryRows(lease.leaseId);
    expect(rows).toMatchObject([{ requestsCount: 2 }]);
    expect(JSON.stringify(rows)).not.toContain("PRIVATE");
  });
});
