// Gives tokens that the Codex CLI renewed in its login file back to the broker; the broker trusts whatever it is given, so we do not.

import type { NothingToPush } from "./auth-file-renewed.ts";
import type { LeasedAuthFile } from "./auth-file.ts";
import type { CallOptions, LeaseBroker, LeaseFacts, LeaseOwner, ReconcileDecision } from "./broker.ts";

/** What {@link pushRenewedTokens} works with. */
export interface PushOptions extends CallOptions {
  /** `settings.reconcileAuth`: off unless a person configured it. */
  readonly enabled: boolean;
  readonly broker: Pick<LeaseBroker, "reconcileAuth">;
  readonly file: LeasedAuthFile;
  readonly lease: Pick<LeaseFacts, "leaseId" | "state">;
  readonly owner: LeaseOwner;
}

/** What became of it. `materializeAgain`: the manager has newer tokens than the file. */
export type PushResult =
  | { readonly pushed: true; readonly decision: ReconcileDecision; readonly materializeAgain: boolean }
  | {
      readonly pushed: false;
      readonly because: NothingToPush | "off" | "lease-ended";
      readonly materializeAgain: boolean;
    };

/**
 * Pushes tokens whose lineage began in this very lease, for the account that was leased, once each. The call is safe to repeat: the
 * broker answers `in_sync` to tokens that it has.
 *
 * @throws CodexAuthError what `reconcileAuth` and reading the file throw; the tokens are then pushed by the next call.
 */
export async function pushRenewedTokens(options: PushOptions): Promise<PushResult> {
  const { enabled, broker, file, lease, owner, signal } = options;
  if (!enabled) return { pushed: false, because: "off", materializeAgain: false };
  // The broker does not ask for the state (facts/lease-broker.md §3.6): an ended lease's credential may be somebody else's by now.
  if (lease.state !== "active" && lease.state !== "rotation_required") {
    return { pushed: false, because: "lease-ended", materializeAgain: false };
  }
  const found = await file.renewedTokens(lease.leaseId);
  if (found.kind === "none") {
    return { pushed: false, because: found.because, materializeAgain: found.materializeAgain };
  }
  const call: CallOptions = signal === undefined ? {} : { signal };
  const { decision } = await broker.reconcileAuth(lease.leaseId, owner, found.authJson, call);
  await file.notePushed(lease.leaseId, found.refreshFingerprint, decision);
  return { pushed: true, decision, materializeAgain: decision === "manager_updated_client" };
}
