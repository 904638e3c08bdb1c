// The running gateway over its own network door: find it, ask how it is, make it read the store again. Nothing is run for it.

import { readAuthStatus } from "./auth-status.ts";
import type { IdentifyingGateway } from "./gateway.ts";
import { readHealth } from "./health.ts";
import type { GatewayInstance, GatewayLocation } from "./instance.ts";
import { locateGateway } from "./locate.ts";
import { disagrees } from "./lock-file.ts";
import { credentialFor, readGatewayConfig, type GatewayEnvironment } from "./openclaw-config.ts";
import type { ProcessTable } from "./proc-table.ts";
import { reloadSecrets } from "./reload.ts";
import { withGatewayConnection, type GatewayConnection } from "./rpc.ts";

/** A gateway over its own network door; what restarts it is elsewhere. */
export type GatewayDoor = Pick<IdentifyingGateway, "locate" | "health" | "reload" | "profiles" | "identify">;

/** What {@link createDoor} is made from. */
export interface DoorOptions {
  readonly paths: { readonly stateDir: string; readonly configPath: string };
  /** Our own folder for temporary files and user id. */
  readonly tmp: string;
  readonly uid: number | undefined;
  readonly environment: GatewayEnvironment;
  readonly processes: ProcessTable;
  /** A clock for durations, in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** The door of the OpenClaw whose state and configuration lie at `paths`. */
export function createDoor(options: DoorOptions): GatewayDoor {
  const { paths, environment, processes } = options;
  const now = options.now ?? (() => performance.now());
  let lastHello: (Pick<GatewayInstance, "pid" | "startTime"> & Greeting) | undefined;

  const locate = async (): Promise<GatewayLocation> => {
    if (options.uid === undefined)
      return { kind: "refused", error: disagrees("this system has no user ids to compare") };
    const { uid, tmp } = options;
    const location = await locateGateway({ ...environment, ...paths, uid, tmp, processes });
    return location.kind === "running" ? { kind: "running", instance: withGreeting(location.instance) } : location;
  };

  const withGreeting = (instance: GatewayInstance): GatewayInstance => {
    if (lastHello?.pid !== instance.pid || lastHello.startTime !== instance.startTime) return instance;
    const { protocol, version } = lastHello;
    return {
      ...instance,
      ...(protocol === undefined ? {} : { protocol }),
      ...(version === undefined ? {} : { version }),
    };
  };

  const connect = async <T>(
    instance: GatewayInstance,
    body: (connection: GatewayConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    // The token goes only to a listener that is this process, at this moment, and ours.
    if (options.uid === undefined || !(await processes.listensOn(instance.pid, instance.port, options.uid))) {
      throw disagrees("it no longer listens on its port");
    }
    const credential = credentialFor(await readGatewayConfig(paths.configPath), environment.gatewayToken);
    return await withGatewayConnection(
      { port: instance.port, credential },
      async (connection) => {
        const { protocol, server } = connection.hello;
        lastHello = { pid: instance.pid, startTime: instance.startTime, protocol, version: server?.version };
        return await body(connection);
      },
      { signal },
    );
  };

  const identify = async (instance: GatewayInstance): Promise<GatewayInstance> => {
    const known = withGreeting(instance);
    if (known.version === undefined) await connect(instance, () => Promise.resolve());
    return withGreeting(instance);
  };

  return {
    locate,
    health: (instance) => readHealth(instance.port),
    reload: async (instance, signal) => {
      const startedAt = now();
      const { warningCount } = await connect(instance, reloadSecrets, signal);
      return { durationMs: Math.round(now() - startedAt), warningCount };
    },
    profiles: (instance, agentId) => connect(instance, (connection) => readAuthStatus(connection, agentId)),
    identify,
  };
}

interface Greeting {
  readonly protocol: number | undefined;
  readonly version: string | undefined;
}
