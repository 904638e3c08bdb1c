// What a keeper in the foreground says: each turn of events once, never each minute.

import { isCodexAuthError, toCodexAuthError } from "../errors.ts";
import type { LeaseRecord } from "../lease/sticky.ts";

/** Says what has changed from step to step. */
export class KeeperEvents {
  readonly #tell: (line: string) => void;
  readonly #record: () => Promise<LeaseRecord | undefined>;
  #leaseId: string | undefined;
  #failure: string | undefined;

  constructor(tell: (line: string) => void, record: () => Promise<LeaseRecord | undefined>) {
    this.#tell = tell;
    this.#record = record;
  }

  /** Takes a step, and says what is new after it. */
  async of<T>(step: () => Promise<T>): Promise<T> {
    try {
      const result = await step();
      if (this.#failure !== undefined) this.#tell("In order again.");
      this.#failure = undefined;
      await this.#tellLease();
      return result;
    } catch (error) {
      const { code, message, next } = toCodexAuthError(error);
      if (code !== this.#failure && !isCodexAuthError(error, "ERR_CANCELLED")) this.#tell(`${message} ${next}`);
      this.#failure = code;
      throw error;
    }
  }

  async #tellLease(): Promise<void> {
    const record = await this.#record();
    const leaseId = record?.status?.state === "active" ? record.status.leaseId : undefined;
    if (leaseId === this.#leaseId) return;
    this.#leaseId = leaseId;
    const label = record?.label === undefined ? "" : ` on ${record.label}`;
    this.#tell(leaseId === undefined ? "No lease now." : `Holds ${leaseId}${label}.`);
  }
}
