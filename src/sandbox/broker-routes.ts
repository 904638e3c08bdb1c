// The paths of the sandbox broker: which call each is, and what is asked of a request before it is made (facts/lease-broker.md §1, §3).

import * as admin from "./broker-admin.ts";
import { ok, type BrokerAnswer } from "./broker-answers.ts";
import * as calls from "./broker-calls.ts";
import type { BrokerCall } from "./broker-calls.ts";

/** The name of a call, for the log and for faults. */
export type BrokerAction =
  | "acquire"
  | "get"
  | "renew"
  | "materialize"
  | "release"
  | "rotate"
  | "telemetry"
  | "reconcile-auth"
  | "usage-import"
  | "admin"
  | "open";

/** One path with one method. */
export interface BrokerRoute {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly action: BrokerAction;
  /** Whether no body at all is fine too; a GET has none. */
  readonly isBodyOptional: boolean;
  readonly answer: (call: BrokerCall) => BrokerAnswer;
}

// In the broker's own order: `POST /api/leases/rotate` is no lease, `GET /api/leases/acquire` is the lease "acquire" (§1).
const ROUTES: readonly BrokerRoute[] = [
  at("GET /health", "open", () => ok({ status: "ok" })),
  at("GET /api/settings", "open", admin.readSettings),
  at("POST /api/settings", "admin", admin.writeSettings),
  at("POST /api/leases/acquire", "acquire", calls.acquire),
  at("POST /api/leases/{id}/renew", "renew", calls.renew),
  at("POST /api/leases/{id}/release", "release", calls.release),
  at("POST /api/leases/{id}/telemetry", "telemetry", calls.telemetry),
  at("POST /api/leases/{id}/materialize", "materialize", calls.materialize),
  at("POST /api/leases/{id}/reconcile-auth", "reconcile-auth", calls.reconcileAuth),
  at("POST /api/leases/rotate", "rotate", calls.rotate),
  at("GET /api/leases/{id}", "get", calls.look),
  at("POST /api/openclaw/usage/import", "usage-import", calls.importUsage),
  at("GET /api/openclaw/usage/by-credential", "admin", ({ usage }) => ok(usage.byCredential())),
  at("POST /api/admin/credentials/{id}/mark-exhausted", "admin", admin.markExhausted, true),
  at("POST /api/admin/credentials/{id}/disable-assignment", "admin", admin.disableAssignment, true),
  at("POST /api/admin/credentials/{id}/enable-assignment", "admin", admin.enableAssignment, true),
  at("POST /api/admin/leases/{id}/release", "admin", calls.adminRelease, true),
  at("POST /api/admin/leases/{id}/rotate", "admin", calls.adminRotate, true),
  at("GET /api/admin/leases/overview", "admin", admin.overview),
  at("GET /api/admin/machines/{id}/detail", "admin", admin.machineDetail),
  at("POST /auth/import-json", "admin", admin.importAuth),
  at("POST /auth/delete", "admin", admin.deleteAuth),
];

/** What a request is: a call, or the answer that the router gives by itself. `path` is decoded, as the router sees it. */
export function findRoute(
  method: string,
  path: string,
): { readonly route: BrokerRoute; readonly id: string } | { readonly status: 307 | 404 | 405 } {
  let isKnown = false;
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match === null) continue;
    if (route.method === method) return { route, id: match[1] ?? "" };
    isKnown = true;
  }
  if (isKnown) return { status: 405 };
  const slashless = path.replace(/\/+$/, "");
  return { status: path !== slashless && ROUTES.some(({ path: known }) => known.test(slashless)) ? 307 : 404 };
}

function at(
  line: string,
  action: BrokerAction,
  answer: (call: BrokerCall) => BrokerAnswer,
  isBodyOptional = false,
): BrokerRoute {
  const [method, path = ""] = line.split(" ");
  return {
    method: method === "GET" ? "GET" : "POST",
    path: new RegExp(`^${path.replace("{id}", "([^/]+)")}$`),
    action,
    isBodyOptional,
    answer,
  };
}
