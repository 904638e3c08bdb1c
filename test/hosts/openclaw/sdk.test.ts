import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inProcessGateway } from "../../../src/hosts/openclaw/in-process-gateway.ts";
import { loadAuthSdk } from "../../../src/hosts/openclaw/sdk.ts";
import type { SdkModuleName } from "../../../src/hosts/openclaw/sdk-modules.ts";
import { publishSnapshot, readPublished } from "../../../src/profiles/published.ts";
import type { SdkShape } from "../../../src/profiles/openclaw-sdk.ts";
import { fakeOpenClaw } from "../../support/fake-auth-sdk.ts";
import { openClawInside } from "../../support/openclaw-inside.ts";
import { sealedLogin } from "../../support/openclaw-state.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const SHAPES: readonly SdkShape[] = ["one-file", "two-files", "sqlite"];

describe("OpenClaw's own code", () => {
  it.each(SHAPES)("is told by what it offers to be of the shape %s", async (shape) => {
    const { importModule } = fakeOpenClaw(shape, await temporaryFolder());
    expect(await loadAuthSdk({ importModule, version: "2026.1.1" })).toMatchObject({ shape, version: "2026.1.1" });
  });

  it("is refused with words where a module, or what we need in it, is not there", async () => {
    const folder = await temporaryFolder();
    const lacking: readonly (readonly [SdkShape, SdkModuleName, string])[] = [
      ["one-file", "agent-runtime", "saveAuthProfileStore"],
      ["two-files", "agent-runtime", "resolveAuthStorePathForDisplay"],
      ["sqlite", "provider-auth", "updateAuthProfileStoreWithLock"],
    ];
    for (const [shape, where, name] of lacking) {
      const real = fakeOpenClaw(shape, folder).importModule;
      const importModule = async (module: SdkModuleName): Promise<unknown> => {
        const found = (await real(module)) as Record<string, unknown>;
        return module === where ? { ...found, [name]: undefined } : found;
      };
      await expect(loadAuthSdk({ importModule })).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
    }
    const gone = loadAuthSdk({ importModule: () => Promise.reject(new Error("Cannot find module")) });
    await expect(gone).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN", retryable: false });
    // Outside of OpenClaw there is no such module at all.
    await expect(loadAuthSdk()).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
  });

  it("is refused where its store lies in a file of a name that we do not know", async () => {
    const real = fakeOpenClaw("one-file", await temporaryFolder()).importModule;
    const importModule = async (module: SdkModuleName): Promise<unknown> => ({
      ...((await real(module)) as Record<string, unknown>),
      resolveAuthStorePathForDisplay: () => "/somewhere/logins.toml",
    });
    await expect(loadAuthSdk({ importModule })).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
  });

  it("replaces an OAuth login by its locked update where its upsert would refuse to", async () => {
    const { fake, carryOut, get } = await openClawInside("sqlite");
    await carryOut({ profileId: "openai:work", credential: sealedLogin("ada") });
    const auth = (await fake.importModule("provider-auth")) as Record<string, (params: unknown) => Promise<unknown>>;
    const other = { type: "oauth", provider: "openai", refresh: "another" };
    const upsert = auth["upsertAuthProfileWithLock"]?.({ profileId: "openai:work", credential: other });
    expect(await upsert).toBeNull();
    const before = await get("shared");
    await carryOut({ profileId: "openai:work", credential: sealedLogin("ada") });
    expect(await get("shared")).not.toEqual(before);
  });
});

describe("one agent's database that OpenClaw itself cannot read", () => {
  it("is told as such to whoever asks for it, and stops neither the others' changes nor what is published", async () => {
    const { fake, store, state, agentDir, put, carryOut, get } = await openClawInside("sqlite");
    await put("shared", { profiles: {} });
    await put("ops", { profiles: {} });
    fake.unreadable.add(agentDir("ops"));
    await expect(store.read("ops")).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    await carryOut({ profileId: "openai:work", credential: sealedLogin("ada") });
    expect(await get("shared")).toMatchObject({ profiles: { "openai:work": { type: "oauth" } } });
    const path = join(state.root, "published.json");
    const published = await publishSnapshot({ store, path, generation: "sqlite", pid: 1, now: () => 1 });
    expect(published.agents.map(({ agentId, problem }) => [agentId, problem])).toEqual([
      ["main", undefined],
      ["ops", "ERR_STORE_CORRUPT"],
    ]);
    expect(await readPublished(path)).toEqual(published);
  });
});

describe("the gateway from inside itself", () => {
  it.each(SHAPES)("runs, shows what it has in memory, and restarts nothing (%s)", async (shape) => {
    const inside = await openClawInside(shape);
    const { store, provider, state } = inside;
    const gateway = inProcessGateway({
      store,
      shape,
      port: 18_789,
      stateDir: state.root,
      configPath: `${state.root}/openclaw.json`,
      version: "2026.1.1",
    });
    await inside.carryOut({ profileId: `${provider}:work`, credential: sealedLogin("ada") });
    const location = await gateway.locate();
    if (location.kind !== "running") throw new Error("the gateway does not run inside itself");
    const { instance } = location;
    expect(instance).toMatchObject({ pid: process.pid, port: 18_789, version: "2026.1.1" });
    expect(await gateway.profiles(instance, "main")).toMatchObject([{ profileId: `${provider}:work` }]);
    expect(await gateway.reload(instance)).toEqual({ durationMs: 0, warningCount: 0 });
    expect(await gateway.health(instance)).toMatchObject({ live: true, ready: true });
    const plan = await gateway.planRestart(instance);
    expect(plan).toMatchObject({ kind: "impossible", error: { code: "ERR_RESTART_IMPOSSIBLE" } });
    await expect(gateway.restart(instance, plan, {})).rejects.toMatchObject({ code: "ERR_RESTART_REFUSED" });
  });

  it("has itself reloaded through its own door where other agents have copies in memory, and nobody else", async () => {
    const inside = await openClawInside("two-files");
    const { store, state } = inside;
    await inside.put("ops", { profiles: {} });
    await inside.put("shared", { profiles: {} });
    let reloads = 0;
    let pid = process.pid;
    const door = {
      locate: () =>
        Promise.resolve({
          kind: "running",
          instance: { pid, startTime: 1, port: 1, stateDir: state.root, configPath: "" },
        } as const),
      reload: () => Promise.resolve({ durationMs: (reloads += 1), warningCount: 0 }),
    };
    const options = { store, port: 1, stateDir: state.root, configPath: "", door };
    const gateway = inProcessGateway({ ...options, shape: "two-files" });
    const instance = await gateway.locate().then((found) => (found.kind === "running" ? found.instance : undefined));
    if (instance === undefined) throw new Error("the gateway does not run inside itself");
    expect(await gateway.reload(instance)).toMatchObject({ durationMs: 1 });
    pid += 1;
    expect(await gateway.reload(instance)).toMatchObject({ durationMs: 0 });
    await inProcessGateway({ ...options, shape: "sqlite" }).reload(instance);
    expect(reloads).toBe(1);
  });
});
