// A folder of small JSON records, one file each, named by id: the durable form of queues, receipts and lists.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ZodType } from "zod";
import { CodexAuthError, isCodexAuthError, systemCode } from "../errors.ts";
import { createFileExclusive, ensurePrivateFolder, removeDeadLeftovers, removeDurably } from "./atomic-write.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

/** How many files of a folder are open at a time: one after another, two hundred receipts would be waited for at each press. */
const READ_AT_ONCE = 16;

const ID = /^[a-z0-9][a-z0-9._-]{0,95}$/;

/** What {@link RecordFolder.scan} found. */
export interface FolderScan<T> {
  readonly records: readonly T[];
  /** Names of files that are not such records (damaged, or of a newer version): they are left alone. */
  readonly unreadable: readonly string[];
}

/** Records of one kind; files 0600, the folder 0700 and made at the first write. */
export class RecordFolder<T> {
  readonly folder: string;
  readonly #schema: ZodType<T>;

  constructor(folder: string, schema: ZodType<T>) {
    this.folder = folder;
    this.#schema = schema;
  }

  /** The record `id`, or undefined. @throws CodexAuthError `ERR_FILE_NOT_JSON` or `ERR_FILE_SHAPE` where it is damaged. */
  async get(id: string): Promise<T | undefined> {
    return ID.test(id) ? readJsonFile(this.#path(id), this.#schema) : undefined;
  }

  /** All records, and the names of the files that are none. */
  async scan(): Promise<FolderScan<T>> {
    const records: T[] = [];
    const unreadable: string[] = [];
    const names = await this.#names();
    for (let start = 0; start < names.length; start += READ_AT_ONCE) {
      const some = names.slice(start, start + READ_AT_ONCE);
      for (const { name, record } of await Promise.all(some.map((one) => this.#readOrName(one)))) {
        if (record !== undefined) records.push(record);
        if (name !== undefined) unreadable.push(name);
      }
    }
    return { records, unreadable };
  }

  /** The record in the file `name`; the name itself where it is none; neither where it is gone by now. */
  async #readOrName(name: string): Promise<{ readonly record?: T | undefined; readonly name?: string }> {
    try {
      return { record: await readJsonFile(join(this.folder, name), this.#schema) };
    } catch (error) {
      if (!isCodexAuthError(error)) throw error;
      return { name };
    }
  }

  /** Writes `record`, replacing what was there. */
  async put(id: string, record: T): Promise<void> {
    await ensurePrivateFolder(this.folder);
    await writeJsonFile(this.#path(id), record);
  }

  /** Writes `record` only if there is none with that id; false where there is. */
  async create(id: string, record: T): Promise<boolean> {
    await ensurePrivateFolder(this.folder);
    return createFileExclusive(this.#path(id), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Removes the record; false where there was none. */
  async remove(id: string): Promise<boolean> {
    return ID.test(id) ? removeDurably(this.#path(id)) : false;
  }

  /** Removes what killed writers left half written. */
  async sweep(): Promise<void> {
    await removeDeadLeftovers(this.folder);
  }

  async #names(): Promise<string[]> {
    try {
      const names = await readdir(this.folder);
      return names.filter((name) => name.endsWith(".json") && !name.startsWith(".")).toSorted();
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw new CodexAuthError("ERR_FILE_UNREADABLE", {
        message: `${this.folder} cannot be read (${systemCode(error) ?? "unknown error"}).`,
        next: "Check the owner and permissions of the folder; run `codex-auth-skill doctor`.",
        cause: error,
      });
    }
  }

  #path(id: string): string {
    if (!ID.test(id)) throw new TypeError("Expected `id` to be a lower-case file name.");
    return join(this.folder, `${id}.json`);
  }
}
