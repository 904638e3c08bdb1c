// A fake OpenClaw gateway of the JSON generation: probes, RPC, snapshot, restarts as the facts tell (facts/openclaw-json-generation.md §3, §8).

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { readJsonFile } from "../storage/json-file.ts";
import { removeSandboxLock, sandboxLockPath, writeSandboxLock } from "./gateway-lock.ts";
import { readGatewayOptions, takeFault, type GatewayOptions } from "./gateway-options.ts";
import { RpcFailure, serveRpc, type GatewayRpcHandlers } from "./gateway-rpc.ts";
import { GatewayStore } from "./gateway-store.ts";
import { acceptWebSocket } from "./websocket-server.ts";

/** What the process around a {@link SandboxGateway} does for it. */
export interface GatewayProcess {
  /** Starts the successor, which takes over port and lock (one-file shape). */
  respawn(): void;
  /** Ends this process. */
  exit(): void;
}

const configSchema = z.looseObject({
  gateway: z.looseObject({ port: z.number().int(), auth: z.looseObject({ token: z.string() }) }),
});

/** One gateway, from start to end; a restart in process is a new run of the same object. */
export class SandboxGateway {
  readonly #optionsPath: string;
  readonly #around: GatewayProcess;
  #run: GatewayRun | undefined;
  #restart: Promise<void> | undefined;
  #restartedAt = -Infinity;

  constructor(optionsPath: string, around: GatewayProcess) {
    this.#optionsPath = optionsPath;
    this.#around = around;
  }

  /** Starts; `isRestart` tells whether faults of restarts apply. */
  async start(isRestart: boolean): Promise<void> {
    const options = await readGatewayOptions(this.#optionsPath);
    const isSlow = await takeFault(this.#optionsPath, "slow-start");
    const isStuck = isRestart && (await takeFault(this.#optionsPath, "never-ready"));
    await pause(options.startupMs + (isSlow ? options.slowStartMs : 0));
    const run = new GatewayRun(this.#optionsPath, options, !isStuck);
    await run.open();
    this.#run = run;
  }

  /** SIGUSR1: drains, then restarts as this shape does; orders within the cooldown become one. */
  restart(): Promise<void> {
    this.#restart ??= this.#restartOnce().finally(() => (this.#restart = undefined));
    return this.#restart;
  }

  /** SIGTERM: a clean end. */
  async stop(): Promise<void> {
    await this.#run?.close();
  }

  async #restartOnce(): Promise<void> {
    const options = await readGatewayOptions(this.#optionsPath);
    await pause(Math.max(0, this.#restartedAt + options.restartCooldownMs - performance.now()));
    this.#restartedAt = performance.now();
    await pause(options.drainMs);
    if (await takeFault(this.#optionsPath, "writes-back")) await this.#run?.store.writeBack();
    await this.stop();
    if (await takeFault(this.#optionsPath, "never-comes-back")) return this.#around.exit();
    if (options.shape === "two-files") return this.start(true);
    this.#around.respawn();
    this.#around.exit();
  }
}

/** What lives from one start to the next end: the listener, the lock, the snapshot. */
class GatewayRun {
  store: GatewayStore;
  readonly #optionsPath: string;
  readonly #options: GatewayOptions;
  readonly #isReady: boolean;
  readonly #server: Server;
  #startedAt = 0;
  #token = "";

  constructor(optionsPath: string, options: GatewayOptions, isReady: boolean) {
    this.#optionsPath = optionsPath;
    this.#options = options;
    this.#isReady = isReady;
    this.store = new GatewayStore(options);
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) => {
      acceptWebSocket(request, socket, head, (connection) => serveRpc(connection, this.#handlers()));
    });
  }

  get #lockPath(): string {
    return sandboxLockPath(this.#options.tmp, this.#options.configPath);
  }

  async open(): Promise<void> {
    const config = configSchema.parse(await readJsonFile(this.#options.configPath, configSchema));
    this.#token = config.gateway.auth.token;
    await this.store.load();
    this.#startedAt = performance.now();
    // As the real one: whoever sees it ready finds its lock. The other way round, a busy machine showed a gateway without one.
    await writeSandboxLock(this.#lockPath, this.#options.configPath);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(config.gateway.port, "127.0.0.1", resolve);
      });
    } catch (error) {
      await removeSandboxLock(this.#lockPath);
      throw error;
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await removeSandboxLock(this.#lockPath);
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(body));
    };
    switch (request.url ?? "") {
      case "/health":
      case "/healthz":
        return send(200, { ok: true, status: "live" });
      case "/ready":
      case "/readyz": {
        const uptimeMs = Math.round(performance.now() - this.#startedAt);
        const failing = this.#isReady ? [] : ["telegram"];
        return send(this.#isReady ? 200 : 503, { ready: this.#isReady, failing, uptimeMs });
      }
      case "/sandbox/used":
        // Stands in for a model call: which login it would carry. The real one has nothing like it.
        if (request.headers.authorization !== `Bearer ${this.#token}`) return send(401, { error: "unauthorized" });
        return send(200, { profiles: this.store.used() });
      default:
        return send(404, { error: "not found" });
    }
  }

  #handlers(): GatewayRpcHandlers {
    const isSplit = this.#options.shape === "two-files";
    return {
      protocol: isSplit ? 4 : 3,
      token: this.#token,
      methods: {
        health: { call: () => Promise.resolve({ ok: true }) },
        "secrets.reload": { scope: "operator.admin", call: () => this.#reload() },
        // 2026.4.5 has no such method (§8).
        ...(isSplit ? { "models.authStatus": { call: () => Promise.resolve(this.store.authStatus(Date.now())) } } : {}),
      },
    };
  }

  async #reload(): Promise<unknown> {
    if (await takeFault(this.#optionsPath, "reload-fails")) throw new RpcFailure("UNAVAILABLE", "reload failed");
    const before = this.store;
    const after = new GatewayStore(this.#options);
    await after.load();
    this.store = after;
    // It waits for the lock that whoever asked for the reload still holds, as a refresh under way would.
    if (await takeFault(this.#optionsPath, "writes-back")) before.writeBack().catch(() => undefined);
    return { ok: true, warningCount: 0 };
  }
}
