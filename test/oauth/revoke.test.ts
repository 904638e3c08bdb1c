import { once } from "node:events";
import { createServer } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseIssuer, type Issuer } from "../../src/oauth/issuer.ts";
import { processRevokeResponse, revokeRequest } from "../../src/oauth/revoke.ts";
import type { IssuerFault } from "../../src/sandbox/issuer-faults.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { loginAt, sandboxIssuer } from "../chat/revocation-lab.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

const TOKEN = Secret.of("rt_of-this-test");

async function serve(how: (seen: unknown) => { status?: number; type?: string; body?: string }): Promise<Issuer> {
  const server = createServer((request, reply) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const { method, url, headers } = request;
      const { status = 200, type = "application/json", body: sent = "" } = how({ method, url, headers, body });
      reply.writeHead(status, { "content-type": type }).end(sent);
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const address = server.address();
  return parseIssuer(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
}

describe("revokeRequest", () => {
  it("sends exactly the JSON of facts §1.9", async () => {
    let seen: unknown;
    const issuer = await serve((request) => ((seen = request), {}));
    await revokeRequest(issuer, TOKEN);
    expect(seen).toMatchObject({
      method: "POST",
      url: "/oauth/revoke",
      headers: { "content-type": "application/json" },
    });
    expect(JSON.parse((seen as { body: string }).body)).toEqual({
      token: "rt_of-this-test",
      token_type_hint: "refresh_token",
      client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
    });
  });

  it("ends the login at the sandbox, and the next refresh would be refused", async () => {
    const sandbox = await sandboxIssuer();
    const { refresh } = await loginAt(sandbox);
    const answer = await revokeRequest(parseIssuer(sandbox.origin), refresh);
    expect(processRevokeResponse(answer)).toEqual({ kind: "revoked" });
    expect(sandbox.standing(refresh.expose())).toBe("revoked");
    expect(sandbox.presentations(refresh.expose())).toMatchObject([{ at: "revoke", status: 200 }]);
  });

  it.each<[IssuerFault, string]>([
    [{ kind: "drop-before-read" }, "unknown"],
    [{ kind: "drop-before-process" }, "unknown"],
    [{ kind: "drop-after-process" }, "unknown"],
    [{ kind: "hang" }, "unknown"],
    [{ kind: "status", status: 500, body: "", contentType: "text/plain" }, "unknown"],
    [{ kind: "status", status: 503, body: "", contentType: "text/plain" }, "unknown"],
    [{ kind: "status-after-process", status: 502 }, "unknown"],
    [{ kind: "status", status: 200, body: "<html>hello", contentType: "text/html" }, "unknown"],
    [{ kind: "garbage" }, "revoked"],
    [{ kind: "huge-after-process" }, "revoked"],
    [{ kind: "html403" }, "refused"],
    [{ kind: "huge" }, "refused"],
    [{ kind: "redirect" }, "refused"],
    [{ kind: "error", shape: "flat", code: "invalid_client", status: 401 }, "refused"],
    [{ kind: "status", status: 429, body: "{}", contentType: "application/json", retryAfter: "9" }, "refused"],
  ])("at %o is asked once and ends %s", async (fault, kind) => {
    const sandbox = await sandboxIssuer();
    const { refresh } = await loginAt(sandbox);
    sandbox.revokeFaults.next(fault);
    // Only what never answers is given up: any other answer may be late on a busy machine.
    const limits = fault.kind === "hang" ? { timeoutMs: 2_500 } : {};
    const answer = await revokeRequest(parseIssuer(sandbox.origin), refresh, limits);
    expect(processRevokeResponse(answer).kind).toBe(kind);
    expect(sandbox.log.filter(({ path }) => path === "/oauth/revoke")).toHaveLength(1);
    expect(inspect([answer, processRevokeResponse(answer)], { depth: 9 })).not.toContain(refresh.expose());
  });

  it("tells that nothing was sent where nobody listens", async () => {
    const answer = await revokeRequest(parseIssuer(`http://127.0.0.1:${await freePort()}`), TOKEN);
    expect(processRevokeResponse(answer)).toEqual({ kind: "unreachable" });
  });
});

function response(status: number, body: unknown, headers: Record<string, string> = {}) {
  return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}

describe("processRevokeResponse", () => {
  it.each([
    [{ error: "invalid_client" }, "invalid_client, HTTP 400"],
    [{ error: { code: "unsupported_token_type" } }, "unsupported_token_type, HTTP 400"],
    [{ code: "nope" }, "nope, HTTP 400"],
    ["<html>", "html_page, HTTP 400"],
    ["no json", "HTTP 400"],
  ])("names the reason in %o", (body, details) => {
    expect(processRevokeResponse(response(400, body))).toEqual({ kind: "refused", details });
  });

  it("keeps the request id, and no echo of the token", () => {
    const echo = processRevokeResponse(response(400, { error: TOKEN.expose().repeat(3) }, { "x-request-id": "req-7" }));
    expect(echo).toEqual({ kind: "refused", details: expect.stringMatching(/HTTP 400, request req-7$/) });
    const long = { error: `rt_${"0123456789abcdef".repeat(4)}` };
    expect(processRevokeResponse(response(400, long))).toEqual({ kind: "refused", details: "HTTP 400" });
  });

  it("takes any 2xx that is no page for done, and nothing else", () => {
    const kinds = [200, 204, 301, 400, 401, 403, 404, 429, 500, 504].map(
      (status) => processRevokeResponse(response(status, "")).kind,
    );
    expect(kinds).toEqual(["revoked", "revoked", ...Array.from({ length: 6 }, () => "refused"), "unknown", "unknown"]);
  });
});
