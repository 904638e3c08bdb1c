// Reads what one usage event says, in the shapes that hosts give; what it does not say stays missing. Pure.

import { USAGE } from "../config/defaults.ts";
import { redact } from "../secrets/redact.ts";

/** What one event says of usage; every number that it does not say, or says in a form nobody can believe, is absent. */
export interface UsageCounts {
  readonly requests?: number;
  /** With the cached ones, whichever way the event counts them. */
  readonly tokensIn?: number;
  readonly tokensOut?: number;
  readonly source?: string;
  readonly model?: string;
  readonly status?: string;
  /** 0 to 100. */
  readonly utilizationPct?: number;
  readonly quotaRemaining?: number;
  readonly rateLimitRemaining?: number;
  readonly lastSuccessAtMs?: number;
  readonly lastErrorAtMs?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counters that are given ready: in the event itself or in its `usage`. */
interface DirectFields {
  readonly requests_count?: unknown;
  readonly requestsCount?: unknown;
  readonly tokens_in?: unknown;
  readonly tokensIn?: unknown;
  readonly tokens_out?: unknown;
  readonly tokensOut?: unknown;
}

/** The usage of one request: OpenAI's two APIs, and OpenClaw's. */
interface RequestFields {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly cacheRead?: unknown;
  readonly cacheWrite?: unknown;
}

/** What may stand in the `usage` of an event. */
export type UsageFields = RequestFields & DirectFields;

/** What else was observed with a request; `status`, `model` and `source` have one spelling. */
interface ObservedFields {
  readonly utilization_pct?: unknown;
  readonly utilizationPct?: unknown;
  readonly quota_remaining?: unknown;
  readonly quotaRemaining?: unknown;
  readonly rate_limit_remaining?: unknown;
  readonly rateLimitRemaining?: unknown;
  readonly last_success_at?: unknown;
  readonly lastSuccessAt?: unknown;
  readonly last_error_at?: unknown;
  readonly lastErrorAt?: unknown;
}

/** Every field of an event that is looked at; whatever else it holds (prompts, headers) is never read. */
export interface EventFields extends DirectFields, RequestFields, ObservedFields {
  readonly usage?: unknown;
  readonly model?: unknown;
  readonly source?: unknown;
  readonly status?: unknown;
}

/** What `event` says, or undefined where it says nothing of usage. May throw what a getter of the event throws. */
export function readUsage(event: unknown): UsageCounts | undefined {
  if (typeof event !== "object" || event === null) return undefined;
  const fields: EventFields = event;
  const found: Mutable<UsageCounts> = {};
  readCounts(fields, found);
  readObserved(fields, found);
  if (Object.keys(found).length === 0) return undefined;
  const model = readName(fields.model);
  if (model !== undefined) found.model = model;
  const source = readName(fields.source);
  if (source !== undefined) found.source = source;
  return found;
}

function readCounts(event: EventFields, found: Mutable<UsageCounts>): void {
  const usage = asUsageFields(event.usage);
  const asked = given(event.requests_count, event.requestsCount, usage?.requests_count, usage?.requestsCount);
  const directIn = given(event.tokens_in, event.tokensIn, usage?.tokens_in, usage?.tokensIn);
  const directOut = given(event.tokens_out, event.tokensOut, usage?.tokens_out, usage?.tokensOut);
  // Counters may sum up many requests, so without their own number of requests there is none.
  const isDirect = directIn !== undefined || directOut !== undefined;
  const request = usage ?? event;
  const tokensIn = isDirect ? count(directIn) : requestTokensIn(request);
  const tokensOut = isDirect ? count(directOut) : requestTokensOut(request);
  const isOneRequest = !isDirect && (tokensIn !== undefined || tokensOut !== undefined);
  const requests = asked === undefined ? (isOneRequest ? 1 : undefined) : count(asked);
  if (requests !== undefined) found.requests = requests;
  if (tokensIn !== undefined) found.tokensIn = tokensIn;
  if (tokensOut !== undefined) found.tokensOut = tokensOut;
}

function requestTokensIn(usage: RequestFields): number | undefined {
  const openai = given(usage.prompt_tokens, usage.input_tokens);
  if (openai !== undefined) return count(openai);
  // OpenClaw's `input` leaves cached tokens out; OpenAI's includes them. A sum with a part that cannot be believed is none.
  const input = count(usage.input);
  const cacheRead = usage.cacheRead === undefined || usage.cacheRead === null ? 0 : count(usage.cacheRead);
  const cacheWrite = usage.cacheWrite === undefined || usage.cacheWrite === null ? 0 : count(usage.cacheWrite);
  if (input === undefined || cacheRead === undefined || cacheWrite === undefined) return undefined;
  return count(input + cacheRead + cacheWrite);
}

function requestTokensOut(usage: RequestFields): number | undefined {
  return count(given(usage.completion_tokens, usage.output_tokens, usage.output));
}

function readObserved(event: EventFields, found: Mutable<UsageCounts>): void {
  const status = readStatus(event.status);
  if (status !== undefined) found.status = status;
  const utilization = given(event.utilization_pct, event.utilizationPct);
  // The broker revokes leases at 100 (facts/lease-broker.md §3.5): a figure on another scale must not get through.
  if (typeof utilization === "number" && utilization >= 0 && utilization <= 100) found.utilizationPct = utilization;
  const quota = count(given(event.quota_remaining, event.quotaRemaining));
  if (quota !== undefined) found.quotaRemaining = quota;
  const rate = count(given(event.rate_limit_remaining, event.rateLimitRemaining));
  if (rate !== undefined) found.rateLimitRemaining = rate;
  const success = readTime(given(event.last_success_at, event.lastSuccessAt));
  if (success !== undefined) found.lastSuccessAtMs = success;
  const failure = readTime(given(event.last_error_at, event.lastErrorAt));
  if (failure !== undefined) found.lastErrorAtMs = failure;
}

/** A whole number from 0 to `USAGE.maxCount`, else undefined. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= USAGE.maxCount
    ? // Not -0, which JSON and a sum would lose.
      value + 0
    : undefined;
}

/** A status as one short word; an HTTP status as `ok` or `error`. */
function readStatus(value: unknown): string | undefined {
  if (typeof value === "number") {
    if (value >= 200 && value < 300) return "ok";
    return value >= 400 && value < 600 ? "error" : undefined;
  }
  return typeof value === "string" && /^[A-Za-z][A-Za-z_-]{0,31}$/.test(value) ? value.toLowerCase() : undefined;
}

const SUCCESS = new Set(["ok", "success", "succeeded", "completed", "complete", "healthy"]);
const FAILURE = new Set(["error", "failed", "failure", "unhealthy"]);

/** Whether a status says that a request went well, failed, or neither. */
export function judgeStatus(status: string | undefined): "success" | "error" | undefined {
  if (status === undefined) return undefined;
  if (SUCCESS.has(status)) return "success";
  return FAILURE.has(status) ? "error" : undefined;
}

/** The name of a model or a source; a text with blanks or of another alphabet is no name, and what looks like a token is none either. */
function readName(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > USAGE.maxNameChars) return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/.test(value)) return undefined;
  return redact(value) === value ? value : undefined;
}

function readTime(value: unknown): number | undefined {
  const time = typeof value === "string" && value.length <= 40 ? Date.parse(value) : value;
  return typeof time === "number" && Number.isInteger(time) && time >= USAGE.earliestMs && time <= USAGE.latestMs
    ? time
    : undefined;
}

/** `usage` as an object to look into, or undefined. */
function asUsageFields(value: unknown): UsageFields | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

/** The first value that is there at all. */
function given(...values: readonly unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null);
}
