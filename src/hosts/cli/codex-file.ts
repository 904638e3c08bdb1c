// The Codex CLI's login file for `import` and `export`: which file, what it holds, and who may decide about it.

import { resolve } from "node:path";
import { codexLoginPaths } from "../../config/paths.ts";
import { CodexAuthError } from "../../errors.ts";
import { isLeasedLogin } from "../../lease/auth-file-owner.ts";
import { readCodexLogin, type CodexLogin, type CodexLoginSummary } from "../../profiles/codex-home.ts";
import type { Parts } from "../services.ts";
import type { Call } from "./call.ts";

/** The file that the option names, else that of `$CODEX_HOME`, else `~/.codex/auth.json`. */
export function codexFileOf({ host, options }: Call, option: "from" | "to"): string {
  const named = options[option];
  return typeof named === "string" ? resolve(named) : codexLoginPaths(host.environment)[0];
}

/**
 * What lies in `path`, or undefined where there is no file.
 *
 * @throws CodexAuthError `ERR_CODEX_LOGIN_LEASED` where it is this machine's lease, and what reading the file throws.
 */
export async function readOwnLogin({ config, own }: Parts, path: string): Promise<CodexLogin | undefined> {
  const login = await readCodexLogin(path);
  if (login === undefined) return undefined;
  const { authFilePath: settingsPath } = config.lease;
  if (!(await isLeasedLogin({ path, whose: login.whose, folder: own.lease, settingsPath }))) return login;
  throw new CodexAuthError("ERR_CODEX_LOGIN_LEASED", {
    message: `${path} holds this machine's lease, which is only lent.`,
    next: "Nothing was changed. Give the lease back first: `codex-auth-skill lease release`.",
  });
}

/** Refuses where nobody sits at this terminal; asked before anything of ours is made. @throws CodexAuthError `ERR_CONFIRMATION_NEEDED`. */
export function requireTerminal(call: Call, what: "import" | "export"): void {
  if (isAtTerminal(call)) return;
  const message =
    what === "import"
      ? "Only a person at a terminal may take the Codex CLI's login over: it then has two owners. Nothing was changed."
      : "Only a person at a terminal may hand a login to the Codex CLI. Nothing was changed.";
  throw new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message,
    next: `Run \`codex-auth-skill ${what}\` in a terminal of your own, without --json.`,
  });
}

/** Whether somebody sits there who can be asked. */
export function isAtTerminal({ host, output }: Call): boolean {
  return host.stdin.isTTY && host.stdout.isTTY && !output.isJson;
}

/** A login's account in words; what comes from the file is already clean. */
export function accountWords({ email, planType }: Pick<CodexLoginSummary, "email" | "planType">): string {
  return `${email ?? "an account without an address"}${planType === undefined ? "" : ` (${planType})`}`;
}
