// What the sandbox gateway is told: one file in the world's folder, read again at every start, restart and reload.

import { z } from "zod";
import { MINUTE, SECOND } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";

/** What can be made to go wrong. `times` counts down in the file; absent means every time. */
const fault = z.object({
  /**
   * `never-comes-back`: a restart ends the process for good. `never-ready`: it is back after a restart but `/readyz` stays 503.
   * `writes-back`: the old snapshot is written over the files once more, on the way down or after a reload.
   */
  kind: z.enum(["never-comes-back", "never-ready", "slow-start", "reload-fails", "writes-back"]),
  times: z.number().int().positive().optional(),
});

const optionsSchema = z.object({
  /** `one-file` behaves as 2026.4.5, `two-files` (with `auth-state.json`) as 2026.5.28. */
  shape: z.enum(["one-file", "two-files"]),
  stateDir: z.string(),
  configPath: z.string(),
  mainAgentDir: z.string(),
  /** OpenClaw's `os.tmpdir()`: its lock file lies below. */
  tmp: z.string(),
  /** The gateway ends itself when this process is gone, and removes the world's folder, which nobody else would then. */
  ownerPid: z.number().int().positive(),
  worldFolder: z.string(),
  /** From start to listening, in milliseconds; the real one takes 6 to 20 s. */
  startupMs: z.number().min(0).max(MINUTE).default(50),
  /** What a `slow-start` adds, in milliseconds. */
  slowStartMs: z
    .number()
    .min(0)
    .max(MINUTE)
    .default(3 * SECOND),
  /** How long it finishes its work before a restart, in milliseconds; the real one takes up to 90 s. */
  drainMs: z.number().min(0).max(MINUTE).default(20),
  /** SIGUSR1 within this time of a restart is put off until it has passed (`RESTART_COOLDOWN_MS`, facts §3). */
  restartCooldownMs: z
    .number()
    .min(0)
    .max(MINUTE)
    .default(30 * SECOND),
  faults: z.array(fault).default([]),
});

/** What the sandbox gateway is told. */
export type GatewayOptions = z.infer<typeof optionsSchema>;
/** The same before the defaults are filled in. */
export type GatewayInput = z.input<typeof optionsSchema>;
/** One kind of {@link GatewayOptions.faults}. */
export type FaultKind = z.infer<typeof fault>["kind"];

/** Reads the options of a world. */
export async function readGatewayOptions(path: string): Promise<GatewayOptions> {
  const options = await readJsonFile(path, optionsSchema);
  if (options !== undefined) return options;
  throw new CodexAuthError("ERR_INTERNAL", {
    message: "The sandbox is gone.",
    next: "Start the demo again.",
  });
}

/** Writes the options of a world. */
export async function writeGatewayOptions(path: string, options: GatewayInput): Promise<void> {
  await writeJsonFile(path, optionsSchema.parse(options));
}

/** Whether `kind` is to go wrong now; counts it down. */
export async function takeFault(path: string, kind: FaultKind): Promise<boolean> {
  const options = await readGatewayOptions(path);
  const found = options.faults.find((entry) => entry.kind === kind);
  if (found === undefined) return false;
  if (found.times !== undefined) {
    const rest = options.faults.filter((entry) => entry !== found);
    const left = found.times - 1;
    await writeGatewayOptions(path, { ...options, faults: left === 0 ? rest : [...rest, { kind, times: left }] });
  }
  return true;
}
