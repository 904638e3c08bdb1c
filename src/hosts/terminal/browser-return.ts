// A session whose sign-ins hear the browser on this machine: what it brings is handed in, and whatever was being asked is closed.

import type { ChatServices } from "../../chat/services.ts";
import type { LoopbackOptions } from "../../oauth/loopback.ts";
import type { Parts } from "../services.ts";
import { Arrivals } from "./arrivals.ts";
import { LocalSignIns } from "./local-sign-ins.ts";
import type { TerminalSession } from "./session.ts";

/** What hears the browser for one session. */
export interface BrowserReturn {
  /** The chat's services, with sign-ins that end here. */
  readonly services: ChatServices;
  readonly arrivals: Arrivals;
  /** Hands what a browser brings to `session`; `tell` shows the person why their question was closed. */
  connect(session: Pick<TerminalSession, "take">, tell: (text: string) => void): void;
  /** Whether a browser that comes back now is heard. */
  isListening(): boolean;
  /** Stops listening. */
  close(): Promise<void>;
}

/** Hears the browser for the chat made of `services`, from the first sign-in on. */
export function hearBrowser(parts: Parts, services: ChatServices, loopback: LoopbackOptions = {}): BrowserReturn {
  const { engine, environment, log } = parts;
  const arrivals = new Arrivals();
  const signIns = new LocalSignIns({
    inner: services.signIns,
    assertRoom: () => engine.parked.assertRoom(),
    sshHost: environment.isSsh ? environment.hostname : undefined,
    loopback,
    log,
  });
  return {
    services: { ...services, signIns },
    arrivals,
    connect: (session, tell) => {
      signIns.onArrival = (address, isOver) => {
        arrivals.add(async () => {
          tell(`Your browser is back from the sign-in page${isOver ? "; there is nothing to paste any more" : ""}.`);
          await session.take({ kind: "text", text: address });
        });
      };
    },
    isListening: () => signIns.isListening,
    close: () => signIns.close(),
  };
}
