import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { DAY, USAGE_EXPORT } from "../../src/config/defaults.ts";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { importUsageExport, type UsageImportOptions } from "../../src/lease/usage-import.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { NOW } from "./auth-file-lab.ts";

const OWNER = { machineId: "m1", agentId: "openclaw" };
const EXPORT = {
  totals: { input: 10, output: 5, totalTokens: 15 },
  daily: [{ date: "2026-11-21", input: 10, output: 5, note: "a prompt" }],
};

const session = (name: string, updatedAt = NOW - DAY) => ({
  key: `agent:${name}:main`,
  agentId: "main",
  updatedAt,
  usage: { inputTokens: 1 },
});
const day = (date: string) => ({ date, input: 1 });
const FULL = {
  totals: { input: 30, output: 15, totalTokens: 45 },
  daily: [
    { date: "2026-11-19", input: 10, output: 5 },
    { date: "2026-11-20", input: 20, output: 10 },
  ],
  sessions: [session("a"), session("b")],
};

/** A broker that takes imports; the n-th answer has the n-th status. */
async function lab(statuses: readonly number[] = [200]) {
  const root = await temporaryFolder();
  const imports: unknown[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      imports.push({ path: request.url, ...(JSON.parse(body) as object) });
      response.statusCode = statuses[Math.min(imports.length, statuses.length) - 1] ?? 200;
      response.setHeader("content-type", "application/json");
      const isRefused = response.statusCode !== 200;
      response.end(
        JSON.stringify(
          isRefused
            ? { detail: "export_json object is required" }
            : {
                status: "ok",
                imported: true,
                import_key: "2537b5",
                machine_id: "m1",
                agent_id: "openclaw",
                lease_id: null,
                credential_id: null,
                daily_rows: 1,
                session_rows: 0,
                totals: {},
              },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const broker = createLeaseBroker({ baseUrl: `http://127.0.0.1:${port}`, token: Secret.of("broker-token") });
  onTestFinished(async () => {
    await broker.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const path = join(root, "usage.json");
  const folder = join(root, "lease");
  const options: UsageImportOptions = {
    broker,
    owner: OWNER,
    leaseId: "lease_1",
    path,
    days: 30,
    folder,
    now: () => NOW,
  };
  const run = (changes: Partial<UsageImportOptions> = {}) => importUsageExport({ ...options, ...changes });
  const put = (value: unknown) => writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
  /** What was imported last, by name. */
  const sent = () => {
    const { lease_id: lease, export_json: last } = imports.at(-1) as {
      lease_id: string;
      export_json: { daily: readonly { date: string }[]; sessions: readonly { key: string; agentId: string }[] };
    };
    const sessions = last.sessions.map(({ key, agentId }) => `${agentId} ${key.split(":")[1]}`);
    return { lease, days: last.daily.map(({ date }) => date), sessions };
  };
  return { root, folder, note: join(folder, "usage-import.json"), imports, sent, run, put };
}

describe("importing the usage export", () => {
  it("says that there is none, and asks nobody", async () => {
    const { root, imports, run } = await lab();
    expect(await run()).toBe("absent");
    expect(imports).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  it("sends it once, trimmed, and again only when it has changed", async () => {
    const { note, imports, run, put } = await lab();
    await put(EXPORT);
    expect(await run()).toBe("imported");
    expect(imports).toEqual([
      {
        path: "/api/openclaw/usage/import",
        machine_id: "m1",
        agent_id: "openclaw",
        lease_id: "lease_1",
        source_name: "codex-auth-skill",
        export_json: {
          totals: EXPORT.totals,
          daily: [{ date: "2026-11-21", input: 10, output: 5 }],
          sessions: [],
        },
      },
    ]);
    expect((await stat(note)).mode & 0o777).toBe(0o600);
    // What we do not send may change, and so may the lease: neither is new usage.
    await put({ ...EXPORT, updatedAt: 5 });
    expect(await run({ leaseId: "lease_2" })).toBe("unchanged");
    expect(imports).toHaveLength(1);
    // Totals alone are booked nowhere: they come along with what has changed.
    await put({ ...EXPORT, totals: { input: 11 } });
    expect(await run()).toBe("unchanged");
    await put({ ...EXPORT, totals: { input: 11 }, daily: [{ date: "2026-11-21", input: 11, output: 5 }] });
    expect(await run()).toBe("imported");
    expect(await run({ owner: { ...OWNER, agentId: "other" } })).toBe("imported");
    expect(imports).toHaveLength(3);
    expect(imports[1]).toMatchObject({ export_json: { totals: { input: 11 }, daily: [{ input: 11 }] } });
  });

  it("sends after a rotation only the days and sessions that changed, so that the others stay on their credential", async () => {
    const { sent, run, put } = await lab();
    await put(FULL);
    expect(await run()).toBe("imported");
    expect(sent()).toEqual({ lease: "lease_1", days: ["2026-11-19", "2026-11-20"], sessions: ["main a", "main b"] });
    const [same, next] = FULL.daily;
    const [a, b] = FULL.sessions;
    await put({ ...FULL, daily: [same, { ...next, input: 30 }] });
    expect(await run({ leaseId: "lease_2" })).toBe("imported");
    expect(sent()).toEqual({ lease: "lease_2", days: ["2026-11-20"], sessions: [] });
    await put({ ...FULL, daily: [same, { ...next, input: 30 }], sessions: [a, { ...b, updatedAt: NOW }] });
    expect(await run({ leaseId: "lease_2" })).toBe("imported");
    expect(sent()).toEqual({ lease: "lease_2", days: [], sessions: ["main b"] });
    expect(await run({ leaseId: "lease_3" })).toBe("unchanged");
  });

  it("knows a row again that an export lacked in between", async () => {
    const { imports, run, put } = await lab();
    await put(FULL);
    await run();
    await put({ ...FULL, daily: FULL.daily.slice(1), sessions: [] });
    expect(await run({ leaseId: "lease_2" })).toBe("unchanged");
    // Remembered again with what changed meanwhile.
    await put({ ...FULL, daily: [{ ...FULL.daily[1], output: 9 }], sessions: [] });
    expect(await run({ leaseId: "lease_2" })).toBe("imported");
    await put({ ...FULL, daily: [FULL.daily[0], { ...FULL.daily[1], output: 9 }] });
    expect(await run({ leaseId: "lease_3" })).toBe("unchanged");
    expect(imports).toHaveLength(2);
  });

  it("remembers no more days than it sends and no more sessions than its cap, the newest", async () => {
    const { note, imports, run, put } = await lab();
    const daily = Array.from({ length: 9 }, (_, ago) => ({
      date: new Date(NOW - ago * DAY).toISOString().slice(0, 10),
      input: ago,
    }));
    const sessions = Array.from({ length: USAGE_EXPORT.maxSessions + 3 }, (_, index) => session(`s${index}`, index));
    await put({ totals: {}, daily, sessions });
    await run({ days: 3 });
    await run({ days: 3, now: () => NOW + 3 * DAY });
    await put({ totals: {}, daily: [day("2026-11-23"), day("2026-11-24")], sessions: [session("new", NOW)] });
    await run({ days: 3, now: () => NOW + 3 * DAY });
    expect(imports).toHaveLength(2);
    const kept = JSON.parse(await readFile(note, "utf8")) as Record<string, Record<string, string>>;
    expect(Object.keys(kept["days"] ?? {})).toEqual([
      "2026-11-19",
      "2026-11-20",
      "2026-11-21",
      "2026-11-23",
      "2026-11-24",
    ]);
    expect(Object.keys(kept["sessions"] ?? {})).toHaveLength(USAGE_EXPORT.maxSessions);
    const first = imports[0] as { export_json: { sessions: readonly { updatedAt: number }[] } };
    expect(first.export_json.sessions.map(({ updatedAt }) => updatedAt).toSorted((x, y) => x - y)[0]).toBe(3);
  });

  it("takes over what the version before had imported, and sends of it only what changes", async () => {
    const { folder, note, imports, sent, run, put } = await lab();
    await put(FULL);
    await run();
    const { contentHash } = JSON.parse(await readFile(note, "utf8")) as { contentHash: string };
    await writeFile(note, JSON.stringify({ schemaVersion: 1, contentHash, importedAt: 1 }));
    expect(await run({ leaseId: "lease_2" })).toBe("unchanged");
    await put({ ...FULL, daily: [FULL.daily[0], { ...FULL.daily[1], input: 30 }] });
    expect(await run({ leaseId: "lease_2" })).toBe("imported");
    expect(sent()).toEqual({ lease: "lease_2", days: ["2026-11-20"], sessions: [] });
    expect(imports).toHaveLength(2);
    expect(await readdir(folder)).toEqual(["usage-import.json"]);
  });

  it("ends by signal, with nothing remembered", async () => {
    const { folder, imports, run, put } = await lab();
    await put(FULL);
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect([imports, await readdir(folder).catch(() => [])]).toEqual([[], []]);
  });

  it("remembers it only once the broker has it", async () => {
    const { folder, imports, run, put } = await lab([400, 200]);
    await put(EXPORT);
    await expect(run()).rejects.toMatchObject({ code: "ERR_BROKER_REQUEST" });
    expect(await readdir(folder).catch(() => [])).toEqual([]);
    expect(await run()).toBe("imported");
    expect(imports).toHaveLength(2);
  });

  it.each([
    ["cut JSON", '{"totals": {}, "daily": [', "ERR_FILE_NOT_JSON"],
    ["a list", "[]", "ERR_FILE_SHAPE"],
    ["no totals", '{"daily": []}', "ERR_FILE_SHAPE"],
    ["days that are no list", '{"totals": {}, "daily": "x"}', "ERR_FILE_SHAPE"],
    ["a huge file", " ".repeat(USAGE_EXPORT.maxBytes + 1), "ERR_FILE_TOO_LARGE"],
  ])("refuses %s, sends nothing and keeps what it remembered", async (_what, content, code) => {
    const { note, imports, run, put } = await lab();
    await put(EXPORT);
    await run();
    const before = await readFile(note);
    await put(content);
    await expect(run()).rejects.toMatchObject({ code });
    expect(imports).toHaveLength(1);
    expect(await readFile(note)).toEqual(before);
    await put(EXPORT);
    expect(await run()).toBe("unchanged");
  });
});
