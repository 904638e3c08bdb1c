// The domains of this machine's OpenClaw, put together; how its store is written and its gateway reached is the host's choice.

import { randomBytes as systemRandomBytes } from "node:crypto";
import { join } from "node:path";
import { ApplyEngine } from "../apply/engine.ts";
import { Outbox } from "../apply/outbox.ts";
import { ParkedLogins } from "../apply/parked.ts";
import { JobQueue } from "../apply/queue.ts";
import { Receipts } from "../apply/receipt.ts";
import { Invitations } from "../chat/invitations.ts";
import { AllowList } from "../config/allow-list.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/env.ts";
import { OpenClawOwners, openClawSettingsFile } from "../config/openclaw-owners.ts";
import { expandUserPath, openClawPaths, ownPaths, type OpenClawPaths, type OwnPaths } from "../config/paths.ts";
import type { IdentifyingGateway } from "../gateway/gateway.ts";
import type { Generation } from "../gateway/generation.ts";
import { parseIssuer } from "../oauth/issuer.ts";
import { PendingLogins } from "../oauth/pending.ts";
import type { SessionPin } from "../profiles/session-pins.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { Log } from "../secrets/log.ts";

/** What {@link assembleParts} starts from. */
export interface PartsOptions {
  readonly environment: Environment;
  readonly config: Config;
  readonly log: Log;
  /** Has an executor come: a worker that outlives this process, or the plugin's own. */
  readonly launch: (parts: Parts) => Promise<void>;
  /** OpenClaw's settings as they are now, for who owns it. Default: its file. */
  readonly settings?: () => unknown;
  readonly now?: () => number;
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** OpenClaw's chats that are bound to a profile, by its own code. */
interface BoundChats {
  /** Undefined where it does not tell. */
  bound(agentId: string): Promise<readonly SessionPin[] | undefined>;
  /** Lets go of all of them; gives how many there were. */
  free(agentId: string): Promise<number>;
}

/** How a host reads and writes the profiles, and reaches the gateway. */
export interface Ports {
  readonly store: ProfileStore;
  readonly gateway: IdentifyingGateway;
  readonly generation: () => Promise<Generation>;
  /** Absent outside the gateway. */
  readonly chats?: BoundChats;
}

/** Where and when the ports are. */
export type PortsFrame = Pick<Parts, "openClaw" | "own" | "now" | "environment" | "config"> & {
  /** The home that `~` means to OpenClaw. */
  readonly home: string;
};

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
  /** Absent outside the gateway. */
  readonly chats?: BoundChats;
  readonly pending: PendingLogins;
  readonly engine: ApplyEngine;
  /** Who may use the bot, asked anew each time. */
  readonly allowList: Pick<AllowList, "people" | "isSet">;
  /** Who owns OpenClaw by its own settings: whom its plugin listens to. */
  readonly owners: Pick<OpenClawOwners, "people" | "isSet">;
  /** How this OpenClaw keeps its logins, as far as can be told now. */
  readonly generation: () => Promise<Generation>;
  /** What scripts have asked people for. */
  readonly invitations: Invitations;
}

/**
 * The domains for the OpenClaw that `environment` points to, on the ports that `make` gives.
 *
 * @throws CodexAuthError `ERR_ISSUER_FORBIDDEN`.
 */
export function assembleParts(options: PartsOptions, make: (frame: PortsFrame) => Ports): Parts {
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
    ...make({ openClaw, own, now, environment, config, home: homeOf(environment) }),
    pending: new PendingLogins({ folder: own.pending, issuer: parseIssuer(config.issuer), now, randomBytes }),
    allowList: new AllowList({
      path: environment.settings.configPath ?? own.config,
      environment,
      initial: config.telegram.allowFrom,
      log,
    }),
    owners: new OpenClawOwners({ read: options.settings ?? openClawSettingsFile(openClaw.configPath), log }),
    invitations: new Invitations({ folder: join(own.chat, "invitations"), outbox, now }),
  };
  return parts;
}

/** The home that `~` means to OpenClaw. */
export function homeOf({ home, openclaw }: Environment): string {
  return openclaw.home === undefined ? home : expandUserPath(openclaw.home, home);
}
