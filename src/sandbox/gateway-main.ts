// The process of the sandbox gateway: title, signals, leash. Its argument is the path of its options file.

import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SandboxGateway } from "./gateway.ts";
import { readGatewayOptions } from "./gateway-options.ts";
import { isAlive } from "./processes.ts";

const OWNER_LOOK_MS = 250;
const STOP_WITHIN_MS = 3_000;

const [optionsPath = "", start] = process.argv.slice(2);

const gateway = new SandboxGateway(optionsPath, {
  respawn: () => {
    const entry = fileURLToPath(import.meta.url);
    spawn(process.execPath, [entry, optionsPath, "again"], { detached: true, stdio: "ignore" }).unref();
  },
  exit: () => process.exit(0),
});

let ending: Promise<void> | undefined;

function end(): void {
  ending ??= stopped().finally(() => process.exit(0));
}

/** Two of them once lived on for an hour behind a connection that nobody closed: an end that takes too long is made. */
async function stopped(): Promise<void> {
  await Promise.race([gateway.stop(), pause(STOP_WITHIN_MS)]);
}

process.on("SIGTERM", end);
process.on("SIGINT", end);
process.on("SIGUSR1", () => void gateway.restart().catch(() => process.exit(1)));

const { shape, ownerPid, worldFolder } = await readGatewayOptions(optionsPath);
// The command line of the real one is its title alone: this on 2026.4.5, a bare `openclaw` on 2026.5.28 (§3).
process.title = shape === "one-file" ? "openclaw-gateway" : "openclaw";

// Whoever made this world may be killed without a chance to clean up: a closed terminal window does that.
setInterval(() => {
  if (isAlive(ownerPid)) return;
  ending ??= stopped()
    .then(() => rm(worldFolder, { recursive: true, force: true, maxRetries: 5 }))
    .finally(() => process.exit(0));
}, OWNER_LOOK_MS);

await gateway.start(start === "again");
