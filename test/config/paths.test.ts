import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, ownPaths } from "../../src/config/paths.ts";

const paths = (variables: NodeJS.ProcessEnv, existing: readonly string[] = []): ReturnType<typeof openClawPaths> =>
  openClawPaths(readEnvironment({ HOME: "/home/ada", ...variables }), (path) => existing.includes(path));

describe("where OpenClaw keeps its things", () => {
  it("is ~/.openclaw where nothing is set", () => {
    expect(paths({})).toMatchObject({
      stateDir: "/home/ada/.openclaw",
      configPath: "/home/ada/.openclaw/openclaw.json",
      mainAgentDir: "/home/ada/.openclaw/agents/main/agent",
      oauthDir: "/home/ada/.openclaw/credentials",
    });
  });

  it("is the older ~/.clawdbot where only that exists", () => {
    const existing = ["/home/ada/.clawdbot", "/home/ada/.clawdbot/clawdbot.json"];
    expect(paths({}, existing)).toMatchObject({
      stateDir: "/home/ada/.clawdbot",
      configPath: "/home/ada/.clawdbot/clawdbot.json",
    });
    expect(paths({}, [...existing, "/home/ada/.openclaw"]).stateDir).toBe("/home/ada/.openclaw");
  });

  it("follows OPENCLAW_HOME and OPENCLAW_STATE_DIR, with ~ and without", () => {
    expect(paths({ OPENCLAW_HOME: "~/other" }).stateDir).toBe("/home/ada/other/.openclaw");
    expect(paths({ OPENCLAW_HOME: "/srv", OPENCLAW_STATE_DIR: "~/state" })).toMatchObject({
      stateDir: "/srv/state",
      mainAgentDir: "/srv/state/agents/main/agent",
      oauthDir: "/srv/state/credentials",
      configPath: "/srv/state/openclaw.json",
    });
  });

  it("follows the variables for single places, OPENCLAW_AGENT_DIR before PI_CODING_AGENT_DIR", () => {
    expect(paths({ PI_CODING_AGENT_DIR: "/pi" }).mainAgentDir).toBe("/pi");
    expect(paths({ PI_CODING_AGENT_DIR: "/pi", OPENCLAW_AGENT_DIR: "/agent" }).mainAgentDir).toBe("/agent");
    expect(paths({ OPENCLAW_CONFIG_PATH: "/etc/oc.json", OPENCLAW_OAUTH_DIR: "/oauth" })).toMatchObject({
      configPath: "/etc/oc.json",
      oauthDir: "/oauth",
      stateDir: "/home/ada/.openclaw",
    });
  });

  it("takes an empty variable as not set", () => {
    expect(paths({ OPENCLAW_STATE_DIR: "  ", OPENCLAW_AGENT_DIR: "" }).mainAgentDir).toBe(
      "/home/ada/.openclaw/agents/main/agent",
    );
  });
});

describe("where we keep ours", () => {
  it("is all below codex-auth in OpenClaw's state folder", () => {
    const places = Object.values(ownPaths("/state"));
    expect(places.every((path) => path === "/state/codex-auth" || path.startsWith("/state/codex-auth/"))).toBe(true);
    expect(new Set(places).size).toBe(places.length);
  });
});
