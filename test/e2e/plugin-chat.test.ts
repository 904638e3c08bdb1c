// The plugin in a real gateway's own Telegram bot: the list, a press, a change that is in force at once, and a command after a model turn.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VisibleMessage } from "../support/fake-telegram/chat-book.ts";
import { PATIENCE_MS, type LabGateway } from "./lab/gateway.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { labels } from "./lab/phone.ts";
import { buildPlugin, GUEST, makePluginLab, OWNER, type BuiltPlugin, type PluginLab } from "./lab/plugin.ts";

let out: string;
let plugin: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  plugin = await buildPlugin(out, "0.0.1");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

describe.each(["2026.4.5", "2026.5.28", "2026.9.6"] as const)("OpenClaw %s", { timeout: 900_000 }, (version) => {
  let installed: InstallResult;
  let lab: PluginLab;
  let gateway: LabGateway;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await makePluginLab(installed.openclaw);
    await lab.install(plugin.folder);
    gateway = await lab.start();
  });

  afterAll(async () => {
    await lab?.stop();
  });

  /** What the bot shows from the message `from` on that matches. */
  const shown = (pattern: RegExp, from: number, person = OWNER): Promise<VisibleMessage> =>
    lab.telegram.waitFor(
      () =>
        lab.telegram
          .visible(person)
          .findLast((one) => one.from === "bot" && one.messageId >= from && pattern.test(one.text)),
      () => `${String(pattern)}; it shows ${lab.telegram.visible(person).at(-1)?.text ?? "nothing"}`,
      PATIENCE_MS,
    );
  const asks = (text: string, pattern: RegExp, person = OWNER): Promise<VisibleMessage> =>
    shown(pattern, lab.telegram.person(person).sends(text) + 1, person);
  const presses = async ({ messageId, buttons }: VisibleMessage, label: RegExp, pattern: RegExp) => {
    const found = buttons.flat().find((text) => label.test(text)) ?? "";
    await lab.telegram.person(OWNER).presses(messageId, found).answer;
    return shown(pattern, messageId);
  };

  test("shows its owner the logins with buttons, and nobody else anything of them", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const list = await asks("/codex_auth", /Codex logins/);
    expect(list.text).toMatch(/1\. work: alice@example\.com/);
    expect(labels(list).join()).toContain("New login");
    const refusal = await asks("/codex_auth", /owners|operator\.admin/, GUEST);
    expect(refusal.text).not.toContain("alice");
  });

  test("edits the pressed message, and makes a confirmed change at once without a restart", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await gateway.readiness();
    const question = await asks("/codex_auth only work", /\?/);
    const receipt = await presses(question, /Use only this/, /✅/);
    expect(receipt.messageId).toBe(question.messageId);
    const after = await gateway.readiness();
    expect(after?.uptimeMs).toBeGreaterThan(before?.uptimeMs ?? Number.POSITIVE_INFINITY);
    const doctor = await asks("/codex_auth doctor", /openclaw:/);
    expect(doctor.text).toContain("executor: at work in process");
    expect(doctor.text).toContain("answers: sent by OpenClaw's own bot");
  });

  test("still answers commands and presses after a turn of the model", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const calls = lab.backend.calls.length;
    lab.telegram.person(OWNER).sends("hello there");
    await lab.telegram.waitFor(
      () => (lab.backend.calls.length > calls ? true : undefined),
      () => "a model call",
      PATIENCE_MS,
    );
    await shown(/answer \d/, 0);
    const settled = lab.backend.calls.length;
    const list = await asks("/codex_auth", /Codex logins/);
    await presses(list, /New login/, /Choose a name/);
    // The command and the press went to the plugin: the model was asked no more.
    expect(lab.backend.calls.length).toBe(settled);
  });
});
