// A sandbox broker with its own clock, and a client of it that is not ours: what it says is judged as it comes over the wire.

import { onTestFinished } from "vitest";
import { startSandboxBroker, type SandboxBroker, type SandboxBrokerOptions } from "../../src/sandbox/broker.ts";

/** When the clock of such a broker starts. */
const EPOCH = Date.parse("2027-03-01T12:00:00Z");

/** An answer as it came. */
interface WireAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests name what they expect in it
  readonly body: any;
  readonly headers: Headers;
}

/** A sandbox broker of one test. */
export interface BrokerLab {
  readonly broker: SandboxBroker;
  /** Moves the broker's clock on. */
  pass(ms: number): void;
  now(): number;
  get(path: string): Promise<WireAnswer>;
  /** With `raw` that text is sent instead of `body` as JSON. */
  post(path: string, body?: unknown, options?: Sent): Promise<WireAnswer>;
  /** A new lease for `machine`, or the one that it has: its id. */
  lease(machine?: string, wish?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** How a request differs from the usual. */
interface Sent {
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The owner that {@link BrokerLab.lease} leases for. */
export const OWNER = { machine_id: "m1", agent_id: "openclaw" };

/** Starts one; it is closed when the test is over. */
export async function openBroker(options: SandboxBrokerOptions = {}): Promise<BrokerLab> {
  let now = EPOCH;
  const broker = await startSandboxBroker({ now: () => now, ...options });
  onTestFinished(() => broker.close());
  const send = async (method: string, path: string, sent: Sent & { readonly body?: unknown }): Promise<WireAnswer> => {
    const body = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
    const response = await fetch(broker.origin + path, {
      method,
      redirect: "manual",
      headers: sent.headers ?? {
        authorization: `Bearer ${broker.token.expose()}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body }),
      ...(sent.signal === undefined ? {} : { signal: sent.signal }),
    });
    const text = await response.text();
    const isJson = text !== "" && response.headers.get("content-type") === "application/json";
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  };
  const post: BrokerLab["post"] = (path, body, sent = {}) => send("POST", path, { ...sent, body });
  return {
    broker,
    pass: (ms) => {
      now += ms;
    },
    now: () => now,
    get: (path) => send("GET", path, {}),
    post,
    lease: async (machine = OWNER.machine_id, wish = {}) => {
      const { body } = await post("/api/leases/acquire", { ...OWNER, machine_id: machine, ...wish });
      return String(body.lease.id);
    },
  };
}
