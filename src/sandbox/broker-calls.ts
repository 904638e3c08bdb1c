// The calls that a client makes to the sandbox broker: what each checks, in which order, and how it answers (facts/lease-broker.md §3).

import { detail, ok, ownerOf, type BrokerAnswer } from "./broker-answers.ts";
import { compareFreshness, materialOf } from "./broker-profiles.ts";
import { authUpdatedAt, credentialBody, isLive, leaseStatusBody, type LeaseRow } from "./broker-rows.ts";
import type { BrokerState, Outcome } from "./broker-state.ts";
import type { BrokerTelemetry } from "./broker-telemetry.ts";
import type { BrokerUsage } from "./broker-usage.ts";
import { objectOf, textOf } from "./broker-values.ts";

/** What a sandbox broker consists of. */
export interface BrokerParts {
  readonly state: BrokerState;
  readonly telemetry: BrokerTelemetry;
  readonly usage: BrokerUsage;
}

/** A call that has passed the body and token checks; `id` is what stands in the path, decoded. */
export interface BrokerCall extends BrokerParts {
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const NO_OWNER = detail(400, "machine_id and agent_id are required");
const NO_LEASE = detail(404, "Lease not found");
// §3.3: only these.
const ROTATION_REASONS = [
  "approaching_utilization_threshold",
  "low_quota_remaining",
  "unhealthy_credential",
  "expiry_approaching",
  "admin_requested_rotation",
];

/** §3.1. */
export function acquire({ state, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined) return NO_OWNER;
  state.sync();
  return outcome(state, state.acquire(owner, body["requested_ttl_seconds"], body["reason"]));
}

/** No ownership is checked, and it is a heartbeat (§3, §4). */
export function look({ state, id }: BrokerCall): BrokerAnswer {
  state.sync();
  const lease = state.lease(id);
  return lease === undefined ? NO_LEASE : ok(lookAt(state, lease));
}

/** §3.2. */
export function renew({ state, id, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined) return NO_OWNER;
  state.sync();
  return outcome(state, state.renew(id, owner));
}

/** The only one without a sync before it (source). */
export function release({ state, id, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined) return NO_OWNER;
  state.sweep();
  return releaseOutcome(state, state.release(id, owner, body["reason"]));
}

/** §3.3. */
export function rotate({ state, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  const [leaseId, reason] = [textOf(body["lease_id"]), textOf(body["reason"])];
  if (owner === undefined || leaseId === "" || reason === "") {
    return detail(400, "lease_id, machine_id, agent_id, and reason are required");
  }
  if (!ROTATION_REASONS.includes(reason)) return detail(400, "invalid rotation reason");
  state.sync();
  return outcome(state, state.rotate(leaseId, owner, reason));
}

/** Whatever an admin gives as a reason becomes one of the known ones (sample 110). */
export function adminRotate({ state, id, body }: BrokerCall): BrokerAnswer {
  const lease = state.lease(id);
  if (lease === undefined) return NO_LEASE;
  state.sync();
  const reason = textOf(body["reason"]);
  return outcome(
    state,
    state.rotate(id, lease, ROTATION_REASONS.includes(reason) ? reason : "admin_requested_rotation"),
  );
}

/** §3.8. */
export function adminRelease({ state, id, body }: BrokerCall): BrokerAnswer {
  const lease = state.lease(id);
  if (lease === undefined) return NO_LEASE;
  state.sweep();
  return releaseOutcome(state, state.release(id, lease, textOf(body["reason"]) || "admin_released_lease"));
}

/** §3.4. */
export function materialize({ state, id, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined) return NO_OWNER;
  state.sync();
  const result = state.materialize(id, owner);
  if (result.status === "denied") return outcome(state, result);
  const lease = state.body(result.lease);
  const profile = state.credentials.profileFor(result.lease.credentialId);
  if (profile === undefined) {
    return { status: 404, body: { status: "denied", reason: "credential_material_not_found", lease } };
  }
  const material = materialOf(profile, state.now());
  return ok({ status: "ok", reason: null, lease, credential_material: material });
}

/** §3.5. */
export function telemetry({ state, telemetry: rows, id, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined || textOf(body["captured_at"]) === "") {
    return detail(400, "machine_id, agent_id, and captured_at are required");
  }
  state.sync();
  const taken = rows.record(id, owner, body);
  if (taken === undefined) {
    return outcome(state, { status: "denied", reason: "lease_not_found_or_not_owned", lease: null });
  }
  return ok({ status: "ok", reason: null, lease: state.body(taken.lease), credential: taken.credential });
}

/** Neither the lease's state nor the account is checked (§3.6). */
export function reconcileAuth({ state, id, body }: BrokerCall): BrokerAnswer {
  const owner = ownerOf(body);
  if (owner === undefined) return NO_OWNER;
  const incoming = objectOf(body["auth_json"]);
  if (incoming === undefined) return detail(400, "auth_json object is required");
  state.sync();
  const lease = state.lease(id);
  if (lease === undefined) return NO_LEASE;
  // The broker looks the lease up as a GET does, so that this is a heartbeat too (source), a stranger's as well.
  lookAt(state, lease);
  if (state.owned(id, owner) === undefined) return detail(409, "Lease not found or not owned");
  const profile = state.credentials.profileFor(lease.credentialId);
  if (profile === undefined) return detail(404, "credential_material_not_found");
  const comparison = compareFreshness(profile.auth, incoming);
  if (comparison > 0) state.credentials.replaceAuth(profile.label, incoming);
  const words =
    comparison > 0
      ? { decision: "client_updated_manager", reason: "persisted" }
      : comparison < 0
        ? { decision: "manager_updated_client", reason: "manager_auth_newer" }
        : { decision: "in_sync", reason: "auth_in_sync" };
  return ok({
    status: "ok",
    ...words,
    profile_label: profile.label,
    credential_auth_updated_at: authUpdatedAt(state.credentialOf(lease)),
    auth_json: comparison < 0 ? profile.auth : null,
  });
}

/** §3.7. */
export function importUsage({ usage, body }: BrokerCall): BrokerAnswer {
  const answer = usage.import(body);
  return answer === undefined ? detail(400, "export_json object is required") : ok(answer);
}

function lookAt(state: BrokerState, lease: LeaseRow): ReturnType<typeof leaseStatusBody> {
  if (isLive(lease)) state.touch(lease);
  return leaseStatusBody(lease, state.credentialOf(lease), state.settings, state.now());
}

// The third error shape (§1).
function outcome(state: BrokerState, result: Outcome): BrokerAnswer {
  const lease = result.lease === null ? null : state.body(result.lease);
  return { status: result.status === "ok" ? 200 : 409, body: { status: result.status, reason: result.reason, lease } };
}

function releaseOutcome(state: BrokerState, result: Outcome): BrokerAnswer {
  const answer = outcome(state, result);
  if (result.status === "denied" || typeof answer.body === "string") return answer;
  return ok({ ...answer.body, credential: credentialBody(state.credentialOf(result.lease)) });
}
