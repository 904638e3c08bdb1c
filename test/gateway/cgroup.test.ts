// Inside or outside the gateway's service or container, told from control groups and the line of parents.

import { describe, expect, test } from "vitest";
import { isContainersMainProcess, judgeSurroundings, readCgroup, serviceOf } from "../../src/gateway/cgroup.ts";
import type { ProcessIdentity } from "../../src/gateway/process-facts.ts";
import { isUnitOfGateway, parseUnit } from "../../src/gateway/restart-systemd.ts";

const app = "/user.slice/user-1000.slice/user@1000.service/app.slice";
const gatewayGroup = `0::${app}/openclaw-gateway.service\n`;

describe("serviceOf", () => {
  test("a unit of the user", () => {
    const service = {
      unit: "openclaw-gateway.service",
      controlGroup: `${app}/openclaw-gateway.service`,
      managerUid: 1000,
    };
    expect(serviceOf(gatewayGroup)).toEqual(service);
    expect(serviceOf(`0::${app}/openclaw-gateway.service/inner\n`)).toEqual(service);
  });

  test("a unit of the system, also in the older tree", () => {
    const service = { unit: "claw.service", controlGroup: "/system.slice/claw.service", managerUid: undefined };
    expect(serviceOf("0::/system.slice/claw.service\n")).toEqual(service);
    expect(serviceOf("9:name=systemd:/system.slice/claw.service\n8:pids:/x\n0::/\n")).toEqual(service);
  });

  test.each(["", "0::/\n", `0::${app}/app-terminal-12.scope\n`, "0::/user.slice/user-1000.slice/session-3.scope\n"])(
    "no service: %j",
    (text) => {
      expect(serviceOf(text)).toBeUndefined();
    },
  );
});

describe("judgeSurroundings", () => {
  test.each([
    ["same-service", gatewayGroup, gatewayGroup, false],
    ["same-service", `0::${app}/openclaw-gateway.service/child\n`, gatewayGroup, false],
    ["outside", `0::${app}/codex-auth.service\n`, gatewayGroup, false],
    ["outside", `0::${app}/terminal.scope\n`, `0::${app}/terminal.scope\n`, false],
    ["outside", "0::/\n", "0::/\n", false],
    ["same-container", "0::/\n", "0::/\n", true],
  ])("%s", (expected, own, gateway, isRoot) => {
    expect(judgeSurroundings(own, gateway, isRoot)).toBe(expected);
  });

  test("our own control group is read", async () => {
    expect(await readCgroup("self")).toBe(await readCgroup(process.pid));
    expect(await readCgroup(2 ** 22 + 1)).toBe("");
  });
});

const table = (...entries: readonly (readonly [pid: number, parentPid: number, title: string])[]) => ({
  read: (pid: number): Promise<ProcessIdentity | undefined> => {
    const found = entries.find(([one]) => one === pid);
    return Promise.resolve(found && { pid, parentPid: found[1], uid: 0, startTime: 1, commandLine: [found[2]] });
  },
});

describe("isContainersMainProcess", () => {
  test.each([
    ["it is PID 1", true, table([1, 0, "openclaw-gateway"]), 1],
    ["its launcher is PID 1", true, table([1, 0, "openclaw"], [7, 1, "openclaw-gateway"]), 7],
    [
      "its launcher is the child of tini",
      true,
      table([1, 0, "/sbin/tini"], [6, 1, "openclaw"], [7, 6, "openclaw-gateway"]),
      7,
    ],
    ["it was respawned under an ordinary init", false, table([1, 0, "/sbin/init"], [7, 1, "openclaw-gateway"]), 7],
    ["it was started from a shell", false, table([1, 0, "tini"], [5, 1, "bash"], [7, 5, "openclaw"]), 7],
    ["it is gone", false, table(), 7],
  ])("%s: %s", async (_name, expected, processes, pid) => {
    expect(await isContainersMainProcess(pid, processes)).toBe(expected);
  });
});

describe("the unit that systemd knows", () => {
  const output = `Id=openclaw-gateway.service\nMainPID=40\nControlGroup=${app}/openclaw-gateway.service\nActiveState=active\n`;
  const service = serviceOf(gatewayGroup);

  test.each([
    ["its main process is the gateway", true, output, { pid: 40, parentPid: 1 }],
    ["its main process is the launcher", true, output, { pid: 41, parentPid: 40 }],
    ["its main process is another", false, output, { pid: 50, parentPid: 1 }],
    ["it is not active", false, output.replace("=active", "=failed"), { pid: 40, parentPid: 1 }],
    ["it has another control group", false, output.replace(app, "/elsewhere"), { pid: 40, parentPid: 1 }],
    ["it has another name", false, output.replace("Id=openclaw", "Id=other"), { pid: 40, parentPid: 1 }],
    ["there is none", false, "", { pid: 40, parentPid: 1 }],
  ])("%s: %s", (_name, expected, text, gateway) => {
    if (service === undefined) throw new Error("no service");
    expect(isUnitOfGateway(parseUnit(text), service, gateway)).toBe(expected);
  });
});
