// The gateway is believed only where its lock file, process, title and port tell the same story.

import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeProcess } from "../../src/gateway/locate.ts";
import { gatewayLockPath, judgeGatewayLock, readGatewayLock, type FoundLock } from "../../src/gateway/lock-file.ts";
import { replaceSync } from "../storage/fs-faults.ts";
import { fakeGateway } from "../support/fake-gateway-rpc.ts";
import { gatewayHome, startPeer, type GatewayHome } from "./gateway-lab.ts";

const refused = { kind: "refused", error: { code: "ERR_GATEWAY_DISAGREES" } };

describe("locate", () => {
  test.each(["openclaw-gateway", "openclaw"])("finds a running gateway titled %s", async (title) => {
    const home = await gatewayHome();
    const { pid, port } = await startPeer(home, "ignore", { title });
    const { stateDir, configPath } = home;
    const instance = expect.objectContaining({ pid, port, stateDir, configPath }) as unknown;
    expect(await home.gateway().locate()).toEqual({ kind: "running", instance });
  });

  test("finds one whose folder for temporary files is not ours", async () => {
    const home = await gatewayHome();
    const { pid } = await startPeer(home, "ignore");
    expect(await home.gateway({ tmp: "/nowhere" }).locate()).toMatchObject({ kind: "running", instance: { pid } });
  });

  test("finds one that keeps its lock in its state folder, as 2026.9.6 does, and plans no restart of it", async () => {
    const home = await gatewayHome();
    const inState = gatewayLockPath(join(home.stateDir, "tmp"), home.uid, home.configPath);
    const config = { meta: { lastTouchedVersion: "2026.9.6" } };
    const { pid, port } = await startPeer({ ...home, lockPath: inState }, "ignore", { config });
    const location = await home.gateway().locate();
    expect(location).toMatchObject({ kind: "running", instance: { pid, port } });
    if (location.kind !== "running") throw new Error("not found");
    expect(await home.gateway().health(location.instance)).toMatchObject({ live: true, ready: true });
    expect(
      await home.gateway({ restartCommand: [process.execPath, "-v"] }).planRestart(location.instance),
    ).toMatchObject({
      kind: "impossible",
      error: { code: "ERR_RESTART_IMPOSSIBLE" },
    });
  });

  test("nothing there is stopped, and so is a lock that a dead or another process left behind", async () => {
    const home = await gatewayHome();
    await home.writeConfig({ gateway: { port: 1 } });
    expect(await home.gateway().locate()).toEqual({ kind: "stopped" });
    await writeLock(home, { pid: 2 ** 22 + 1 });
    expect(await home.gateway().locate()).toEqual({ kind: "stopped" });
    await writeLock(home, { pid: process.pid, startTime: 1 });
    expect(await home.gateway().locate()).toEqual({ kind: "stopped" });
  });

  test("a process with another title, or that does not listen on the port, is refused", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore", { title: "something-else" });
    expect(await home.gateway().locate()).toMatchObject(refused);
    const other = await gatewayHome();
    await startPeer(other, "ignore");
    const { port } = await fakeGateway();
    await other.writeConfig({ gateway: { port } });
    expect(await other.gateway().locate()).toMatchObject(refused);
  });

  test("a lock file that others could have written is refused", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore");
    await chmod(home.lockPath, 0o666);
    expect(await home.gateway().locate()).toMatchObject(refused);
    await chmod(home.lockPath, 0o600);
    await chmod(dirname(home.lockPath), 0o777);
    expect(await home.gateway().locate()).toMatchObject(refused);
    await chmod(dirname(home.lockPath), 0o700);
    await rename(home.lockPath, `${home.lockPath}.real`);
    await symlink(`${home.lockPath}.real`, home.lockPath);
    expect(await home.gateway().locate()).toMatchObject(refused);
  });

  test("a gateway without a lock of ours is refused, not taken for stopped", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore");
    await rm(home.lockPath);
    expect(await home.gateway().locate()).toMatchObject(refused);
  });

  test("an openclaw.json that cannot be read is refused with its own code", async () => {
    const home = await gatewayHome();
    await writeFile(home.configPath, "{ gateway: ");
    expect(await home.gateway().locate()).toMatchObject({ kind: "refused", error: { code: "ERR_FILE_NOT_JSON" } });
  });
});

test("the token is not sent when the listener is not the located process", async () => {
  const home = await gatewayHome();
  const { pid } = await startPeer(home, "ignore");
  const imposter = await fakeGateway();
  const instance = { pid, startTime: 1, port: imposter.port, stateDir: home.stateDir, configPath: home.configPath };
  await expect(home.gateway().reload(instance)).rejects.toMatchObject({ code: "ERR_GATEWAY_DISAGREES" });
  expect(imposter.connections()).toBe(0);
});

test("reload and profiles go through to a listener that is the located process", async () => {
  const home = await gatewayHome();
  const methods = {
    "secrets.reload": { scope: "operator.admin", call: () => Promise.resolve({ ok: true, warningCount: 0 }) },
  };
  const { port, token } = await fakeGateway({ methods, protocol: 3 });
  await home.writeConfig({ gateway: { port, auth: { mode: "token", token } } });
  const instance = { pid: process.pid, startTime: 1, port, stateDir: home.stateDir, configPath: home.configPath };
  const gateway = home.gateway();
  expect(await gateway.reload(instance)).toMatchObject({ warningCount: 0 });
  expect(await gateway.profiles(instance)).toBeUndefined();
  expect(await gateway.identify(instance)).toMatchObject({ protocol: 3, version: "sandbox" });
});

describe("judgeGatewayLock", () => {
  const lock = { pid: 7, createdAt: "2026-01-01T00:00:00Z", configPath: "/c", startTime: 5 };
  const sound: FoundLock = {
    path: "/l",
    isPlainFile: true,
    uid: 1000,
    mode: 0o100644,
    folder: { isFolder: true, uid: 1000, mode: 0o40755 },
    text: JSON.stringify(lock),
  };

  test("believes a sound one", () => {
    expect(judgeGatewayLock(sound, 1000, "/c")).toEqual({ kind: "believed", lock });
  });

  test.each<[string, Partial<FoundLock>]>([
    ["of another user", { uid: 0 }],
    ["in a folder of another user", { folder: { ...sound.folder, uid: 0 } }],
    ["that the group may write", { mode: 0o100664 }],
    ["that is a link", { isPlainFile: false }],
    ["of another openclaw.json", { text: JSON.stringify({ ...lock, configPath: "/other" }) }],
    ["for a process group", { text: JSON.stringify({ ...lock, pid: -7 }) }],
    ["that is not JSON", { text: "" }],
  ])("refuses one %s", (_name, change) => {
    expect(judgeGatewayLock({ ...sound, ...change }, 1000, "/c")).toMatchObject(refused);
  });

  test("does not wait at a pipe that somebody put there between the look and the read", async () => {
    const home = await gatewayHome();
    await mkdir(dirname(home.lockPath), { recursive: true, mode: 0o700 });
    await writeFile(`${home.lockPath}.plain`, "{}");
    execFileSync("mkfifo", [home.lockPath]);
    replaceSync(
      "lstatSync",
      (real) => (path: string, options?: object) => real(path === home.lockPath ? `${path}.plain` : path, options),
    );
    expect(readGatewayLock(home.lockPath)).toMatchObject({ isPlainFile: true, text: "" });
  });

  test("reads no lock where its folder is a file", async () => {
    const home = await gatewayHome();
    await writeFile(dirname(home.lockPath), "");
    expect(readGatewayLock(home.lockPath)).toBeUndefined();
  });
});

test("a process of another user is not ours, whatever its title", () => {
  const lock = { pid: 7, createdAt: "", configPath: "/c", startTime: 5 };
  const facts = { pid: 7, uid: 0, parentPid: 1, startTime: 5, commandLine: ["openclaw-gateway"] };
  expect(judgeProcess(lock, facts, 1000)).toMatch(/another user/);
  expect(judgeProcess(lock, facts, 0)).toBe("agrees");
});

async function writeLock(home: GatewayHome, change: Record<string, unknown>): Promise<void> {
  await mkdir(dirname(home.lockPath), { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ pid: 1, createdAt: "now", configPath: home.configPath, ...change });
  await writeFile(home.lockPath, text, { mode: 0o600 });
  expect(await readFile(home.lockPath, "utf8")).toBe(text);
}
