// The order in which the sandbox gateway starts: whoever sees it listen finds its lock, as with the real one.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, type TestContext } from "vitest";
import { SandboxGateway } from "../../src/sandbox/gateway.ts";
import { sandboxLockPath } from "../../src/sandbox/gateway-lock.ts";
import { writeGatewayOptions } from "../../src/sandbox/gateway-options.ts";
import { furnishHome } from "../../src/sandbox/world-home.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function setUp({ onTestFinished }: Pick<TestContext, "onTestFinished">) {
  const folder = await temporaryFolder();
  const home = await furnishHome(folder, "two-files");
  const optionsPath = join(folder, "gateway-options.json");
  const { tmp, stateDir, configPath, mainAgentDir, port } = home;
  await writeGatewayOptions(optionsPath, {
    shape: "two-files",
    stateDir,
    configPath,
    mainAgentDir,
    tmp,
    ownerPid: process.pid,
    worldFolder: folder,
    restartCooldownMs: 0,
    faults: [],
  });
  const gateway = new SandboxGateway(optionsPath, { respawn: () => undefined, exit: () => undefined });
  onTestFinished(() => gateway.stop());
  return { gateway, port, lockPath: sandboxLockPath(tmp, configPath), tmp };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

it("does not listen before its lock lies there", async (context) => {
  const { gateway, port, lockPath } = await setUp(context);
  // No folder can be made here, so no lock either.
  const inTheWay = join(lockPath, "..");
  writeFileSync(inTheWay, "");
  await expect(gateway.start(false)).rejects.toMatchObject({ code: expect.stringMatching(/^(EEXIST|ENOTDIR)$/) });
  expect(await isListening(port)).toBe(false);
  rmSync(inTheWay);
  await gateway.start(false);
  expect([await isListening(port), existsSync(lockPath)]).toEqual([true, true]);
});

it("leaves no lock where it could not listen", async (context) => {
  const { gateway, port, lockPath } = await setUp(context);
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  context.onTestFinished(() => void other.close());
  expect((other.address() as AddressInfo).port).toBe(port);
  await expect(gateway.start(false)).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(existsSync(lockPath)).toBe(false);
});

it("names itself in its lock while it runs, and takes it along", async (context) => {
  const { gateway, lockPath } = await setUp(context);
  await gateway.start(false);
  expect(JSON.parse(readFileSync(lockPath, "utf8"))).toMatchObject({ pid: process.pid });
  await gateway.stop();
  expect(existsSync(lockPath)).toBe(false);
});
