// What `doctor` and the set-up say of OpenClaw and its running gateway; nothing here changes either.

import { pluginAtWork } from "../../apply/presence.ts";
import { toCodexAuthError } from "../../errors.ts";
import { readSurroundings } from "../../gateway/cgroup.ts";
import { detectGenerationWith } from "../../gateway/generation.ts";
import type { GatewayInstance } from "../../gateway/gateway.ts";
import { processTable } from "../../gateway/process-table.ts";
import { WITHOUT_PLUGIN } from "../../profiles/published-store.ts";
import type { Parts } from "../services.ts";
import type { Finding } from "./finding.ts";

/** How this OpenClaw keeps its logins. */
export async function generationFindings({ gateway: port, openClaw, own, now }: Parts): Promise<readonly Finding[]> {
  const found = await detectGenerationWith(port, openClaw);
  const { runningVersion, lastTouchedVersion } = found.signs;
  const version = runningVersion ?? lastTouchedVersion ?? "version not named";
  const what = "generation";
  switch (found.generation) {
    case "json-single":
      return [{ what, state: "ok", text: `JSON store in one file (${version})` }];
    case "json-split":
      return [{ what, state: "ok", text: `JSON store with auth-state.json (${version})` }];
    case "sqlite":
      if ((await pluginAtWork(own, now)) !== undefined)
        return [{ what, state: "ok", text: `SQLite store (${version}), which our plugin in the gateway writes` }];
      return [
        {
          what,
          state: "fail",
          text: `SQLite store (${version}), which nobody outside may write, and our plugin is not at work`,
          next: WITHOUT_PLUGIN,
        },
      ];
    case "unknown":
      return [
        {
          what,
          state: "fail",
          text: "it cannot be told how this OpenClaw keeps its logins",
          next: "Start OpenClaw once, or sign in once with `openclaw models auth login`, then look again.",
        },
      ];
  }
}

/** Whether the gateway runs, answers, lets us in, and could be restarted. */
export async function gatewayFindings(parts: Parts): Promise<readonly Finding[]> {
  const location = await parts.gateway.locate();
  if (location.kind === "refused") {
    const { message, next } = location.error;
    return [{ what: "gateway", state: "fail", text: message, next }];
  }
  if (location.kind === "stopped") {
    return [
      {
        what: "gateway",
        state: "warn",
        text: "not running; it reads a changed store when it starts",
        next: "Start it: `openclaw gateway run`.",
      },
    ];
  }
  const { instance } = location;
  const health = await parts.gateway.health(instance);
  return [
    {
      what: "gateway",
      state: health.ready ? "ok" : "warn",
      text: `pid ${instance.pid}, port ${instance.port}, ${health.ready ? "ready" : `not ready${health.failing.length > 0 ? ` (${health.failing.join(", ")})` : ""}`}`,
      ...(health.ready ? {} : { next: "Wait until it has started; its own log says what is missing." }),
    },
    await reload(parts, instance),
    await restart(parts, instance),
    await surroundings(instance),
  ];
}

/** Asks for the version only: a reload would be a change. */
async function reload({ gateway: port }: Parts, instance: GatewayInstance): Promise<Finding> {
  try {
    const { version, protocol } = await port.identify(instance);
    return {
      what: "reload",
      state: "ok",
      text: `it lets us in (version ${version ?? "not named"}, protocol ${protocol ?? "?"})`,
    };
  } catch (error) {
    const { message, next } = toCodexAuthError(error);
    return { what: "reload", state: "warn", text: message, next };
  }
}

async function restart({ gateway: port, generation: current }: Parts, instance: GatewayInstance): Promise<Finding> {
  if ((await current()) === "sqlite")
    return { what: "restart", state: "ok", text: "not needed: the plugin's changes are in force at once" };
  const plan = await port.planRestart(instance);
  if (plan.kind === "possible") return { what: "restart", state: "ok", text: plan.describes };
  return { what: "restart", state: "warn", text: plan.error.message, next: plan.error.next };
}

async function surroundings({ pid }: GatewayInstance): Promise<Finding> {
  const where = await readSurroundings(pid, processTable());
  if (where === "outside")
    return { what: "surroundings", state: "ok", text: "this process lives outside the gateway's service" };
  return {
    what: "surroundings",
    state: "warn",
    text: `this process lives inside the gateway's ${where === "same-service" ? "service" : "container"}: a restart would end it`,
    next: "Changes are reloaded, not restarted; for a restart run this from a shell of your own.",
  };
}
