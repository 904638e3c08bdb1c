// What is shown of one agent's stores: which entries count as Codex's, whose notes and orders win, where each stands.

import { describe, expect, it } from "vitest";
import type { AgentFiles, JsonObject } from "../../src/profiles/json-files.ts";
import { isCodexEntry, snapshotOf, type SnapshotInput } from "../../src/profiles/json-snapshot.ts";
import { login, NOW } from "../support/openclaw-state.ts";
import { filesOf, store } from "./plan-lab.ts";

const P = "openai-codex";
const [WORK, BOB] = [`${P}:work`, `${P}:bob`];

function snapshot(main: AgentFiles, own?: AgentFiles, config: Partial<SnapshotInput["config"]> = {}) {
  const agentId = own === undefined ? "main" : own.place.agentId;
  const whole = { agents: [], configOrder: undefined, declared: new Map(), ...config };
  return snapshotOf({ agentId, main, own, now: NOW, config: whole });
}

describe("whether an entry is Codex's", () => {
  it("is told by its provider, however it is written", () => {
    expect(isCodexEntry("any", login("ada"), P)).toBe(true);
    expect(isCodexEntry("any", { ...login("ada"), provider: "OpenAI-Codex" }, P)).toBe(true);
    expect(isCodexEntry("any", { ...login("ada"), provider: " openai-codex\n" }, P)).toBe(true);
    expect(isCodexEntry(WORK, { ...login("ada"), provider: "anthropic" }, P)).toBe(false);
    expect(isCodexEntry("any", { ...login("ada"), provider: "openai" }, "openai")).toBe(true);
  });

  it("is told by its provider also where OpenClaw could not read the entry", () => {
    expect(isCodexEntry("any", { type: "magic", provider: P }, P)).toBe(true);
    expect(isCodexEntry("any", { type: "magic", provider: "OPENAI-CODEX" }, P)).toBe(true);
    expect(isCodexEntry(WORK, { type: "magic", provider: "anthropic" }, P)).toBe(false);
  });

  it("is told by its id where it names no provider", () => {
    for (const entry of [undefined, null, "text", {}, { provider: 7 }, [P]]) {
      expect(isCodexEntry(WORK, entry, P)).toBe(true);
      expect(isCodexEntry("anthropic:x", entry, P)).toBe(false);
      expect(isCodexEntry(`x${WORK}`, entry, P)).toBe(false);
      expect(isCodexEntry(`x:${P}:`, entry, P)).toBe(false);
      expect(isCodexEntry("openai-codex", entry, P)).toBe(false);
    }
  });
});

describe("a snapshot", () => {
  it("shows those of the order first and in it, then the rest as they are stored, and no other provider's", () => {
    const main = filesOf(
      "main",
      store(
        {
          "anthropic:x": { type: "oauth", provider: "anthropic", access: "a" },
          [WORK]: login("ada"),
          [`${P}:broken`]: "text",
          [BOB]: login("bob"),
        },
        { order: { [P]: [BOB] } },
      ),
    );
    const seen = snapshot(main);
    expect(seen.summaries.map(({ id, position, state }) => [id, position, state])).toEqual([
      [BOB, 0, "ok"],
      [WORK, undefined, "ok"],
      [`${P}:broken`, undefined, "unreadable"],
    ]);
    expect(seen).toMatchObject({
      agentId: "main",
      effectiveOrder: [BOB],
      lastingOrder: [BOB],
      storeOrder: [BOB],
      hasExplicitOrder: true,
      files: [main.place.storePath],
    });
    expect(seen.summaries.every(({ inherited }) => !inherited)).toBe(true);
  });

  it("names the provider only where the store itself does", () => {
    const main = filesOf("main", store({}));
    expect(snapshot(main)).not.toHaveProperty("provider");
    expect(snapshot({ ...main, provider: "openai" })).toMatchObject({ provider: "openai" });
  });

  it("has an agent's own before main's: entries, notes and order, and says which are inherited", () => {
    const usage = (untilMs: number): JsonObject => ({ usageStats: { [WORK]: { cooldownUntil: untilMs } } });
    const main = filesOf("main", store({ [WORK]: login("ada"), [BOB]: login("bob") }, usage(NOW + 9)));
    const own = filesOf("ops", store({ [WORK]: login("olga") }, usage(NOW - 9)));
    const seen = snapshot(main, own);
    expect(seen.summaries.map(({ id, email, inherited, state }) => [id, email, inherited, state])).toEqual([
      [WORK, "olga@example.com", false, "ok"],
      [BOB, "bob@example.com", true, "ok"],
    ]);
    expect(snapshot(main).summaries.find(({ id }) => id === WORK)).toMatchObject({ state: "cooldown" });
    expect(seen).toMatchObject({ agentId: "ops", files: [main.place.storePath, own.place.storePath] });
    expect(seen.storeOrder).toBeUndefined();
  });

  it("takes main's order where the agent has none of its own, and openclaw.json's where nobody has one", () => {
    const logins = { [WORK]: login("ada"), [BOB]: login("bob") };
    const main = filesOf("main", store(logins, { order: { [P]: [BOB] } }));
    const own = filesOf("ops", store({}));
    expect(snapshot(main, own)).toMatchObject({ storeOrder: [BOB], effectiveOrder: [BOB], hasExplicitOrder: true });
    const ordered = filesOf("ops", store({}, { order: { [P]: [WORK] } }));
    expect(snapshot(main, ordered)).toMatchObject({ storeOrder: [WORK], effectiveOrder: [WORK] });
    const plain = filesOf("main", store(logins));
    expect(snapshot(plain, own, { configOrder: [BOB, WORK] })).toMatchObject({
      storeOrder: undefined,
      effectiveOrder: [BOB, WORK],
      hasExplicitOrder: false,
    });
    const declared = new Map([[BOB, { provider: P, mode: "oauth" }]]);
    expect(snapshot(plain, undefined, { declared }).effectiveOrder).toEqual([BOB]);
  });

  it("does without notes that are none: the profile is shown all the same", () => {
    const main = filesOf("main", store({ [WORK]: login("ada") }, { usageStats: { [WORK]: "text", other: 7 } }));
    expect(snapshot(main).summaries).toMatchObject([{ id: WORK, state: "ok", position: 0 }]);
  });
});
