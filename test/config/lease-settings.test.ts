import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { LEASE } from "../../src/config/defaults.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { brokerToken, type LeaseSettings } from "../../src/config/lease-settings.ts";
import { readFile } from "../support/repo-files.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const HTTPS = "https://broker.example";

async function load(lease: unknown, variables: Record<string, string> = {}): Promise<LeaseSettings> {
  const home = await temporaryFolder();
  const path = join(home, "config.json");
  await writeFile(path, JSON.stringify({ lease }), { mode: 0o600 });
  return (await loadConfig(path, readEnvironment({ HOME: home, ...variables }))).lease;
}

describe("the settings of the lease", () => {
  it("are the plugin's documented defaults where nothing is set, and then there is no broker", async () => {
    expect(await load({})).toMatchObject({
      broker: undefined,
      agentId: "openclaw",
      autoRenew: true,
      autoRotate: false,
      releaseLeaseOnShutdown: false,
      rotationPolicy: "replacement_required_only",
      requestedTtlSeconds: 1_800,
      refreshIntervalMs: 60_000,
      flushIntervalMs: 60_000,
      flushEveryRequests: 10,
      leaseProfileId: "openai-codex:lease",
      enforceLeaseAsActiveAuth: true,
      writeAuthFile: false,
      reconcileAuth: false,
      usageExportJsonPath: undefined,
      usageExportDays: 30,
      enabled: true,
    });
    const { machineId, authFilePath } = await load({});
    expect(machineId).toBe(readEnvironment({}).hostname);
    expect(authFilePath).toMatch(/^\/.*\/\.codex\/auth\.json$/);
  });

  it("take every variable over the file, under the plugin's names", async () => {
    const variables = {
      AUTH_MANAGER_BASE_URL: `${HTTPS}/`,
      AUTH_MANAGER_INTERNAL_API_TOKEN: "from-variable",
      AUTH_MANAGER_MACHINE_ID: "debian",
      AUTH_MANAGER_AGENT_ID: "main",
      AUTH_MANAGER_LEASE_ID: "lease_x",
      AUTH_MANAGER_AUTO_RENEW: "no",
      AUTH_MANAGER_AUTO_ROTATE: "1",
      AUTH_MANAGER_RELEASE_LEASE_ON_SHUTDOWN: "TRUE",
      AUTH_MANAGER_ROTATION_POLICY: "recommended_or_required",
      AUTH_MANAGER_REQUESTED_TTL_SECONDS: "900",
      AUTH_MANAGER_REFRESH_INTERVAL_MS: "30000",
      AUTH_MANAGER_TELEMETRY_INTERVAL_MS: "5000",
      AUTH_MANAGER_TELEMETRY_FLUSH_EVERY: "3",
      AUTH_MANAGER_LEASE_PROFILE_ID: "openai-codex:shared",
      AUTH_MANAGER_AUTH_FILE_PATH: "/srv/auth.json",
      AUTH_MANAGER_WRITE_AUTH_FILE: "on",
      AUTH_MANAGER_RECONCILE_AUTH: "yes",
      AUTH_MANAGER_ENFORCE_LEASE_ACTIVE_AUTH: "false",
      AUTH_MANAGER_USAGE_EXPORT_JSON_PATH: "/srv/usage.json",
      AUTH_MANAGER_USAGE_EXPORT_DAYS: "7",
    };
    const settings = await load({ baseUrl: "https://other.example", machineId: "file", autoRenew: true }, variables);
    expect(settings).toMatchObject({
      broker: { baseUrl: HTTPS },
      machineId: "debian",
      // As the plugin tells it: `main` alone would be every machine's.
      agentId: "openclaw:main",
      leaseId: "lease_x",
      autoRenew: false,
      autoRotate: true,
      releaseLeaseOnShutdown: true,
      rotationPolicy: "recommended_or_required",
      requestedTtlSeconds: 900,
      refreshIntervalMs: 30_000,
      flushIntervalMs: 5_000,
      flushEveryRequests: 3,
      leaseProfileId: "openai-codex:shared",
      authFilePath: "/srv/auth.json",
      writeAuthFile: true,
      reconcileAuth: true,
      enforceLeaseAsActiveAuth: false,
      usageExportJsonPath: "/srv/usage.json",
      usageExportDays: 7,
    });
    expect(settings.broker?.token?.expose()).toBe("from-variable");
    expect(JSON.stringify(settings)).not.toContain("from-variable");
  });

  it("know the older names, which the newer ones go before", async () => {
    const old = await load({ brokerAddress: HTTPS, apiKey: "old" });
    expect(old.broker?.baseUrl).toBe(HTTPS);
    expect(old.broker?.token?.expose()).toBe("old");
    const both = await load(
      { brokerAddress: "https://old.example", apiKey: "old" },
      { AUTH_MANAGER_BASE_URL: HTTPS, AUTH_MANAGER_INTERNAL_API_TOKEN: "new" },
    );
    expect(both.broker?.baseUrl).toBe(HTTPS);
    expect(both.broker?.token?.expose()).toBe("new");
  });

  it("take the profile's id as either generation of OpenClaw writes it, for the same profile", async () => {
    expect((await load({ leaseProfileId: "openai:shared" })).leaseProfileId).toBe("openai-codex:shared");
    expect((await load({ leaseProfileId: "openai-codex:shared" })).leaseProfileId).toBe("openai-codex:shared");
  });

  it("are off when they are off: no broker, whatever its address", async () => {
    expect(await load({ baseUrl: HTTPS, enabled: false })).toMatchObject({ enabled: false, broker: undefined });
    const variables = { AUTH_MANAGER_BASE_URL: HTTPS, AUTH_MANAGER_TELEMETRY_ENABLED: "off" };
    expect((await load({}, variables)).broker).toBeUndefined();
  });

  it.each([
    [{ refreshIntervalMs: 1 }, "lease.refreshIntervalMs"],
    [{ refreshIntervalMs: 90_000 }, "lease.refreshIntervalMs"],
    [{ requestedTtlSeconds: 59 }, "lease.requestedTtlSeconds"],
    [{ flushEveryRequests: 0 }, "lease.flushEveryRequests"],
    [{ usageExportDays: 1.5 }, "lease.usageExportDays"],
    [{ autoRotate: "perhaps" }, "lease.autoRotate"],
    [{ rotationPolicy: "always" }, "lease.rotationPolicy"],
    [{ leaseProfileId: "anthropic:lease" }, "lease.leaseProfileId"],
    [{ leaseProfileId: "openai-other:lease" }, "lease.leaseProfileId"],
    [{ baseUrl: "http://broker.example" }, "lease.baseUrl"],
    [{ baseUrl: "http://127.0.0.1:8080", allowInsecureLocalhost: false }, "lease.baseUrl"],
    [{ brokerAddress: "https://user:word@broker.example" }, "lease.brokerAddress"],
    [{ machineId: "" }, "lease.machineId"],
    [{ autoRenewal: true }, "lease.autoRenewal"],
  ])("refuse %j by its full name", async (lease, key) => {
    await expect(load(lease)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining(`${key} `) as string,
    });
  });

  it("refuse a variable that is no number or yes and no, by the setting's name", async () => {
    for (const [name, key] of [
      ["AUTH_MANAGER_REFRESH_INTERVAL_MS", "lease.refreshIntervalMs"],
      ["AUTH_MANAGER_AUTO_RENEW", "lease.autoRenew"],
    ] as const) {
      await expect(load({}, { [name]: "soon" })).rejects.toMatchObject({
        code: "ERR_CONFIG_INVALID",
        message: expect.stringContaining(key) as string,
      });
    }
  });

  it("name the bound that was missed, and the variable that a wrong value came from", async () => {
    await expect(load({ refreshIntervalMs: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("at least 5000") as string,
    });
    const variables = { AUTH_MANAGER_TELEMETRY_FLUSH_EVERY: "0" };
    await expect(load({}, variables)).rejects.toMatchObject({
      message: expect.stringMatching(/lease\.flushEveryRequests .*AUTH_MANAGER_TELEMETRY_FLUSH_EVERY/) as string,
    });
  });

  it("are all on the page of settings, with their variables and defaults", () => {
    const page = readFile("docs/settings.md");
    const source = readFile("src/config/lease-variables.ts");
    const settings = [...source.matchAll(/^ {2}(\w+): \{ name: "AUTH_MANAGER_(\w+)"/gm)];
    expect(settings.length).toBe(25);
    for (const [, key = "", variable = ""] of settings) {
      expect(page, key).toContain(`\`${key}\``);
      expect(page, variable).toContain(`\`AUTH_MANAGER_${variable}\``);
    }
    expect(page).toContain(`\`${LEASE.requestedTtlSeconds}\``);
    expect(page).toContain(`\`${LEASE.refreshIntervalMs}\``);
    expect(page).toContain(`\`${LEASE.authFilePath}\``);
  });
});

describe("the broker's token", () => {
  it("is read from its file when it is needed, relative to the settings", async () => {
    const home = await temporaryFolder();
    const path = join(home, "config.json");
    await writeFile(path, JSON.stringify({ lease: { baseUrl: HTTPS, internalApiTokenFile: "token" } }), {
      mode: 0o600,
    });
    const environment = readEnvironment({ HOME: home });
    const { broker } = (await loadConfig(path, environment)).lease;
    if (broker === undefined) throw new Error("no broker");
    await expect(brokerToken(broker, environment.uid)).rejects.toMatchObject({ code: "ERR_BROKER_NOT_SET" });
    await writeFile(join(home, "token"), "secret-token\n", { mode: 0o600 });
    expect((await brokerToken(broker, environment.uid)).expose()).toBe("secret-token");
    await chmod(join(home, "token"), 0o620);
    await expect(brokerToken(broker, environment.uid)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
  });

  it("that is not set is said with what to set", async () => {
    const { broker } = await load({ baseUrl: HTTPS });
    if (broker === undefined) throw new Error("no broker");
    await expect(brokerToken(broker, 1)).rejects.toMatchObject({
      code: "ERR_BROKER_NOT_SET",
      next: expect.stringContaining("lease.internalApiTokenFile") as string,
    });
  });
});
