// Which restart is chosen, and everything that forbids one.

import { describe, expect, test } from "vitest";
import { judgeRestart, type RestartFacts } from "../../src/gateway/restart-plan.ts";
import { sendRestartSignal } from "../../src/gateway/restart-signal.ts";

const facts: RestartFacts = {
  generation: "json-single",
  restartAllowed: true,
  variables: {},
  isContainersMainProcess: false,
  command: undefined,
  service: undefined,
  isServiceConfirmed: false,
  isLaunchdAgent: false,
  surroundings: "outside",
};
const service = { unit: "openclaw-gateway.service", controlGroup: "/x/openclaw-gateway.service", managerUid: 1000 };

describe("judgeRestart chooses", () => {
  test.each<[string, Partial<RestartFacts>, string]>([
    ["the signal where nobody manages it", {}, "signal"],
    ["the signal for the split files", { generation: "json-split" }, "signal"],
    [
      "the signal where a service has nothing to do with OpenClaw",
      { service: { ...service, unit: "runner.service" } },
      "signal",
    ],
    [
      "systemd where it confirms the unit",
      { service, isServiceConfirmed: true, variables: { INVOCATION_ID: "x" } },
      "systemd-user",
    ],
    ["launchd where it runs this pid", { isLaunchdAgent: true, variables: undefined }, "launchd"],
    [
      "the command before all others",
      { command: ["docker", "restart", "claw"], service, isServiceConfirmed: true },
      "command",
    ],
    [
      "the signal with NO_RESPAWN even under a manager",
      { variables: { OPENCLAW_NO_RESPAWN: "1", INVOCATION_ID: "x" } },
      "signal",
    ],
    [
      "the signal with NO_RESPAWN in a container",
      { variables: { OPENCLAW_NO_RESPAWN: "yes" }, isContainersMainProcess: true },
      "signal",
    ],
  ])("%s", (_name, change, method) => {
    expect(judgeRestart({ ...facts, ...change })).toMatchObject({ kind: "possible", method });
  });
});

describe("judgeRestart refuses", () => {
  test.each<[string, Partial<RestartFacts>]>([
    ["the signal on SQLite", { generation: "sqlite" }],
    ["systemd on SQLite", { service, isServiceConfirmed: true, generation: "sqlite" }],
    ["launchd on SQLite", { isLaunchdAgent: true, generation: "sqlite" }],
    ["the command on SQLite", { command: ["docker", "restart", "claw"], generation: "sqlite" }],
    ["the signal on an unknown generation", { generation: "unknown" }],
    ["the signal where commands.restart is false", { restartAllowed: false }],
    ["the signal where the environment is unknown", { variables: undefined }],
    ["the signal with OPENCLAW_SYSTEMD_UNIT", { variables: { OPENCLAW_SYSTEMD_UNIT: "x" } }],
    ["the signal with INVOCATION_ID", { variables: { INVOCATION_ID: "x" } }],
    ["the signal with SYSTEMD_EXEC_PID", { variables: { SYSTEMD_EXEC_PID: "1" } }],
    ["the signal with JOURNAL_STREAM", { variables: { JOURNAL_STREAM: "8:1" } }],
    [
      "the signal with OPENCLAW_NO_RESPAWN=0 under a manager",
      { variables: { OPENCLAW_NO_RESPAWN: "0", INVOCATION_ID: "x" } },
    ],
    ["the signal to a container's main process", { isContainersMainProcess: true }],
    ["a unit that systemd does not confirm", { service }],
    ["a unit of the system", { service: { ...service, managerUid: undefined } }],
    ["systemd from inside the service", { service, isServiceConfirmed: true, surroundings: "same-service" }],
    [
      "the command from inside the container",
      { command: ["docker", "restart", "claw"], surroundings: "same-container" },
    ],
  ])("%s", (_name, change) => {
    const plan = judgeRestart({ ...facts, ...change });
    expect(plan).toMatchObject({ kind: "impossible", error: { code: "ERR_RESTART_IMPOSSIBLE" } });
  });

  test("a forbidden command with its own code", () => {
    const plan = judgeRestart({ ...facts, command: ["sudo", "systemctl", "restart", "x"] });
    expect(plan).toMatchObject({ kind: "impossible", error: { code: "ERR_RESTART_REFUSED" } });
  });
});

test.each([0, 1, -1, Number.NaN, 1.5])("no signal is sent to pid %d", (pid) => {
  expect(() => sendRestartSignal(pid)).toThrow(expect.objectContaining({ code: "ERR_RESTART_IMPOSSIBLE" }));
});

test("a process that is gone is said to be gone", () => {
  expect(() => sendRestartSignal(2 ** 22 + 1)).toThrow(expect.objectContaining({ code: "ERR_RESTART_REFUSED" }));
});
