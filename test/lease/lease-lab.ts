// A machine's lease against the sandbox broker: real HTTP, a real record on disk, a clock that the test moves.

import { onTestFinished } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { leaseFileSchema, leaseSettings, type LeaseSettings } from "../../src/config/lease-settings.ts";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import type { LeaseBroker } from "../../src/lease/broker.ts";
import type { DeskParts } from "../../src/lease/desk-parts.ts";
import { LeaseDesk } from "../../src/lease/desk.ts";
import type { LeasedStore, WriteState } from "../../src/lease/leased-store.ts";
import { LeaseService } from "../../src/lease/service.ts";
import {
  emptyRecord,
  LeaseFile,
  type LeaseBook,
  type LeaseRecord,
  type RecordOwner,
  type Turn,
} from "../../src/lease/sticky.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { startSandboxBroker, type SandboxBroker, type SandboxBrokerOptions } from "../../src/sandbox/broker.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A profile store that takes what it is given, or refuses. */
class MemoryStore implements LeasedStore {
  held: string | undefined;
  writes = 0;
  profileId = "openai-codex:lease";
  removals = 0;
  /** What becomes of the writes from now on. */
  outcome: Exclude<WriteState, { kind: "unknown" }> = { kind: "done" };
  readonly #states = new Map<string, WriteState>();
  readonly #tokens = new Map<string, string>();

  async write({ material }: Parameters<LeasedStore["write"]>[0]): Promise<string> {
    this.writes += 1;
    const jobId = `job-${this.writes}`;
    this.#states.set(jobId, this.outcome);
    this.#tokens.set(jobId, fingerprint(material.accessToken));
    if (this.outcome.kind === "done") this.held = this.#tokens.get(jobId);
    return jobId;
  }

  /** Carries out the last write. */
  finish(): void {
    const jobId = `job-${this.writes}`;
    this.#states.set(jobId, { kind: "done" });
    this.held = this.#tokens.get(jobId);
  }

  /** What becomes of removals from now on. */
  removing: WriteState = { kind: "done" };

  async remove(): Promise<string> {
    this.removals += 1;
    const jobId = `removal-${this.removals}`;
    this.#states.set(jobId, this.removing);
    if (this.removing.kind === "done") this.held = undefined;
    return jobId;
  }

  place(): { readonly profileId: string; readonly agentId: string } {
    return { profileId: this.profileId, agentId: "main" };
  }

  /** False: the queue's files are damaged. */
  isReadable = true;

  async state(jobId: string): Promise<WriteState> {
    if (!this.isReadable) throw new CodexAuthError("ERR_FILE_NOT_JSON", { message: "damaged", next: "mend it" });
    return this.#states.get(jobId) ?? { kind: "unknown" };
  }

  async holds(access: string): Promise<boolean> {
    return this.held === access;
  }
}

/** The record in memory: hours of a clock that a test moves are thousands of changes, each of them an fsync on disk. */
class MemoryBook implements LeaseBook {
  #record: LeaseRecord | undefined;
  #last: Promise<unknown> = Promise.resolve();

  async read(owner: RecordOwner): Promise<LeaseRecord | undefined> {
    const isSame = this.#record?.machineId === owner.machineId && this.#record.agentId === owner.agentId;
    return isSame ? this.#record : undefined;
  }

  turn<T>(owner: RecordOwner, work: (turn: Turn) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      let record = (await this.read(owner)) ?? emptyRecord(owner);
      return work({
        get record() {
          return record;
        },
        change: async (patch) => {
          record = this.#record = { ...record, ...patch, revision: record.revision + 1 };
        },
      });
    });
    this.#last = run.catch(() => undefined);
    return run;
  }
}

/** One machine with its lease. */
interface LeaseMachine {
  readonly service: LeaseService;
  readonly store: MemoryStore;
  readonly client: LeaseBroker;
  readonly book: LeaseBook;
  readonly settings: LeaseSettings;
  record(): Promise<LeaseRecord | undefined>;
  /** One step of the keeper, looking in any case. */
  step(): Promise<number>;
}

/** What a test plays with. */
export interface LeaseLab extends LeaseMachine {
  readonly broker: SandboxBroker;
  readonly clock: { now: number };
  /** Another machine or process at the same broker. */
  machine(settings?: Readonly<Record<string, unknown>>, options?: MachineOptions): Promise<LeaseMachine>;
  /** Takes steps as they fall due for `ms` of the clock. */
  pass(ms: number): Promise<void>;
}

interface MachineOptions {
  /** The machine of which this is another process. */
  readonly sharing?: LeaseMachine;
  /** Keeps the record on disk, as the real one does. Default: in memory. */
  readonly onDisk?: boolean;
  /** How far this machine's clock is off, in milliseconds. */
  readonly skewMs?: number;
  readonly parts?: Partial<DeskParts>;
}

/** Starts a broker, and a machine `m1 / openclaw` with `settings` at it. */
export async function leaseLab(
  settings: Readonly<Record<string, unknown>> = {},
  options: MachineOptions & { readonly broker?: SandboxBrokerOptions } = {},
): Promise<LeaseLab> {
  const clock = { now: Date.UTC(2026, 10, 21, 12) };
  const broker = await startSandboxBroker({ now: () => clock.now, ...options.broker });
  onTestFinished(() => broker.close());
  const make: LeaseLab["machine"] = async (given = {}, around = {}) => {
    const file = leaseFileSchema.parse({ baseUrl: broker.origin, machineId: "m1", ...given });
    const all = leaseSettings(file, { home: "/nowhere", hostname: "host", configPath: "/nowhere/config.json" });
    const now = (): number => clock.now + (around.skewMs ?? 0);
    const client = createLeaseBroker({
      baseUrl: broker.origin,
      token: broker.token,
      now,
      random: () => 0.5,
      sleep: async () => undefined,
      timeouts: { connectTimeoutMs: 2_000, headersTimeoutMs: 2_000, bodyTimeoutMs: 2_000, tryTimeoutMs: 2_000 },
    });
    onTestFinished(() => client.close());
    const store = around.sharing?.store ?? new MemoryStore();
    const book =
      around.sharing?.book ?? (around.onDisk === true ? new LeaseFile(await temporaryFolder(), now) : new MemoryBook());
    const owner = { brokerUrl: broker.origin, machineId: all.machineId, agentId: all.agentId };
    const desk = new LeaseDesk({
      broker: client,
      store,
      settings: all,
      now,
      random: () => 1,
      log: silentLog,
      ...around.parts,
    });
    const service = new LeaseService({ settings: all, owner, book, desk, now });
    const machine: LeaseMachine = {
      service,
      store,
      client,
      book,
      settings: all,
      record: () => book.read(owner),
      step: () => service.step({ isForced: true }),
    };
    return machine;
  };
  const machine = await make(settings, options);
  const pass: LeaseLab["pass"] = async (ms) => {
    const until = clock.now + ms;
    for (;;) {
      // As the keeper does: a failure is tried again within the heartbeat.
      const dueMs = await machine.service.step().catch(() => 60_000);
      if (clock.now + dueMs > until) break;
      clock.now += dueMs;
    }
    clock.now = until;
  };
  return { ...machine, broker, clock, machine: make, pass };
}
