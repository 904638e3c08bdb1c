// The command as a process: however Node loads it, it answers, and its own errors are its own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { openClawHome } from "./cli-lab.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAM = join(ROOT, "bin", "codex-auth-skill.js");

describe("the command", () => {
  it.each([
    ["as it is called", []],
    ["where require() of an ES module is switched off", ["--no-experimental-require-module"]],
  ])("answers %s, and says nothing else", async (_how, options) => {
    const { stdout, stderr } = await run(process.execPath, [...options, PROGRAM, "--help"]);
    expect(stdout).toMatch(/^Usage: codex-auth-skill /);
    expect(stderr).toBe("");
  });

  it("answers through the link that npm makes of it", async () => {
    const link = join(await temporaryFolder(), "codex-auth-skill");
    await symlink(PROGRAM, link);
    const { stdout } = await run(process.execPath, [link, "--version"], { cwd: await temporaryFolder() });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("says how it is built where it is not", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "bin"));
    await cp(join(ROOT, "bin"), join(folder, "bin"), { recursive: true });
    await expect(run(process.execPath, [join(folder, "bin", "codex-auth-skill.js"), "--help"])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("npm run build") as string,
    });
  });

  it("leaves it to the command line to say what is wrong with the folder in which it is called", async () => {
    const folder = await temporaryFolder();
    const call = 'rmdir "$PWD" && exec "$0" "$1" status';
    const env = { HOME: folder, PATH: process.env["PATH"], OPENCLAW_STATE_DIR: "relative" };
    await mkdir(join(folder, "gone"));
    await expect(
      run("/bin/sh", ["-c", call, process.execPath, PROGRAM], { cwd: join(folder, "gone"), env }),
    ).rejects.toMatchObject({ code: 1, stderr: expect.not.stringContaining("install it again") as string });
  });

  it("says how it is mended where a part of it is missing", async () => {
    const folder = await temporaryFolder();
    await cp(join(ROOT, "bin"), join(folder, "bin"), { recursive: true });
    await mkdir(join(folder, "dist"));
    await cp(join(ROOT, "dist", "cli.cjs"), join(folder, "dist", "cli.cjs"));
    const program = join(folder, "bin", "codex-auth-skill.js");
    expect((await run(process.execPath, [program, "--help"])).stdout).toMatch(/^Usage: codex-auth-skill /);
    await expect(run(process.execPath, [program, "list"])).rejects.toMatchObject({
      code: 1,
      stderr: "codex-auth-skill could not be started (ERR_MODULE_NOT_FOUND): install it again.\n",
    });
  });

  it.each([["--help"], ["--version"], ["status"], ["list"], ["list", "--json"]])(
    "ends well where nobody reads its answer any more: %s",
    async (...words) => {
      const { home } = await openClawHome();
      const child = spawn(process.execPath, [PROGRAM, ...words], {
        env: { HOME: home },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout.destroy();
      const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
      expect([said, code]).toEqual(["", 0]);
    },
  );

  it.skipIf(!existsSync("/dev/full"))("ends as a failure where its answer is lost", async () => {
    const { home } = await openClawHome();
    for (const word of ["--help", "status", "list"]) {
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, [PROGRAM, word], { env: { HOME: home }, stdio: ["ignore", full, "pipe"] });
      closeSync(full);
      const [said, [code]] = await Promise.all([text(child.stderr ?? process.stdin), once(child, "exit")]);
      expect([said, code]).toEqual(["", 1]);
    }
  });
});
