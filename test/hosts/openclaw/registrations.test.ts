// Commands that OpenClaw has lost come back; where it has them, nothing is touched.

import { describe, expect, it } from "vitest";
import type { CommandDefinition } from "../../../src/hosts/openclaw/api.ts";
import { keepRegistered, openTables } from "../../../src/hosts/openclaw/registrations.ts";

/** OpenClaw's tables as 2026.5.28 has them: a command that is there twice is refused, not replaced. */
function tables() {
  const commands = new Map<string, CommandDefinition>();
  const namespaces = new Set<string>();
  const calls: string[] = [];
  return {
    commands,
    namespaces,
    calls,
    module: {
      matchPluginCommand: (text: string) =>
        commands.has(text.slice(1)) ? { command: commands.get(text.slice(1)) } : null,
      registerPluginCommand: (id: string, command: CommandDefinition) => {
        calls.push(`${id} ${command.name}`);
        if (commands.has(command.name)) return { ok: false };
        commands.set(command.name, command);
        return { ok: true };
      },
      registerPluginInteractiveHandler: (id: string, { namespace }: { namespace: string }) => {
        calls.push(`${id} ${namespace}`);
        namespaces.add(namespace);
        return { ok: true };
      },
    },
  };
}

const command: CommandDefinition = {
  name: "codex_auth",
  description: "",
  acceptsArgs: true,
  requireAuth: true,
  handler: async () => ({ text: "here" }),
};
const handler = { channel: "telegram", namespace: "codex_auth_new", handler: async () => ({ handled: true }) as const };

describe("openTables", () => {
  it("names commands and buttons again after OpenClaw has emptied its tables, and only then", async () => {
    const { commands, namespaces, calls, module } = tables();
    commands.set("codex_auth", command);
    namespaces.add("codex_auth_new");
    const putBack = await openTables(
      () => ({ commands: [command], handlers: [handler] }),
      async () => module,
    );
    expect(putBack()).toBe(false);
    expect(calls).toEqual([]);
    commands.clear();
    namespaces.clear();
    expect(putBack()).toBe(true);
    expect([...commands.keys()]).toEqual(["codex_auth"]);
    expect(namespaces).toEqual(new Set(["codex_auth_new"]));
    expect(calls).toEqual(["codex-auth codex_auth", "codex-auth codex_auth_new"]);
  });

  it("leaves an OpenClaw alone that has no such tables", async () => {
    const putBack = await openTables(
      () => ({ commands: [command], handlers: [] }),
      async () => ({}),
    );
    expect([putBack(), putBack("press")]).toEqual([false, false]);
  });

  it("names the buttons again though the commands are there where a press shows that they are lost", async () => {
    const { commands, namespaces, module } = tables();
    commands.set("codex_auth", command);
    const putBack = await openTables(
      () => ({ commands: [command], handlers: [handler] }),
      async () => module,
    );
    expect([putBack(), [...namespaces]]).toEqual([false, []]);
    expect([putBack("press"), [...namespaces]]).toEqual([true, ["codex_auth_new"]]);
    // Refused, as what is there already is.
    const refused = await openTables(
      () => ({ commands: [command], handlers: [handler] }),
      async () => ({ ...module, registerPluginInteractiveHandler: () => ({ ok: false }) }),
    );
    expect(refused("press")).toBe(false);
  });
});

describe("keepRegistered", () => {
  it("looks again and again until it is told to end", async () => {
    const end = new AbortController();
    let looks = 0;
    await keepRegistered(() => {
      looks += 1;
      if (looks === 2) end.abort();
      return false;
    }, end.signal);
    expect(looks).toBe(2);
  });
});
