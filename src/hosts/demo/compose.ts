// The composition root of the demo: a sandbox world with the real chat, queue and worker in it.

import type { Activation } from "../../apply/job.ts";
import type { Reply } from "../../chat/reply.ts";
import { loadConfig } from "../../config/config.ts";
import { ownPaths } from "../../config/paths.ts";
import { openSandboxWorld, type SandboxWorld } from "../../sandbox/world.ts";
import { silentLog } from "../../secrets/log.ts";
import { LeaseHost } from "../lease.ts";
import { buildChatServices, buildParts, type Parts } from "../services.ts";
import { DemoSession } from "./session.ts";
import { DemoWorkers } from "./workers.ts";

/** A demo, ready to be talked to. */
export interface Demo {
  readonly world: SandboxWorld;
  readonly parts: Parts;
  readonly session: DemoSession;
  /** From now on the gateway restarts for each change, and its next restart ends it for good; or all is well again, and it runs. */
  setTrouble(isTrouble: boolean): Promise<void>;
  /** Whether it would. */
  isTrouble(): boolean;
  /** Has every further reply handed to `show` as well. */
  showReplies(show: (reply: Reply) => void): void;
  /** Ends the workers and stops waiting for them: whoever talks to the chat gets to an end. */
  stop(): Promise<void>;
  /** Ends everything and removes the folder. Only when nobody talks any more: an answer under way would make it anew. */
  close(): Promise<void>;
}

/** Opens a world and composes the chat in it; `show` gets every reply. */
export async function composeDemo(show: (reply: Reply, isNews: boolean) => void, signal: AbortSignal): Promise<Demo> {
  const world = await openSandboxWorld({ signal });
  const workers = new DemoWorkers(world.variables);
  let activation: Activation = "auto";
  let session: DemoSession | undefined;
  let lease: LeaseHost | undefined;
  let alsoShow: ((reply: Reply) => void) | undefined;
  const stop = async (): Promise<void> => {
    // Connections that cannot be closed in order are no reason to leave a process or a folder behind.
    const closeLease = lease?.close().catch(() => undefined);
    await Promise.all([workers.close(), session?.close(), closeLease]);
  };
  const close = async (): Promise<void> => {
    await stop();
    await world.close();
  };
  try {
    const { environment } = world;
    const config = await loadConfig(ownPaths(world.stateDir).config, environment);
    const launch = (): Promise<void> => workers.start(activation === "restart" ? "impatient" : "usual");
    const parts = buildParts({ environment, config, log: silentLog, launch });
    lease = new LeaseHost(parts);
    const services = await buildChatServices(parts, { lease });
    session = new DemoSession({
      parts,
      services: {
        ...services,
        get activation() {
          return activation;
        },
      },
      host: "terminal",
      hasButtons: true,
      show: (reply, isNews) => {
        show(reply, isNews);
        alsoShow?.(reply);
      },
    });
    const setTrouble = async (isTrouble: boolean): Promise<void> => {
      activation = isTrouble ? "restart" : "auto";
      await world.setFaults(isTrouble ? [{ kind: "never-comes-back", times: 1 }] : []);
      if (!isTrouble) await world.startGateway();
    };
    return {
      world,
      parts,
      session,
      setTrouble,
      isTrouble: () => activation === "restart",
      showReplies: (also) => (alsoShow = also),
      stop,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
