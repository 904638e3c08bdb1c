// The command line as its user meets it: words, exit codes, one JSON document, and nothing created where there is no OpenClaw.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../../src/version.ts";
import { startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { emptyHome, openClawHome } from "./cli-lab.ts";

const CALLBACK = "http://localhost:1455/auth/callback?code=not-a-real-code&state=not-a-real-state";

describe("a wrong call", () => {
  it.each([
    [["lst"], "ERR_UNKNOWN_COMMAND", "Did you mean `list`?"],
    [["status", "--jsn"], "ERR_USAGE", "Did you mean `--json`?"],
    [["take"], "ERR_USAGE", "codex-auth-skill --help"],
    [["status", "work", "more"], "ERR_UNKNOWN_COMMAND", "codex-auth-skill --help"],
  ])("%j is answered with its next step and exit code 2", async (args, code, next) => {
    const { call } = await emptyHome();
    const plain = await call(args);
    expect([plain.code, plain.stdout]).toEqual([2, ""]);
    expect(plain.stderr).toContain(next);
    const json = await call([...args, "--json"]);
    expect(json.code).toBe(2);
    expect(json.json()).toMatchObject({ schemaVersion: 1, ok: false, error: { code } });
    expect(json.stderr).toBe("");
  });

  it("does not repeat what was typed", async () => {
    const { call } = await emptyHome();
    const { stderr, stdout } = await call(["surprising-word", "--json"]);
    expect(stderr + stdout).not.toContain("surprising-word");
  });
});

describe("--help and --version", () => {
  it("say what there is, with exit code 0", async () => {
    const { call } = await emptyHome();
    const help = await call(["--help"]);
    expect(help.code).toBe(0);
    for (const name of [
      "list",
      "start",
      "finish",
      "status",
      "parked",
      "cancel",
      "apply",
      "resume",
      "doctor",
      "setup",
      "bot",
      "chat",
      "demo",
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
    expect(await call(["--version"])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
    expect((await call(["finish", "--help"])).stdout).toContain("standard input");
  });
});

describe("a machine without OpenClaw", () => {
  it.each([[[]], [["list"]], [["start", "work"]], [["status"]], [["doctor"]], [["apply"]], [["bot"]]])(
    "is said so for %j, and nothing is created",
    async (args) => {
      const { call, home } = await emptyHome();
      const { code, stderr } = await call(args);
      expect(code).toBe(1);
      expect(stderr).toContain("no OpenClaw on this machine");
      expect(stderr).toContain("codex-auth-skill demo");
      expect(readdirSync(home)).toEqual([]);
    },
  );

  it("behaves the same where HOME cannot be written", async () => {
    const { call, home } = await emptyHome();
    const file = join(home, "a-file");
    writeFileSync(file, "");
    const { code, stderr } = await call(["list"], { env: { HOME: join(file, "home") } });
    expect(code).toBe(1);
    expect(stderr).toContain("no OpenClaw on this machine");
  });
});

describe("a callback address on the command line", () => {
  it.each([
    [["finish", "work", CALLBACK]],
    [["finish", "--callback-url", CALLBACK]],
    [["finish", `--callback-url=${CALLBACK}`]],
  ])("is refused in any place and not repeated: %#", async (args) => {
    const { call } = await openClawHome();
    const { code, stdout, stderr } = await call([...args, "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "ERR_CALLBACK_ON_ARGV" } });
    expect(stdout + stderr).not.toMatch(/not-a-real|1455/);
  });
});

describe("settings", () => {
  it("that are wrong are named with their full path", async () => {
    const { call, world } = await openClawHome();
    writeFileSync(world.paths.config, JSON.stringify({ telegram: { allowFrom: ["@somebody"] } }));
    const { code, stderr } = await call(["list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("telegram.allowFrom.0");
    writeFileSync(world.paths.config, JSON.stringify({ telegram: { bottoken: "x" } }));
    expect((await call(["list"])).stderr).toContain("telegram.bottoken");
    writeFileSync(world.paths.config, "{");
    expect((await call(["list", "--json"])).json()).toMatchObject({ error: { code: "ERR_FILE_NOT_JSON" } });
  });
});

describe("list, status and parked", () => {
  it("show the profiles in words and as one document, and change nothing", async () => {
    const { call, world } = await openClawHome();
    const before = readFileSync(world.storePath, "utf8");
    const words = await call(["list"]);
    expect(words.code).toBe(0);
    expect(words.stdout).toMatch(/alice.*[\s\S]*bob/);
    expect(words.stdout).toContain("codex-auth-skill");
    expect(words.stdout).not.toContain("/codex_auth");
    const { profiles } = (await call(["list", "--json"])).json() as unknown as {
      profiles: { id: string; email: string; position: number }[];
    };
    expect(profiles).toMatchObject([
      { id: "openai-codex:alice", email: "alice@example.com", position: 0 },
      { id: "openai-codex:bob", position: 1 },
    ]);
    expect((await call(["status", "--json"])).json()).toMatchObject({ ok: true, jobs: [], parked: [], receipts: [] });
    expect((await call(["parked", "--json"])).json()).toMatchObject({ ok: true, parked: [] });
    expect(readFileSync(world.storePath, "utf8")).toBe(before);
  });

  it("name the agent that does not exist", async () => {
    const { call } = await openClawHome();
    expect(await call(["list", "--agent", "nobody"])).toMatchObject({ code: 2 });
  });
});

describe("a script without a terminal", () => {
  it("gets no link from start, but is told where a person goes on", async () => {
    const { call, world } = await openClawHome();
    const started = await call(["start", "work", "--json"]);
    expect(started.code).toBe(0);
    expect(started.json()).toMatchObject({
      ok: true,
      profileId: "openai-codex:work",
      exists: false,
      finishWith: "/codex_auth work",
    });
    expect(started.stdout).not.toContain("http");
    expect(existsSync(world.paths.pending)).toBe(false);
    expect((await call(["start", "anthropic:work", "--json"])).json()).toMatchObject({
      error: { code: "ERR_PROVIDER_OUT_OF_SCOPE" },
    });
    expect((await call(["start", "--json"])).json()).toMatchObject({ error: { code: "ERR_USAGE" } });
  });

  it("is told that standard input was empty, and that no sign-in waits", async () => {
    const { call } = await openClawHome();
    expect((await call(["finish", "--json"])).json()).toMatchObject({ error: { code: "ERR_USAGE" } });
    const other = await call(["finish", "--json"], { stdin: CALLBACK });
    expect(other.json()).toMatchObject({ ok: false, error: { code: expect.stringMatching(/^ERR_LOGIN_/) } });
    expect(other.stdout + other.stderr).not.toContain("not-a-real");
  });

  it("cannot open a chat or the set-up", async () => {
    const { call } = await openClawHome();
    expect((await call(["chat", "--json"])).json()).toMatchObject({ error: { code: "ERR_USAGE" } });
    expect((await call(["setup", "--json"])).json()).toMatchObject({ error: { code: "ERR_USAGE" } });
  });

  it("has a received login kept until a person allows it, and never saved by itself", async () => {
    const { call, world } = await openClawHome();
    const issuer = await startSandboxIssuer();
    const env = {
      CODEX_AUTH_ISSUER: issuer.origin,
      CODEX_AUTH_ALLOW_FROM: "4242",
      CODEX_AUTH_BOT_TOKEN: `123456:${"x".repeat(30)}`,
    };
    try {
      const { PendingLogins } = await import("../../../src/oauth/pending.ts");
      const { randomBytes } = await import("node:crypto");
      const pending = new PendingLogins({
        folder: world.paths.pending,
        issuer: { origin: issuer.origin, isSandbox: true },
        now: Date.now,
        randomBytes,
      });
      const uid = String(process.getuid?.());
      const login = await pending.start({
        person: `cli:${uid}`,
        chat: "cli:cli",
        host: "cli",
        agentId: "main",
        profileId: "openai-codex:work",
        forceSignIn: true,
      });
      const before = readFileSync(world.storePath, "utf8");

      const finished = await call(["finish", "work", "--json"], {
        stdin: issuer.approve(login.authorizeUrl, "grace@example.com"),
        env,
      });

      expect(finished.code, finished.stdout + finished.stderr).toBe(0);
      expect(readFileSync(world.storePath, "utf8")).toBe(before);
      const [parked] = await world.parked.list();
      expect(parked).toMatchObject({ profileId: "openai-codex:work", email: "grace@example.com" });
      expect(await world.queue.list()).toEqual([]);
      const taken = await call(["take", parked?.id ?? "", "--json"], { env });
      expect(await world.queue.list(), taken.stdout).toEqual([]);
      expect(await world.outbox.list("telegram")).toMatchObject([
        { content: { kind: "approval", parkedId: parked?.id } },
      ]);
      expect(readFileSync(world.storePath, "utf8")).toBe(before);
    } finally {
      await issuer.close();
    }
  });
});

describe("discard", () => {
  it("throws a parked login away with --sure", async () => {
    const { call, world } = await openClawHome();
    const { receivedTokens, REQUESTED_BY } = await import("../../support/apply-world.ts");
    const entry = await world.parked.put(
      {
        agentId: "main",
        profileId: "openai-codex:work",
        reason: "first-login",
        expiresAtMs: Date.now() + 60_000,
        requestedBy: REQUESTED_BY,
      },
      receivedTokens("carol"),
    );
    const refused = await call(["discard", entry.id, "--sure", "--json"]);
    // A script may not throw a login away unless the settings file allows it.
    expect(refused.json()).toMatchObject({ ok: false, error: { code: "ERR_CONFIRMATION_NEEDED" } });
    const named = join(world.paths.root, "other.json");
    writeFileSync(named, JSON.stringify({ allowUnattended: true }));
    expect((await call(["discard", entry.id, "--sure", "--json"], { env: { CODEX_AUTH_CONFIG: named } })).code).toBe(1);
    expect(await world.parked.list()).toHaveLength(1);
    writeFileSync(world.paths.config, JSON.stringify({ allowUnattended: true }));
    expect((await call(["discard", entry.id, "--sure", "--json"])).code).toBe(0);
    expect(await world.parked.list()).toEqual([]);
  });
});

describe("apply", () => {
  it("ends what is queued in the foreground, step by step, and says how it ended", async () => {
    const { call, world } = await openClawHome();
    const { receivedTokens } = await import("../../support/apply-world.ts");
    await world.enqueue(receivedTokens("carol"));
    const env = { CODEX_AUTH_ALLOW_FROM: "4242" };
    const applied = await call(["apply", "--json", "--queue-apply"], { env });
    expect(applied.code).toBe(0);
    expect(applied.json()).toMatchObject({
      ok: true,
      receipts: [{ outcome: "done", profileId: "openai-codex:carol" }],
    });
    expect(applied.stderr).toContain("openai-codex:carol");
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expect(await call(["apply"])).toMatchObject({ code: 0, stdout: "Nothing was queued.\n" });
  });
});

describe("doctor", () => {
  it("explains what it found, with a next step for each thing that is not right", async () => {
    const { call, world } = await openClawHome();
    const { findings } = (await call(["doctor", "--json"])).json() as unknown as {
      findings: { what: string; state: string; next?: string }[];
    };
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["generation", "store", "permissions", "lock", "gateway", "queue", "bot"]),
    );
    for (const { state, next, what } of findings) if (state !== "ok") expect(next, what).toBeTruthy();
    writeFileSync(world.storePath, "{ damaged");
    const damaged = await call(["doctor"]);
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toMatch(/✗ store: .*\n {4}→ /);
    expect(readFileSync(world.storePath, "utf8")).toBe("{ damaged");
  });
});
