// Furnishes the home of a sandbox world: openclaw.json with a free port, a store with two logins, one of them expired, and our settings.

import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DAY, HOUR } from "../config/defaults.ts";
import { ownPaths } from "../config/paths.ts";
import type { Secret } from "../secrets/secret.ts";
import { writeFileAtomic } from "../storage/atomic-write.ts";
import { writeJsonFile } from "../storage/json-file.ts";
import { freePort } from "./free-port.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import { sandboxAccessToken } from "./tokens.ts";

/** A furnished home. */
export interface SandboxHome {
  readonly tmp: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly mainAgentDir: string;
  readonly port: number;
  readonly token: string;
}

const VERSIONS = { "one-file": "2026.4.5", "two-files": "2026.5.28" } as const;
const PROVIDER = "openai-codex";
const TOKEN_FILE = "broker-token";

/** Furnishes `folder` as the home of a machine with this shape of OpenClaw. */
export async function furnishHome(folder: string, shape: GatewayOptions["shape"]): Promise<SandboxHome> {
  const [tmp, stateDir] = [join(folder, "tmp"), join(folder, ".openclaw")];
  const mainAgentDir = join(stateDir, "agents", "main", "agent");
  for (const path of [tmp, mainAgentDir]) await mkdir(path, { recursive: true, mode: 0o700 });
  // openclaw.json names the port before the gateway starts.
  const [port, token] = [await freePort(), randomBytes(24).toString("hex")];
  const configPath = join(stateDir, "openclaw.json");
  await writeJsonFile(configPath, {
    meta: { lastTouchedVersion: VERSIONS[shape] },
    gateway: { mode: "local", port, auth: { mode: "token", token } },
  });
  const order = { [PROVIDER]: [`${PROVIDER}:main`, `${PROVIDER}:old`] };
  const profiles = {
    [`${PROVIDER}:main`]: login("ada", "plus", 9 * DAY),
    [`${PROVIDER}:old`]: login("linus", "free", -5 * HOUR),
  };
  const isSplit = shape === "two-files";
  await writeJsonFile(join(mainAgentDir, "auth-profiles.json"), {
    version: 1,
    profiles,
    ...(isSplit ? {} : { order }),
  });
  if (isSplit) await writeJsonFile(join(mainAgentDir, "auth-state.json"), { version: 1, order });
  return { tmp, stateDir, configPath, mainAgentDir, port, token };
}

/** Settings under which our own program leases from `broker`; its token lies in a file beside them, as a person is told to do it. */
export async function furnishSettings(
  stateDir: string,
  broker: { readonly origin: string; readonly token: Secret },
): Promise<void> {
  const { config, root } = ownPaths(stateDir);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(root, TOKEN_FILE), `${broker.token.expose()}\n`);
  await writeJsonFile(config, {
    lease: { baseUrl: broker.origin, internalApiTokenFile: TOKEN_FILE, machineId: "demo" },
  });
}

function login(name: string, planType: string, expiresInMs: number): Record<string, unknown> {
  const now = Date.now();
  const [email, userId, accountId] = [`${name}@example.com`, `user-${name}`, `acct-${name}`];
  return {
    type: "oauth",
    provider: PROVIDER,
    access: sandboxAccessToken({ email, userId, accountId, planType, expiresInMs, now }),
    refresh: `sandbox-refresh-${randomBytes(12).toString("hex")}`,
    expires: now + expiresInMs,
    email,
    accountId,
  };
}
