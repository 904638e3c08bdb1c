// The checks of `doctor`, one function each; none of them writes, waits for a lock, or connects to anything but the gateway.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pluginAtWork } from "../../apply/presence.ts";
import { readBotToken } from "../../config/config.ts";
import { toCodexAuthError, type CodexAuthError } from "../../errors.ts";
import { WITHOUT_PLUGIN } from "../../profiles/published-store.ts";
import { readJson5File } from "../../storage/json5-file.ts";
import { openClawLockPath } from "../../storage/openclaw-lock.ts";
import { neighbourFindings } from "../openclaw/neighbours.ts";
import { leftToPlugin } from "../plugin-first.ts";
import type { Parts } from "../services.ts";
import type { Finding } from "./finding.ts";
import { gatewayFindings, generationFindings } from "./gateway-checks.ts";
import { leaseFindings } from "./lease-check.ts";
import { ownersFindings } from "./owners-check.ts";
import { exposedFiles, settingsFile, settingsFindings } from "./settings-checks.ts";

type Check = (parts: Parts) => Promise<readonly Finding[]>;

/** Runs all checks, in the order in which a login would meet them; `problem` where the settings do not load. */
export async function checkEverything(parts: Parts, problem?: CodexAuthError): Promise<readonly Finding[]> {
  const findings: Finding[] = [...(await settingsFindings(parts, problem))];
  for (const [what, check] of CHECKS) {
    // On the defaults there is no bot, whatever the settings say.
    if (problem !== undefined && check === bot) continue;
    try {
      findings.push(...(await check(parts)));
    } catch (error) {
      const { message, next } = toCodexAuthError(error);
      findings.push({ what, state: "fail", text: message, next });
    }
  }
  return findings;
}

const CHECKS: readonly (readonly [what: string, check: Check])[] = [
  ["generation", generationFindings],
  ["store", store],
  ["owners", ownersFindings],
  ["permissions", permissions],
  ["lock", lock],
  ["gateway", gatewayFindings],
  ["plugin", plugin],
  ["queue", queue],
  ["lease", leaseFindings],
  ["bot", bot],
];

async function store({ store: port, config }: Parts): Promise<readonly Finding[]> {
  const snapshot = await port.read(config.agentId);
  const { files } = snapshot;
  const count = snapshot.summaries.length;
  return [
    {
      what: "store",
      state: "ok",
      text: `${count} Codex ${count === 1 ? "profile" : "profiles"} of agent ${snapshot.agentId} ${files.length === 0 ? "(no store yet; it is made with the first login)" : `in ${files.join(", ")}`}`,
    },
  ];
}

async function permissions(parts: Parts): Promise<readonly Finding[]> {
  const { openClaw, own, store: port, config } = parts;
  // What is told of the settings is not told again.
  const told = new Set((await exposedFiles(parts)).map(({ path }) => path));
  const { files } = await port.read(config.agentId).catch(() => ({ files: [] }));
  const wide: string[] = [];
  for (const path of [...files, openClaw.configPath, own.root, ...(await ownFiles(own.root))]) {
    if (told.has(path)) continue;
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o077) !== 0) wide.push(path);
  }
  if (wide.length === 0) return [{ what: "permissions", state: "ok", text: "nothing is readable by others" }];
  return [
    {
      what: "permissions",
      state: "warn",
      text: `readable by others: ${wide.slice(0, 5).join(", ")}`,
      next: `chmod go-rwx ${wide.slice(0, 5).join(" ")}`,
    },
  ];
}

async function ownFiles(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.map((entry) => join(entry.parentPath, entry.name));
}

async function lock({ store: port, config }: Parts): Promise<readonly Finding[]> {
  const { files } = await port.read(config.agentId);
  const [first] = files;
  if (first === undefined) return [];
  const path = await openClawLockPath(first);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [{ what: "lock", state: "ok", text: "the store is not locked" }];
  if (found.isDirectory()) {
    return [
      {
        what: "lock",
        state: "fail",
        text: `${path} is a folder: it blocks OpenClaw and us for good`,
        next: `Stop whatever made it (an older codex-auth or another tool), then remove the folder ${path}.`,
      },
    ];
  }
  const seconds = Math.round((Date.now() - found.mtimeMs) / 1_000);
  return [
    {
      what: "lock",
      state: seconds > 150 ? "warn" : "ok",
      text: `the store is locked for ${seconds} s, most likely by a refresh of OpenClaw`,
      ...(seconds > 150 ? { next: "If no OpenClaw runs, start it once: it clears a lock that was left behind." } : {}),
    },
  ];
}

/** The plugin inside the gateway: where it is at work, it makes the changes; and what stands in its way or in ours. */
async function plugin({ openClaw, own, now, environment }: Parts): Promise<readonly Finding[]> {
  const [presence, settings] = await Promise.all([pluginAtWork(own, now), readJson5File(openClaw.configPath)]);
  const { home, openclaw } = environment;
  const places = { stateDir: openClaw.stateDir, home: openclaw.home ?? home, settings };
  const found = await neighbourFindings({ ...places, hasPlugin: presence !== undefined });
  if (presence === undefined) return found;
  const { pid, version } = presence;
  const text = `version ${version} is at work inside the gateway (pid ${pid}): changes are left to it`;
  return [{ what: "plugin", state: "ok", text }, ...found];
}

async function queue(parts: Parts): Promise<readonly Finding[]> {
  const { engine } = parts;
  const [left, open, parked, unreadable, isAlive] = await Promise.all([
    leftToPlugin(parts),
    engine.queue.open(),
    engine.parked.list(),
    engine.queue.unreadable(),
    engine.isExecutorAlive(),
  ]);
  const isWorkedOn = left === "at-work" || isAlive;
  const next = isWorkedOn
    ? "See `codex-auth-skill status`."
    : left === "awaited"
      ? WITHOUT_PLUGIN
      : "Run `codex-auth-skill apply` to end it here and see why it waits.";
  const waiting = `${open.length} open, ${isWorkedOn ? "being worked on" : "and nothing is at work"}`;
  const findings: Finding[] =
    open.length === 0
      ? [{ what: "queue", state: "ok", text: "nothing is waiting" }]
      : [{ what: "queue", state: "warn", text: waiting, next }];
  if (parked.length > 0) {
    findings.push({
      what: "parked",
      state: "warn",
      text: `${parked.length} received and not decided`,
      next: "See `codex-auth-skill parked`.",
    });
  }
  if (unreadable.length > 0) {
    findings.push({
      what: "queue",
      state: "warn",
      text: `left alone: ${unreadable.join(", ")}`,
      next: "They are damaged or of a newer version of this program.",
    });
  }
  return findings;
}

async function bot(parts: Parts): Promise<readonly Finding[]> {
  const { config, environment } = parts;
  const { allowFrom } = config.telegram;
  const next = "Run `codex-auth-skill setup`.";
  // Read only to know that it can be: what is wrong with its file is this finding.
  if ((await readBotToken(config, environment.uid)) === undefined) {
    const text = `no bot token (in ${settingsFile(parts)} or CODEX_AUTH_BOT_TOKEN)`;
    return [{ what: "bot", state: "warn", text, next }];
  }
  if (allowFrom.length === 0)
    return [
      {
        what: "bot",
        state: "warn",
        text: "a token, but nobody may use it",
        next: "Run `codex-auth-skill bot` and write to it: it prints your id; then add it with `codex-auth-skill setup`.",
      },
    ];
  return [
    {
      what: "bot",
      state: "ok",
      text: `set up for ${allowFrom.length} ${allowFrom.length === 1 ? "person" : "people"}`,
    },
  ];
}
