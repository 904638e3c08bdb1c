// Who owns this OpenClaw by its own settings: the only people whom the plugin listens to; an empty list is nobody.

import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { systemCode } from "../errors.ts";
import type { Log } from "../secrets/log.ts";
import { parseJson5 } from "../storage/json5-file.ts";
import { MAX_FILE_BYTES } from "./defaults.ts";

/** The id of the plugin, in its manifest and in openclaw.json. */
export const PLUGIN_ID = "codex-auth";
/** Its name for people. */
export const PLUGIN_NAME = "Codex logins";

const entries = z.array(z.union([z.string(), z.number()]).catch("")).catch([]);
const ownersSchema = z.object({
  commands: z.object({ ownerAllowFrom: entries }).partial().catch({}),
  plugins: z
    .object({
      entries: z
        .object({
          [PLUGIN_ID]: z
            .object({ config: z.object({ allowFrom: entries }).partial().catch({}) })
            .partial()
            .catch({}),
        })
        .partial()
        .catch({}),
    })
    .partial()
    .catch({}),
});

/**
 * The people in a parsed openclaw.json, each as `<channel>:<id>`: `commands.ownerAllowFrom` and the plugin's own `allowFrom`. A
 * bare number is a Telegram id: on other channels somebody may choose digits as their name. `*` is nobody: an owner has an id.
 */
function ownersIn(config: unknown): readonly string[] {
  const base = typeof config === "object" && config !== null ? config : {};
  const { commands, plugins } = ownersSchema.parse({ commands: {}, plugins: {}, ...base });
  const own = plugins.entries?.[PLUGIN_ID]?.config?.allowFrom ?? [];
  const people = [...(commands.ownerAllowFrom ?? []), ...own].flatMap((entry) => ownerOf(String(entry)) ?? []);
  return [...new Set(people)];
}

function ownerOf(entry: string): string | undefined {
  const text = entry.trim();
  if (/^\d{1,20}$/.test(text)) return `telegram:${text}`;
  const [, channel, id] = /^([A-Za-z][\w-]{0,31}):([^\s*]{1,128})$/.exec(text) ?? [];
  if (channel === undefined || id === undefined) return undefined;
  const name = channel.toLowerCase();
  return `${name === "tg" ? "telegram" : name}:${id}`;
}

/** The owners now; asked anew each time, so that removing somebody counts at once. */
export class OpenClawOwners {
  readonly #read: () => unknown;
  readonly #log: Log;
  #people: readonly string[] = [];
  #isSet = false;
  #isBroken = false;

  /** `read` gives OpenClaw's settings as they are now, or throws where it cannot. */
  constructor(options: { readonly read: () => unknown; readonly log: Log }) {
    this.#read = options.read;
    this.#log = options.log;
  }

  /** Each as `<channel>:<id>`. */
  people(): readonly string[] {
    this.#look();
    return this.#people;
  }

  /** Whether the settings could be read at all; they may name nobody. */
  isSet(): boolean {
    this.#look();
    return this.#isSet;
  }

  #look(): void {
    try {
      this.#people = ownersIn(this.#read());
      this.#isSet = true;
      this.#isBroken = false;
    } catch (error) {
      // A file that is half edited lets nobody new in, and locks nobody out: the last good list counts.
      if (!this.#isBroken) this.#log.error("owners.kept", error);
      this.#isBroken = true;
    }
  }
}

/** Reads openclaw.json at `path`, for hosts outside the gateway; parsed anew only where its text has changed. */
export function openClawSettingsFile(path: string): () => unknown {
  let text: string | undefined;
  let parsed: unknown = {};
  return () => {
    const found = readIfThere(path);
    if (found !== text) parsed = found === undefined ? {} : parseJson5(found, path);
    text = found;
    return parsed;
  };
}

function readIfThere(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new RangeError("too large");
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
