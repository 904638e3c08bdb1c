// `doctor`'s look at the lease: what is set, what is known, and whether somebody keeps it; asks no broker.

import { LEASE } from "../../config/defaults.ts";
import { brokerToken } from "../../config/lease-settings.ts";
import { LeaseFile } from "../../lease/sticky.ts";
import { when } from "../../chat/time-words.ts";
import type { Parts } from "../services.ts";
import type { Finding } from "./finding.ts";

const what = "lease";

/** Nothing where no broker is set. @throws CodexAuthError where the token or the record cannot be read. */
export async function leaseFindings({ config, environment, now, own }: Parts): Promise<readonly Finding[]> {
  const { lease } = config;
  if (lease.broker === undefined) return [];
  await brokerToken(lease.broker, environment.uid);
  const owner = { brokerUrl: lease.broker.baseUrl, machineId: lease.machineId, agentId: lease.agentId };
  const record = await new LeaseFile(own.lease).read(owner);
  const findings: Finding[] = [];
  if (record?.status === undefined) {
    const text = record?.release !== undefined ? "given back; none is asked for" : "none yet";
    findings.push({ what, state: "warn", text, next: "Ask for one: `codex-auth-skill lease reacquire`." });
  } else {
    const { leaseId, state, expiresAtMs } = record.status;
    const isUsable = state === "active" && expiresAtMs > now();
    const text = `${leaseId} is ${state}, ends ${when(expiresAtMs, now())}`;
    const next = "See `codex-auth-skill lease`.";
    findings.push(isUsable ? { what, state: "ok", text } : { what, state: "warn", text, next });
  }
  const seenMs = record?.keeper === undefined ? undefined : now() - record.keeper.atMs;
  if (seenMs === undefined || seenMs > LEASE.keeperSilentMs) {
    const text = "nobody keeps it: without contact the broker ends it after three minutes";
    findings.push({ what: "keeper", state: "warn", text, next: "Run the bot, or `codex-auth-skill lease keep`." });
  }
  for (const problem of [record?.problem, record?.fileProblem]) {
    if (problem !== undefined) findings.push({ what, state: "fail", text: problem.message, next: problem.next });
  }
  return findings;
}
