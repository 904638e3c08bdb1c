// Commands that OpenClaw has lost come back; where it has them, nothing is touched.

import { describe, expect, it } from "vitest";
import type { CommandDefinition } from "../../../src/hosts/openclaw/api.ts";
import { keepRegistered } from "../../../src/hosts/openclaw/registrations.ts";

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

describe("keepRegistered", () => {
  it("names commands and buttons again after OpenClaw has emptied its tables, and only then", async () => {
    const { commands, namespaces, calls, module } = tables();
    commands.set("codex_auth", command);
    namespaces.add("codex_auth_new");
    const end = new AbortController();
    const kept = keepRegistered(
      () => ({ commands: [command], handlers: [handler] }),
      end.signal,
      async () => module,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([]);
    commands.clear();
    namespaces.clear();
    while (!commands.has("codex_auth")) await new Promise((resolve) => setImmediate(resolve));
    expect(namespaces).toEqual(new Set(["codex_auth_new"]));
    expect(calls).toEqual(["codex-auth codex_auth", "codex-auth codex_auth_new"]);
    end.abort();
    await kept;
  });

  it("leaves an OpenClaw alone that has no such tables", async () => {
    await expect(
      keepRegistered(
        () => ({ commands: [command], handlers: [] }),
        new AbortController().signal,
        async () => ({}),
      ),
    ).resolves.toBeUndefined();
  });
});
