// One connection for one request, and what has to happen on it before the request may leave.

import type { buildConnector } from "undici";

/** The connection that stood was gone before anything of the request left on it. */
export class ConnectionGone extends Error {
  constructor() {
    super("The connection ended before the request left.");
    this.name = "ConnectionGone";
  }
}

/**
 * `connect`, once: `beforeSend` runs when the connection stands, before a byte of the request leaves, and a throw of it ends the request
 * unsent. Where the connection has ended by then, or is asked for a second time, it fails with {@link ConnectionGone}.
 */
export function singleConnection(
  connect: buildConnector.connector,
  beforeSend: () => Promise<void>,
): buildConnector.connector {
  let hasConnected = false;
  return (target, done) => {
    // undici asks for a second one where the first had ended when it was to send on it, and would go on so until the time is over.
    if (hasConnected) {
      done(new ConnectionGone(), null);
      return;
    }
    hasConnected = true;
    connect(target, (error, socket) => {
      if (error !== null) return done(error, null);
      beforeSend().then(
        () => {
          // undici would take one that has ended for good, and fail as if it had sent something.
          if (socket.readyState === "open") return done(null, socket);
          socket.destroy();
          done(new ConnectionGone(), null);
        },
        (reason: unknown) => {
          socket.destroy();
          done(reason instanceof Error ? reason : new Error("The request was held back."), null);
        },
      );
    });
  };
}
