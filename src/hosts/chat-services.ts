// The chat on top of this machine's domains, and who may: the same for every host.

import { randomBytes as systemRandomBytes } from "node:crypto";
import { join } from "node:path";
import type { Address } from "../apply/job.ts";
import { pluginAtWork } from "../apply/presence.ts";
import { Rotations } from "../apply/rotations.ts";
import { ButtonCodec } from "../chat/button.ts";
import { DeviceSignIns, type DeviceParts } from "../chat/device-sign-ins.ts";
import { ShownLists } from "../chat/lists.ts";
import type { LeaseDoor } from "../chat/lease-door.ts";
import { Revocations } from "../chat/revocations.ts";
import type { ChatServices, Loaded, Reloaded } from "../chat/services.ts";
import type { UsageDoor } from "../chat/usage-door.ts";
import { IssuerSignIns } from "../chat/sign-ins.ts";
import { codexLoginPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import type { IdentifyingGateway } from "../gateway/gateway.ts";
import { parseIssuer } from "../oauth/issuer.ts";
import { readSessionPins, type SessionPin } from "../profiles/session-pins.ts";
import { ClosedLease } from "./closed-lease.ts";
import { LeaseHost } from "./lease.ts";
import { privateAddress } from "./openclaw/place.ts";
import { homeOf, type Parts } from "./parts.ts";
import { leftToPlugin } from "./plugin-first.ts";
import { UnwrittenLists } from "./unwritten-lists.ts";
import { openUsage } from "./usage.ts";

/** How a host differs for the chat. */
export interface ChatOptions {
  /** True where nobody sits at this host (a script without a terminal): its changes wait for a person in the chat. Default false. */
  readonly unattended?: boolean;
  /** True where this call only looks: buttons and lists last as long as the process, and no file is touched. Default false. */
  readonly readOnly?: boolean;
  /** The IANA name of the zone of whoever sits at this host, where the settings name none. Default: times are shown in UTC. */
  readonly timeZone?: string | undefined;
  /** How a sign-in by device code waits between two looks. Default: the system's timer. */
  readonly wait?: DeviceParts["wait"];
  /** The lease of this process, where it also keeps it. Default: one of its own, opened at the first use. */
  readonly lease?: LeaseHost;
}

/** The chat's services; makes the button key where there is none yet, unless they are read-only. */
export async function buildChatServices(parts: Parts, options: ChatOptions = {}): Promise<ChatServices> {
  const { chats, config, engine, gateway, invitations, log, now, own, pending, store } = parts;
  const timeZone = config.timeZone ?? options.timeZone;
  const isUnattended = options.unattended === true && !config.allowUnattended;
  return {
    store,
    signIns: new IssuerSignIns({ pending, issuer: parseIssuer(config.issuer), now }),
    ...(options.readOnly === true ? {} : { devices: devicesOf(parts, options) }),
    revocations: revocationsOf(parts),
    engine,
    gateway: {
      interruptedByRestart: () => interruptedByRestart(gateway),
      loaded: (agentId) => loadedBy(gateway, agentId),
      reload: () => reloadedBy(gateway),
    },
    waitsForPlugin: async () => (await leftToPlugin(parts)) === "awaited",
    mayRenew: async () => store.holding !== undefined && (await leftToPlugin(parts)) === undefined,
    pins: (agentId) => pinsOf(parts, agentId),
    ...(chats === undefined ? {} : { freeChats: (agentId: string) => chats.free(agentId) }),
    rotations: new Rotations({ folder: own.rotations, now }),
    codexFiles: codexFilesOf(parts),
    lease: leaseOf(parts, options.lease),
    usage: usageOf(parts),
    ...(timeZone === undefined ? {} : { timeZone }),
    agentId: config.agentId,
    activation: config.activation,
    ...(isUnattended ? { approvers: await approversNow(parts) } : {}),
    allow: (asker) => mayAsk(parts, asker),
    invitations,
    buttons:
      options.readOnly === true
        ? new ButtonCodec({ key: systemRandomBytes(32), now })
        : await ButtonCodec.open({ folder: own.chat, now }),
    lists: options.readOnly === true ? new UnwrittenLists(now) : new ShownLists({ folder: own.chat, now }),
    now,
    log,
  };
}

function devicesOf({ config, now, own, pending }: Parts, { wait }: ChatOptions): DeviceSignIns {
  const issuer = parseIssuer(config.issuer);
  const folder = join(own.pending, "device");
  return new DeviceSignIns({ folder, pending, issuer, now, ...(wait === undefined ? {} : { wait }) });
}

function codexFilesOf({ config, environment }: Parts): readonly string[] {
  return [...new Set([...codexLoginPaths(environment), config.lease.authFilePath])];
}

function revocationsOf(parts: Parts): Revocations {
  const { config, now, own } = parts;
  return new Revocations({ issuer: parseIssuer(config.issuer), places: tokenPlacesOf(parts), folder: own.parked, now });
}

/** Where refresh tokens lie on this machine. */
export function tokenPlacesOf(parts: Parts) {
  const { parked, queue } = parts.engine;
  return { store: parts.store, parked, queue, codexFiles: codexFilesOf(parts) };
}

/** The lease at its first use: where no broker is set, every use says so. */
function leaseOf(parts: Parts, given: LeaseHost | undefined): () => LeaseDoor {
  let door: LeaseDoor | undefined = given;
  return () => (door ??= parts.config.lease.broker === undefined ? new ClosedLease(parts) : new LeaseHost(parts));
}

/** Usage checks at their first use. */
function usageOf(parts: Parts): () => UsageDoor {
  let door: UsageDoor | undefined;
  return () => (door ??= openUsage(parts));
}

/**
 * Whether this person may now: the bot's people by the allow-list, OpenClaw's by its own list of owners; whoever runs a terminal or a command on this machine owns
 * the files anyway. Asked at each press, before a job is carried out, and at each delivery.
 */
export function mayAsk(
  { allowList, owners }: Pick<Parts, "allowList" | "owners">,
  asker: Pick<Address, "host" | "personId">,
): boolean {
  if (asker.host === "telegram") return allowList.people().includes(asker.personId);
  if (asker.host === "openclaw") return owners.people().includes(asker.personId);
  return asker.host === "terminal" || asker.host === "cli";
}

/**
 * Whether a job may still be carried out for whoever asked for it.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` where this process was told of no list: a worker that was started from another
 *   shell than the bot must not take an unset variable for an empty list.
 */
export function mayStill(
  parts: Pick<Parts, "allowList" | "owners">,
  asker: Pick<Address, "host" | "personId">,
): boolean {
  if (isListKnown(parts, asker.host)) return mayAsk(parts, asker);
  if (asker.host === "openclaw") {
    throw new CodexAuthError("ERR_CONFIG_INVALID", {
      message: "openclaw.json, which says who owns this OpenClaw, cannot be read.",
      next: "Mend it (OpenClaw will not start with it either); the job is kept.",
    });
  }
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message: "Nothing tells this process who may use the bot.",
    next: "Set telegram.allowFrom in the settings file, or CODEX_AUTH_ALLOW_FROM where this was started.",
  });
}

function isListKnown({ allowList, owners }: Pick<Parts, "allowList" | "owners">, host: string): boolean {
  if (host === "openclaw") return owners.isSet();
  return host !== "telegram" || allowList.isSet();
}

/** Those who may allow what a script asks for, each in their private chat; nobody where no bot could bring the question. */
export function approversOf({ allowList, config }: Pick<Parts, "allowList" | "config">): readonly Address[] {
  if (config.telegram.botToken === undefined) return [];
  return allowList.people().map((id) => ({ host: "telegram", chatId: id, personId: id }));
}

/** The owners of OpenClaw, whom its own bot asks in their private chats; nobody where a bot of ours does that. */
export function ownersToAsk({ config, owners }: Pick<Parts, "config" | "owners">): readonly Address[] {
  if (config.telegram.botToken !== undefined) return [];
  return owners.people().flatMap((personId) => privateAddress(personId) ?? []);
}

/** Those who are asked now for what a script wants: the bot's people, else OpenClaw's owners where its plugin is at work. */
export async function approversNow(
  parts: Pick<Parts, "allowList" | "config" | "now" | "own" | "owners">,
): Promise<readonly Address[]> {
  if (parts.config.telegram.botToken !== undefined) return approversOf(parts);
  return (await pluginAtWork(parts.own, parts.now)) === undefined ? [] : ownersToAsk(parts);
}

/** What the gateway says that it has read; whatever keeps it from saying so is nothing to stop at for a card. */
async function loadedBy(gateway: IdentifyingGateway, agentId: string): Promise<Loaded> {
  try {
    const location = await gateway.locate();
    if (location.kind === "stopped") return { kind: "stopped" };
    const listed = location.kind === "running" ? await gateway.profiles(location.instance, agentId) : undefined;
    return listed === undefined
      ? { kind: "unknown" }
      : { kind: "listed", profileIds: listed.map(({ profileId }) => profileId) };
  } catch {
    return { kind: "unknown" };
  }
}

/** Nothing of ours is held or written for this: the gateway reads its own files. */
async function reloadedBy(gateway: IdentifyingGateway): Promise<Reloaded> {
  const location = await gateway.locate();
  if (location.kind === "refused") throw location.error;
  if (location.kind === "stopped") return { kind: "stopped" };
  return { kind: "reloaded", ...(await gateway.reload(location.instance)) };
}

/** From 2026.6 on the chats are in OpenClaw's database, which nobody else may open. */
async function pinsOf(
  { openClaw, environment, generation, chats }: Parts,
  agentId: string,
): Promise<readonly SessionPin[] | undefined> {
  const bound = await chats?.bound(agentId).catch(() => undefined);
  if (bound !== undefined) return bound;
  if ((await generation().catch(() => undefined)) === "sqlite") return undefined;
  return readSessionPins({ ...openClaw, home: homeOf(environment) }, agentId);
}

async function interruptedByRestart(gateway: IdentifyingGateway): Promise<readonly string[]> {
  const location = await gateway.locate();
  if (location.kind !== "running") return [];
  const plan = await gateway.planRestart(location.instance);
  return plan.kind === "possible" ? (plan.interrupts ?? []) : [];
}
