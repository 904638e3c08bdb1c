import { createHash } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { MINUTE, SECOND } from "../../src/config/defaults.ts";
import { decodeAccessToken } from "../../src/profiles/claims.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { ManualClock } from "../support/manual-clock.ts";

// Written without our own client on purpose: this is the contract of facts §1.6, not of src/oauth.
const CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function start(): Promise<{ issuer: SandboxIssuer; clock: ManualClock }> {
  const clock = new ManualClock();
  const issuer = await startSandboxIssuer({ now: clock.now });
  onTestFinished(() => issuer.close());
  return { issuer, clock };
}

async function ask(issuer: SandboxIssuer, what: string, question: unknown): Promise<Answer> {
  const response = await fetch(`${issuer.origin}/api/accounts/deviceauth/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(question),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Gets a code; `look` asks for it after the interval. */
async function code(issuer: SandboxIssuer, clock: ManualClock) {
  const { body } = await ask(issuer, "usercode", { client_id: CLIENT });
  const { device_auth_id, user_code } = body;
  const look = (waitMs = 5 * SECOND): Promise<Answer> => {
    clock.advance(waitMs);
    return ask(issuer, "token", { device_auth_id, user_code });
  };
  return { body, userCode: String(user_code), look };
}

function nameOf({ status, body }: Answer): string {
  const { error } = body as { error?: { code?: string } };
  return `${status} ${error?.code}`;
}

describe("the sandbox's device codes", () => {
  it("are given to Codex's client, with an interval that is a string of seconds", async () => {
    const { issuer, clock } = await start();
    expect((await code(issuer, clock)).body).toEqual({
      device_auth_id: expect.stringMatching(/^\S{20,}$/),
      user_code: expect.stringMatching(/^[A-Z0-9]{4}-[A-Z0-9]{5}$/),
      interval: "5",
    });
    expect((await ask(issuer, "usercode", { client_id: "app_other" })).status).toBe(401);
    issuer.device.isEnabled = false;
    expect((await ask(issuer, "usercode", { client_id: CLIENT })).status).toBe(404);
  });

  it("are pending until somebody enters them; then they give, once, a code for the server's own redirect and verifier", async () => {
    const { issuer, clock } = await start();
    const { look, userCode } = await code(issuer, clock);
    expect(nameOf(await look())).toBe("403 deviceauth_authorization_pending");
    issuer.approveDevice(userCode, "ada@example.com", "acct-team");
    const { status, body } = await look();
    expect(status).toBe(200);
    const verifier = String(body["code_verifier"]);
    expect(body["code_challenge"]).toBe(createHash("sha256").update(verifier).digest("base64url"));
    expect(nameOf(await look())).toBe("400 deviceauth_authorization_unknown");

    const exchange = (redirect: string): Promise<Response> =>
      fetch(`${issuer.origin}/oauth/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: CLIENT,
          code: String(body["authorization_code"]),
          redirect_uri: redirect,
          code_verifier: verifier,
        }),
      });
    const tokens = (await (await exchange(`${issuer.origin}/deviceauth/callback`)).json()) as Record<string, string>;
    expect(decodeAccessToken(tokens["access_token"] ?? "")).toMatchObject({ accountId: "acct-team" });
    expect((await exchange(`${issuer.origin}/deviceauth/callback`)).status).toBe(400);
  });

  it("of the loopback's redirect are refused at the exchange", async () => {
    const { issuer, clock } = await start();
    const { look, userCode } = await code(issuer, clock);
    issuer.approveDevice(userCode, "grace@example.com");
    const { body } = await look();
    const response = await fetch(`${issuer.origin}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: CLIENT,
        code: String(body["authorization_code"]),
        redirect_uri: "http://localhost:1455/auth/callback",
        code_verifier: String(body["code_verifier"]),
      }),
    });
    expect(response.status).toBe(400);
  });

  it("answer haste with slow_down, which makes the interval longer", async () => {
    const { issuer, clock } = await start();
    const { look } = await code(issuer, clock);
    expect(nameOf(await look(1 * SECOND))).toBe("400 slow_down");
    expect(nameOf(await look(5 * SECOND))).toBe("400 slow_down");
    expect(nameOf(await look(15 * SECOND))).toBe("403 deviceauth_authorization_pending");
  });

  it("can be declined, expire after fifteen minutes, and are known by id and code together", async () => {
    const { issuer, clock } = await start();
    const [first, second] = [await code(issuer, clock), await code(issuer, clock)];
    issuer.device.deny(first.userCode);
    expect(nameOf(await first.look())).toBe("403 access_denied");
    expect(nameOf(await second.look(15 * MINUTE))).toBe("400 expired_token");
    expect(() => issuer.approveDevice(second.userCode, "ada@example.com")).toThrow("no such code");
    const third = await code(issuer, clock);
    const mixed = { device_auth_id: third.body["device_auth_id"], user_code: first.userCode };
    expect(nameOf(await ask(issuer, "token", mixed))).toBe("400 deviceauth_authorization_unknown");
    expect(nameOf(await ask(issuer, "token", "nothing"))).toBe("400 deviceauth_authorization_unknown");
  });

  it("are entered on a page: signed in, declined, or refused where there is no such code", async () => {
    const { issuer, clock } = await start();
    expect(await (await fetch(`${issuer.origin}/codex/device`)).text()).toContain("grace@example.com");
    const [first, second] = [await code(issuer, clock), await code(issuer, clock)];
    const enter = (entered: string, account: string): Promise<Response> =>
      fetch(`${issuer.origin}/sandbox/device`, {
        method: "POST",
        body: new URLSearchParams({ code: entered, account }),
      });
    expect((await enter(` ${first.userCode.toLowerCase()} `, "0")).status).toBe(200);
    expect((await enter(first.userCode, "0")).status).toBe(400);
    expect((await enter(second.userCode, "deny")).status).toBe(200);
    expect([(await first.look()).status, nameOf(await second.look())]).toEqual([200, "403 access_denied"]);
  });

  it("go wrong as told, each endpoint by itself, and leave no secret in the log", async () => {
    const { issuer, clock } = await start();
    issuer.device.pollFaults.next({
      kind: "status",
      status: 429,
      contentType: "text/plain",
      body: "",
      retryAfter: "30",
    });
    const { body, userCode } = await code(issuer, clock);
    const response = await fetch(`${issuer.origin}/api/accounts/deviceauth/token`, { method: "POST", body: "{}" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "30"]);
    issuer.device.codeFaults.next({ kind: "html403" });
    const blocked = await fetch(`${issuer.origin}/api/accounts/deviceauth/usercode`, { method: "POST", body: "{}" });
    expect([blocked.status, blocked.headers.get("content-type")]).toEqual([403, "text/html; charset=UTF-8"]);
    issuer.device.pollFaults.next({ kind: "drop-before-read" });
    await expect(ask(issuer, "token", {})).rejects.toThrow();
    const log = JSON.stringify(issuer.log);
    expect(issuer.log.map(({ path }) => path.split("/").at(-1))).toEqual(["usercode", "token", "usercode", "token"]);
    for (const secret of [userCode, String(body["device_auth_id"])]) expect(log).not.toContain(secret);
  });
});
