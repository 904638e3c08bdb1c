import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { USAGE_EXPORT } from "../../src/config/defaults.ts";
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
  return { root, folder, note: join(folder, "usage-import.json"), imports, run, put };
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
    await put({ ...EXPORT, totals: { input: 11 } });
    expect(await run()).toBe("imported");
    expect(await run({ owner: { ...OWNER, agentId: "other" } })).toBe("imported");
    expect(imports).toHaveLength(3);
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
