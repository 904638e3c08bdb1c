import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { createLog } from "../../src/secrets/log.ts";
import { redact } from "../../src/secrets/redact.ts";
import { fakeAccessToken, fakeRefreshToken } from "../support/jwt.ts";

const random = randomBytes(24).toString("base64url");

describe("redact", () => {
  it.each<[string, (secret: string) => string, string]>([
    ["an access token", (secret) => `got ${secret} back`, fakeAccessToken({ expiresAtMs: 0, userId: "user" })],
    ["a refresh token", (secret) => `{"x":"${secret}"}`, fakeRefreshToken()],
    ["a callback address", (secret) => `http://localhost:1455/auth/callback?code=${secret}&scope=x`, random],
    ["a state", (secret) => `{"state":"${secret}"}`, random],
    ["a bot's token in an address", (secret) => `https://example.org/bot${secret}/getMe`, `1234567:${random}`],
    ["a bearer", (secret) => `Authorization: Bearer ${secret}`, random],
    ["a code that begins like an error's", (secret) => `code=${secret}`, `ERR_${random}`],
    ["a state that begins like a job's", (secret) => `"state":"${secret}"`, `queued${random}`],
  ])("blanks %s", (_what, around, secret) => {
    expect(around(secret)).toContain(secret);
    expect(redact(around(secret))).not.toContain(secret);
    expect(redact(around(secret))).toContain("[redacted]");
  });
});

describe("the log", () => {
  it("keeps the code of an error and the state of a job, which are what an operator looks for", () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), Date.now);
    const cause = Object.assign(new Error(`text with ${random}`), { code: "ECONNREFUSED" });
    const error = new CodexAuthError("ERR_STORE_CONFLICT", { message: "It changed.", next: "Again.", cause });
    log.error("step failed", error, { job: "job-1", state: "prepared" });
    log.error("other", cause);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ code: "ERR_STORE_CONFLICT", state: "prepared", job: "job-1" });
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({ code: "ECONNREFUSED" });
    expect(lines.join()).not.toContain(random);
  });
});
