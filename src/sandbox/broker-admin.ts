// What an admin and the manager's own pages ask of the sandbox broker (facts/lease-broker.md §3.8).

import { detail, ok, type BrokerAnswer } from "./broker-answers.ts";
import type { BrokerCall } from "./broker-calls.ts";
import { credentialBody, isLive, type BrokerSettings, type CredentialRow, type LeaseRow } from "./broker-rows.ts";
import type { BrokerState } from "./broker-state.ts";
import { isoTime, objectOf, textOf } from "./broker-values.ts";

/** Needs no token (§1). */
export function readSettings({ state }: BrokerCall): BrokerAnswer {
  return ok({ runtime: state.settings });
}

/** Takes over the settings that it knows, each only in its own type. */
export function writeSettings({ state, body }: BrokerCall): BrokerAnswer {
  const known = Object.entries(state.settings).filter(([name, value]) => typeof body[name] === typeof value);
  const changes = Object.fromEntries(known.map(([name]) => [name, body[name]])) as Partial<BrokerSettings>;
  state.settings = { ...state.settings, ...changes };
  return ok({ runtime: state.settings });
}

/** Undone by the next call, where the manager's own figure is below 100 % (§3.5). */
export function markExhausted({ state, id, body }: BrokerCall): BrokerAnswer {
  return onCredential(state, id, (credential) =>
    state.exhaust(credential, textOf(body["reason"]) || "admin_marked_exhausted"),
  );
}

/** §3.8. */
export function disableAssignment({ state, id }: BrokerCall): BrokerAnswer {
  return onCredential(state, id, (credential) => state.setDisabled(credential, true));
}

/** §3.8. */
export function enableAssignment({ state, id }: BrokerCall): BrokerAnswer {
  return onCredential(state, id, (credential) => state.setDisabled(credential, false));
}

/** The state of everything, as the manager's dashboard shows it (sample 112). */
export function overview({ state }: BrokerCall): BrokerAnswer {
  state.sync();
  const active = state
    .leases()
    .filter(isLive)
    .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs)
    .map((lease) => overviewRow(state, lease));
  const machines = [...new Set(active.map(({ machine_id }) => machine_id))].map((machineId) => {
    const leases = active.filter(({ machine_id }) => machine_id === machineId);
    return {
      machine_id: machineId,
      agent_ids: [...new Set(leases.map(({ agent_id }) => agent_id))].toSorted(),
      active_lease_count: leases.length,
      is_stale: leases.every(({ is_stale }) => is_stale),
      active_leases: leases,
    };
  });
  const credentials = state.credentials.rows().map(credentialBody);
  return ok({
    connected_machines: machines.toSorted((a, b) => b.active_lease_count - a.active_lease_count),
    active_leases: active,
    credentials,
    summary: {
      machine_count: machines.length,
      active_lease_count: active.length,
      credential_count: credentials.length,
    },
  });
}

/** The leases of one machine with their rows of telemetry; roughly as the source has it, never captured. */
export function machineDetail({ state, telemetry, id }: BrokerCall): BrokerAnswer {
  state.sync();
  const leases = state.leases().filter(({ machineId }) => machineId === id);
  const details = leases.map((lease) => ({ lease_id: lease.id, state: lease.state, telemetry: rowsOf(lease) }));
  function rowsOf(lease: LeaseRow) {
    return telemetry.rows(lease.id).map((row) => ({
      lease_id: row.leaseId,
      captured_at: isoTime(row.capturedAtMs),
      requests_count: row.requestsCount,
      tokens_in: row.tokensIn,
      tokens_out: row.tokensOut,
      utilization_pct: row.utilizationPct,
      quota_remaining: row.quotaRemaining,
      status: row.status,
      metadata: row.metadata,
      created_at: isoTime(row.createdAtMs),
    }));
  }
  return ok({
    machine_id: id,
    summary: { lease_count: leases.length, active_lease_count: leases.filter(isLive).length },
    leases: details,
    telemetry: details.flatMap(({ telemetry: rows }) => rows),
  });
}

/** New tokens for a login that the manager has already (sample 84); the real one also takes new logins. */
export function importAuth({ state, body }: BrokerCall): BrokerAnswer {
  const label = textOf(body["label"]);
  const auth = objectOf(body["auth_json"]);
  if (auth === undefined || !state.credentials.hasProfile(label)) return detail(400, "the sandbox knows no such login");
  const profile = state.credentials.replaceAuth(label, auth);
  return ok({
    status: "imported",
    label,
    account_key: profile.accountKey ?? null,
    email: profile.email,
    matched_existing_profile: true,
    saved: true,
    created_new_profile: false,
    up_to_date: false,
    codex_switch: {
      command: ["internal-db-save", "--label", label],
      exit_code: 0,
      stdout: `Saved profile '${label}' in DB`,
    },
  });
}

/** Leaves a ghost behind: the credential is leased on, without material (§3.4). */
export function deleteAuth({ state, body }: BrokerCall): BrokerAnswer {
  const label = textOf(body["label"]);
  if (!state.credentials.hasProfile(label)) return detail(404, "Label not found");
  state.credentials.deleteProfile(label);
  return ok({ status: "deleted", label });
}

function onCredential(state: BrokerState, id: string, change: (credential: CredentialRow) => void): BrokerAnswer {
  state.sync();
  const credential = state.credentials.byId(id);
  if (credential === undefined) return detail(404, "Credential not found");
  change(credential);
  return ok({ status: "ok", credential: credentialBody(credential) });
}

function overviewRow(state: BrokerState, lease: LeaseRow) {
  const credential = state.credentialOf(lease);
  const body = state.body(lease);
  return {
    lease_id: body.id,
    state: body.state,
    machine_id: body.machine_id,
    agent_id: body.agent_id,
    credential_id: body.credential_id,
    credential_label: credential.label,
    credential_state: credential.state,
    latest_utilization_pct: body.latest_utilization_pct,
    latest_quota_remaining: body.latest_quota_remaining,
    issued_at: body.issued_at,
    expires_at: body.expires_at,
    last_seen_at: body.last_seen_at,
    seconds_since_seen: body.seconds_since_seen,
    is_stale: body.is_stale,
    updated_at: body.updated_at,
    reason: body.reason,
  };
}
