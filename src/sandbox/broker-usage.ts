// The usage import of the sandbox broker: absolute figures by day, and a key by which the same payload is known again (facts/lease-broker.md §3.7).

import { createHash } from "node:crypto";
import type { BrokerState } from "./broker-state.ts";
import { intOrNull, isoTime, objectOf, PythonError, pythonJson, requiredFloat, textOf } from "./broker-values.ts";

type Body = Readonly<Record<string, unknown>>;

/** One import that was new. */
export interface UsageImport {
  readonly importKey: string;
  readonly sourceName: string | null;
  readonly machineId: string;
  readonly agentId: string;
  readonly leaseId: string | null;
  readonly credentialId: string | null;
  readonly dailyRows: number;
  readonly sessionRows: number;
  readonly totals: Readonly<Record<string, number | null>>;
  readonly importedAtMs: number;
}

interface UsageDay {
  readonly machineId: string;
  readonly agentId: string;
  readonly leaseId: string | null;
  readonly credentialId: string | null;
  readonly tokens: readonly number[];
  readonly cost: number;
  readonly updatedAtMs: number;
}

const COUNTS = ["input", "output", "cacheRead", "cacheWrite", "totalTokens"] as const;

/** The imports of one sandbox broker. */
export class BrokerUsage {
  readonly imports: UsageImport[] = [];
  /** By machine, agent and date: the last write wins. */
  readonly #days = new Map<string, UsageDay>();
  readonly #state: BrokerState;

  constructor(state: BrokerState) {
    this.#state = state;
  }

  /** What the import answers; undefined where there is no export in `body`. */
  import(body: Body): Body | undefined {
    const exported = objectOf(body["export_json"]) ?? ("totals" in body && "daily" in body ? body : undefined);
    if (exported === undefined) return undefined;
    const daily = exported["daily"];
    const sessions = exported["sessions"] ?? [];
    const totals = objectOf(exported["totals"]);
    if (!Array.isArray(daily) || !Array.isArray(sessions) || totals === undefined) {
      throw new PythonError("export_data must include daily[] and totals; sessions[] is optional");
    }
    const machineId = textOf(body["machine_id"]) || "openclaw";
    const agentId = textOf(body["agent_id"]) || "openclaw";
    const leaseId = textOf(body["lease_id"]) || null;
    const given = textOf(body["credential_id"]) || null;
    const sourceName = textOf(body["source_name"]) || null;
    const credentialId = given ?? (leaseId === null ? null : (this.#state.lease(leaseId)?.credentialId ?? null));
    const source = [machineId, agentId, leaseId ?? "", given ?? "", sourceName ?? "", pythonJson(exported)].join("\n");
    const importKey = createHash("sha256").update(source).digest("hex");
    const answer = {
      status: "ok",
      import_key: importKey,
      machine_id: machineId,
      agent_id: agentId,
      lease_id: leaseId,
      credential_id: credentialId,
    };
    if (this.imports.some((one) => one.importKey === importKey)) {
      return { ...answer, imported: false, daily_rows: 0, session_rows: 0 };
    }
    const now = this.#state.now();
    const days = daily.map(objectOf).filter((row) => row !== undefined);
    const dated = days.filter((row) => textOf(row["date"]) !== "");
    for (const row of dated) {
      this.#days.set(JSON.stringify([machineId, agentId, textOf(row["date"])]), {
        machineId,
        agentId,
        leaseId,
        credentialId,
        // The real one takes both spellings (source).
        tokens: COUNTS.map((name) => intOrNull(row[name]) || intOrNull(row[`${name}Tokens`]) || 0),
        cost: costOf(row) ?? 0,
        updatedAtMs: now,
      });
    }
    const sessionRows = sessions.map(objectOf).filter((row) => {
      return row !== undefined && textOf(row["key"]) !== "" && hasTime(row["updatedAt"]);
    }).length;
    const counted = Object.fromEntries(COUNTS.map((name) => [name, intOrNull(totals[name]) ?? 0]));
    const figures = { ...counted, totalCost: costOf(totals) };
    this.imports.push({
      importKey,
      sourceName,
      machineId,
      agentId,
      leaseId,
      credentialId,
      dailyRows: dated.length,
      sessionRows,
      totals: figures,
      importedAtMs: now,
    });
    return { ...answer, imported: true, daily_rows: dated.length, session_rows: sessionRows, totals: figures };
  }

  /** What was imported, by credential (sample 120). */
  byCredential(): Body {
    const groups = new Map<string, UsageDay[]>();
    for (const day of this.#days.values()) {
      const key = JSON.stringify([day.credentialId, day.leaseId]);
      groups.set(key, [...(groups.get(key) ?? []), day]);
    }
    const rows = [...groups.values()].map((days) => this.#group(days));
    return {
      range: "30d",
      range_metadata: { label: "30d", window_label: "30d", timezone: "UTC", boundary_mode: "rolling" },
      totals: { ...sums([...this.#days.values()]), credential_count: rows.length },
      rows,
    };
  }

  #group(days: readonly UsageDay[]): Body {
    const credentialId = days[0]?.credentialId ?? null;
    const credential = credentialId === null ? undefined : this.#state.credentials.byId(credentialId);
    return {
      credential_id: credentialId,
      lease_id: days[0]?.leaseId ?? null,
      label: credential?.label ?? null,
      display_label: credential?.label ?? null,
      email: credential?.metadata["email"] ?? null,
      ...sums(days),
      day_count: days.length,
      machine_count: new Set(days.map(({ machineId }) => machineId)).size,
      agent_count: new Set(days.map(({ agentId }) => agentId)).size,
      last_updated_at: isoTime(Math.max(...days.map(({ updatedAtMs }) => updatedAtMs))),
    };
  }
}

function sums(days: readonly UsageDay[]): Record<string, number> {
  const names = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "total_tokens"];
  const tokens = names.map((name, index) => [name, days.reduce((sum, day) => sum + (day.tokens[index] ?? 0), 0)]);
  return { ...Object.fromEntries(tokens), total_cost: days.reduce((sum, { cost }) => sum + cost, 0) };
}

function costOf(row: Body): number | null {
  const cost = row["totalCost"];
  return typeof cost === "number" || (typeof cost === "string" && cost !== "") ? requiredFloat(cost) : null;
}

// A session counts with a time in milliseconds (source).
function hasTime(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value !== "" && !Number.isNaN(Number(value)));
}
