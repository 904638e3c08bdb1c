// A database where files were: steps that were planned before OpenClaw was updated, and what the proof of a write lets through.

import { describe, expect, it } from "vitest";
import type { FileChange } from "../../src/profiles/store.ts";
import { only, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const [WORK, HOME, BOB] = ["openai:work", "openai:home", "openai:bob"];
const entry = (who: string): Record<string, unknown> => ({ ...login(who), provider: "openai" });
const none = { next: null, previous: null };

async function database(order?: readonly string[]): Promise<Inside> {
  const inside = await openClawInside("sqlite");
  await inside.put("shared", {
    profiles: { [WORK]: entry("ada"), [BOB]: entry("bob") },
    ...(order === undefined ? {} : { order: { openai: [...order] } }),
  });
  return inside;
}

/** A step as it was planned while OpenClaw still had files. */
function older(inside: Inside, more: Partial<FileChange>, agentId = "main"): FileChange {
  return {
    path: inside.state.path(agentId),
    agentId,
    profileId: "openai-codex:work",
    role: "order",
    before: "print",
    after: "print",
    orderBefore: null,
    orderAfter: null,
    clearCooldown: false,
    creates: false,
    ...more,
  };
}

describe("a step that was planned for a file", () => {
  it("is judged by what OpenClaw has taken over, ids in today's words", async () => {
    const inside = await database([BOB, WORK]);
    const order = { orderBefore: ["openai-codex:work"], orderAfter: ["openai-codex:bob", "openai-codex:work"] };
    expect(await inside.store.check(older(inside, order))).toBe("after");
    const back = { orderBefore: order.orderAfter, orderAfter: order.orderBefore };
    expect(await inside.store.check(older(inside, back))).toBe("before");
    expect(await inside.store.check(older(inside, { orderBefore: order.orderAfter }))).toBe("before");
    expect(await inside.store.check(older(inside, { orderAfter: order.orderAfter }))).toBe("after");
    expect(await inside.store.check(older(inside, { renameTo: "openai-codex:home" }))).toBe("before");
    expect(
      await inside.store.check(older(inside, { profileId: "openai-codex:home", renameTo: "openai-codex:work" })),
    ).toBe("after");
    const taken = { profileId: "openai-codex:bob", renameTo: "openai-codex:work" };
    expect(await inside.store.check(older(inside, taken))).toBe("other");
  });

  it("is done where it is done, and is never written: no database has an entry in such words", async () => {
    const inside = await database([BOB]);
    const before = await inside.get("shared");
    const done = older(inside, { orderAfter: ["openai-codex:bob"] });
    expect(await inside.store.apply(done, none)).toEqual({ outcome: "already", written: [] });
    const open = older(inside, { orderBefore: ["openai-codex:bob"], orderAfter: ["openai-codex:work"] });
    let asked = 0;
    const step = inside.store.apply(open, none, { beforeWrite: async () => void (asked += 1) });
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(asked).toBe(0);
    expect(await inside.get("shared")).toEqual(before);
  });

  it("is judged by the agent's own store where it has one, and by the shared one where it has none", async () => {
    const inside = await database([WORK]);
    await inside.put("ops", { profiles: { "openai:own": entry("olga") }, order: { openai: [BOB] } });
    await inside.state.configure(`{ agents: { list: [{ id: "ops" }, { id: "idle" }] } }`);
    const order = { orderBefore: ["openai-codex:work"], orderAfter: ["openai-codex:bob"] };
    expect(await inside.store.check(older(inside, { ...order, profileId: "openai-codex:bob" }, "ops"))).toBe("after");
    expect(await inside.store.check(older(inside, order, "idle"))).toBe("before");
    expect(await inside.store.check(older(inside, order))).toBe("before");
    await expect(inside.store.check(older(inside, order, "nobody"))).rejects.toMatchObject({
      code: "ERR_AGENT_UNKNOWN",
    });
  });

  it("is a conflict where it was planned for a database that is gone", async () => {
    const inside = await database([WORK]);
    const gone = { ...older(inside, { orderAfter: [WORK] }), path: "openclaw:agent:gone" };
    await expect(inside.store.check(gone)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    await expect(inside.store.apply(gone, none)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
  });
});

describe("the proof of a write to a database", () => {
  it("holds the new id to what was written, as it does the old one", async () => {
    const inside = await database();
    const planned = await inside.store.plan({ profileId: WORK, provider: "openai", renameTo: HOME });
    inside.fake.afterUpdate = (saved) => void (saved.profiles[HOME] = entry("ada"));
    await expect(inside.store.apply(only(planned), valueFor(planned.values, only(planned)))).rejects.toMatchObject({
      code: "ERR_STORE_DRIFT",
    });
  });

  it("is not asked for where somebody did the very same meanwhile", async () => {
    const inside = await database();
    const { values, plan } = await inside.store.plan({
      profileId: WORK,
      provider: "openai",
      credential: sealedLogin("ada"),
    });
    const file = only({ plan });
    const value = valueFor(values, file);
    const wanted = JSON.parse(value.next?.expose() ?? "null") as Record<string, unknown>;
    let looks = 0;
    inside.fake.beforeUpdate = (found) => {
      looks += 1;
      if (looks === 2) found.profiles[WORK] = structuredClone(wanted);
    };
    expect(await inside.store.apply(file, value)).toEqual({ outcome: "already", written: [] });
    expect(looks).toBe(2);
  });
});
