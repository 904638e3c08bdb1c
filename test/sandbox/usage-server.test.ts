// The sandbox's usage server by itself: what it asks of a request, as far as the facts tell.

import { describe, expect, it, onTestFinished } from "vitest";
import { DAY, HOUR } from "../../src/config/defaults.ts";
import { startSandboxUsage, type SandboxUsage } from "../../src/sandbox/usage-server.ts";
import { fakeAccessToken } from "../support/jwt.ts";

const PATH = "/backend-api/wham/usage";
const owner = { email: "a@example.com", userId: "user-a", accountId: "acct-a", planType: "team" };

async function open(): Promise<SandboxUsage> {
  const server = await startSandboxUsage();
  onTestFinished(() => server.close());
  return server;
}

function ask(server: SandboxUsage, token: string, more: Record<string, string> = {}, path = PATH): Promise<Response> {
  return fetch(`${server.origin}${path}`, {
    redirect: "manual",
    headers: { authorization: `Bearer ${token}`, ...more },
  });
}

describe("the sandbox's usage server", () => {
  it("answers a token that holds with its owner's figures", async () => {
    const server = await open();
    const answer = await ask(server, fakeAccessToken({ ...owner, expiresAtMs: Date.now() + DAY }), {
      "chatgpt-account-id": "acct-a",
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      user_id: "user-a",
      account_id: "acct-a",
      plan_type: "team",
      rate_limit: { primary_window: { limit_window_seconds: 18_000 } },
    });
  });

  it("refuses what is over, revoked or no token with 401, another workspace with 403, and knows no other path", async () => {
    const server = await open();
    const good = fakeAccessToken({ ...owner, expiresAtMs: Date.now() + DAY });
    const old = fakeAccessToken({ ...owner, expiresAtMs: Date.now() - HOUR });
    for (const token of [old, "nothing", ""]) expect((await ask(server, token)).status).toBe(401);
    expect((await ask(server, good, { "chatgpt-account-id": "acct-b" })).status).toBe(403);
    expect((await ask(server, good, {}, "/backend-api/wham/rate-limit-reset-credits/consume")).status).toBe(404);
    server.revoke(good);
    expect((await ask(server, good)).status).toBe(401);
  });

  it("logs who was asked about and how it ended, and no token", async () => {
    const server = await open();
    const token = fakeAccessToken({ ...owner, expiresAtMs: Date.now() + DAY });
    server.fail({ kind: "html403" });
    expect((await ask(server, token)).headers.get("content-type")).toContain("text/html");
    await ask(server, token);
    expect(server.log).toMatchObject([
      { path: PATH, fault: "html403", status: 403 },
      { path: PATH, status: 200 },
    ]);
    expect(JSON.stringify(server.log)).not.toContain(token);
  });
});
