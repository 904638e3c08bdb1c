// Who keeps a stored credential: a person, another program, or the lease. What others keep is not renamed or removed here.

import { LEASE } from "../config/defaults.ts";
import { cleanText } from "../clean-text.ts";
import { CodexAuthError } from "../errors.ts";
import type { CredentialFacts } from "../profiles/credential-facts.ts";
import { isSameProfile } from "../profiles/profile-id.ts";
import type { Receipts } from "./receipt.ts";

/** Whose a credential is. */
export type Keeper =
  | { readonly kind: "person" }
  /** Another program that renews it: named in the entry, or the one in whose own store the token lies. */
  | { readonly kind: "program"; readonly name: string }
  | { readonly kind: "lease" };

/** Who keeps what is stored under `profileId`, undefined where it cannot be read; `receipts` know which entries the lease has written. */
export async function keeperOf(
  facts: CredentialFacts | undefined,
  profileId: string,
  receipts: Pick<Receipts, "list">,
): Promise<Keeper> {
  if (facts === undefined) return { kind: "person" };
  const { managedBy } = facts;
  if (managedBy !== undefined && managedBy.trim() !== "") return { kind: "program", name: cleanText(managedBy, 64) };
  if (facts.isElsewhere) return { kind: "program", name: "the program in whose store its token lies" };
  if (facts.type !== "token" || facts.access === undefined) return { kind: "person" };
  if (isSameProfile(profileId, LEASE.profileId)) return { kind: "lease" };
  const written = await receipts.list(Number.POSITIVE_INFINITY);
  const isLeased = written.some(
    (receipt) =>
      receipt.kind === "save-lease" &&
      isSameProfile(receipt.profileId, profileId) &&
      receipt.files.some(({ after }) => after === facts.entry),
  );
  return { kind: isLeased ? "lease" : "person" };
}

/** @throws CodexAuthError `ERR_PROFILE_MANAGED` where a person may not have it renamed or removed here. */
export function assertOwn(keeper: Keeper): void {
  if (keeper.kind === "person") return;
  const isLease = keeper.kind === "lease";
  throw new CodexAuthError("ERR_PROFILE_MANAGED", {
    message: isLease
      ? "This profile holds the leased login, which the lease writes and takes away again."
      : `This profile is kept by ${keeper.name}, not by a person here.`,
    next: isLease
      ? "Give the lease back with `/lease release`: its login goes then."
      : "Rename or remove it in that program; nothing was changed.",
  });
}
