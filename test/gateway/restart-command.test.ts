// A configured restart command is one program of this user: no shell, no other user, no other machine, no stop.

import { expect, test } from "vitest";
import { checkRestartCommand } from "../../src/gateway/restart-command.ts";

test.each([
  [["docker", "restart", "claw"]],
  [["systemctl", "--user", "restart", "openclaw-gateway.service"]],
  [["/usr/local/bin/restart-openclaw"]],
  [["env", "LANG=C", "docker", "restart", "claw"]],
  [["docker", "restart", "bash"]],
])("%j is allowed", (argv) => {
  expect(() => checkRestartCommand(argv)).not.toThrow();
});

test.each([
  [[]],
  [[" "]],
  [["sudo", "systemctl", "restart", "x"]],
  [["/usr/bin/sudo", "x"]],
  [["doas", "x"]],
  [["su", "-c", "x"]],
  [["ssh", "host", "x"]],
  [["sh", "-c", "x"]],
  [["/bin/bash", "-c", "x"]],
  [["BASH", "-c", "x"]],
  [["env", "sh", "-c", "x"]],
  [["/usr/bin/env", "A=1", "/bin/zsh"]],
  [["env", "-S", "sudo reboot"]],
  [["env", "--split-string=bash -c x"]],
  [["nohup", "nice", "bash"]],
  [["timeout", "5", "sudo", "x"]],
  [["pkill", "openclaw"]],
  [["killall", "node"]],
  [["busybox", "sh"]],
  [["cmd.exe", "/c", "x"]],
  [["systemctl", "--user", "stop", "openclaw-gateway"]],
  [["openclaw", "gateway", "stop"]],
  [["a\0b"]],
])("%j is refused", (argv) => {
  expect(() => checkRestartCommand(argv)).toThrow(expect.objectContaining({ code: "ERR_RESTART_REFUSED" }));
});
