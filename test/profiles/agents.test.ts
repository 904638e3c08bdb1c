// Which folders are agents, which of them share a store, and how one is found by its name.

import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROFILES } from "../../src/config/defaults.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import { findAgentPlace, listAgentPlaces, type AgentPlaces } from "../../src/profiles/agents.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

interface Configured {
  readonly id: string;
  readonly agentDir?: string;
}

/** The agents of a new state folder with these folders below `agents`. */
async function placesWith(
  folders: readonly string[],
  agents: readonly Configured[] = [],
): Promise<{ readonly root: string; readonly places: AgentPlaces }> {
  const root = await temporaryFolder();
  for (const name of folders) await mkdir(join(root, "agents", name), { recursive: true });
  const paths = openClawPaths(readEnvironment({ HOME: root, OPENCLAW_STATE_DIR: root }));
  const config = { agents, configOrder: undefined, declared: new Map() };
  return { root, places: await listAgentPlaces({ paths, home: root }, config) };
}

describe("the agents' places", () => {
  it("are main's alone where there is no folder yet", async () => {
    const { root, places } = await placesWith([]);
    const agentDir = join(root, "agents", "main", "agent");
    expect(places).toEqual([
      {
        agentId: "main",
        agentIds: ["main"],
        agentDir,
        storePath: join(agentDir, "auth-profiles.json"),
        statePath: join(agentDir, "auth-state.json"),
        isMain: true,
      },
    ]);
  });

  it("are those of folders that OpenClaw would name so, in the order of their names, and main once", async () => {
    const { places } = await placesWith(["zoe", "main", "Big", ".hidden", "a b", "abe", "-x"]);
    expect(places.map(({ agentId, isMain }) => [agentId, isMain])).toEqual([
      ["main", true],
      ["abe", false],
      ["zoe", false],
    ]);
  });

  it("are those of the configuration before folders that are only left, wherever they lie", async () => {
    const { root, places } = await placesWith(["abe"], [{ id: "zoe", agentDir: "~/elsewhere" }, { id: "kim" }]);
    expect(places.map(({ agentId, agentDir }) => [agentId, agentDir])).toEqual([
      ["main", join(root, "agents", "main", "agent")],
      ["zoe", join(root, "elsewhere")],
      ["kim", join(root, "agents", "kim", "agent")],
      ["abe", join(root, "agents", "abe", "agent")],
    ]);
  });

  it("are one where two agents use one folder, also by a link", async () => {
    const root = await temporaryFolder();
    const dir = (id: string): string => join(root, "agents", id, "agent");
    await mkdir(dir("main"), { recursive: true });
    await mkdir(join(root, "agents", "twin"));
    await symlink(dir("main"), dir("twin"));
    const paths = openClawPaths(readEnvironment({ HOME: root, OPENCLAW_STATE_DIR: root }));
    const config = { agents: [{ id: "other", agentDir: dir("main") }], configOrder: undefined, declared: new Map() };
    const places = await listAgentPlaces({ paths, home: root }, config);
    expect(places.map(({ agentIds }) => agentIds)).toEqual([["main", "other", "twin"]]);
    expect(places[0]).toMatchObject({ agentId: "main", isMain: true });
  });

  it("are looked for in so many folders and no more, the first by name", async () => {
    const names = Array.from({ length: PROFILES.maxAgents + 3 }, (_unused, index) => `a${1_000 + index}`);
    const { places } = await placesWith(names.toReversed());
    expect(places.map(({ agentId }) => agentId)).toEqual(["main", ...names.slice(0, PROFILES.maxAgents)]);
  });
});

describe("the place of an agent", () => {
  it("is found by any of its names as a person may write it, and is called by the one that was asked for", async () => {
    const { places } = await placesWith(
      [],
      [
        { id: "ops", agentDir: "~/shared" },
        { id: "sales", agentDir: "~/shared" },
      ],
    );
    expect(findAgentPlace(places, undefined)).toMatchObject({ agentId: "main", isMain: true });
    expect(findAgentPlace(places, " Sales ")).toMatchObject({ agentId: "sales", agentIds: ["ops", "sales"] });
    expect(findAgentPlace(places, "ops").storePath).toBe(findAgentPlace(places, "sales").storePath);
  });

  it("is refused where there is none, with the names that there are, ten at most", async () => {
    const ids = Array.from({ length: 12 }, (_unused, index) => `b${10 + index}`);
    const { places } = await placesWith(ids);
    const names = ["main", ...ids.slice(0, 9)].join(", ");
    expect(() => findAgentPlace(places, "nobody")).toThrow(
      expect.objectContaining({ code: "ERR_AGENT_UNKNOWN", next: `Use one of: ${names}.` }),
    );
  });
});
