// The way a change is made known to the gateway: a table of what was asked, what runs, and what a restart would be.

import { describe, expect, it } from "vitest";
import { chooseActivation, chooseAfterFailedReload } from "../../src/apply/activation.ts";
import { CodexAuthError } from "../../src/errors.ts";
import type { GatewayLocation, RestartPlan } from "../../src/gateway/gateway.ts";

const instance = { pid: 1, startTime: 1, port: 1, stateDir: "/s", configPath: "/c" };
const running: GatewayLocation = { kind: "running", instance };
const stopped: GatewayLocation = { kind: "stopped" };
const disagrees = new CodexAuthError("ERR_GATEWAY_DISAGREES", { message: "Two signs disagree.", next: "Look." });
const refused: GatewayLocation = { kind: "refused", error: disagrees };
const possible: RestartPlan = { kind: "possible", method: "signal", describes: "by a signal" };
const inContainer = new CodexAuthError("ERR_RESTART_IMPOSSIBLE", { message: "It is PID 1.", next: "Do it yourself." });
const impossible: RestartPlan = { kind: "impossible", error: inContainer };

const chosen = (mode: string) => ({ kind: "chosen", mode });

const choose = (asked: "auto" | "reload" | "restart" | "none", gateway: GatewayLocation, restart?: RestartPlan) =>
  chooseActivation({ asked, gateway, restart, isInside: false });

describe("chooseActivation", () => {
  it("reloads a running gateway where nobody wants a restart, also where one were possible", () => {
    for (const asked of ["auto", "reload"] as const) expect(choose(asked, running, possible)).toEqual(chosen("reload"));
  });

  it("restarts it where that was asked for and is possible, and else gives the reason", () => {
    expect(choose("restart", running, possible)).toEqual(chosen("restart"));
    expect(choose("restart", running, impossible)).toEqual({ kind: "impossible", error: inContainer });
  });

  it("does nothing where nothing was asked for, whatever the gateway is, and where none runs", () => {
    for (const gateway of [running, stopped, refused]) expect(choose("none", gateway)).toEqual(chosen("none"));
    for (const asked of ["auto", "reload", "restart"] as const) expect(choose(asked, stopped)).toEqual(chosen("none"));
  });

  it("refuses what needs a gateway whose signs disagree, also inside", () => {
    for (const asked of ["auto", "reload", "restart"] as const) {
      expect(choose(asked, refused, possible)).toEqual({ kind: "impossible", error: disagrees });
    }
    const inside = chooseActivation({ asked: "auto", gateway: refused, restart: undefined, isInside: true });
    expect(inside).toEqual({ kind: "impossible", error: disagrees });
    expect(chooseActivation({ asked: "auto", gateway: stopped, restart: undefined, isInside: true })).toEqual(
      chosen("none"),
    );
  });
});

describe("chooseAfterFailedReload", () => {
  const failure = new CodexAuthError("ERR_GATEWAY_RPC", { message: "It did not answer.", next: "Look." });

  it("restarts under `auto` where a restart is possible", () => {
    expect(chooseAfterFailedReload({ asked: "auto", restart: possible }, failure)).toEqual(chosen("restart"));
  });

  it("gives the failure of the reload, not that of the restart, where none is possible", () => {
    for (const restart of [impossible, undefined]) {
      expect(chooseAfterFailedReload({ asked: "auto", restart }, failure)).toEqual({
        kind: "impossible",
        error: failure,
      });
    }
  });

  it.each(["reload", "restart", "none"] as const)(
    "never restarts under `%s`: nobody allowed it after a reload",
    (asked) => {
      expect(chooseAfterFailedReload({ asked, restart: possible }, failure)).toEqual({
        kind: "impossible",
        error: failure,
      });
    },
  );
});
