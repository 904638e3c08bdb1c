// Who may use the bot now: the settings file is looked at for each question, so that removing somebody counts at once.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { z } from "zod";
import { systemCode } from "../errors.ts";
import type { Log } from "../secrets/log.ts";
import { parseJson } from "../storage/json-file.ts";
import { parseSettings } from "./config.ts";
import { MAX_SETTINGS_BYTES } from "./defaults.ts";
import type { Environment } from "./env.ts";
import { assertOurs } from "./file-access.ts";

const namesList = z.looseObject({ telegram: z.looseObject({ allowFrom: z.array(z.unknown()) }) });

/** What an {@link AllowList} is made of. */
export interface AllowListOptions {
  /** The settings file. */
  readonly path: string;
  readonly environment: Environment;
  /** The list that this process started with: the last good one until the file gives another. */
  readonly initial: readonly string[];
  readonly log: Log;
}

/**
 * The numeric ids of those who may. It answers without waiting, because an update that waits here would be overtaken by the
 * next one of its chat; a file of some hundred bytes is read in less time than a message takes to arrive.
 */
export class AllowList {
  readonly #options: AllowListOptions;
  #people: readonly string[];
  #isSet: boolean;
  /** Compared by its text, not its time: two edits within one tick of the clock are two edits. */
  #text: string | undefined;
  #isRead = false;
  #isBroken = false;

  constructor(options: AllowListOptions) {
    this.#options = options;
    this.#people = options.initial;
    this.#isSet = options.environment.settings.allowFrom !== undefined || options.initial.length > 0;
  }

  /** The list as it is now; empty means nobody. */
  people(): readonly string[] {
    this.#look();
    return this.#people;
  }

  /** Whether the variable or the file names a list at all, be it an empty one. */
  isSet(): boolean {
    this.#look();
    return this.#isSet;
  }

  #look(): void {
    const { path, environment, log } = this.#options;
    // The variable stands above the file, as in all settings, and cannot change while we run.
    if (environment.settings.allowFrom !== undefined) return;
    try {
      const text = readSmallFile(path, environment.uid);
      if (this.#isRead && !this.#isBroken && text === this.#text) return;
      this.#people = parseSettings(text, path, environment).telegram.allowFrom;
      this.#isSet = text !== undefined && namesList.safeParse(parseJson(text, path)).success;
      this.#text = text;
      this.#isRead = true;
      this.#isBroken = false;
    } catch (error) {
      // A file that is half edited says nothing: it lets nobody new in, and it must not lock everybody out either, least of
      // all the person who renews a login from far away while somebody else mistypes a comma. Told once, not at each question.
      if (!this.#isBroken) log.error("allow-list.kept", error);
      this.#isBroken = true;
    }
  }
}

/** The text of the file; undefined where there is none. @throws where it cannot be read, is not a small file, or others can write it. */
function readSmallFile(path: string, uid: number | undefined): string | undefined {
  let descriptor: number;
  try {
    // Without O_NONBLOCK a pipe at this path would hold the process for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile() || found.size > MAX_SETTINGS_BYTES) throw new RangeError("not a small file");
    assertOurs(found, path, uid);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
