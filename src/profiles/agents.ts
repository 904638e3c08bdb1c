// Which agents there are and where the store of each lies; the main store is the one that all others inherit.

import { join } from "node:path";
import { PROFILES } from "../config/defaults.ts";
import { expandUserPath, type OpenClawPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import { namesIn, realPathOr } from "../storage/look.ts";
import { normalizeAgentId, type OpenClawConfig } from "./openclaw-config.ts";

/** The agent whose store the others inherit; literally this, whatever the default agent is (facts §1). */
const MAIN_AGENT = "main";

/** One agent's place. */
export interface AgentPlace {
  readonly agentId: string;
  /** Every agent that was told to use this folder. */
  readonly agentIds: readonly string[];
  readonly agentDir: string;
  readonly storePath: string;
  readonly statePath: string;
  /** True for the store that the others inherit. */
  readonly isMain: boolean;
}

/** Where {@link listAgentPlaces} looks. */
export interface AgentRoots {
  readonly paths: OpenClawPaths;
  /** The home that `~` means to OpenClaw. */
  readonly home: string;
}

/** Every place there is, main first. */
export type AgentPlaces = readonly [AgentPlace, ...AgentPlace[]];

/** All places: that of the main store, of every configured agent, and of agents that only have a folder left. */
export async function listAgentPlaces(roots: AgentRoots, config: OpenClawConfig): Promise<AgentPlaces> {
  const byFolder = new Map<string, { readonly ids: string[]; readonly dir: string }>();
  for (const { id, dir } of agentDirs(roots, config)) {
    const real = realPathOr(dir);
    const sharing = byFolder.get(real);
    if (sharing === undefined) byFolder.set(real, { ids: [id], dir });
    else if (!sharing.ids.includes(id)) sharing.ids.push(id);
  }
  const [main, ...others] = [...byFolder.values()].map(({ ids, dir }, index) => placeAt(ids, dir, index === 0));
  return [main ?? placeAt([MAIN_AGENT], roots.paths.mainAgentDir, true), ...others];
}

/** The folders by which {@link listAgentPlaces} goes, besides the configuration: while none of them has changed, the places are the same. */
export function agentPaths(roots: AgentRoots, config: OpenClawConfig): readonly string[] {
  return [agentsFolder(roots), ...agentDirs(roots, config).map(({ dir }) => dir)];
}

/** The folder of each agent as it is named, main first; several may lead to one place. */
function agentDirs(
  roots: AgentRoots,
  config: OpenClawConfig,
): readonly { readonly id: string; readonly dir: string }[] {
  const ownDir = (id: string): string => join(agentsFolder(roots), id, "agent");
  const configured = config.agents.map(({ id, agentDir }) => ({
    id,
    dir: agentDir === undefined ? ownDir(id) : expandUserPath(agentDir, roots.home),
  }));
  const onDisk = agentFolders(agentsFolder(roots)).map((id) => ({ id, dir: ownDir(id) }));
  return [{ id: MAIN_AGENT, dir: roots.paths.mainAgentDir }, ...configured, ...onDisk];
}

function agentsFolder({ paths }: AgentRoots): string {
  return join(paths.stateDir, "agents");
}

/** The place of `agentId` (main where none is given). @throws CodexAuthError `ERR_AGENT_UNKNOWN`. */
export function findAgentPlace(places: AgentPlaces, agentId: string | undefined): AgentPlace {
  const id = agentId === undefined ? MAIN_AGENT : normalizeAgentId(agentId);
  const found = places.find((place) => place.agentIds.includes(id));
  if (found !== undefined) return { ...found, agentId: id };
  throw new CodexAuthError("ERR_AGENT_UNKNOWN", {
    message: "OpenClaw has no agent of that name.",
    next: `Use one of: ${places
      .flatMap(({ agentIds }) => agentIds)
      .slice(0, 10)
      .join(", ")}.`,
  });
}

function placeAt(agentIds: readonly string[], agentDir: string, isMain: boolean): AgentPlace {
  return {
    agentId: agentIds[0] ?? MAIN_AGENT,
    agentIds,
    agentDir,
    storePath: join(agentDir, "auth-profiles.json"),
    statePath: join(agentDir, "auth-state.json"),
    isMain,
  };
}

/** The agents that have a folder, in the order of their names; only such names as OpenClaw itself gives. */
function agentFolders(folder: string): readonly string[] {
  return namesIn(folder)
    .filter((name) => normalizeAgentId(name) === name)
    .toSorted()
    .slice(0, PROFILES.maxAgents);
}
