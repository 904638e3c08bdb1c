// A folder of small JSON records, one file each, named by id: the durable form of queues, receipts and lists.

import { join } from "node:path";
import type { ZodType } from "zod";
import { isCodexAuthError } from "../errors.ts";
import { createFileExclusive, ensurePrivateFolder, removeDeadLeftovers, removeDurably } from "./atomic-write.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { markOf } from "./marks.ts";
import { recordNames } from "./plain-records.ts";

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
  /** Marks of the files of settled records, by name. */
  #settled: ReadonlyMap<string, string> = new Map();

  constructor(folder: string, schema: ZodType<T>) {
    this.folder = folder;
    this.#schema = schema;
  }

  /** The record `id`, or undefined. @throws CodexAuthError `ERR_FILE_NOT_JSON` or `ERR_FILE_SHAPE` where it is damaged. */
  async get(id: string): Promise<T | undefined> {
    return ID.test(id) ? readJsonFile(this.#path(id), this.#schema) : undefined;
  }

  /** The ids under which a file lies, whatever is in it. @throws CodexAuthError `ERR_FILE_UNREADABLE`. */
  ids(): ReadonlySet<string> {
    return new Set(recordNames(this.folder).map((name) => name.slice(0, -".json".length)));
  }

  /** All records, and the names of the files that are none. */
  async scan(): Promise<FolderScan<T>> {
    const records: T[] = [];
    const unreadable: string[] = [];
    for (const file of recordNames(this.folder)) {
      const { name, record } = await this.#readOrName(file);
      if (record !== undefined) records.push(record);
      if (name !== undefined) unreadable.push(name);
    }
    return { records, unreadable };
  }

  /**
   * The records that are not settled. One of which `isSettled` said so is not read again as long as its file is the same: a folder of
   * what is over must not cost each look at what is not. Always the same question must be asked.
   */
  async unsettled(isSettled: (record: T) => boolean): Promise<readonly T[]> {
    const settled = new Map<string, string>();
    const open: T[] = [];
    for (const name of recordNames(this.folder)) {
      const mark = markOf(join(this.folder, name));
      const isKnown = mark !== undefined && this.#settled.get(name) === mark;
      const { record } = isKnown ? {} : await this.#readOrName(name);
      // Marked before it was read: what replaced it in between has another mark, and is read the next time.
      if (mark !== undefined && (isKnown || (record !== undefined && isSettled(record)))) settled.set(name, mark);
      if (record !== undefined && !isSettled(record)) open.push(record);
    }
    this.#settled = settled;
    return open;
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

  #path(id: string): string {
    if (!ID.test(id)) throw new TypeError("Expected `id` to be a lower-case file name.");
    return join(this.folder, `${id}.json`);
  }
}
