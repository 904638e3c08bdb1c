// What every host is composed of: the domains on this machine's OpenClaw, and the chat on top of them.

import { randomBytes as systemRandomBytes } from "node:crypto";
import { join } from "node:path";
import { ApplyEngine } from "../apply/engine.ts";
import type { Address } from "../apply/job.ts";
import { Outbox } from "../apply/outbox.ts";
import { ParkedLogins } from "../apply/parked.ts";
import { JobQueue } from "../apply/queue.ts";
import { Receipts } from "../apply/receipt.ts";
import { ButtonCodec } from "../chat/button.ts";
import { DeviceSignIns, type DeviceParts } from "../chat/device-sign-ins.ts";
import { Invitations } from "../chat/invitations.ts";
import { ShownLists } from "../chat/lists.ts";
import type { LeaseDoor } from "../chat/lease-door.ts";
import type { ChatServices, Loaded } from "../chat/services.ts";
import { IssuerSignIns } from "../chat/sign-ins.ts";
import { AllowList } from "../config/allow-list.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/env.ts";
import { expandUserPath, openClawPaths, ownPaths, type OpenClawPaths, type OwnPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import { createGateway, type IdentifyingGateway } from "../gateway/gateway.ts";
import { detectGeneration, type Generation } from "../gateway/generation.ts";
import { parseIssuer } from "../oauth/issuer.ts";
import { PendingLogins } from "../oauth/pending.ts";
import { ClosedLease } from "./closed-lease.ts";
import { LeaseHost } from "./lease.ts";
import { JsonProfileStore } from "../profiles/json-store.ts";
import { readSessionPins } from "../profiles/session-pins.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { Log } from "../secrets/log.ts";
import { UnwrittenLists } from "./unwritten-lists.ts";

/** What {@link buildParts} starts from. */
export interface PartsOptions {
  readonly environment: Environment;
  readonly config: Config;
  readonly log: Log;
  /** Starts a worker that outlives this process. */
  readonly launch: (parts: Parts) => Promise<void>;
  readonly now?: () => number;
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** The domains, put together; building them touches no file. */
export interface Parts {
  readonly environment: Environment;
  readonly config: Config;
  readonly log: Log;
  readonly now: () => number;
  readonly openClaw: OpenClawPaths;
  readonly own: OwnPaths;
  readonly store: ProfileStore;
  readonly gateway: IdentifyingGateway;
  readonly pending: PendingLogins;
  readonly engine: ApplyEngine;
  /** Who may use the bot, asked anew each time. */
  readonly allowList: Pick<AllowList, "people" | "isSet">;
  /** What scripts have asked people for. */
  readonly invitations: Invitations;
}

/**
 * The domains for the OpenClaw that `environment` points to.
 *
 * @throws CodexAuthError `ERR_ISSUER_FORBIDDEN`.
 */
export function buildParts(options: PartsOptions): Parts {
  const { environment, config, log } = options;
  const now = options.now ?? Date.now;
  const randomBytes = options.randomBytes ?? systemRandomBytes;
  const openClaw = openClawPaths(environment);
  const own = ownPaths(openClaw.stateDir);
  const parked = new ParkedLogins({ folder: own.parked, now, randomBytes });
  const outbox = new Outbox({ folder: own.outbox, now });
  const engine = new ApplyEngine({
    parked,
    queue: new JobQueue({ paths: own, parked, now }),
    receipts: new Receipts({ folder: own.receipts, now }),
    outbox,
    paths: own,
    now,
    launch: () => options.launch(parts),
  });
  const parts: Parts = {
    environment,
    config,
    log,
    now,
    openClaw,
    own,
    engine,
    store: new JsonProfileStore({
      paths: openClaw,
      home: homeOf(environment),
      generation: () => generationOf(openClaw, parts.gateway),
      corruptFolder: own.corrupt,
      now,
    }),
    gateway: createGateway({
      paths: openClaw,
      tmp: environment.tmp,
      uid: environment.uid,
      environment: environment.openclaw,
      restartCommand: config.restartCommand,
    }),
    pending: new PendingLogins({ folder: own.pending, issuer: parseIssuer(config.issuer), now, randomBytes }),
    allowList: new AllowList({
      path: environment.settings.configPath ?? own.config,
      environment,
      initial: config.telegram.allowFrom,
      log,
    }),
    invitations: new Invitations({ folder: join(own.chat, "invitations"), outbox, now }),
  };
  return parts;
}

/** The generation by the files; where they do not say (a fresh install), by the version that the running gateway names. */
async function generationOf(openClaw: OpenClawPaths, gateway: IdentifyingGateway): Promise<Generation> {
  const { generation } = await detectGeneration(openClaw);
  if (generation !== "unknown") return generation;
  const location = await gateway.locate();
  if (location.kind !== "running") return generation;
  const { version } = await gateway.identify(location.instance).catch(() => location.instance);
  return (await detectGeneration({ ...openClaw, runningVersion: version })).generation;
}

/** The home that `~` means to OpenClaw. */
function homeOf({ home, openclaw }: Environment): string {
  return openclaw.home === undefined ? home : expandUserPath(openclaw.home, home);
}

/** How a host differs for the chat. */
export interface ChatOptions {
  /** True where nobody sits at this host (a script without a terminal): its changes wait for a person in the chat. Default false. */
  readonly unattended?: boolean;
  /** True where this call only looks: buttons and lists last as long as the process, and no file is touched. Default false. */
  readonly readOnly?: boolean;
  /** How a sign-in by device code waits between two looks. Default: the system's timer. */
  readonly wait?: DeviceParts["wait"];
  /** The lease of this process, where it also keeps it. Default: one of its own, opened at the first use. */
  readonly lease?: LeaseHost;
}

/** The chat's services; makes the button key where there is none yet, unless they are read-only. */
export async function buildChatServices(parts: Parts, options: ChatOptions = {}): Promise<ChatServices> {
  const { config, engine, gateway, invitations, log, now, own, pending, store } = parts;
  const isUnattended = options.unattended === true && !config.allowUnattended;
  return {
    store,
    signIns: new IssuerSignIns({ pending, issuer: parseIssuer(config.issuer), now }),
    ...(options.readOnly === true ? {} : { devices: devicesOf(parts, options) }),
    engine,
    gateway: {
      interruptedByRestart: () => interruptedByRestart(gateway),
      loaded: (agentId) => loadedBy(gateway, agentId),
    },
    pins: (agentId) => readSessionPins(parts.openClaw.stateDir, agentId),
    lease: leaseOf(parts, options.lease),
    agentId: config.agentId,
    activation: config.activation,
    ...(isUnattended ? { approvers: approversOf(parts) } : {}),
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

/** The lease at its first use: where no broker is set, every use says so. */
function leaseOf(parts: Parts, given: LeaseHost | undefined): () => LeaseDoor {
  let door: LeaseDoor | undefined = given;
  return () => (door ??= parts.config.lease.broker === undefined ? new ClosedLease(parts) : new LeaseHost(parts));
}

/**
 * Whether this person may now: Telegram's people by the allow-list; whoever runs a terminal or a command on this machine owns
 * the files anyway. Asked at each press, before a job is carried out, and at each delivery.
 */
export function mayAsk({ allowList }: Pick<Parts, "allowList">, asker: Pick<Address, "host" | "personId">): boolean {
  if (asker.host === "telegram") return allowList.people().includes(asker.personId);
  return asker.host === "terminal" || asker.host === "cli";
}

/**
 * Whether a job may still be carried out for whoever asked for it.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` where this process was told of no list: a worker that was started from another
 *   shell than the bot must not take an unset variable for an empty list.
 */
export function mayStill(parts: Pick<Parts, "allowList">, asker: Pick<Address, "host" | "personId">): boolean {
  if (asker.host !== "telegram" || parts.allowList.isSet()) return mayAsk(parts, asker);
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message: "Nothing tells this process who may use the bot.",
    next: "Set telegram.allowFrom in the settings file, or CODEX_AUTH_ALLOW_FROM where this was started.",
  });
}

/** Those who may allow what a script asks for, each in their private chat; nobody where no bot could bring the question. */
export function approversOf({ allowList, config }: Pick<Parts, "allowList" | "config">): readonly Address[] {
  if (config.telegram.botToken === undefined) return [];
  return allowList.people().map((id) => ({ host: "telegram", chatId: id, personId: id }));
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

async function interruptedByRestart(gateway: IdentifyingGateway): Promise<readonly string[]> {
  const location = await gateway.locate();
  if (location.kind !== "running") return [];
  const plan = await gateway.planRestart(location.instance);
  return plan.kind === "possible" ? (plan.interrupts ?? []) : [];
}
