// Adds usage events up in memory, exactly, at nearly the price of the additions themselves.

import { USAGE } from "../config/defaults.ts";
import { judgeStatus, readUsage } from "./usage-shape.ts";
import type { EventFields, UsageCounts, UsageFields } from "./usage-shape.ts";

/** What was added up; a number that no event gave is absent. */
export interface CounterTotals {
  readonly requests?: number;
  readonly tokensIn?: number;
  readonly tokensOut?: number;
  /** The last one. */
  readonly status?: string;
  readonly utilizationPct?: number;
  readonly quotaRemaining?: number;
  readonly rateLimitRemaining?: number;
  /** When one of `utilizationPct`, `quotaRemaining`, `rateLimitRemaining` was last observed. */
  readonly observedAtMs?: number;
  readonly lastSuccessAtMs?: number;
  readonly lastErrorAtMs?: number;
  readonly models?: readonly string[];
  readonly sources?: readonly string[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Differs from every name that counts as one; a string, since V8 compares strings with strings much faster than with anything else. */
const NEW = "";
/** The short counters hold 30 bits: V8 adds such numbers without looking for an overflow of its own. */
const SHORT_BITS = 30;
const SHORT_MAX = 2 ** SHORT_BITS - 1;

/** What counters need. */
export interface CounterOptions {
  readonly now: () => number;
  /** At how many requests `onDue` is called, once. Default: never. */
  readonly dueAt?: number;
  readonly onDue?: () => void;
}

/**
 * The counters of one batch. {@link observe} never throws and keeps nothing of an event but numbers, status and names.
 *
 * Sums are exact up to `Number.MAX_SAFE_INTEGER` (2^53 - 1) and stay there: a sum beyond it could not be told exactly anyway.
 */
export class LeaseCounters {
  // Counted quickly here, and moved to the totals before they grow too long.
  #shortIn = 0;
  #shortOut = 0;
  /** Counted up from `#shortBase`, which is so that it grows too long when the batch is due. */
  #shortRequests = 0;
  #shortBase = 0;
  // The last ones that events gave: as long as the next event has the same, there is nothing to note.
  #model = NEW;
  #source = NEW;
  #status = NEW;
  #isDue = false;
  #totals: Mutable<CounterTotals> = {};
  readonly #models = new Set<string>();
  readonly #sources = new Set<string>();
  readonly #now: () => number;
  readonly #dueAt: number;
  readonly #onDue: () => void;

  constructor(options: CounterOptions) {
    this.#now = options.now;
    this.#dueAt = options.dueAt ?? Number.POSITIVE_INFINITY;
    this.#onDue = options.onDue ?? (() => undefined);
    this.#aim();
  }

  /** Adds one event; false where it says nothing of usage. */
  observe(event: unknown): boolean {
    try {
      return this.#addUsual(event) || this.#addAny(event);
    } catch {
      // No event at all, or one with a getter that throws.
      return this.#addAny(event);
    }
  }

  /** How many requests were added up. */
  get requests(): number {
    return clamp((this.#totals.requests ?? 0) + this.#shortRequests - this.#shortBase);
  }

  /**
   * The totals now. Times of successes and errors are those of the first such event after the last call, or after one of the other
   * kind: exact in their order, and no older than the last call. A clock that is read for each event would cost more than the event.
   */
  totals(): CounterTotals {
    this.#settle();
    // The next event is looked at whole again, so that its status is dated anew.
    this.#status = NEW;
    return {
      ...this.#totals,
      ...(this.#models.size === 0 ? {} : { models: [...this.#models] }),
      ...(this.#sources.size === 0 ? {} : { sources: [...this.#sources] }),
    };
  }

  /**
   * Adds the usual event: one OpenAI or OpenClaw request, or ready counters; model, source and status as before, nothing else observed.
   * False, and nothing added, where it is any other; throws where there is no event. That this agrees with `readUsage` is a property
   * test. To V8 the question which fields an event has is one check of its hidden class, so the long conditions cost next to nothing;
   * `typeof`, calls, comparisons between types and a function too long to be inlined cost more than the additions (`npm run bench`).
   */
  #addUsual(event: unknown): boolean {
    const fields: EventFields = event!;
    const { model, source, status, usage } = fields;
    if (model !== undefined && model !== this.#model) return false;
    if (source !== undefined && source !== this.#source) return false;
    if (status !== undefined && status !== this.#status) return false;
    if (
      fields.utilization_pct !== undefined ||
      fields.utilizationPct !== undefined ||
      fields.quota_remaining !== undefined ||
      fields.quotaRemaining !== undefined ||
      fields.rate_limit_remaining !== undefined ||
      fields.rateLimitRemaining !== undefined ||
      fields.last_success_at !== undefined ||
      fields.lastSuccessAt !== undefined ||
      fields.last_error_at !== undefined ||
      fields.lastErrorAt !== undefined
    )
      return false;
    if (usage === undefined || usage === null)
      return this.#addShort(fields.requests_count, fields.tokens_in, fields.tokens_out);
    const counts: UsageFields = usage;
    if (
      fields.requests_count !== undefined ||
      fields.requestsCount !== undefined ||
      fields.tokens_in !== undefined ||
      fields.tokensIn !== undefined ||
      fields.tokens_out !== undefined ||
      fields.tokensOut !== undefined ||
      counts.requests_count !== undefined ||
      counts.requestsCount !== undefined ||
      counts.tokens_in !== undefined ||
      counts.tokensIn !== undefined ||
      counts.tokens_out !== undefined ||
      counts.tokensOut !== undefined
    )
      return false;
    return counts.prompt_tokens === undefined
      ? this.#addOther(counts)
      : this.#addShort(1, counts.prompt_tokens, counts.completion_tokens);
  }

  /** The usage of one request in the two shapes that say no `prompt_tokens`. */
  #addOther(counts: UsageFields): boolean {
    if (counts.completion_tokens !== undefined) return false;
    if (counts.input_tokens !== undefined) return this.#addShort(1, counts.input_tokens, counts.output_tokens);
    if (counts.output_tokens !== undefined) return false;
    const { input, cacheRead = 0, cacheWrite = 0 } = counts;
    const { output } = counts;
    if (typeof input !== "number" || typeof cacheRead !== "number" || typeof cacheWrite !== "number") return false;
    // Two bits less, so that the sum of the three is short as well.
    if (typeof output !== "number" || (input | cacheRead | cacheWrite | output) >>> (SHORT_BITS - 2) !== 0)
      return false;
    if ((input | 0) !== input || (cacheRead | 0) !== cacheRead) return false;
    if ((cacheWrite | 0) !== cacheWrite || (output | 0) !== output) return false;
    return this.#addSums(1, input + cacheRead + cacheWrite, output);
  }

  #addShort(requests: unknown, tokensIn: unknown, tokensOut: unknown): boolean {
    if (typeof requests !== "number" || typeof tokensIn !== "number" || typeof tokensOut !== "number") return false;
    // From 0 to 2^30 - 1 each, and whole.
    if ((requests | tokensIn | tokensOut) >>> SHORT_BITS !== 0) return false;
    if ((requests | 0) !== requests || (tokensIn | 0) !== tokensIn || (tokensOut | 0) !== tokensOut) return false;
    return this.#addSums(requests, tokensIn, tokensOut);
  }

  #addSums(requests: number, tokensIn: number, tokensOut: number): boolean {
    const sumRequests = this.#shortRequests + requests;
    const sumIn = this.#shortIn + tokensIn;
    const sumOut = this.#shortOut + tokensOut;
    if ((sumRequests | sumIn | sumOut) > SHORT_MAX) return false;
    this.#shortRequests = sumRequests;
    this.#shortIn = sumIn;
    this.#shortOut = sumOut;
    return true;
  }

  /** The totals, and from now on those of the next batch. */
  take(): CounterTotals {
    const taken = this.totals();
    this.#totals = {};
    this.#models.clear();
    this.#sources.clear();
    this.#model = NEW;
    this.#source = NEW;
    this.#isDue = false;
    this.#aim();
    return taken;
  }

  /** The longer way, for every event there can be. */
  #addAny(event: unknown): boolean {
    const read = readCarefully(event);
    if (read === undefined) return false;
    const { usage } = read;
    this.#settle();
    const totals = this.#totals;
    if (usage.requests !== undefined) totals.requests = clamp((totals.requests ?? 0) + usage.requests);
    if (usage.tokensIn !== undefined) totals.tokensIn = clamp((totals.tokensIn ?? 0) + usage.tokensIn);
    if (usage.tokensOut !== undefined) totals.tokensOut = clamp((totals.tokensOut ?? 0) + usage.tokensOut);
    addName(this.#models, usage.model);
    addName(this.#sources, usage.source);
    this.#note(usage, read.status);
    this.#model = comparable(read.model);
    this.#source = comparable(read.source);
    this.#aim();
    return true;
  }

  #note(usage: UsageCounts, givenStatus: unknown): void {
    const totals = this.#totals;
    const now = this.#now();
    if (givenStatus !== undefined && givenStatus !== this.#status) {
      this.#status = comparable(givenStatus);
      const outcome = judgeStatus(usage.status);
      if (outcome === "success") totals.lastSuccessAtMs = now;
      if (outcome === "error") totals.lastErrorAtMs = now;
    }
    if (usage.status !== undefined) totals.status = usage.status;
    // A time that an event names is believed unless it lies ahead.
    if (usage.lastSuccessAtMs !== undefined && usage.lastSuccessAtMs <= now)
      totals.lastSuccessAtMs = usage.lastSuccessAtMs;
    if (usage.lastErrorAtMs !== undefined && usage.lastErrorAtMs <= now) totals.lastErrorAtMs = usage.lastErrorAtMs;
    const { utilizationPct, quotaRemaining, rateLimitRemaining } = usage;
    if (utilizationPct === undefined && quotaRemaining === undefined && rateLimitRemaining === undefined) return;
    totals.observedAtMs = now;
    if (utilizationPct !== undefined) totals.utilizationPct = utilizationPct;
    if (quotaRemaining !== undefined) totals.quotaRemaining = quotaRemaining;
    if (rateLimitRemaining !== undefined) totals.rateLimitRemaining = rateLimitRemaining;
  }

  /** Moves what was counted quickly to the totals. */
  #settle(): void {
    const requests = this.#shortRequests - this.#shortBase;
    if (requests === 0 && this.#shortIn === 0 && this.#shortOut === 0) return;
    const totals = this.#totals;
    totals.requests = clamp((totals.requests ?? 0) + requests);
    totals.tokensIn = clamp((totals.tokensIn ?? 0) + this.#shortIn);
    totals.tokensOut = clamp((totals.tokensOut ?? 0) + this.#shortOut);
    this.#shortIn = 0;
    this.#shortOut = 0;
    this.#aim();
  }

  /** Begins to count quickly up to where the batch is due, and says so where it is. */
  #aim(): void {
    const missing = this.#dueAt - (this.#totals.requests ?? 0);
    this.#shortBase = missing > 0 ? Math.max(0, SHORT_MAX + 1 - missing) : 0;
    this.#shortRequests = this.#shortBase;
    if (missing > 0 || this.#isDue) return;
    this.#isDue = true;
    this.#onDue();
  }
}

interface ReadEvent {
  readonly usage: UsageCounts;
  readonly model: unknown;
  readonly source: unknown;
  readonly status: unknown;
}

/** What an event says and its own names; undefined where it says nothing, and where one of its getters throws. */
function readCarefully(event: unknown): ReadEvent | undefined {
  try {
    const usage = readUsage(event);
    if (usage === undefined || typeof event !== "object" || event === null) return undefined;
    const { model, source, status }: EventFields = event;
    return { usage, model, source, status };
  } catch {
    // A host must not die of being counted.
    return undefined;
  }
}

/** `value` where it may be kept to compare the next one with: never a text of any length. */
function comparable(value: unknown): string {
  return typeof value === "string" && value.length <= USAGE.maxNameChars ? value : NEW;
}

function addName(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && names.size < USAGE.maxNames) names.add(name);
}

/** `value` as a sum that is told: never more than can be counted exactly. */
export function clamp(value: number): number {
  return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value;
}
