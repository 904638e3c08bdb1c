// Our plugin and our skills in one OpenClaw: what is typed is the plugin's, although OpenClaw gives the commands' names to the skills.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VisibleMessage } from "../support/fake-telegram/chat-book.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { labels } from "./lab/phone.ts";
import { buildPlugin, makePluginLab, OWNER, type BuiltPlugin, type PluginLab } from "./lab/plugin.ts";
import { skillFolder } from "./lab/skills.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SKILLS = { "codex-auth": "SKILL.md", lease: "lease/SKILL.md" } as const;

let out: string;
let plugin: BuiltPlugin;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "codex-auth-plugin-"));
  plugin = await buildPlugin(out, "0.0.1");
});

afterAll(async () => {
  await rm(out, { recursive: true, force: true });
});

describe.each(["2026.9.6", "2026.5.28", "2026.4.5"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: PluginLab;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await makePluginLab(installed.openclaw);
    await lab.install(plugin.folder);
    for (const [name, file] of Object.entries(SKILLS)) {
      const folder = skillFolder(lab.home, name);
      await mkdir(folder, { recursive: true });
      // Without what it requires: the program is not on this gateway's PATH, and the skill would not be offered.
      const text = (await readFile(join(ROOT, file), "utf8")).replace(/^metadata:.*\n/m, "");
      await writeFile(join(folder, "SKILL.md"), text);
    }
    await lab.start();
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test("answers the commands by the plugin, with its buttons, and asks the model nothing", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const list = await asks("/codex_auth", /Codex logins/);
    expect(list.text).toContain("alice@example.com");
    expect(labels(list).join()).toContain("New login");
    await asks("/codex_auth status", /Nothing is running/);
    await asks("/lease", /no lease broker/);
    expect(lab.backend.calls).toEqual([]);
  });

  async function asks(text: string, answer: RegExp): Promise<VisibleMessage> {
    const sent = lab.telegram.person(OWNER).sends(text);
    const isAnswer = (one: VisibleMessage): boolean =>
      one.from === "bot" && one.messageId > sent && answer.test(one.text);
    return lab.telegram.waitFor(
      () => lab.telegram.visible(OWNER).findLast(isAnswer),
      () => `${String(answer)}; it shows ${lab.telegram.visible(OWNER).at(-1)?.text ?? ""}`,
      60_000,
    );
  }
});
