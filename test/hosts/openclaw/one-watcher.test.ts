// A stop that something keeps from ending, and a start in the same process: each code has one watcher.

import { EventEmitter, once } from "node:events";
import { expect, it } from "vitest";
import { fakeAccessToken, fakeRefreshToken } from "../../support/jwt.ts";
import { localServer } from "../../support/local-server.ts";
import { OWNER, pluginLab } from "./plugin-lab.ts";

const CAROL = { email: "carol@example.com", userId: "user-carol", accountId: "account-carol", planType: "plus" };

/** A sign-in server that keeps the second request for a code waiting, and whose codes count as entered from `enter` on. */
async function issuerOf() {
  const signs = new EventEmitter();
  const [second, released] = [once(signs, "second"), once(signs, "released")];
  const counts = { codes: 0, exchanges: 0 };
  let isEntered = false;
  const origin = await localServer((request, response) => {
    request.resume();
    const json = (status: number, body: object): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url?.endsWith("usercode") === true) {
      counts.codes += 1;
      const code = {
        device_auth_id: `deviceauth_${counts.codes}`,
        user_code: `ABCD-1234${counts.codes}`,
        interval: "1",
      };
      if (counts.codes < 2) return json(200, code);
      signs.emit("second");
      void released.then(() => json(200, code));
      return;
    }
    if (request.url === "/oauth/token") {
      counts.exchanges += 1;
      const expiresAtMs = Date.now() + 864_000_000;
      const tokens = { access_token: fakeAccessToken({ ...CAROL, expiresAtMs }), refresh_token: fakeRefreshToken() };
      return json(200, { ...tokens, expires_in: 864_000 });
    }
    return isEntered ? json(200, { authorization_code: "a-code", code_verifier: "a-verifier" }) : json(403, {});
  });
  return {
    origin,
    counts,
    second,
    enter: () => void (isEntered = true),
    release: () => void signs.emit("released"),
  };
}

it("a code that was shown before a slow stop is waited for once after the start, and says nothing of a link", async () => {
  const issuer = await issuerOf();
  const variables = { CODEX_AUTH_ISSUER: issuer.origin };
  const lab = await pluginLab({ version: "2026.9.6", variables, stopWithinMs: 50 });
  const { openClaw } = lab;
  openClaw.shadowed = ["codex_auth"];
  await openClaw.startServices();
  await openClaw.types(OWNER, "/codex_auth carol");
  await lab.answered();
  await openClaw.types(OWNER, "/codex_auth dave");
  await issuer.second;
  await openClaw.stopServices();
  expect(openClaw.logged.join("\n")).toContain("ERR_LOCK_TIMEOUT");
  await openClaw.startServices();
  await lab.host();
  issuer.enter();
  await lab.shows(/Signed in as .*carol@example\.com/);
  issuer.release();
  await lab.answered();
  expect(issuer.counts.exchanges).toBe(1);
  expect(lab.logged.join("\n")).not.toContain("ERR_LOGIN_BURNT");
  expect(openClaw.everything).not.toContain("taken over by its link");
});
