// A terminal chat over a real store, with a person whose keys are scripted and a browser that comes back by real requests.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { openClawPaths } from "../../../src/config/paths.ts";
import { buildParts, type Parts } from "../../../src/hosts/services.ts";
import { startTerminalChat } from "../../../src/hosts/terminal/compose.ts";
import type { Choice, TerminalUi } from "../../../src/hosts/terminal/ui.ts";
import { executeOpenJobs } from "../../../src/hosts/worker/execute.ts";
import type { LoopbackOptions } from "../../../src/oauth/loopback.ts";
import { freePort } from "../../../src/sandbox/free-port.ts";
import { startSandboxIssuer } from "../../../src/sandbox/issuer.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { askAt, type Answer } from "../../oauth/loopback-lab.ts";

/** What the person does next, given everything on the screen and the labels to choose from; `LEAVE_OPEN` lets the question stand. */
export type Step = (screen: string, labels: readonly string[]) => string | undefined | Promise<string | undefined>;

/** The answer of a person who does nothing until the question is closed by something else. */
export const LEAVE_OPEN = "\0leave open";

/** A terminal whose person follows a script, and then quits. */
export class ScriptedUi implements TerminalUi {
  readonly printed: string[] = [];
  /** Questions that something else than the person has closed. */
  closed = 0;
  agrees = true;
  asked = 0;
  readonly #steps: Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  get screen(): string {
    return this.printed.join("\n");
  }

  print(block: string): void {
    this.printed.push(block);
  }

  async choose<T>(_question: string, choices: readonly Choice<T>[], interrupt?: AbortSignal): Promise<T | undefined> {
    const labels = choices.map(({ label }) => label);
    const wanted = await this.#next(labels, interrupt);
    if (wanted === undefined) return undefined;
    const found = choices.find(({ label }) => label.startsWith(wanted));
    if (found === undefined) throw new Error(`no choice "${wanted}" among ${labels.join(", ")}`);
    return found.value;
  }

  async type(_question: string, interrupt?: AbortSignal): Promise<string | undefined> {
    return this.#next([], interrupt);
  }

  async typeHidden(_question: string, interrupt?: AbortSignal): Promise<string | undefined> {
    return this.#next([], interrupt);
  }

  agree(): Promise<boolean> {
    this.asked += 1;
    return Promise.resolve(this.agrees);
  }

  async #next(labels: readonly string[], interrupt: AbortSignal | undefined): Promise<string | undefined> {
    const answer = await this.#steps.shift()?.(this.screen, labels);
    if (answer !== LEAVE_OPEN) return answer;
    if (interrupt === undefined) throw new Error("a question that nothing can close was left open");
    if (!interrupt.aborted) {
      await new Promise<void>((resolve) => interrupt.addEventListener("abort", () => resolve(), { once: true }));
    }
    this.closed += 1;
    return undefined;
  }
}

/** Chooses, or types, `label`. */
export const pick =
  (label: string): Step =>
  () =>
    label;

/** The sign-in link that was shown last. */
export function linkOn(screen: string): string {
  return /.*(https?:\/\/\S*authorize\S*)/s.exec(screen)?.[1] ?? "";
}

/** A machine with two logins, a sign-in server, and a browser. */
export async function terminalLab(env: Readonly<Record<string, string>> = {}, loopback: LoopbackOptions = {}) {
  const home = await temporaryFolder();
  const world = applyWorld(home);
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }));
  const issuer = await startSandboxIssuer();
  onTestFinished(() => issuer.close());
  const environment = {
    ...readEnvironment({
      HOME: home,
      CODEX_AUTH_ISSUER: issuer.origin,
      // Nobody answers there.
      CODEX_AUTH_USAGE_SERVER: "http://127.0.0.1:9",
      NO_COLOR: "1",
      ...env,
    }),
    tmp: home,
  };
  const config = await loadConfig(join(openClawPaths(environment).stateDir, "none.json"), environment);
  const logged: string[] = [];
  const parts = buildParts({
    environment,
    config,
    log: createLog((line) => void logged.push(line), Date.now),
    launch: async (own: Parts) => void (await executeOpenJobs(own, "foreground")),
  });
  const ports = await freePorts();
  const listenAt = (port: number): number => ports.get(port) ?? 0;
  const options: LoopbackOptions = { listenAt, ...loopback };
  return {
    world,
    issuer,
    parts,
    logged,
    loopback: options,
    listenAt,
    talk: async (ui: ScriptedUi): Promise<string> => {
      await startTerminalChat({ parts, stdout: process.stdout, ui, loopback: options });
      return ui.screen;
    },
    /** A browser that goes to `address`. */
    browse: async (address: string): Promise<Answer> => {
      const { port, pathname, search, host } = new URL(address);
      return askAt(listenAt(Number(port)))(pathname + search, { host });
    },
  };
}

/** Free ports that stand for the two registered ones: other programs of this machine may have those. */
export async function freePorts(): Promise<ReadonlyMap<number, number>> {
  const [one, other] = [await freePort(), await freePort()];
  // Nobody holds the first while the second is looked for.
  return one === other
    ? freePorts()
    : new Map([
        [1455, one],
        [1457, other],
      ]);
}
