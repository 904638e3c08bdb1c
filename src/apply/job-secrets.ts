// The secret half of a job: a 0600 file beside it, gone when the job ends.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import { systemCode } from "../errors.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { storedTokensSchema } from "./parked.ts";

const jobSecretSchema = z.object({
  /** The tokens of the login to be saved. */
  login: storedTokensSchema.optional(),
  /** Fingerprint of the refresh token for which `login` came, in a renewal. */
  presented: z.string().optional(),
  /** The leased credential to be saved; it has no refresh token, since the broker alone renews it. */
  leased: z.object({ access: z.string() }).optional(),
  /** What the plan writes and what would undo it (`exposeValues`), from `prepared` on. */
  values: z.unknown().optional(),
});

/** What a job needs and nobody may see. */
export type JobSecret = z.infer<typeof jobSecretSchema>;

/** The secrets of the jobs that have not ended. */
export class JobSecrets {
  readonly #records: RecordFolder<JobSecret>;

  constructor(folder: string) {
    this.#records = new RecordFolder(folder, jobSecretSchema);
  }

  /** The secret of a job, or undefined. */
  async get(jobId: string): Promise<JobSecret | undefined> {
    return this.#records.get(jobId);
  }

  /** Writes the secret of a new job; one that is there stays, since its job may have come further. */
  async create(jobId: string, secret: JobSecret): Promise<void> {
    await this.#records.create(jobId, secret);
  }

  /** Writes the secret of a job. */
  async put(jobId: string, secret: JobSecret): Promise<void> {
    await this.#records.put(jobId, secret);
  }

  /** Removes the secret of a job that has ended. */
  async remove(jobId: string): Promise<void> {
    await this.#records.remove(jobId);
  }

  /** Removes secrets of no known job, and what killed writers left. The age keeps one that is just being written before its job. */
  async sweep(known: ReadonlySet<string>, now: number): Promise<void> {
    await this.#records.sweep();
    for (const name of this.#files()) {
      const id = name.replace(/\.json$/, "");
      if (known.has(id)) continue;
      const { mtimeMs } = statSync(join(this.#records.folder, name));
      if (now - mtimeMs > APPLY.orphanSecretMs) await this.#records.remove(id);
    }
  }

  #files(): readonly string[] {
    try {
      return readdirSync(this.#records.folder).filter((name) => /^[a-z0-9-]+\.json$/.test(name));
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    }
  }
}
