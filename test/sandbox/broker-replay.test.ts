// The 140 exchanges that were captured at the real broker, made again in their order at the sandbox: the fake is checked, not our client.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/secrets/secret.ts";
import { startSandboxBroker, type SandboxBroker } from "../../src/sandbox/broker.ts";
import { loadExchanges, wireBody, type Exchange } from "../support/broker-exchanges.ts";

const EXCHANGES = loadExchanges();
const TOKEN = "token-of-the-replay";

/** The headers of those that were about headers; all others carry the token and JSON. */
const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  0: {},
  1: {},
  2: { authorization: "Bearer wrong" },
  3: { "x-api-key": "wrong" },
  4: { authorization: "Basic dXNlcjpwYXNz" },
  5: { authorization: `bearer ${TOKEN}`, "x-api-key": "wrong" },
  6: { "x-api-key": TOKEN },
  7: { authorization: "Bearer t\u00f6ken" },
  8: {},
  14: { authorization: `Bearer ${TOKEN}`, "content-type": "text/plain" },
};

/** What was done to the real broker by hand before an exchange, and what brings it about here. */
const BY_HAND: Readonly<Record<number, { readonly there: string; readonly here: (lab: Lab) => void }>> = {
  123: {
    there: "SQL: the lease's expires_at was set into the past",
    here: ({ broker, path }) => broker.expireLease(path.split("/").at(-1) ?? ""),
  },
  133: {
    there: "SQL: accounts.secondary_used_percent = 100 for bravo",
    here: ({ broker }) => broker.setUtilization("bravo", 100),
  },
  137: {
    there: "SQL: accounts.secondary_used_percent = 10 for bravo",
    here: ({ broker }) => broker.setUtilization("bravo", 10),
  },
};

/** Values that the samples show and the sandbox does not have; their keys and types it has, but for the first. */
const LEFT_OUT: readonly { readonly key: RegExp; readonly why: string }[] = [
  {
    key: /\.decoded_access_jwt$/,
    why: "the sandbox's own tokens say `alg: none` and carry no aud, scp, nbf, client_id",
  },
  { key: /\.(?:access_token|id_token|refresh_token)$/, why: "tokens are made at run time" },
  { key: /\.(?:account_id|accountId|expires_at_ms)$/, why: "those of the sandbox's own logins" },
  { key: /\.import_key$/, why: "made with the lease's id, which is new in every run" },
];

/** Times that hang on when the recorder put its logins in, seconds before the first exchange, or on the manual change of 123. */
const LOOSE_TIME =
  /\.(?:created_at|weekly_reset_at|(?:credential_)?auth_updated_at|last_refresh|reset_confirmation_due_after)$/;
const LOOSE_EXPIRY = new Set([123, 124, 125]);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00$/;
const FIRST = Date.parse("2026-11-21T02:26:05Z");

interface Lab {
  readonly broker: SandboxBroker;
  readonly path: string;
}

let now = FIRST - 3_500;
let broker: SandboxBroker;
/** Recorded lease id → the id that stands for it here. */
const ids = new Map<string, string>();

beforeAll(async () => {
  broker = await startSandboxBroker({ now: () => now, token: Secret.of(TOKEN), pydantic: 1 });
});
afterAll(() => broker.close());

/** The recorder's clock at an exchange, as far as its answer tells it. */
function timeOf(exchange: Exchange): number {
  const times = wireBody(exchange).match(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00/g) ?? [];
  const seen = times.map((time) => Date.parse(time)).filter((time) => time >= FIRST && time < FIRST + 5_000);
  return Math.max(now, ...seen);
}

function here(text: string): string {
  return [...ids].reduce((all, [there, id]) => all.replaceAll(there, id), text);
}

async function send(exchange: Exchange) {
  const path = here(exchange.path);
  BY_HAND[exchange.number]?.here({ broker, path });
  const { request } = exchange;
  const body = typeof request === "string" ? request : JSON.stringify(request);
  const defaults = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(broker.origin + path, {
    method: exchange.method,
    headers: { "content-type": "application/json", ...(HEADERS[exchange.number] ?? defaults) },
    ...(request === null ? {} : { body: here(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text };
}

/** What differs between a recorded value and the one that came here, in words. */
function differences(there: unknown, got: unknown, at: string, number: number): readonly string[] {
  if (typeof there === "object" && there !== null && typeof got === "object" && got !== null) {
    const [a, b] = [there as Record<string, unknown>, got as Record<string, unknown>];
    if (LEFT_OUT[0]?.key.test(at) === true) return [];
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => {
      if (!(key in a) || !(key in b)) return [`${at}.${key} is ${key in a ? "missing" : "too many"}`];
      return differences(a[key], b[key], `${at}.${key}`, number);
    });
  }
  const words = [`${at}: ${JSON.stringify(there)} was ${JSON.stringify(got)}`];
  if (typeof there !== typeof got || (there === null) !== (got === null)) return words;
  if (LEFT_OUT.some(({ key }) => key.test(at))) return [];
  if (typeof there === "string" && typeof got === "string") {
    if (there.startsWith("lease_") && /^lease_[\w-]{16}$/.test(got) && !ids.has(there)) ids.set(there, got);
    if (TIME.test(there) && TIME.test(got)) {
      const isLoose = LOOSE_TIME.test(at) || (at.endsWith(".expires_at") && LOOSE_EXPIRY.has(number));
      return Math.abs(Date.parse(there) - Date.parse(got)) <= (isLoose ? 10_000 : 100) ? [] : words;
    }
    return here(there) === got ? [] : words;
  }
  const tolerance = at.endsWith(".seconds_since_seen") ? 1 : 0;
  if (typeof there === "number" && typeof got === "number") return Math.abs(there - got) <= tolerance ? [] : words;
  return there === got ? [] : words;
}

describe("the sandbox broker answers as the real one did", () => {
  it("and all 140 exchanges are here", () => {
    expect(EXCHANGES).toHaveLength(140);
  });

  it.each(EXCHANGES)("$number $title", async (exchange) => {
    now = timeOf(exchange);
    const answer = await send(exchange);
    expect(answer.status, JSON.stringify(answer.body)).toBe(exchange.status);
    expect(differences(exchange.response, answer.body, "", exchange.number)).toEqual([]);
  });

  it("with the very import key, where no lease is in it", () => {
    const recorded = EXCHANGES[117]?.response as { import_key: string };
    expect(broker.imports().at(-1)?.importKey).toBe(recorded.import_key);
  });

  it("and nothing of its log is a token, a header or a body", () => {
    expect(broker.log).toHaveLength(140);
    expect(new Set(broker.log.flatMap((entry) => Object.keys(entry)))).toEqual(
      new Set(["atMs", "method", "path", "action", "status"]),
    );
    expect(JSON.stringify(broker.log)).not.toContain(TOKEN);
  });
});
