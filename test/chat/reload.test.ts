// `/codex_auth reload` and the button of the card: what was seen of the gateway is said, and nothing else is done.

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { ChatServices, Loaded, Reloaded } from "../../src/chat/services.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { changeLab } from "./change-lab.ts";

const [HOME, WORK] = ["openai-codex:home", "openai-codex:work"];

/** A gateway that has not loaded `work` before it is told to read again. */
function gatewayOf(seen: Reloaded | CodexAuthError, afterwards: readonly string[] = [HOME, WORK]) {
  let reloads = 0;
  const gateway: ChatServices["gateway"] = {
    interruptedByRestart: async () => [],
    loaded: async (): Promise<Loaded> => ({ kind: "listed", profileIds: reloads === 0 ? [HOME] : afterwards }),
    reload: async () => {
      reloads += 1;
      if (seen instanceof CodexAuthError) throw seen;
      return seen;
    },
  };
  return { gateway, reloads: () => reloads };
}

const READ: Reloaded = { kind: "reloaded", durationMs: 1_200, warningCount: 0 };

describe("a profile that the gateway has not loaded", () => {
  it("has one button that loads it, without a question, and the answer says what was seen", async () => {
    const { gateway, reloads } = gatewayOf(READ);
    const lab = await changeLab({ gateway });
    const store = await readFile(lab.storePath(), "utf8");
    expect(await lab.say("show work")).toContain("First of all the gateway has not read it. Load it now");
    expect(lab.out.last).not.toContain("openclaw secrets reload");
    const [first] = lab.out.lastReply.buttons?.flat() ?? [];
    expect(first).toMatchObject({ label: "Load it now", style: "primary", typed: "/codex_auth reload" });
    const answer = await lab.press("Load it now");
    expect(answer).toContain("✅ The gateway has read its logins again, in 1.2 s.\nIt has work now.");
    expect(reloads()).toBe(1);
    expect(await lab.press("Look at work")).toContain("Gateway: has loaded it");
    expect((lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label)).not.toContain("Load it now");
    expect(await lab.queue.list()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(store);
  });

  it("is not said to be loaded where it still is not", async () => {
    const lab = await changeLab(gatewayOf(READ, [HOME]));
    await lab.say("show work");
    expect(await lab.press("Load it now")).toContain("It still does not have work: its log says why.");
  });

  it("is left to OpenClaw's own command where nobody here can ask", async () => {
    const { gateway } = gatewayOf(READ);
    const { reload: _reload, ...silent } = gateway;
    const lab = await changeLab({ gateway: silent });
    expect(await lab.say("show work")).toContain("openclaw secrets reload");
    expect(() => lab.out.button("Load it now")).toThrow();
  });
});

describe("/codex_auth reload", () => {
  it.each([
    [READ, "✅ The gateway has read its logins again, in 1.2 s."],
    [{ ...READ, warningCount: 2 }, "It warned of 2 things: see its log."],
    [{ kind: "stopped" } as const, "The gateway is not running; it reads the logins when it starts."],
  ])("answers with what was seen: %j", async (seen, words) => {
    const lab = await changeLab(gatewayOf(seen));
    expect(await lab.say("reload")).toContain(words);
    expect(lab.out.lastReply.problem).toBeUndefined();
  });

  it("says why where the gateway could not, as a failure", async () => {
    const error = new CodexAuthError("ERR_GATEWAY_RPC", { message: "It did not answer.", next: "Look at its log." });
    const lab = await changeLab(gatewayOf(error));
    expect(await lab.say("reload")).toBe("⚠️ It did not answer.\n→ Look at its log.");
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_GATEWAY_RPC" });
  });

  it("is a script's to use too: nothing changes by it, so nobody is asked", async () => {
    const { gateway, reloads } = gatewayOf(READ);
    const lab = await changeLab({ gateway, approvers: [] });
    expect(await lab.say("reload", { host: "cli" })).toContain("has read its logins again");
    expect(reloads()).toBe(1);
  });

  it("is not offered inside the gateway, where a change is in force at once", async () => {
    const { gateway, reloads } = gatewayOf(READ);
    const lab = await changeLab({ gateway });
    expect(await lab.say("help")).toContain("/codex_auth reload");
    const inside = { host: "openclaw" } as const;
    expect(await lab.say("help", inside)).not.toContain("/codex_auth reload");
    expect(await lab.say("show work", inside)).toContain("openclaw secrets reload");
    expect(() => lab.out.button("Load it now")).toThrow();
    expect(await lab.say("reload", inside)).toContain("inside the gateway a change is in force at once");
    expect(lab.out.lastReply.problem).toMatchObject({ code: "ERR_USAGE" });
    expect(reloads()).toBe(0);
  });

  it("is for a private chat, as everything about logins", async () => {
    const { gateway, reloads } = gatewayOf(READ);
    const lab = await changeLab({ gateway });
    await lab.say("reload", { private: false, chatId: "-100" });
    expect([lab.out.lastReply.problem?.code, reloads()]).toEqual(["ERR_PRIVATE_CHAT_ONLY", 0]);
  });
});
