// The plugin as it is published: taken by each generation's installer, loaded by its gateway, replaced by a newer one, and gone without a trace in the logins.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { buildPlugin, makePluginLab, OWNER, PLUGIN_ID, type BuiltPlugin, type PluginLab } from "./lab/plugin.ts";

let out: string;
let older: BuiltPlugin;
let newer: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  older = await buildPlugin(join(out, "older"), "0.0.1");
  newer = await buildPlugin(join(out, "newer"), "0.0.2");
  // As if a file had been dropped between the two.
  await writeFile(join(older.folder, "dist", "dropped.js"), "export {};\n");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

// Each test calls the command line, which may take minutes on a busy machine, and most of them start a gateway after it.
describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("OpenClaw %s", { timeout: 1_200_000 }, (version) => {
  let installed: InstallResult;
  let lab: PluginLab;
  let loginsBefore: string;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await makePluginLab(installed.openclaw);
    loginsBefore = await lab.storedLogins();
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test("takes the plugin's folder without a flag against its scanner, and the gateway loads it", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    await lab.install(older.folder);
    expect(await versionInstalled(lab)).toBe("0.0.1");
    await answersItsCommand(lab);
  });

  test("an upgrade from the tarball leaves nothing of the earlier version", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    expect(existsSync(installedFile(lab, "dist/dropped.js"))).toBe(true);
    await lab.install(newer.tarball, true);
    expect(await versionInstalled(lab)).toBe("0.0.2");
    expect(existsSync(installedFile(lab, "dist/dropped.js"))).toBe(false);
    await answersItsCommand(lab);
  });

  test("uninstalling it leaves the stored logins byte for byte, and nothing of it in force", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    await lab.uninstall();
    expect(existsSync(installedFile(lab, ""))).toBe(false);
    const { plugins = {} } = JSON.parse(await readFile(lab.home.configPath, "utf8")) as {
      plugins?: { entries?: Record<string, { enabled?: boolean }>; installs?: Record<string, unknown> };
    };
    // 2026.9.6 keeps that it is off.
    expect([undefined, false]).toContain(plugins.entries?.[PLUGIN_ID]?.enabled);
    expect(Object.keys(plugins.installs ?? {})).not.toContain(PLUGIN_ID);
    expect(await lab.storedLogins()).toBe(loginsBefore);
  });
});

/** Starts the gateway, has its owner send the command, and ends it again. */
async function answersItsCommand(lab: PluginLab): Promise<void> {
  const gateway = await lab.start();
  try {
    const sent = lab.telegram.person(OWNER).sends("/codex_auth");
    const answer = await lab.telegram.waitFor(
      () => lab.telegram.visible(OWNER).find(({ from, messageId }) => from === "bot" && messageId > sent),
      () => "an answer to /codex_auth",
      PATIENCE_MS,
    );
    expect(answer.text).not.toMatch(/command not found|command failed|not authorized/i);
    // A command of a plugin that is not there would have gone to the model.
    expect(lab.backend.calls).toEqual([]);
    // Its own import of OpenClaw's modules has worked.
    expect(await gateway.log()).not.toMatch(/codex-auth.*(?:ERR_GENERATION_UNKNOWN|ERR_MODULE_NOT_FOUND)/);
  } finally {
    await gateway.stop();
  }
}

function installedFile(lab: PluginLab, name: string): string {
  return join(lab.home.stateDir, "extensions", PLUGIN_ID, name);
}

async function versionInstalled(lab: PluginLab): Promise<string> {
  return (JSON.parse(await readFile(installedFile(lab, "package.json"), "utf8")) as { version: string }).version;
}
