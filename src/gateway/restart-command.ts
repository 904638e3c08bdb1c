// Restarts the gateway with the argv that the person configured: one program, its arguments, never a shell.

import { execFile } from "node:child_process";
import { basename } from "node:path";
import { promisify } from "node:util";
import { GATEWAY } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";

const run = promisify(execFile);

const ANOTHER_USER = ["sudo", "sudoedit", "doas", "su", "runuser", "pkexec", "run0", "setpriv", "gosu"];
const ANOTHER_MACHINE = ["ssh", "mosh", "rsh", "telnet", "nsenter"];
const SHELLS = [
  "sh",
  "bash",
  "dash",
  "zsh",
  "ksh",
  "mksh",
  "fish",
  "ash",
  "csh",
  "tcsh",
  "rbash",
  "pwsh",
  "powershell",
  "cmd",
  "busybox",
  "toybox",
];
const KILLERS = ["kill", "pkill", "killall", "killall5", "skill", "fuser"];
const REFUSED = new Set([...ANOTHER_USER, ...ANOTHER_MACHINE, ...SHELLS, ...KILLERS]);
const WRAPPERS = new Set([
  "env",
  "nohup",
  "nice",
  "ionice",
  "chrt",
  "setsid",
  "timeout",
  "stdbuf",
  "time",
  "xargs",
  "exec",
  "command",
  "unshare",
  "chroot",
  "script",
  "flock",
  "watch",
  "systemd-run",
]);

/**
 * Checks a configured restart command.
 *
 * @throws CodexAuthError `ERR_RESTART_REFUSED` where it is empty or leads to a shell, another user, another machine or a stop alone.
 */
export function checkRestartCommand(argv: readonly string[]): void {
  const [program, ...rest] = argv;
  if (program === undefined || program.trim() === "") throw refused("it is empty");
  if (argv.some((word) => word.includes("\0"))) throw refused("it holds a NUL character");
  const isWrapped = WRAPPERS.has(nameOf(program));
  // A wrapper runs one of its arguments, and -S hands it a whole line: every word of every argument is looked at.
  const programs = isWrapped ? [program, ...rest.flatMap((word) => word.split(/[\s=]+/))] : [program];
  const found = programs.map(nameOf).find((name) => REFUSED.has(name));
  if (found !== undefined) throw refused(`it would run ${found}`);
  if (rest.includes("stop")) throw refused("it stops the gateway instead of restarting it in one step");
}

/** Runs the checked command; whether the gateway restarted is seen elsewhere. */
export async function runRestartCommand(argv: readonly string[]): Promise<void> {
  checkRestartCommand(argv);
  const [program = "", ...rest] = argv;
  await run(program, rest, { shell: false, timeout: GATEWAY.commandTimeoutMs, maxBuffer: 1024 * 1024 });
}

function nameOf(word: string): string {
  return basename(word.trim().replaceAll("\\", "/"))
    .toLowerCase()
    .replace(/\.exe$/, "");
}

function refused(reason: string): CodexAuthError {
  return new CodexAuthError("ERR_RESTART_REFUSED", {
    message: `The configured restart command is not run: ${reason}.`,
    next: "Configure one program and its arguments that restart the gateway as this user, such as `docker restart <name>`.",
  });
}
