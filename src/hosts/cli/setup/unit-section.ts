// The unit of the bot for this machine: printed, or written after a yes.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { isCodexAuthError, toCodexAuthError } from "../../../errors.ts";
import { ensurePrivateFolder, writeFileAtomic } from "../../../storage/atomic-write.ts";
import { readTextFile } from "../../../storage/json-file.ts";
import type { Parts } from "../../services.ts";
import type { SetupUi } from "./ui.ts";
import { BOT_UNIT, botUnit, isFleeting, isOurUnit } from "./unit.ts";
import { notInUnit, TOKEN_VARIABLE } from "./variables.ts";

/** The program that a unit starts. */
export const PROGRAM = fileURLToPath(new URL("../../../../bin/codex-auth-skill.js", import.meta.url));

type Surroundings = Pick<Parts, "environment"> & { readonly config: Pick<Parts["config"], "restartCommand"> };

/** The text of the unit for this machine. */
export function unitHere({ environment, config }: Surroundings): string {
  const { openclaw, settings, codexHome } = environment;
  const paths: Readonly<Record<string, string | undefined>> = {
    OPENCLAW_STATE_DIR: openclaw.stateDir,
    OPENCLAW_HOME: openclaw.home,
    OPENCLAW_CONFIG_PATH: openclaw.configPath,
    OPENCLAW_AGENT_DIR: openclaw.agentDir,
    OPENCLAW_OAUTH_DIR: openclaw.oauthDir,
    CODEX_HOME: codexHome,
    CODEX_AUTH_CONFIG: settings.configPath,
  };
  const variables: Record<string, string> = {};
  for (const [name, path] of Object.entries(paths)) {
    // `~` is what OpenClaw's own rules make of it; anything else that is relative is so from here.
    if (path !== undefined) variables[name] = path.startsWith("~") ? path : resolve(path);
  }
  if (openclaw.gatewayPort !== undefined) variables["OPENCLAW_GATEWAY_PORT"] = openclaw.gatewayPort;
  const mayGainRights = config.restartCommand !== undefined;
  return botUnit({ node: process.execPath, program: PROGRAM, variables, mayGainRights });
}

/** Names of the variables that are set here and that the service will not have. */
export async function missingInUnit({ environment }: Pick<Parts, "environment">): Promise<readonly string[]> {
  // Of a clone: the program that the unit starts reads the same file.
  const path = join(dirname(PROGRAM), "..", ".env");
  const text = await readTextFile(path).catch(() => undefined);
  return notInUnit(environment, Object.keys(parseEnv(text ?? "")));
}

/** Where the person's systemd looks for it. */
export function unitPath({ environment }: Pick<Parts, "environment">): string {
  return join(environment.home, ".config", "systemd", "user", BOT_UNIT);
}

/** Whether a systemd of this person runs. */
export function hasUserManager({ environment }: Pick<Parts, "environment">, platform = process.platform): boolean {
  const { runtimeDir, uid } = environment;
  const folder = runtimeDir ?? (uid === undefined ? undefined : `/run/user/${uid}`);
  return platform === "linux" && folder !== undefined && existsSync(join(folder, "systemd"));
}

/** What else is to be known before a unit is offered. */
export interface UnitOffer {
  /** See {@link missingInUnit}. */
  readonly missing: readonly string[];
  /** Whether the settings file itself says where the bot's token is. */
  readonly hasToken: boolean;
}

/**
 * Offers to write the unit; true where it lies there now. The settings are written already: Ctrl-C is a no, and a unit that cannot be
 * written is told as a finding.
 */
export async function offerUnit(
  ui: SetupUi,
  surroundings: Surroundings,
  { missing, hasToken }: UnitOffer,
): Promise<boolean> {
  const path = unitPath(surroundings);
  const text = unitHere(surroundings);
  if (!hasToken && missing.includes(TOKEN_VARIABLE)) {
    ui.note(`No service is offered: the bot's token is only in ${TOKEN_VARIABLE}, which a service does not have.`);
    return false;
  }
  try {
    if (isFleeting(PROGRAM)) {
      ui.note("To run the bot as a service, install this program first: `npm install -g codex-auth-skill`.");
      return false;
    }
    if (missing.length > 0) ui.note(missingWords(missing));
    const there = await readTextFile(path);
    if (there === text) {
      ui.note(`Its systemd unit is in place: ${path}`);
      return true;
    }
    if (there !== undefined && !isOurUnit(there)) {
      ui.tell([{ what: "unit", state: "warn", text: `${path} is there and was not made by this program` }]);
      if (!(await ui.agree("Replace it? Whatever was set there by hand is gone then.", false))) return false;
    } else {
      const question =
        there === undefined ? "Run the bot as a service of yours?" : "Bring its systemd unit up to date?";
      if (!(await ui.agree(`${question} Writes ${path}`, true))) return false;
    }
    await ensurePrivateFolder(dirname(path));
    await writeFileAtomic(path, text);
    ui.note(`Written: ${path}`);
    return true;
  } catch (error) {
    if (isCodexAuthError(error, "ERR_CANCELLED")) return false;
    const { message, next } = toCodexAuthError(error);
    ui.tell([{ what: "unit", state: "warn", text: `it was not written: ${message}`, next }]);
    return false;
  }
}

/** One sentence; names only. */
export function missingWords(missing: readonly string[]): string {
  return `A service has none of these variables of this shell; what it needs of them belongs into the settings file: ${missing.join(", ")}`;
}
