// A private home for one OpenClaw: its folders, its openclaw.json and its first logins.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../src/sandbox/free-port.ts";
import type { OpenClawVersion } from "./recipes.ts";

/** The folders of one OpenClaw. */
export interface OpenClawHome {
  readonly home: string;
  readonly tmp: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** The file that names the gateway's pid. */
  readonly lockPath: string;
  readonly port: number;
  readonly token: string;
  remove(): Promise<void>;
}

/** What a home is made with. */
export interface HomeOptions {
  /** `baseUrl` of the fake backend. */
  readonly backendUrl: string;
  /** Agents beside `main`. */
  readonly agents?: readonly string[];
  /** Which OpenClaw it is for: 2026.9.6 keeps its lock in the state folder and calls its provider `openai`. Default: a JSON generation. */
  readonly version?: OpenClawVersion;
  /** Merged into openclaw.json at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Makes a home with a minimal openclaw.json and nobody signed in. */
export async function makeHome(options: HomeOptions): Promise<OpenClawHome> {
  const home = await mkdtemp(join(tmpdir(), "codex-auth-lab-"));
  const stateDir = join(home, ".openclaw");
  const tmp = join(home, "tmp");
  const configPath = join(stateDir, "openclaw.json");
  await mkdir(tmp, { mode: 0o700 });
  await mkdir(stateDir, { mode: 0o700 });
  const [port, token] = [await freePort(), randomBytes(24).toString("hex")];
  const config = { ...minimalConfig(port, token, options), ...options.config };
  await writeFile(configPath, JSON.stringify(config, null, 2), { mode: 0o600 });
  const hash = createHash("sha256").update(configPath).digest("hex").slice(0, 8);
  const lockRoot = options.version === "2026.9.6" ? join(stateDir, "tmp") : tmp;
  const lockPath = join(lockRoot, `openclaw-${process.getuid?.() ?? 0}`, `gateway.${hash}.lock`);
  return {
    home,
    tmp,
    stateDir,
    configPath,
    lockPath,
    port,
    token,
    remove: () => rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

/** The auth store of an agent. */
export function storePath(home: Pick<OpenClawHome, "stateDir">, agent = "main"): string {
  return join(home.stateDir, "agents", agent, "agent", "auth-profiles.json");
}

/** Writes the auth store of an agent as OpenClaw would: 0600, its folder 0700. Only before the gateway starts. */
export async function seedStore(home: OpenClawHome, store: Record<string, unknown>, agent = "main"): Promise<void> {
  const path = storePath(home, agent);
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify({ version: 1, ...store }, null, 2), { mode: 0o600 });
}

function minimalConfig(port: number, token: string, options: HomeOptions): Record<string, unknown> {
  const model = {
    id: "gpt-5.4",
    name: "gpt-5.4",
    reasoning: false,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 200_000,
    maxTokens: 8_000,
  };
  const sqlite = options.version === "2026.9.6";
  const provider = sqlite ? "openai" : "openai-codex";
  const backend = sqlite
    ? { baseUrl: options.backendUrl, api: "openai-chatgpt-responses", auth: "oauth", models: [model] }
    : { baseUrl: options.backendUrl, api: "openai-codex-responses", models: [model] };
  return {
    gateway: { mode: "local", port, bind: "loopback", auth: { mode: "token", token } },
    discovery: { mdns: { mode: "off" } },
    update: { checkOnStart: false },
    models: { providers: { [provider]: backend } },
    agents: {
      defaults: {
        model: { primary: `${provider}/gpt-5.4` },
        models: { [`${provider}/gpt-5.4`]: { params: { transport: "sse" } } },
        heartbeat: { every: "0m" },
        skipBootstrap: true,
        // It would have each chat summed up in the background, whenever it likes: a call of the model that no test asked for.
        ...(sqlite ? { utilityModel: "" } : {}),
      },
      list: [{ id: "main", default: true }, ...(options.agents ?? []).map((id) => ({ id }))],
    },
  };
}
