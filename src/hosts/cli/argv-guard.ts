// A callback address on a command line is burnt: everybody on the machine can read it there, and shells keep it.

import { existsSync } from "node:fs";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { CodexAuthError } from "../../errors.ts";
import type { CliHost } from "./io.ts";

// Half of one counts too: a shell cuts an address at an unquoted `&`. No word of our own commands looks like this.
const PART = /(?:^|[?&#;])(?:code|state)=./;
/** No address, and no part of one that matters, is without one of these, encoded or not; most calls are, and load nothing for this. */
const SIGN = /[=/%]/;

/** Ends the sign-in of any callback among the words. @throws CodexAuthError `ERR_CALLBACK_ON_ARGV` where there is one. */
export async function refuseCallbackOnArgv({ argv, environment }: CliHost): Promise<void> {
  const words = argv.map((word) => word.replace(/^--[a-z-]+=/, ""));
  const isAsked = argv.some((word) => word === "--callback-url" || word.startsWith("--callback-url="));
  // As a whole as well: pasted without quotes, an address that was broken over lines is several words.
  const whole = words.join("\n");
  if (!isAsked) {
    if (!SIGN.test(whole)) return;
    const { looksLikeCallbackUrl } = await import("../../oauth/callback-text.ts");
    // Each word, too: percent-encoded, an address is recognised where it begins, which in the whole may be behind another word.
    if (![whole, ...words].some(looksLikeCallbackUrl) && !words.some((word) => PART.test(word))) return;
  }
  const { pending: folder } = ownPaths(openClawPaths(environment).stateDir);
  let isBurnt = false;
  if (existsSync(folder)) {
    const [{ PendingLogins }, { parseIssuer }] = [
      await import("../../oauth/pending.ts"),
      await import("../../oauth/issuer.ts"),
    ];
    const { randomBytes } = await import("node:crypto");
    // Which issuer it belongs to does not matter for ending it.
    const pending = new PendingLogins({ folder, issuer: parseIssuer(undefined), now: Date.now, randomBytes });
    isBurnt = (await pending.burnByState(whole)).length > 0;
  }
  throw new CodexAuthError("ERR_CALLBACK_ON_ARGV", {
    message: `A callback address does not belong on a command line: others can read it there.${isBurnt ? " That link is burnt." : ""}`,
    next: isBurnt
      ? "Start again with `codex-auth-skill start`, and paste the new address on standard input when `finish` asks for it."
      : "Give up the sign-in it belongs to with `codex-auth-skill cancel`, start again with `codex-auth-skill start`, and paste the new address on standard input.",
  });
}
