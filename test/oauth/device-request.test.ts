import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { DEVICE } from "../../src/config/defaults.ts";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { deviceCodeRequest, devicePage, devicePollRequest, deviceRedirectUri } from "../../src/oauth/device-request.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { startSandboxIssuer } from "../../src/sandbox/issuer.ts";

const HANDLE = { deviceAuthId: Secret.of("deviceauth-1"), userCode: "ABCD-EFGHJ" };

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

/** A server that keeps what it is sent, and answers with `status`. */
async function listener(status: number) {
  const requests: Seen[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      requests.push({ method: request.method, url: request.url, type: request.headers["content-type"], body });
      response.writeHead(status, { location: "/elsewhere", "X-Some": "1" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { issuer: parseIssuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), requests };
}

describe("the two requests of a device sign-in", () => {
  it("are exactly those of the Codex CLI, and follow no redirect", async () => {
    const { issuer, requests } = await listener(307);
    expect((await deviceCodeRequest(issuer))?.status).toBe(307);
    expect((await devicePollRequest(issuer, HANDLE))?.headers["x-some"]).toBe("1");
    expect(requests).toEqual([
      {
        method: "POST",
        url: "/api/accounts/deviceauth/usercode",
        type: "application/json",
        body: JSON.stringify({ client_id: "app_EMoamEEZ73f0CkXaXp7hrann" }),
      },
      {
        method: "POST",
        url: "/api/accounts/deviceauth/token",
        type: "application/json",
        body: JSON.stringify({ device_auth_id: "deviceauth-1", user_code: "ABCD-EFGHJ" }),
      },
    ]);
  });

  it("give nothing where no answer comes, and no body where it is too large", async () => {
    const sandbox = await startSandboxIssuer();
    const issuer = parseIssuer(sandbox.origin);
    sandbox.device.pollFaults.next({ kind: "drop-before-read" });
    sandbox.device.pollFaults.next({ kind: "hang" });
    sandbox.device.pollFaults.next({ kind: "huge" });
    expect(await devicePollRequest(issuer, HANDLE)).toBeUndefined();
    expect(await devicePollRequest(issuer, HANDLE, { timeoutMs: 50 })).toBeUndefined();
    const huge = await devicePollRequest(issuer, HANDLE, { maxBodyBytes: DEVICE.maxBodyBytes });
    expect([huge?.status, huge?.body]).toEqual([400, undefined]);
    await sandbox.close();
    expect(await deviceCodeRequest(issuer)).toBeUndefined();
  });

  it("belong to the pinned issuer, as do the page and the redirect", () => {
    const issuer = parseIssuer(undefined);
    expect(devicePage(issuer)).toBe("https://auth.openai.com/codex/device");
    expect(deviceRedirectUri(issuer)).toBe("https://auth.openai.com/deviceauth/callback");
  });
});
