// A call's result in a few words, so that one row of a table can say all that is decided on.

import { fingerprint } from "../../src/secrets/fingerprint.ts";
import type { Lease, LeasedCredential, LeaseMaterial, LeaseStatus } from "../../src/lease/broker.ts";
import { recordedAccessToken } from "../support/broker-exchanges.ts";

type Result = Partial<{
  lease: Lease;
  reused: boolean;
  material: LeaseMaterial;
  credential: LeasedCredential | undefined;
  decision: string;
  imported: boolean;
  dailyRows: number;
  sessionRows: number;
}> &
  Partial<Lease & LeaseStatus>;

/** When the recorded access tokens were issued, by generation. */
const ISSUED: Readonly<Record<string, number>> = { g1: 1_795_227_961, g2: 1_795_227_972, g3: 1_795_228_027 };

/** `active on alpha 10%` and what else the call gave back. */
export function told(result: object): string {
  const { lease, reused, material, credential, decision, imported, dailyRows, sessionRows, ...facts }: Result = result;
  if (decision !== undefined) return decision;
  if (imported !== undefined) return `${imported ? "imported" : "known"} ${dailyRows}+${sessionRows}`;
  if (lease === undefined) return `${leaseTold(facts)}${statusTold(facts)}`;
  return [
    leaseTold(lease),
    reused === true ? ", reused" : "",
    material === undefined ? "" : `, ${materialTold(material)}`,
    credential === undefined ? "" : `, ${credential.label} ${credential.state}`,
  ].join("");
}

function leaseTold(lease: Partial<Lease>): string {
  const percent = lease.utilizationPct === undefined ? "" : ` ${lease.utilizationPct}%`;
  return `${lease.state} on ${lease.credentialId?.replace("sub:auth0|", "")}${percent}`;
}

function statusTold(status: Partial<LeaseStatus>): string {
  if (status.credentialState === undefined) return "";
  const flags = [
    status.rotationRecommended === true ? " +rotate" : "",
    status.replacementRequired === true ? " +replace" : "",
    status.authRefreshRequired === true ? " +refresh" : "",
  ];
  return `, ${status.credentialState}${flags.join("")}`;
}

function materialTold(material: LeaseMaterial): string {
  const [generation, issuedAt] =
    Object.entries(ISSUED).find(
      ([name, at]) => recordedAccessToken("alpha", name, at) === material.accessToken.expose(),
    ) ?? [];
  const isWhole =
    material.accountId === "acct-alpha-0000-4000-8000-000000000000" &&
    material.email === "alpha@example.invalid" &&
    material.expiresAtMs === ((issuedAt ?? 0) + 864_000) * 1_000 &&
    material.refreshToken?.expose() === ["rt", "FAKE", material.label, generation].join("_") &&
    material.idToken?.expose().split(".").length === 3 &&
    material.lastRefresh?.startsWith("2026-11-21T02:2") === true;
  return isWhole ? `tokens ${material.label} ${generation}` : `odd tokens ${fingerprint(material.accessToken)}`;
}
