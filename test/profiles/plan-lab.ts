// Store files and an input of plans, put together by hand: planning is pure, so no file has to lie anywhere.

import type { AgentFiles, JsonObject } from "../../src/profiles/json-files.ts";
import type { PlanInput } from "../../src/profiles/json-plan.ts";

/** The path of an agent's store in these plans. */
export const pathOf = (agentId: string): string => `/stores/${agentId}.json`;

/** The files of an agent; `profiles` undefined = it has no store. */
export function filesOf(agentId: string, profiles: JsonObject | undefined, state?: JsonObject): AgentFiles {
  const place = {
    agentId,
    agentIds: [agentId],
    agentDir: `/stores/${agentId}`,
    storePath: pathOf(agentId),
    statePath: `/stores/${agentId}-state.json`,
    isMain: agentId === "main",
  };
  return { place, profiles, state };
}

/** A document of a store with these entries. */
export function store(profiles: JsonObject, rest: JsonObject = {}): JsonObject {
  return { version: 1, profiles, ...rest };
}

/** What a plan is made from; the agent that is asked for is main, or the one that is named. */
export function planInput(main: AgentFiles, others: readonly AgentFiles[] = [], agentId = "main"): PlanInput {
  const asked = [main, ...others].find(({ place }) => place.agentId === agentId);
  return {
    main,
    others,
    unreadable: [],
    agent: asked?.place ?? { ...main.place, agentId, storePath: pathOf(agentId) },
    lockPathOf: ({ place }) => `${place.storePath}.lock`,
  };
}
