// The tables of commands and buttons of a fake OpenClaw, and how a plugin reaches them past its API.

import type { CommandDefinition, InteractiveRegistration } from "../../src/hosts/openclaw/api.ts";

/** What plugins have registered. */
export class FakeTables {
  readonly commands = new Map<string, CommandDefinition>();
  readonly handlers = new Map<string, InteractiveRegistration>();

  /** Fails when it is asked. */
  isBusy = false;

  /** `openclaw/plugin-sdk/plugin-runtime`: what is there already is refused. */
  readonly sdk = {
    matchPluginCommand: (text: string): CommandDefinition | null => {
      if (this.isBusy) throw new Error("the registry is busy");
      return this.commands.get(text.slice(1)) ?? null;
    },
    registerPluginCommand: (_id: string, command: CommandDefinition): { readonly ok: boolean } =>
      added(this.commands, command.name, command),
    registerPluginInteractiveHandler: (_id: string, registration: InteractiveRegistration): { readonly ok: boolean } =>
      added(this.handlers, registration.namespace, registration),
  };

  /** As 2026.5.28 does at the beginning of each turn of the model (docs/openclaw-generations.md, e). */
  loses(): void {
    this.commands.clear();
    this.handlers.clear();
  }
}

function added<T>(table: Map<string, T>, name: string, value: T): { readonly ok: boolean } {
  if (table.has(name)) return { ok: false };
  table.set(name, value);
  return { ok: true };
}
