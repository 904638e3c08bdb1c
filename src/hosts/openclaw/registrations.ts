// Puts our commands and buttons back where OpenClaw has lost them: 2026.5.28 empties its tables at each turn of the model.

import { setTimeout as delay } from "node:timers/promises";
import { PLUGIN } from "../../config/defaults.ts";
import { PLUGIN_ID, PLUGIN_NAME } from "../../config/openclaw-owners.ts";
import type { CommandDefinition, InteractiveRegistration } from "./api.ts";
import { functionIn } from "./sdk.ts";

/** What was registered last. */
export interface Registrations {
  readonly commands: readonly CommandDefinition[];
  readonly handlers: readonly InteractiveRegistration[];
}

/** OpenClaw's own tables (`openclaw/plugin-sdk/plugin-runtime`). */
export type ImportTables = () => Promise<object>;

const NAMED = { pluginName: PLUGIN_NAME } as const;

const importTables: ImportTables = () => import("openclaw/plugin-sdk/plugin-runtime");

/** Names to OpenClaw again what it has lost; `press`: one of our buttons has just come as a text, so they are lost for certain. True where something is back. */
export type PutBack = (press?: "press") => boolean;

/**
 * Gives what names all of ours to OpenClaw again where it does not know a command of ours any more: what `register()` was given has no
 * effect by then (docs/openclaw-generations.md, e; OpenClaw's issue 107408). It does nothing where OpenClaw has no such tables.
 */
export async function openTables(
  registrations: () => Registrations,
  tables: ImportTables = importTables,
): Promise<PutBack> {
  const found = Object.fromEntries(Object.entries(await tables()));
  const match = functionIn(found, "matchPluginCommand");
  const addCommand = functionIn(found, "registerPluginCommand");
  const addHandler = functionIn(found, "registerPluginInteractiveHandler");
  if (match === undefined || addCommand === undefined || addHandler === undefined) return () => false;
  return (press) => {
    const { commands, handlers } = registrations();
    if (press === undefined && commands.every(({ name }) => isThere(match(`/${name}`)))) return false;
    const answers = [
      ...commands.map((command) => addCommand(PLUGIN_ID, command, NAMED)),
      ...handlers.map((handler) => addHandler(PLUGIN_ID, handler, NAMED)),
    ];
    return answers.some(isTaken);
  };
}

/** Calls `putBack` every `PLUGIN.lookEveryMs` until `signal` aborts. */
export async function keepRegistered(putBack: PutBack, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    putBack();
    await delay(PLUGIN.lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function isThere(found: unknown): boolean {
  return found !== null && found !== undefined && found !== false;
}

function isTaken(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === true;
}
