// The terminal chat over a real store, with a person whose keys are scripted.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openClawPaths } from "../../../src/config/paths.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { buildParts, type Parts } from "../../../src/hosts/services.ts";
import { startTerminalChat } from "../../../src/hosts/terminal/compose.ts";
import type { Choice, TerminalUi } from "../../../src/hosts/terminal/ui.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import { startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

/** What the person does next, given everything on the screen and the labels to choose from. */
type Step = (screen: string, labels: readonly string[]) => string;

class ScriptedUi implements TerminalUi {
  readonly printed: string[] = [];
  readonly #steps: Step[];
  agrees = true;
  asked = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  print(block: string): void {
    this.printed.push(block);
  }

  choose<T>(_question: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
    const step = this.#steps.shift();
    if (step === undefined) return Promise.resolve(undefined);
    const labels = choices.map(({ label }) => label);
    const wanted = step(this.printed.join("\n"), labels);
    const found = choices.find(({ label }) => label.startsWith(wanted));
    if (found === undefined) throw new Error(`no choice "${wanted}" among ${labels.join(", ")}`);
    return Promise.resolve(found.value);
  }

  type(): Promise<string | undefined> {
    return Promise.resolve(this.#steps.shift()?.(this.printed.join("\n"), []));
  }

  typeHidden(): Promise<string | undefined> {
    return this.type();
  }

  agree(): Promise<boolean> {
    this.asked += 1;
    return Promise.resolve(this.agrees);
  }
}

async function setUp() {
  const home = await temporaryFolder();
  const world = applyWorld(home);
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }));
  const issuer = await startSandboxIssuer();
  const environment = {
    ...readEnvironment({ HOME: home, CODEX_AUTH_ISSUER: issuer.origin, NO_COLOR: "1" }),
    tmp: home,
  };
  const config = await loadConfig(join(openClawPaths(environment).stateDir, "none.json"), environment);
  const parts = buildParts({
    environment,
    config,
    log: silentLog,
    launch: async (own: Parts) => void (await executeOpenJobs(own, "foreground")),
  });
  const talk = async (ui: ScriptedUi): Promise<string> => {
    await startTerminalChat({ parts, stdout: process.stdout, ui });
    await issuer.close();
    return ui.printed.join("\n");
  };
  return { world, issuer, talk };
}

const pick =
  (label: string): Step =>
  () =>
    label;

describe("the terminal chat", () => {
  it("signs a profile in with the arrow keys and an unseen paste, after naming the real store and asking once", async () => {
    const { world, issuer, talk } = await setUp();
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth work",
      pick("Paste the address"),
      (screen) => issuer.approve(/https?:\/\/\S*authorize\S*/.exec(screen)?.[0] ?? "", "grace@example.com"),
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await talk(ui);
    expect(screen).toContain(`real store ${world.storePath}`);
    expect(ui.asked).toBe(1);
    expect(screen).toContain("Signed in as grace@example.com");
    expect(screen).toContain("✅ work is saved");
    expect(world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
    expect(screen).not.toMatch(/[?&]code=|eyJ/);
  });

  it("changes nothing where the person does not agree, and does not ask for what only shows", async () => {
    const { world, talk } = await setUp();
    const before = world.readStore();
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth status",
      pick("Type a command"),
      () => "/codex_auth work",
      pick("Quit"),
    ]);
    ui.agrees = false;
    const screen = await talk(ui);
    expect(ui.asked).toBe(1);
    expect(screen).not.toContain("Open the sign-in page");
    expect(world.readStore()).toEqual(before);
  });

  it("says so where what was typed means nothing", async () => {
    const { talk } = await setUp();
    const ui = new ScriptedUi([pick("Type a command"), () => "good morning everybody", pick("Quit")]);
    expect(await talk(ui)).toContain("no command of mine");
  });
});
