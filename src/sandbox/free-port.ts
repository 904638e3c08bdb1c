// A port for a server that is started later, by another process.

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

// The system hands out ports from 32768 on by itself (49152 on macOS and Windows): one of those may be somebody's a moment later.
const FROM = 20_000;
const BELOW = 32_000;
const TRIES = 20;

/** A port of 127.0.0.1 that nobody has now, from 20000 to 31999. @throws the error of the last of 20 tries. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(FROM, BELOW);
    const probe = createServer().listen(port, "127.0.0.1");
    try {
      await once(probe, "listening");
      probe.close();
      await once(probe, "close");
      return port;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
