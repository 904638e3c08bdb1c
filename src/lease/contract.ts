// What the broker answers, as zod schemas that give our own types: open where it is open, strict where we decide on it (facts/lease-broker.md §2, §3).

import { z } from "zod";
import { BROKER } from "../config/defaults.ts";
import { CREDENTIAL_STATES, LEASE_STATES } from "./broker.ts";
import type { Lease, LeasedCredential, LeaseStatus } from "./broker.ts";
import {
  ifUsable,
  leaseId,
  moment,
  momentText,
  opaqueId,
  ownerName,
  percent,
  shownEmail,
  shownText,
  wholeNumber,
} from "./contract-fields.ts";
import { materialSchema } from "./contract-material.ts";

const leaseState = z.enum(LEASE_STATES).catch("unknown");
const credentialState = z.enum(CREDENTIAL_STATES).catch("unknown");

/** What both forms of a lease hold. */
const facts = {
  credential_id: opaqueId,
  machine_id: ownerName,
  agent_id: ownerName,
  state: leaseState,
  issued_at: moment,
  expires_at: moment,
  last_seen_at: ifUsable(moment),
  latest_utilization_pct: ifUsable(percent),
  latest_quota_remaining: ifUsable(wholeNumber),
};
const factsSchema = z.object(facts);

function factsOf(wire: z.output<typeof factsSchema>) {
  return {
    credentialId: wire.credential_id,
    machineId: wire.machine_id,
    agentId: wire.agent_id,
    state: wire.state,
    issuedAtMs: wire.issued_at,
    expiresAtMs: wire.expires_at,
    lastSeenAtMs: wire.last_seen_at,
    utilizationPct: wire.latest_utilization_pct,
    quotaRemaining: wire.latest_quota_remaining,
  };
}

const leaseSchema = z
  .object({ id: leaseId, ...facts, replacement_lease_id: ifUsable(leaseId) })
  .transform((wire): Lease => ({
    leaseId: wire.id,
    ...factsOf(wire),
    replacementLeaseId: wire.replacement_lease_id,
  }));

/** GET of a lease: no envelope, `lease_id` in place of `id`. */
export const leaseStatusSchema = z
  .object({
    lease_id: leaseId,
    ...facts,
    credential_state: credentialState,
    rotation_recommended: z.boolean(),
    replacement_required: z.boolean(),
    auth_refresh_required: z.boolean(),
    credential_auth_updated_at: ifUsable(momentText),
  })
  .transform((wire): LeaseStatus => ({
    leaseId: wire.lease_id,
    ...factsOf(wire),
    credentialState: wire.credential_state,
    rotationRecommended: wire.rotation_recommended,
    replacementRequired: wire.replacement_required,
    authRefreshRequired: wire.auth_refresh_required,
    credentialAuthUpdatedAt: wire.credential_auth_updated_at,
  }));

const credentialSchema = z
  .object({
    id: opaqueId,
    label: ifUsable(shownText(BROKER.maxLabelChars)),
    state: credentialState,
    utilization_pct: ifUsable(percent),
    quota_remaining: ifUsable(wholeNumber),
    metadata: ifUsable(z.object({ email: ifUsable(shownEmail) })),
  })
  .transform((wire): LeasedCredential => ({
    credentialId: wire.id,
    label: wire.label,
    email: wire.metadata?.email,
    state: wire.state,
    utilizationPct: wire.utilization_pct,
    quotaRemaining: wire.quota_remaining,
  }));

/** Every good answer but that of GET says so in words too. */
const ok = { status: z.literal("ok") };

/** renew, rotate, release. */
export const leaseAnswerSchema = z.object({ ...ok, lease: leaseSchema }).transform(({ lease }) => lease);

/** acquire; a reused lease is told by the reason word (§3.1). */
export const acquireAnswerSchema = z
  .object({ ...ok, lease: leaseSchema, reason: ifUsable(z.string()) })
  .transform(({ lease, reason }) => ({ lease, reused: reason === "existing_machine_lease_reused" }));

/** materialize; no material is what has no access token in it. */
export const materializeAnswerSchema = z
  .object({ ...ok, lease: leaseSchema, credential_material: ifUsable(materialSchema) })
  .transform((wire) => ({ lease: wire.lease, material: wire.credential_material }));

/** telemetry. */
export const telemetryAnswerSchema = z
  .object({ ...ok, lease: leaseSchema, credential: ifUsable(credentialSchema) })
  .transform(({ lease, credential }) => ({ lease, credential }));

/** reconcile-auth; the manager's tokens in it are not taken from here: they come by materialize, with the lease. */
export const reconcileAnswerSchema = z
  .object({ ...ok, decision: z.enum(["in_sync", "client_updated_manager", "manager_updated_client"]) })
  .transform(({ decision }) => ({ decision }));

const rows = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** usage import. */
export const importAnswerSchema = z
  .object({ ...ok, imported: z.boolean(), daily_rows: rows, session_rows: rows })
  .transform((wire) => ({ imported: wire.imported, dailyRows: wire.daily_rows, sessionRows: wire.session_rows }));

/** The word of a refusal, in two of its three shapes; a 422 has the third, which quotes the request and is never looked into (§1). */
export const refusalSchema = z.union([
  z.object({ status: z.literal("denied"), reason: z.string().max(256) }).transform(({ reason }) => reason),
  z.object({ detail: z.string().max(1_024) }).transform(({ detail }) => detail),
]);
