// The demo as somebody new meets it: it plays itself, checks itself, is short, and leaves nothing behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));

async function start() {
  const home = await temporaryFolder();
  const child = spawn(process.execPath, [PROGRAM, "demo"], {
    cwd: home,
    env: { PATH: process.env["PATH"], HOME: home, TMPDIR: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close") as Promise<[number | null, string | null]>;
  return { home, child, ended };
}

/** Every process whose environment says that it belongs to `home`. */
function processesOf(home: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(join("/proc", pid, "environ"), "utf8").includes(home);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** What was killed takes a moment to go. */
const SOON = { timeout: 15_000 };

describe("the demo without a terminal", { timeout: 120_000 }, () => {
  it("plays the main job, a look at usage, two failures and a lease in at most 60 lines, and leaves neither process nor folder", async () => {
    const { home, child, ended } = await start();
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);

    expect(code, output + errors).toBe(0);
    const lines = output.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(output).toContain("✅ team is saved.");
    expect(output).toContain("✔ the gateway's next model call uses grace@example.com");
    expect(output).toMatch(
      /^ you │ \/codex_usage team\n bot │ team · grace@example.com \(pro\)\n {5}│ 5 h: ▓▓▓░{7} 32 % used, 68 % left; resets in/m,
    );
    expect(output).toContain("✔ the provider was asked once, with that login; nothing was renewed and nothing spent");
    expect(output).toContain("already used");
    expect(output).toContain("✔ rolled back: the store is as it was before; the login is not lost: it waits, parked");
    expect(output).toContain("✔ the gateway is down, and the answer says so");
    expect(output).toContain("✔ started again as the answer says, it uses what it used before: grace@example.com");
    expect(output).toMatch(/^ you │ \/lease reacquire$/m);
    expect(output).toMatch(
      /^ bot │ Lease of demo \/ openclaw\n {5}│ lease_[\w-]+: active, ends in \d+ min\n {5}│ Credential alpha/m,
    );
    expect(output).toContain("[ Release… ]");
    expect(output).toContain("✅ The leased login, as lease, is saved.");
    expect(output).toContain("✔ the next model call uses the leased alpha@example.invalid (before: grace@example.com)");
    expect(output).toContain("✅ The leased login was removed from lease.");
    expect(output).toContain(
      "✔ given back to the broker, gone from this machine; the gateway uses grace@example.com again",
    );
    expect(output.match(/✔/g)).toHaveLength(9);
    expect(output).not.toContain("✘");
    expect(shownSecrets(output, /[?&]state=/)).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
    expect(processesOf(home)).toEqual([]);
  });

  it.each([
    // In the middle of a sign-in, and of a lease that is being asked for.
    ["SIGINT", "Save as openai-codex:team?"],
    ["SIGTERM", "Save as openai-codex:team?"],
    ["SIGHUP", "Save as openai-codex:team?"],
    ["SIGINT", "/lease reacquire"],
  ] as const)("ends at once at %s behind `%s`, and leaves neither process nor folder", async (signal, moment) => {
    const { home, child, ended } = await start();
    child.stdout.setEncoding("utf8");
    let output = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: string) => {
        output += chunk;
        if (output.includes(moment)) resolve();
      });
    });
    expect(processesOf(home).length).toBeGreaterThan(1);
    child.kill(signal);
    expect((await ended)[0]).toBe(1);
    expect(readdirSync(home)).toEqual([]);
    await expect.poll(() => processesOf(home), SOON).toEqual([]);
    expect(existsSync(join(home, ".openclaw"))).toBe(false);
  });

  it("leaves neither process nor folder when it is killed without a chance to clean up", async () => {
    const { home, child, ended } = await start();
    await once(child.stdout, "data");
    expect(processesOf(home).length).toBeGreaterThan(1);
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
    await expect.poll(() => processesOf(home), SOON).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  });
});
