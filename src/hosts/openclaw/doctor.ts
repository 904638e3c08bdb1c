// What the plugin knows of its own surroundings: which OpenClaw, which store, who owns it, what it may hear, what is in the way.

import { z } from "zod";
import { pluginAtWork } from "../../apply/presence.ts";
import { code, type Line, type Reply } from "../../chat/reply.ts";
import { PLUGIN_ID } from "../../config/openclaw-owners.ts";
import { expandUserPath } from "../../config/paths.ts";
import { toCodexAuthError } from "../../errors.ts";
import { findingText, type Finding } from "../cli/finding.ts";
import type { Parts } from "../parts.ts";
import { abilitiesOf, type Abilities } from "./abilities.ts";
import { neighbourFindings } from "./neighbours.ts";

/** What the doctor looks at. */
export interface PluginDoctorParts {
  readonly parts: Parts;
  readonly abilities: Abilities;
  readonly settings: () => unknown;
  /** Whether this OpenClaw lets the plugin send messages by itself. */
  readonly canSend: () => Promise<boolean>;
}

type Check = (doctor: PluginDoctorParts) => Promise<readonly Finding[]>;

const GENERATIONS = {
  "json-single": "one file (auth-profiles.json)",
  "json-split": "two files (auth-profiles.json and auth-state.json)",
  sqlite: "OpenClaw's database",
  unknown: "nobody can tell",
} as const;

/** Looks at everything; what cannot be looked at is a finding too. */
export async function pluginFindings(doctor: PluginDoctorParts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [what, check] of CHECKS) {
    try {
      findings.push(...(await check(doctor)));
    } catch (error) {
      const { message, next } = toCodexAuthError(error);
      findings.push({ what, state: "fail", text: message, next });
    }
  }
  return findings;
}

/** `/codex_auth doctor` inside OpenClaw. */
export async function doctorReply(doctor: PluginDoctorParts): Promise<Reply> {
  const findings = await pluginFindings(doctor);
  return { lines: findings.flatMap((finding) => findingText(finding).split("\n").map(asLine)) };
}

const CHECKS: readonly (readonly [what: string, check: Check])[] = [
  ["openclaw", generation],
  ["store", store],
  ["owners", owners],
  ["executor", executor],
  ["sign-in", signIn],
  ["answers", answers],
  ["usage", usage],
  ["neighbours", surroundings],
];

async function generation({ parts, abilities }: PluginDoctorParts): Promise<readonly Finding[]> {
  const found = await parts.generation();
  const version = abilities.version ?? "a version that it does not name";
  return [{ what: "openclaw", state: "ok", text: `${version}; logins are kept in ${GENERATIONS[found]}` }];
}

async function store({ parts }: PluginDoctorParts): Promise<readonly Finding[]> {
  const { agentId, summaries } = await parts.store.read(parts.config.agentId);
  const count = `${summaries.length} Codex ${summaries.length === 1 ? "profile" : "profiles"}`;
  return [
    {
      what: "store",
      state: "ok",
      text: `${count} of agent ${agentId}, written by OpenClaw's own code without a restart`,
    },
  ];
}

function owners({ parts }: PluginDoctorParts): Promise<readonly Finding[]> {
  const people = parts.owners.people();
  const finding: Finding =
    people.length === 0
      ? {
          what: "owners",
          state: "fail",
          text: "nobody may use this",
          next: "Add your id to commands.ownerAllowFrom in openclaw.json, such as telegram:123456789.",
        }
      : { what: "owners", state: "ok", text: people.join(", ") };
  return Promise.resolve([finding]);
}

async function executor({ parts }: PluginDoctorParts): Promise<readonly Finding[]> {
  const [presence, open] = await Promise.all([pluginAtWork(parts.own, parts.now), parts.engine.queue.open()]);
  const waiting = open.length === 0 ? "nothing is waiting" : `${open.length} waiting`;
  if (presence !== undefined)
    return [{ what: "executor", state: "ok", text: `at work in process ${presence.pid}; ${waiting}` }];
  return [
    {
      what: "executor",
      state: open.length === 0 ? "warn" : "fail",
      text: `the plugin's service is not at work; ${waiting}`,
      next: "Start the gateway; if it runs, see whether the plugin's manifest has activation.onStartup.",
    },
  ];
}

function signIn({ abilities }: PluginDoctorParts): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  if (!abilities.tellsGroups)
    found.push({
      what: "sign-in",
      state: "fail",
      text: "it is not known how this OpenClaw tells a group from a private chat, so nothing is signed in here",
      next: "Use the bot or a terminal, or update codex-auth-skill.",
    });
  else if (abilities.claimsPastes)
    found.push({
      what: "sign-in",
      state: "ok",
      text: "by code, or by an address pasted in a private chat, which neither the model nor the chat keeps",
    });
  else
    found.push({
      what: "sign-in",
      state: "ok",
      text: abilitiesOf(abilities.version).claimsPastes
        ? "by code only: a pasted address could not be taken out of the chat (no account of OpenClaw's Telegram bot was found)"
        : "by code only: this OpenClaw shows the model a pasted address even after it is deleted; one is deleted and its sign-in ended",
    });
  return Promise.resolve(found);
}

async function answers({ canSend }: PluginDoctorParts): Promise<readonly Finding[]> {
  if (await canSend())
    return [{ what: "answers", state: "ok", text: "sent by OpenClaw's own bot, also after a restart" }];
  return [
    {
      what: "answers",
      state: "warn",
      text: "this OpenClaw gives the plugin no way to send a message by itself",
      next: "What ends after its command has answered is shown with your next /codex_auth.",
    },
  ];
}

const hooksSchema = z.object({
  plugins: z.object({
    entries: z.object({ [PLUGIN_ID]: z.object({ hooks: z.object({ allowConversationAccess: z.literal(true) }) }) }),
  }),
});

/** Only a lease counts usage. */
function usage({ parts, abilities, settings }: PluginDoctorParts): Promise<readonly Finding[]> {
  if (parts.config.lease.broker === undefined) return Promise.resolve([]);
  const isHeard = !abilities.asksForHooks || hooksSchema.safeParse(settings()).success;
  const finding: Finding = isHeard
    ? { what: "usage", state: "ok", text: "counts of each model call are heard; nothing else of it is read" }
    : {
        what: "usage",
        state: "warn",
        text: "OpenClaw does not tell the plugin of model calls, so no usage is counted for the lease",
        next: `Set plugins.entries.${PLUGIN_ID}.hooks.allowConversationAccess to true in openclaw.json. Only numbers and names of models are read.`,
      };
  return Promise.resolve([finding]);
}

/** Other plugins and skills that are in the way. */
export async function neighbours({
  parts,
  settings,
}: Pick<PluginDoctorParts, "parts" | "settings">): Promise<readonly Finding[]> {
  const { environment, openClaw } = parts;
  const home =
    environment.openclaw.home === undefined
      ? environment.home
      : expandUserPath(environment.openclaw.home, environment.home);
  return neighbourFindings({ stateDir: openClaw.stateDir, home, settings: settings(), hasPlugin: true });
}

async function surroundings(doctor: PluginDoctorParts): Promise<readonly Finding[]> {
  const found = await neighbours(doctor);
  return found.length > 0
    ? found
    : [{ what: "neighbours", state: "ok", text: "no other plugin or skill is in the way" }];
}

/** Our sentences set what can be typed between backticks. */
function asLine(text: string): Line {
  return text.split(/`([^`]+)`/u).map((part, index) => (index % 2 === 1 ? code(part) : part));
}
