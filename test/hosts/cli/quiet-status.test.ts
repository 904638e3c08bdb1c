// The quick status: the words of the chat, and the whole chat as soon as anything runs or waits.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { receivedTokens, REQUESTED_BY } from "../../support/apply-world.ts";
import { receiptOf } from "../telegram/bot-lab.ts";
import { openClawHome } from "./cli-lab.ts";

describe("status where nothing runs and nothing waits", () => {
  it("says so, also as JSON, and shows the newest five of what was done", async () => {
    const { call, world } = await openClawHome();
    expect(await call(["status"])).toMatchObject({
      code: 0,
      stdout: "Nothing is running, and nothing was done yet.\n",
      stderr: "",
    });
    for (let number = 0; number < 7; number += 1)
      await world.receipts.put({ ...receiptOf(`job-${number}`, `openai-codex:n${number}`), endedAt: number + 1 });
    const { stdout } = await call(["status"]);
    expect(stdout.split("\n").map((line) => line.split(":")[0])).toEqual(["Done", "n6", "n5", "n4", "n3", "n2", ""]);
    expect(stdout).toContain("n6: ✅ saved");
    const json = (await call(["status", "--json"])).json();
    expect(json).toMatchObject({ ok: true, command: "status", jobs: [], parked: [], invitations: [] });
    expect(json["receipts"]).toHaveLength(7);
  });

  it("shows a login that waits, a job that is open, and one profile alone, as the chat does", async () => {
    const { call, world } = await openClawHome();
    await world.receipts.put(receiptOf("job-done", "openai-codex:alice"));
    const tokens = receivedTokens("carol");
    const about = { agentId: "main", profileId: "openai-codex:carol", reason: "first-login" as const };
    await world.parked.put({ ...about, expiresAtMs: tokens.expiresAtMs, requestedBy: REQUESTED_BY }, tokens);
    const waiting = await call(["status"]);
    expect(waiting.stdout).toMatch(/Waiting for your decision[^]*carol[^]*Done[^]*alice/);
    expect((await call(["status", "bob"])).stdout).toBe("Nothing is running, and nothing was done yet.\n");
    const [parked] = await world.parked.list();
    await world.queue.enqueueLogin({
      parkedId: parked?.id ?? "",
      agentId: "main",
      profileId: "openai-codex:carol",
      makeFirst: false,
      activation: "auto",
      requestedBy: REQUESTED_BY,
    });
    expect((await call(["status"])).stdout).toMatch(/Running[^]*carol: queued/);
    expect((await call(["status", "--json"])).json()).toMatchObject({ jobs: [{ state: "queued" }], parked: [] });
    await world.drain();
    // The ended job's file is still there, and is not open.
    expect((await call(["status"])).stdout).toMatch(/^Done\ncarol: ✅/);
  });

  it("says what is wrong with the settings, from the file and from variables", async () => {
    const { call, world } = await openClawHome();
    const env = { CODEX_AUTH_ACTIVATION: "sometimes" };
    expect((await call(["status", "--json"], { env })).json()).toMatchObject({ error: { code: "ERR_CONFIG_INVALID" } });
    const foreign = { CODEX_AUTH_ISSUER: "https://sign-in.example" };
    expect((await call(["status", "--json"], { env: foreign })).json()).toMatchObject({
      error: { code: "ERR_ISSUER_FORBIDDEN" },
    });
    writeFileSync(join(world.paths.root, "config.json"), '{"surprise": 1}', { mode: 0o600 });
    expect((await call(["status", "--json"])).json()).toMatchObject({ error: { code: "ERR_CONFIG_INVALID" } });
  });
});
