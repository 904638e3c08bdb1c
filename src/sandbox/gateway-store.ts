// The auth stores as the sandbox gateway sees them: a snapshot in memory that knows nothing of the files after it was taken.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fingerprint } from "../secrets/fingerprint.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { withOpenClawLock } from "../storage/openclaw-lock.ts";
import type { GatewayOptions } from "./gateway-options.ts";

const credential = z.looseObject({
  type: z.string(),
  provider: z.string(),
  access: z.string().optional(),
  // A `token` entry, as a leased credential is, has its access token here (§1).
  token: z.string().optional(),
  expires: z.number().optional(),
  email: z.string().optional(),
});
const order = z.record(z.string(), z.array(z.string()));
const profilesFile = z.looseObject({ profiles: z.record(z.string(), credential), order: order.optional() });
const stateFile = z.looseObject({ order: order.optional() });

interface AgentSnapshot {
  readonly folder: string;
  readonly profiles: z.infer<typeof profilesFile>;
  readonly state: z.infer<typeof stateFile> | undefined;
}

/** One profile as the running gateway would use it. */
export interface UsedProfile {
  readonly profileId: string;
  readonly provider: string;
  readonly type: string;
  readonly email: string | undefined;
  readonly expires: number | undefined;
  /** The access token that the next model call would carry, as a fingerprint. */
  readonly access: string | undefined;
}

/** The runtime snapshot of a gateway: reads come from it, never from the disk (facts/openclaw-json-generation.md §1). */
export class GatewayStore {
  readonly #options: GatewayOptions;
  #agents: readonly AgentSnapshot[] = [];

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Takes the snapshot of every agent's store, as at start and by `secrets.reload`; read-only and without the lock (§8). */
  async load(): Promise<void> {
    const folders = [this.#options.mainAgentDir, ...(await this.#otherAgentDirs())];
    const agents: AgentSnapshot[] = [];
    for (const folder of folders) {
      const profiles = await readJsonFile(join(folder, "auth-profiles.json"), profilesFile);
      if (profiles === undefined) continue;
      const hasState = this.#options.shape === "two-files";
      const state = hasState ? await readJsonFile(join(folder, "auth-state.json"), stateFile) : undefined;
      agents.push({ folder, profiles, state });
    }
    this.#agents = agents;
  }

  /** Writes the whole snapshot over the files, stale or not: what a token refresh of the real one does (§1, "What overwrites external edits"). */
  async writeBack(): Promise<void> {
    for (const agent of this.#agents) {
      const path = join(agent.folder, "auth-profiles.json");
      await withOpenClawLock(path, async () => {
        await writeJsonFile(path, agent.profiles);
        if (agent.state !== undefined) await writeJsonFile(join(agent.folder, "auth-state.json"), agent.state);
      });
    }
  }

  /** The profiles of `main` as the next model call would see them, first in the order first. */
  used(): readonly UsedProfile[] {
    const main = this.#agents.find((agent) => agent.folder === this.#options.mainAgentDir);
    if (main === undefined) return [];
    const first = Object.values(main.state?.order ?? main.profiles.order ?? {}).flat();
    const rank = (id: string): number => (first.includes(id) ? first.indexOf(id) : first.length);
    return Object.entries(main.profiles.profiles)
      .toSorted(([a], [b]) => rank(a) - rank(b))
      .map(([profileId, entry]) => {
        const access = entry.type === "token" ? entry.token : entry.access;
        return {
          profileId,
          provider: entry.provider,
          type: entry.type,
          email: entry.email,
          expires: entry.expires,
          access: access === undefined ? undefined : fingerprint(access),
        };
      });
  }

  /** The answer of `models.authStatus`, in the shape of 2026.5.28 (§8). */
  authStatus(now: number): unknown {
    const used = this.used();
    const providers = [...new Set(used.map((profile) => profile.provider))];
    return {
      ts: now,
      providers: providers.map((provider) => {
        const profiles = used.filter((profile) => profile.provider === provider);
        return {
          provider,
          displayName: provider,
          status: profiles.some((profile) => status(profile, now) === "expired") ? "expired" : "ok",
          expiry: expiry(profiles.map((profile) => profile.expires ?? Infinity).toSorted((a, b) => a - b)[0], now),
          profiles: profiles.map((profile) => ({
            profileId: profile.profileId,
            type: profile.type,
            status: status(profile, now),
            expiry: expiry(profile.expires, now),
          })),
        };
      }),
    };
  }

  async #otherAgentDirs(): Promise<readonly string[]> {
    const root = join(this.#options.stateDir, "agents");
    const names = await readdir(root).catch(() => []);
    return names.map((name) => join(root, name, "agent")).filter((folder) => folder !== this.#options.mainAgentDir);
  }
}

function status(profile: UsedProfile, now: number): string {
  if (profile.expires === undefined) return "static";
  return profile.expires <= now ? "expired" : "ok";
}

function expiry(at: number | undefined, now: number): unknown {
  if (at === undefined || !Number.isFinite(at)) return undefined;
  return { at, remainingMs: at - now, label: `${Math.round((at - now) / 60_000)}m` };
}
