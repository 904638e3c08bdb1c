// The device codes that are waited for, on disk (0600): one record beside each attempt, until its end was told.

import { z } from "zod";
import { DEVICE } from "../config/defaults.ts";
import { Secret } from "../secrets/secret.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import type { DeviceGrant } from "./device-code.ts";

const recordSchema = z.object({
  schemaVersion: z.literal(1),
  /** Of the attempt that the code may finish. */
  id: z.string().regex(/^[a-f0-9]{12}$/),
  host: z.string(),
  chatId: z.string(),
  personId: z.string(),
  agentId: z.string(),
  profileId: z.string(),
  issuerOrigin: z.string(),
  startedAtMs: z.number(),
  expiresAtMs: z.number(),
  deviceAuthId: z.string(),
  userCode: z.string(),
  intervalMs: z.number(),
  /** The message that shows it; absent where the program died before it could. */
  messageId: z.string().optional(),
  /** What the message offers: the code, or the link of the same attempt. */
  view: z.enum(["code", "link"]),
  /** What the entered code gave, kept before the attempt is claimed: killed before that, the next process goes on with it. */
  grant: z.object({ code: z.string(), verifier: z.string() }).optional(),
});

type StoredDevice = z.infer<typeof recordSchema>;

/** A device code that is waited for. */
export type DeviceRecord = Omit<StoredDevice, "deviceAuthId" | "grant"> & {
  readonly deviceAuthId: Secret;
  readonly grant?: DeviceGrant;
};

/** What may change about one. */
export type DeviceChange = Partial<Pick<DeviceRecord, "intervalMs" | "messageId" | "view" | "grant">>;

/** The records of this machine. Only the process that watches a code changes its record. */
export class DeviceStore {
  readonly #records: RecordFolder<StoredDevice>;
  readonly #now: () => number;

  constructor(folder: string, now: () => number) {
    this.#records = new RecordFolder(folder, recordSchema);
    this.#now = now;
  }

  /** Writes a record, new or changed. */
  async put(record: DeviceRecord): Promise<void> {
    await ensurePrivateFolder(this.#records.folder);
    const { grant, deviceAuthId, ...rest } = record;
    await this.#records.put(record.id, {
      ...rest,
      deviceAuthId: deviceAuthId.expose(),
      ...(grant === undefined ? {} : { grant: { code: grant.code.expose(), verifier: grant.verifier.expose() } }),
    });
  }

  /** The records of `host`, oldest first. */
  async list(host: string): Promise<readonly DeviceRecord[]> {
    const { records } = await this.#records.scan();
    return records
      .filter((record) => record.host === host)
      .toSorted((a, b) => a.startedAtMs - b.startedAtMs)
      .map(({ grant, deviceAuthId, ...rest }) => ({
        ...rest,
        deviceAuthId: Secret.of(deviceAuthId),
        ...(grant === undefined ? {} : { grant: { code: Secret.of(grant.code), verifier: Secret.of(grant.verifier) } }),
      }));
  }

  /** Forgets a record. */
  async remove(id: string): Promise<void> {
    await this.#records.remove(id);
  }

  /** Forgets the records, of whichever host, that nobody came back for: their codes are of no use any more. */
  async sweep(): Promise<void> {
    const { records } = await this.#records.scan();
    for (const { id, expiresAtMs } of records)
      if (expiresAtMs + DEVICE.ttlMs <= this.#now()) await this.#records.remove(id);
    await this.#records.sweep();
  }
}
