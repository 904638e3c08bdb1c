// A callback address on a command line is burnt: everybody on the machine can read it there, and shells keep it.

import { existsSync } from "node:fs";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { CodexAuthError } from "../../errors.ts";
import { looksLikeCallbackUrl } from "../../oauth/callback-text.ts";
import type { CliProcess } from "./io.ts";

/** Ends the sign-in of any callback among the words. @throws CodexAuthError `ERR_CALLBACK_ON_ARGV` where there is one. */
export async function refuseCallbackOnArgv({ argv, environment }: CliProcess): Promise<void> {
  const words = argv.map((word) => word.replace(/^--callback-url=/, ""));
  const addresses = words.filter((word) => looksLikeCallbackUrl(word));
  const isAsked = argv.some((word) => word === "--callback-url" || word.startsWith("--callback-url="));
  if (addresses.length === 0 && !isAsked) return;
  const { pending: folder } = ownPaths(openClawPaths(environment).stateDir);
  if (existsSync(folder)) {
    const [{ PendingLogins }, { parseIssuer }] = [
      await import("../../oauth/pending.ts"),
      await import("../../oauth/issuer.ts"),
    ];
    const { randomBytes } = await import("node:crypto");
    // Which issuer it belongs to does not matter for ending it.
    const pending = new PendingLogins({ folder, issuer: parseIssuer(undefined), now: Date.now, randomBytes });
    for (const address of addresses) await pending.burnByState(address);
  }
  throw new CodexAuthError("ERR_CALLBACK_ON_ARGV", {
    message: "A callback address does not belong on a command line: others can read it there. That link is burnt.",
    next: "Start again with `codex-auth-skill start`, and paste the new address on standard input when `finish` asks for it.",
  });
}
