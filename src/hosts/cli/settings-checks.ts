// What `doctor` says of the settings file and of the files with tokens that it names: who else could read or write them.

import { Secret } from "../../secrets/secret.ts";
import { fileAccess } from "../../config/file-access.ts";
import type { CodexAuthError } from "../../errors.ts";
import { readTextFile } from "../../storage/json-file.ts";
import type { Parts } from "../services.ts";
import type { Finding } from "./finding.ts";

/** The files with a token in them that others can read or write. */
export async function exposedFiles(parts: Parts): Promise<readonly (Finding & { readonly path: string })[]> {
  const findings: (Finding & { readonly path: string })[] = [];
  for (const path of await filesWithToken(parts)) {
    const access = await fileAccess(path, parts.environment.uid);
    if (access?.othersWrite === true) {
      findings.push({
        path,
        what: "settings",
        state: "fail",
        text: `other users can write ${path}, and so put a token of their own into it`,
        next: `Look through it, then: chmod 600 ${path}`,
      });
    } else if (access?.othersRead === true) {
      findings.push({
        path,
        what: "settings",
        state: "warn",
        text: `other users can read ${path}, which holds a token`,
        next: `chmod 600 ${path}`,
      });
    }
  }
  return findings;
}

/** How the settings are; `problem` where they do not load. */
export async function settingsFindings(parts: Parts, problem: CodexAuthError | undefined): Promise<readonly Finding[]> {
  const exposed = await exposedFiles(parts);
  if (problem !== undefined) {
    const { message, next } = problem;
    const findings: Finding[] = exposed.filter(({ path, state }) => state === "warn" || path !== settingsFile(parts));
    return [
      { what: "settings", state: "fail", text: `${message} The rest is checked on the defaults.`, next },
      ...findings.map(plain),
    ];
  }
  return exposed.length > 0 ? exposed.map(plain) : [{ what: "settings", state: "ok", text: settingsText(parts) }];
}

function plain({ what, state, text, next }: Finding): Finding {
  return { what, state, text, ...(next === undefined ? {} : { next }) };
}

/** Where this call's settings are. */
export function settingsFile({ environment, own }: Pick<Parts, "environment" | "own">): string {
  return environment.settings.configPath ?? own.config;
}

function settingsText({ config, environment, own }: Parts): string {
  const path = settingsFile({ environment, own });
  return `${path}: agent ${config.agentId}, activation ${config.activation}`;
}

async function filesWithToken(parts: Parts): Promise<readonly string[]> {
  const { botToken } = parts.config.telegram;
  const settings = settingsFile(parts);
  // By its text, because settings that do not load are looked at too. A file that cannot be read is told by whoever needs it.
  const text = await readTextFile(settings).catch(() => undefined);
  return [
    ...(/"(?:botToken|internalApiToken|apiKey)"\s*:/.test(text ?? "") ? [settings] : []),
    ...(botToken === undefined || botToken instanceof Secret ? [] : [botToken.file]),
    ...(parts.config.lease.broker?.tokenFile === undefined ? [] : [parts.config.lease.broker.tokenFile]),
  ];
}
