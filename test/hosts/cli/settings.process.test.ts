// Settings that are missing, broken or open to others, as each command meets them.

import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { openClawHome, type CliHome } from "./cli-lab.ts";

interface Finding {
  readonly what: string;
  readonly state: string;
  readonly text: string;
  readonly next?: string;
}

const token = `123456:${"x".repeat(30)}`;

async function findingsOf(call: CliHome["call"], env?: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const { stdout } = await call(["doctor", "--json"], env === undefined ? {} : { env });
  return (JSON.parse(stdout) as { findings: readonly Finding[] }).findings;
}

function writeWith(path: string, text: string, mode: number): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
}

describe("a token file that is missing", () => {
  it("stops the bot, and neither list nor doctor, which says so", async () => {
    const { call, world } = await openClawHome();
    writeFileSync(world.paths.config, JSON.stringify({ telegram: { botTokenFile: "none", allowFrom: [7] } }));
    expect((await call(["list"])).code).toBe(0);
    expect((await call(["apply"])).stdout).toBe("Nothing was queued.\n");
    const bot = (await findingsOf(call)).find(({ what }) => what === "bot");
    expect(bot).toMatchObject({ state: "fail", text: expect.stringContaining("botTokenFile") });
    const started = await call(["bot", "--json"]);
    expect(started.json()).toMatchObject({ error: { code: "ERR_CONFIG_INVALID" } });
  });

  it("still means that a bot is set up: who approves is known without its token", async () => {
    const { call, world } = await openClawHome();
    writeFileSync(world.paths.config, JSON.stringify({ telegram: { botTokenFile: "none", allowFrom: [7] } }));
    const started = await call(["start", "work", "--json"]);
    expect(started.stdout).not.toContain("terminal of their own");
    expect(started.json()).toMatchObject({ ok: true });
  });
});

describe("doctor", () => {
  it("warns of a settings file or token file that others can read, with the command that mends it", async () => {
    const { call, world } = await openClawHome();
    writeWith(world.paths.config, JSON.stringify({ telegram: { botToken: token } }), 0o644);
    expect(await findingsOf(call)).toContainEqual({
      what: "settings",
      state: "warn",
      text: expect.stringContaining(world.paths.config),
      next: `chmod 600 ${world.paths.config}`,
    });
    const tokenFile = join(world.paths.root, "bot-token");
    writeWith(tokenFile, token, 0o640);
    writeWith(world.paths.config, JSON.stringify({ telegram: { botTokenFile: "bot-token" } }), 0o644);
    const findings = await findingsOf(call);
    expect(findings.filter(({ what }) => what === "settings")).toEqual([
      { what: "settings", state: "warn", text: expect.stringContaining(tokenFile), next: `chmod 600 ${tokenFile}` },
    ]);
    chmodSync(tokenFile, 0o600);
    expect(await findingsOf(call)).toContainEqual(expect.objectContaining({ what: "settings", state: "ok" }));
  });

  it("fails for one that others can write, which no other command takes", async () => {
    const { call, world } = await openClawHome();
    const text = JSON.stringify({ telegram: { allowFrom: [7] } });
    writeWith(world.paths.config, text, 0o666);
    expect((await findingsOf(call)).filter(({ state }) => state === "fail")).toEqual([
      {
        what: "settings",
        state: "fail",
        text: expect.stringContaining("can be written by other users"),
        next: expect.stringContaining(`chmod 600 ${world.paths.config}`),
      },
    ]);
    const calls = ["list", "apply", "bot"].map((command) => call([command, "--json"]));
    for (const ended of await Promise.all(calls))
      expect(ended.json()).toMatchObject({ error: { code: "ERR_CONFIG_INVALID" } });
    const tokenFile = join(world.paths.root, "bot-token");
    writeWith(tokenFile, token, 0o622);
    writeWith(world.paths.config, JSON.stringify({ telegram: { botTokenFile: "bot-token" } }), 0o600);
    expect(await findingsOf(call)).toContainEqual(
      expect.objectContaining({
        what: "settings",
        state: "fail",
        next: expect.stringContaining(`chmod 600 ${tokenFile}`),
      }),
    );
  });

  it.each<[string, string, NodeJS.ProcessEnv, string]>([
    ["a file that is no JSON", "{", {}, "not valid JSON"],
    ["a setting that is not known", JSON.stringify({ activation: "auto", surprise: 1 }), {}, "surprise"],
    ["a variable that is wrong", "{}", { CODEX_AUTH_ACTIVATION: "sideways" }, "activation"],
    ["an issuer that is forbidden", JSON.stringify({ issuer: "https://issuer.example" }), {}, "issuer"],
    ["a file that is named and not there", "{}", { CODEX_AUTH_CONFIG: "/nonexistent/settings.json" }, "/nonexistent"],
  ])("checks everything else where the settings are broken: %s", async (_what, text, env, words) => {
    const { call, world } = await openClawHome();
    writeFileSync(world.paths.config, text);
    const [first, ...rest] = await findingsOf(call, env);
    expect(first).toMatchObject({ what: "settings", state: "fail", next: expect.stringMatching(/\w/) });
    expect(first?.text).toContain(words);
    expect(rest.filter(({ state }) => state === "fail")).toEqual([]);
    expect(rest.map(({ what }) => what)).toEqual(["generation", "store", "permissions", "lock", "gateway", "queue"]);
    expect(rest.find(({ what }) => what === "store")?.text).toContain("2 Codex profiles");
    expect((await call(["doctor"], { env })).code).toBe(1);
    expect(readFileSync(world.paths.config, "utf8")).toBe(text);
  });

  it("prints no control character of a file of others, and no line that is not its own", async () => {
    const { call, home } = await openClawHome();
    const version = "2026.4.5\u001B[2J\u202E\n✓ gateway: forged";
    writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify({ meta: { lastTouchedVersion: version } }));
    const { stdout } = await call(["doctor"]);
    expect(stdout).toContain("forged");
    expect(stdout).not.toMatch(/^✓ gateway: forged/m);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202E/u);
  });
});

describe("a settings file that CODEX_AUTH_CONFIG names and that is not there", () => {
  it("is an error that names it, for every command", async () => {
    const { call } = await openClawHome();
    const env = { CODEX_AUTH_CONFIG: "/nonexistent/settings.json" };
    const calls = ["list", "status", "apply", "bot"].map((command) => call([command, "--json"], { env }));
    for (const { stdout } of await Promise.all(calls)) {
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: "ERR_CONFIG_INVALID", message: expect.stringContaining("/nonexistent/settings.json") },
      });
    }
  });
});

describe("the bot at its start", () => {
  it("warns of a token that others can read, and runs", async () => {
    const { start, world } = await openClawHome();
    const telegram = await FakeTelegram.start();
    onTestFinished(() => telegram.close());
    const settings = { telegram: { botToken: telegram.token, apiRoot: telegram.url, allowFrom: [7] } };
    writeWith(world.paths.config, JSON.stringify(settings), 0o644);
    const child = start(["bot"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = once(child, "close");
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output, { timeout: 15_000 }).toContain("listens");
    expect(output).toContain(`chmod 600 ${world.paths.config}`);
    expect(output).not.toContain(telegram.token);
    child.kill("SIGTERM");
    await ended;
  });
});
