// The demo from its first line to its exit code: plays itself, or at a terminal lets the person press the buttons.

import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SECOND } from "../../config/defaults.ts";
import { toCodexAuthError } from "../../errors.ts";
import type { CliHost, Result } from "../cli/io.ts";
import { composeDemo, type Demo } from "./compose.ts";
import { talkDemo } from "./interactive.ts";
import { playDemo, type ShownReply } from "./scripted.ts";
import { Transcript } from "./transcript.ts";

/** How long a step under way may take to notice that the demo is over. */
const END_WITHIN_MS = 2 * SECOND;
/** Ctrl-C, a polite end, and a terminal window that is closed. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the demo; nothing of it is left when this resolves, also after Ctrl-C. */
export async function runDemo(host: Pick<CliHost, "stdin" | "stdout" | "signals" | "environment">): Promise<Result> {
  const { stdin, stdout, signals, environment } = host;
  const stopping = new AbortController();
  const stopped = new Promise<"stopped">((resolve) =>
    stopping.signal.addEventListener("abort", () => resolve("stopped")),
  );
  const stop = (): void => stopping.abort();
  for (const name of STOP_SIGNALS) signals.once(name, stop);
  const shown: ShownReply[] = [];
  const out = new Transcript((line) => void stdout.write(`${line}\n`));
  let demo: Demo | undefined;
  let running: Promise<unknown> = Promise.resolve();
  try {
    demo = await composeDemo((reply, isNews) => void shown.push({ reply, isNews }), stopping.signal);
    running =
      stdin.isTTY && stdout.isTTY
        ? talkDemo(demo, stdout, !environment.noColor)
        : playDemo(demo, shown, out, stopping.signal);
    // Whatever is under way when Ctrl-C comes fails at its next step; its error is of no interest then.
    running.catch(() => undefined);
    if ((await Promise.race([running.then(() => "ended" as const), stopped])) === "stopped") return interrupted();
  } catch (error) {
    if (stopping.signal.aborted) return interrupted();
    throw toCodexAuthError(error);
  } finally {
    await demo?.stop();
    await Promise.race([running.catch(() => undefined), delay(END_WITHIN_MS, undefined, { ref: false })]);
    await demo?.close();
    for (const name of STOP_SIGNALS) signals.off(name, stop);
  }
  if (out.failures > 0)
    return {
      problem: {
        code: "ERR_CHECK_FAILED",
        message: `${out.failures} steps were not as they should be.`,
        next: "See the lines marked ✘.",
      },
    };
  return { text: `\nAll of it happened in ${basename(demo.world.folder)}, a temporary folder that is gone now.` };
}

function interrupted(): Result {
  return {
    problem: {
      code: "ERR_CANCELLED",
      message: "Stopped; nothing is left behind.",
      next: "Run it again when you like.",
    },
  };
}
