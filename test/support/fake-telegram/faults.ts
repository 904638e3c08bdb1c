// Faults on demand: too many requests, server errors, answers that are no JSON, dropped connections.

import { ApiError, tooManyRequests } from "./api-error.ts";

/** What goes wrong with a call. */
export type Fault =
  | { readonly kind: "error"; readonly error: ApiError }
  /** The connection is cut; with `after` the call took effect first, and only its answer was lost. */
  | { readonly kind: "drop"; readonly after: boolean }
  /** A proxy's page instead of an answer. */
  | { readonly kind: "page" };

interface Planned {
  readonly method: string;
  readonly fault: Fault;
  left: number;
}

/** Plans faults per method; `*` means every method. */
export class Faults {
  readonly #planned: Planned[] = [];

  /** The next `times` calls of `method` get 429 with `retry_after` seconds. */
  tooMany(method: string, seconds: number, times = 1): void {
    this.#plan(method, { kind: "error", error: tooManyRequests(seconds) }, times);
  }

  /** The next `times` calls get `code` and a description of the server's kind. */
  serverError(method: string, code = 502, times = 1): void {
    const description = code === 502 ? "Bad Gateway" : "Internal Server Error";
    this.#plan(method, { kind: "error", error: new ApiError({ error_code: code, description }) }, times);
  }

  /** The next `times` calls fail with `error`. */
  fail(method: string, error: ApiError, times = 1): void {
    this.#plan(method, { kind: "error", error }, times);
  }

  /** The next `times` calls lose their connection, before or after they took effect. */
  drop(method: string, options: { readonly after?: boolean; readonly times?: number } = {}): void {
    this.#plan(method, { kind: "drop", after: options.after ?? false }, options.times ?? 1);
  }

  /** The next `times` calls are answered by a proxy's HTML page. */
  page(method: string, times = 1): void {
    this.#plan(method, { kind: "page" }, times);
  }

  /** Takes the fault of a call of `method`, if one is planned. */
  take(method: string): Fault | undefined {
    const planned = this.#planned.find((one) => one.left > 0 && (one.method === method || one.method === "*"));
    if (planned === undefined) return undefined;
    planned.left -= 1;
    return planned.fault;
  }

  #plan(method: string, fault: Fault, times: number): void {
    this.#planned.push({ method, fault, left: times });
  }
}
