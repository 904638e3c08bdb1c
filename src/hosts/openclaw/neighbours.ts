// Other plugins and skills on this machine that stand in our way: earlier plugins for the same lease, stale copies, skills of our names.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { PLUGIN_ID } from "../../config/openclaw-owners.ts";
import { expandUserPath } from "../../config/paths.ts";
import { readTextFile } from "../../storage/json-file.ts";
import { parseJson5 } from "../../storage/json5-file.ts";
import type { Finding } from "../cli/finding.ts";

/** Plugins of the Auth Manager that keep the same lease and count the same usage. */
const EARLIER_PLUGINS = ["auth-manager-lease-telemetry", "openclaw-auth-manager-plugin"] as const;
/** The commands that a skill of such a name takes from the plugin's own registration on Telegram (facts/openclaw-json-generation.md §7). */
const COMMANDS = ["codex_auth", "lease", "codex_usage"] as const;

/** Where to look. */
export interface NeighbourPlaces {
  readonly stateDir: string;
  /** What `~` means to OpenClaw. */
  readonly home: string;
  /** OpenClaw's settings, parsed. */
  readonly settings: unknown;
  /** True where our plugin is at work or installed: only then does a skill take commands from it. */
  readonly hasPlugin: boolean;
}

const pluginEntry = z.object({ enabled: z.boolean().optional().catch(undefined) }).catch({});
const settingsSchema = z.object({
  plugins: z
    .object({
      entries: z.record(z.string(), pluginEntry).catch({}),
      installs: z.record(z.string(), z.unknown()).catch({}),
      load: z
        .object({ paths: z.array(z.string()).catch([]) })
        .partial()
        .catch({}),
    })
    .partial()
    .catch({}),
  skills: z
    .object({ entries: z.record(z.string(), pluginEntry).catch({}) })
    .partial()
    .catch({}),
  agents: z
    .object({
      defaults: z.object({ workspace: z.string() }).partial().catch({}),
      list: z.array(z.object({ workspace: z.string().optional().catch(undefined) }).catch({})).catch([]),
    })
    .partial()
    .catch({}),
});

/** What was found, each with the step that removes it; empty where nothing is in the way. */
export async function neighbourFindings(places: NeighbourPlaces): Promise<readonly Finding[]> {
  const base = typeof places.settings === "object" && places.settings !== null ? places.settings : {};
  const settings = settingsSchema.parse({ plugins: {}, agents: {}, skills: {}, ...base });
  const copies = await pluginCopies(places, settings.plugins.load?.paths ?? []);
  return [
    ...earlierPlugins(settings, copies),
    ...staleCopies(places, copies),
    ...(places.hasPlugin ? await shadowingSkills(places, settings) : []),
  ];
}

/** Whether one of the earlier plugins keeps this machine's lease: two keepers would take turns in undoing each other. */
export function hasEarlierKeeper(findings: readonly Finding[]): boolean {
  return findings.some(({ what, state }) => what === "earlier plugin" && state === "fail");
}

type Settings = z.infer<typeof settingsSchema>;

interface PluginCopy {
  readonly id: string;
  readonly path: string;
  /** Whether OpenClaw itself would have put it there. */
  readonly isInPlace: boolean;
}

function earlierPlugins({ plugins }: Settings, copies: readonly PluginCopy[]): readonly Finding[] {
  return EARLIER_PLUGINS.flatMap((id): Finding[] => {
    const entry = plugins.entries?.[id];
    const paths = copies.filter((copy) => copy.id === id).map(({ path }) => path);
    const isNamed = entry !== undefined || plugins.installs?.[id] !== undefined;
    if (!isNamed && paths.length === 0) return [];
    const isOn = entry?.enabled !== false;
    const where = paths.length === 0 ? "" : ` (${paths.join(", ")})`;
    return [
      {
        what: "earlier plugin",
        state: isOn ? "fail" : "warn",
        text: isOn
          ? `the plugin ${id}${where} keeps the same lease and counts the same usage: ours does not keep it meanwhile`
          : `the plugin ${id}${where} is switched off, and still installed`,
        next: `Run \`openclaw plugins uninstall ${id}\`${paths.length === 0 ? "" : `, remove ${paths.join(" and ")} if it is still there`}, then restart the gateway.`,
      },
    ];
  });
}

/** A second copy of ours is loaded beside the first one, or in its stead after an update. */
function staleCopies({ stateDir }: NeighbourPlaces, copies: readonly PluginCopy[]): readonly Finding[] {
  const ours = copies.filter(({ id }) => id === PLUGIN_ID);
  const stale = ours.filter(({ isInPlace }) => !isInPlace && ours.length > 1);
  // Left over under another name, while none is where it belongs.
  const misplaced = ours.filter(({ path, isInPlace }) => !isInPlace && path.startsWith(join(stateDir, "extensions")));
  return [...new Set([...stale, ...misplaced])].map(({ path }) => ({
    what: "stale copy",
    state: "warn",
    text: `${path} is another copy of this plugin, which OpenClaw may load in the stead of the installed one`,
    next: `Remove ${path} (and its line in plugins.load.paths, if there is one), then restart the gateway.`,
  }));
}

async function pluginCopies(
  { stateDir, home }: NeighbourPlaces,
  paths: readonly string[],
): Promise<readonly PluginCopy[]> {
  const extensions = join(stateDir, "extensions");
  const installed = (await readdir(extensions).catch(() => [])).map((name) => join(extensions, name));
  const copies: PluginCopy[] = [];
  for (const path of new Set([...installed, ...paths.map((one) => resolve(expandUserPath(one, home)))])) {
    const id = await manifestId(path);
    if (id !== undefined) copies.push({ id, path, isInPlace: path === join(extensions, id) });
  }
  return copies;
}

async function manifestId(folder: string): Promise<string | undefined> {
  const path = join(folder, "openclaw.plugin.json");
  try {
    const text = await readTextFile(path, 256 * 1024);
    const parsed = z.object({ id: z.string() }).safeParse(text === undefined ? undefined : parseJson5(text, path));
    return parsed.data?.id;
  } catch {
    return undefined;
  }
}

/** Skills that OpenClaw would offer under a command of ours; the skill of codex-profiler answers by the model in any case. */
async function shadowingSkills(places: NeighbourPlaces, { agents, skills }: Settings): Promise<readonly Finding[]> {
  const { stateDir, home } = places;
  const workspaces = [
    agents.defaults?.workspace ?? join(stateDir, "workspace"),
    ...(agents.list ?? []).flatMap(({ workspace }) => workspace ?? []),
  ].map((path) => expandUserPath(path, home));
  const roots = [
    ...workspaces.flatMap((path) => [join(path, "skills"), join(path, ".agents", "skills")]),
    join(home, ".agents", "skills"),
    join(stateDir, "skills"),
  ];
  const findings: Finding[] = [];
  for (const root of new Set(roots)) {
    for (const name of await readdir(root).catch(() => [])) {
      const found = await readSkill(join(root, name));
      if (found === undefined) continue;
      const command = COMMANDS.find((one) => one === slashName(found.name));
      if (skills.entries?.[found.name]?.enabled === false) continue;
      if (command !== undefined && found.isInvocable) findings.push(shadow(join(root, name), found.name, command));
      else if (found.name === "codex-profiler") findings.push(profiler(join(root, name)));
    }
  }
  return findings;
}

function shadow(path: string, name: string, command: string): Finding {
  return {
    what: "skill",
    state: "warn",
    text: `the skill ${name} in ${path} is offered as /${command} too; the plugin takes that command before the model gets it`,
    next: `To have it once in Telegram's menu, set skills.entries.${name}.enabled to false in openclaw.json, or remove that folder; then restart the gateway.`,
  };
}

function profiler(path: string): Finding {
  return {
    what: "skill",
    state: "warn",
    text: `the skill codex-profiler in ${path} changes logins too, by the model and past OpenClaw's lock`,
    next: `Remove ${path}, then restart the gateway.`,
  };
}

/** A skill's name and whether it is a command: the first lines of its SKILL.md. */
async function readSkill(
  folder: string,
): Promise<{ readonly name: string; readonly isInvocable: boolean } | undefined> {
  const text = await readTextFile(join(folder, "SKILL.md"), 256 * 1024).catch(() => undefined);
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text ?? "")?.[1];
  if (head === undefined) return undefined;
  const value = (key: string): string | undefined =>
    new RegExp(String.raw`^${key}:\s*["']?([^"'\r\n]*?)["']?\s*$`, "m").exec(head)?.[1];
  const name = value("name");
  return name === undefined ? undefined : { name, isInvocable: value("user-invocable") !== "false" };
}

/** The command that OpenClaw makes of a skill's name (facts/openclaw-json-generation.md §7). */
function slashName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 32);
}
