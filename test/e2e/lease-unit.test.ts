// The systemd unit of docs/lease.md for `lease keep`, under a real user manager: starts, keeps, is restarted after a crash, and ends in order.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startSandboxBroker } from "../../src/sandbox/broker.ts";
import { applyWorld } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { startUserManager } from "./lab/systemd.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/codex-auth-skill.js", import.meta.url));
const PAGE = readFileSync(fileURLToPath(new URL("../../docs/lease.md", import.meta.url)), "utf8");

test("the unit keeps the lease, comes back after a crash, and stops in order", async ({ skip }) => {
  const home = await temporaryFolder();
  const started = await startUserManager(home);
  if (!started.ok) return skip(started.reason);
  const { manager } = started;
  onTestFinished(() => manager.stop());
  const broker = await startSandboxBroker();
  onTestFinished(() => broker.close());
  const world = applyWorld(home);

  const [, unit = ""] = /```ini\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const variables = [
    `AUTH_MANAGER_BASE_URL=${broker.origin}`,
    `AUTH_MANAGER_INTERNAL_API_TOKEN=${broker.token.expose()}`,
    `HOME=${home}`,
    `PATH=${process.env["PATH"] ?? ""}`,
  ];
  const folder = join(home, ".config", "systemd", "user");
  mkdirSync(folder, { recursive: true });
  const exec = `ExecStart=${process.execPath} ${PROGRAM} lease keep`;
  const here = unit
    .replace(/^ExecStart=.*$/m, [exec, ...variables.map((one) => `Environment="${one}"`)].join("\n"))
    .replace("Restart=on-failure", "Restart=on-failure\nRestartSec=1");
  writeFileSync(join(folder, "codex-auth-lease.service"), here, { mode: 0o600 });
  const systemctl = (...words: string[]): ReturnType<typeof manager.run> =>
    manager.run(["systemctl", "--user", ...words]);
  const pid = async (): Promise<string> =>
    (await systemctl("show", "--property=MainPID", "--value", "codex-auth-lease.service")).stdout.trim();

  expect(await systemctl("daemon-reload")).toMatchObject({ code: 0 });
  expect(await systemctl("start", "codex-auth-lease.service")).toMatchObject({ code: 0 });
  await expect
    .poll(() => world.readStore().profiles["openai-codex:lease"]?.["type"], { timeout: 60_000 })
    .toBe("token");
  const first = await pid();
  expect(await systemctl("kill", "--signal=KILL", "codex-auth-lease.service")).toMatchObject({ code: 0 });
  await expect.poll(async () => ![first, "0", ""].includes(await pid()), { timeout: PATIENCE_MS }).toBe(true);
  const looked = broker.log.length;
  // A minute after its start where the killed one had just looked, and a while more where that one died in its turn.
  await expect.poll(() => broker.log.length, { timeout: PATIENCE_MS }).toBeGreaterThan(looked);
  // The same lease goes on.
  expect(broker.leases()).toMatchObject([{ state: "active" }]);
  expect(await systemctl("stop", "codex-auth-lease.service")).toMatchObject({ code: 0 });
  const result = await systemctl("show", "--property=Result", "--value", "codex-auth-lease.service");
  expect(result.stdout.trim()).toBe("success");
});
