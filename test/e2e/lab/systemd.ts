// A real `systemd --user` in namespaces of its own: private /run and bus, a control group of its own; no real manager is in reach.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bareEnvironment } from "./surroundings.ts";

const SYSTEMD = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
const START_MS = 60_000;

/** Where below the manager's control groups a program is run; the default is a login session, as a person's shell. */
const SESSION = "/user.slice/user-0.slice/session-1.scope";

/** How a program ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running user manager. */
export interface UserManager {
  /** Runs a program beside the manager's units, with nothing of this process's environment but PATH and what is given. */
  run(argv: readonly string[], options?: { readonly env?: NodeJS.ProcessEnv; readonly cgroup?: string }): Promise<Ran>;
  /** Ends the manager and everything that runs in its namespaces. */
  stop(): Promise<void>;
}

/** Either a manager or a sentence that says why there is none, for a skipped test. */
export type UserManagerResult =
  | { readonly ok: true; readonly manager: UserManager }
  | { readonly ok: false; readonly reason: string };

// Outlives the namespaces, to remove their control groups; also when vitest is killed, since that closes standard input.
const AROUND = `
set -eu
mkdir "$1"
sh -c 'echo 0 > "$1/cgroup.procs"; exec unshare --mount --cgroup --pid --fork --kill-child sh -c "$0" init "$2"' "$3" "$1" "$2" || true
for try in 1 2 3 4 5 6 7 8 9 10; do
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
  [ -d "$1" ] || exit 0
  sleep 0.2
done
`;

// systemd takes /run/systemd/system for the sign that systemd has booted the machine: without it \`--user\` ends with 1.
const INIT = `
set -eu
read -r self rest < /proc/self/stat
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mkdir -p -m 755 /run/user
mkdir -m 700 "$XDG_RUNTIME_DIR"
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
own=/sys/fs/cgroup/user.slice/user-0.slice/user@0.service
mkdir -p "$own" /sys/fs/cgroup/init.scope
echo 0 > /sys/fs/cgroup/init.scope/cgroup.procs
exec 3<&0
(echo 0 > "$own/cgroup.procs"; exec "$1" --user --log-target=console --log-level=notice >&2) &
manager=$!
(cat <&3 >/dev/null; kill -KILL "$manager") &
for try in $(seq 200); do
  case "$(systemctl --user is-system-running 2>/dev/null || true)" in
    running | degraded) echo "ready $self"; break ;;
  esac
  sleep 0.2
done
wait "$manager"
`;

/** Starts a user manager whose HOME is `home`. */
export async function startUserManager(home: string): Promise<UserManagerResult> {
  const systemd = SYSTEMD.find((path) => existsSync(path));
  const cgroups = unifiedCgroups();
  if (process.getuid?.() !== 0) return { ok: false, reason: "A private user manager needs root, for its namespaces." };
  if (systemd === undefined || cgroups === undefined)
    return { ok: false, reason: "There is no systemd, or no cgroup2, on this machine." };
  const env: NodeJS.ProcessEnv = { ...bareEnvironment(), HOME: home, USER: "root", XDG_RUNTIME_DIR: "/run/user/0" };
  const folder = join(cgroups, `codex-auth-e2e-${randomBytes(6).toString("hex")}`);
  // A session of its own: a Ctrl-C in the terminal must not end the shell that cleans up.
  const child = spawn("sh", ["-c", AROUND, "around", folder, systemd, INIT], { env, detached: true, stdio: "pipe" });
  const said: string[] = [];
  child.on("error", (error) => said.push(error.message));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const pid = await readyPid(child);
  if (pid !== undefined) return { ok: true, manager: managerOf(child, pid, env) };
  await end(child);
  return { ok: false, reason: `A private user manager could not be started: ${said.join("").trim().slice(-500)}` };
}

/** The pid of the namespaces' first process, as this process sees it; undefined where it did not get ready. */
async function readyPid(child: ChildProcess): Promise<number | undefined> {
  const { stdout } = child;
  if (stdout === null) return undefined;
  const giveUp = setTimeout(() => child.stdin?.end(), START_MS);
  try {
    for await (const line of createInterface({ input: stdout })) {
      const pid = /^ready (\d+)$/.exec(line)?.[1];
      if (pid !== undefined) return Number(pid);
    }
    return undefined;
  } finally {
    clearTimeout(giveUp);
  }
}

function managerOf(child: ChildProcess, pid: number, env: NodeJS.ProcessEnv): UserManager {
  const enter = ["--target", String(pid), "--mount", "--pid", "--cgroup", "--"];
  const move = 'mkdir -p "$0"; echo 0 > "$0/cgroup.procs"; exec "$@"';
  return {
    run: (argv, options = {}) =>
      new Promise((resolve) => {
        const cgroup = `/sys/fs/cgroup${options.cgroup ?? SESSION}`;
        const given = { env: { ...env, ...options.env }, cwd: "/", timeout: 240_000, maxBuffer: 16 * 1024 * 1024 };
        execFile(
          "sh",
          ["-c", 'exec nsenter "$@"', "enter", ...enter, "sh", "-c", move, cgroup, ...argv],
          given,
          (error, stdout, stderr) => {
            const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
            resolve({ code, stdout, stderr });
          },
        );
      }),
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.stdin?.end();
  await exited;
}

/** Where the second version of control groups is mounted: alone, or beside the first. */
function unifiedCgroups(): string | undefined {
  if (!existsSync("/proc/self/mounts")) return undefined;
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2")?.[1];
}
