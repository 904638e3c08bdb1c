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

/**
 * Looks every `PLUGIN.lookEveryMs` until `signal` aborts. Where OpenClaw does not know a command of ours any more, all are named to it
 * again: what `register()` was given has no effect by then (docs/openclaw-generations.md, e; OpenClaw's issue 107408).
 */
export async function keepRegistered(
  registrations: () => Registrations,
  signal: AbortSignal,
  tables: ImportTables = importTables,
): Promise<void> {
  const found = Object.fromEntries(Object.entries(await tables()));
  const match = functionIn(found, "matchPluginCommand");
  const addCommand = functionIn(found, "registerPluginCommand");
  const addHandler = functionIn(found, "registerPluginInteractiveHandler");
  if (match === undefined || addCommand === undefined || addHandler === undefined) return;
  while (!signal.aborted) {
    const { commands, handlers } = registrations();
    if (commands.some(({ name }) => !isThere(match(`/${name}`)))) {
      for (const command of commands) addCommand(PLUGIN_ID, command, NAMED);
      for (const handler of handlers) addHandler(PLUGIN_ID, handler, NAMED);
    }
    await delay(PLUGIN.lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function isThere(found: unknown): boolean {
  return found !== null && found !== undefined && found !== false;
}
