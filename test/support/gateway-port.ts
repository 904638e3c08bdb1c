// A gateway behind its port, in memory: it keeps a snapshot of the store as the real one does, and can fail on request.

import { readFileSync, writeFileSync } from "node:fs";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import type { Gateway, GatewayInstance, GatewayLocation } from "../../src/gateway/gateway.ts";

/** What the gateway is told to do wrong, and what it was asked to do. */
export class GatewayPort implements Gateway {
  readonly calls: string[] = [];
  state: "running" | "stopped" | "refused" = "running";
  reloadFails = 0;
  restartFails = 0;
  /** How often it writes its old snapshot over the store right after a reload or restart. */
  writesBack = 0;
  restartPossible = true;
  /** False: like 2026.4.5, which cannot say what it has read. */
  listsProfiles = true;
  #startedAt = Date.now() - 60_000;
  readonly #storePath: string;
  #snapshot: string;

  constructor(storePath: string) {
    this.#storePath = storePath;
    this.#snapshot = readFileSync(storePath, "utf8");
  }

  readonly #instance: GatewayInstance = { pid: 1, startTime: 1, port: 1, stateDir: "/nowhere", configPath: "/nowhere" };

  locate(): Promise<GatewayLocation> {
    if (this.state === "running") return Promise.resolve({ kind: "running", instance: this.#instance });
    if (this.state === "stopped") return Promise.resolve({ kind: "stopped" });
    return Promise.resolve({ kind: "refused", error: failure("ERR_GATEWAY_DISAGREES") });
  }

  health(): Promise<{ live: boolean; ready: boolean; uptimeMs: number; failing: string[] }> {
    return Promise.resolve({ live: true, ready: true, uptimeMs: Date.now() - this.#startedAt, failing: [] });
  }

  reload(): Promise<{ durationMs: number; warningCount: number }> {
    this.calls.push("reload");
    if (this.reloadFails-- > 0) return Promise.reject(failure("ERR_GATEWAY_RPC"));
    this.#read();
    return Promise.resolve({ durationMs: 5, warningCount: 0 });
  }

  profiles(): Promise<{ profileId: string; expiresAtMs: number }[] | undefined> {
    if (!this.listsProfiles) return Promise.resolve(undefined);
    const { profiles } = JSON.parse(this.#snapshot) as { profiles: Record<string, { expires: number }> };
    return Promise.resolve(
      Object.entries(profiles).map(([profileId, { expires }]) => ({ profileId, expiresAtMs: expires })),
    );
  }

  planRestart(): ReturnType<Gateway["planRestart"]> {
    return Promise.resolve(
      this.restartPossible
        ? { kind: "possible", method: "signal", describes: "by a signal" }
        : { kind: "impossible", error: failure("ERR_RESTART_IMPOSSIBLE") },
    );
  }

  restart(...[, , { onProgress }]: Parameters<Gateway["restart"]>): ReturnType<Gateway["restart"]> {
    this.calls.push("restart");
    onProgress?.("stopping");
    if (this.restartFails-- > 0) return Promise.reject(failure("ERR_GATEWAY_UNHEALTHY"));
    this.#read();
    this.#startedAt = Date.now();
    onProgress?.("healthy");
    return Promise.resolve({ instance: this.#instance, durationMs: 7 });
  }

  #read(): void {
    if (this.writesBack-- > 0) writeFileSync(this.#storePath, this.#snapshot);
    else this.#snapshot = readFileSync(this.#storePath, "utf8");
  }
}

function failure(code: ErrorCode): CodexAuthError {
  return new CodexAuthError(code, { message: "The gateway was told to fail.", next: "Nothing." });
}
