// Logins that the sandbox knows, waiting in a chat's own folders: what the tests of a revocation start from.

import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { LoginTokens, ParkedLogin } from "../../src/apply/parked.ts";
import type { ChatServices } from "../../src/chat/services.ts";
import { authorizeUrl } from "../../src/oauth/authorize-url.ts";
import { exchangeRequest } from "../../src/oauth/exchange.ts";
import { DEFAULT_REDIRECT_URI, parseIssuer } from "../../src/oauth/issuer.ts";
import { challengeOf, createState, createVerifier } from "../../src/oauth/pkce.ts";
import { processExchangeResponse, type TokenSet } from "../../src/oauth/token-response.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { chatLab } from "./chat-lab.ts";

/** A sandbox that ends with the test. */
export async function sandboxIssuer(): Promise<SandboxIssuer> {
  const sandbox = await startSandboxIssuer();
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** A new login of `email` at the sandbox. */
export async function loginAt(sandbox: SandboxIssuer, email = "grace@example.com"): Promise<TokenSet> {
  const issuer = parseIssuer(sandbox.origin);
  const [verifier, redirectUri] = [createVerifier(randomBytes), DEFAULT_REDIRECT_URI];
  const challenge = challengeOf(verifier);
  const link = authorizeUrl({ issuer, redirectUri, state: createState(randomBytes), challenge });
  const code = Secret.of(new URL(sandbox.approve(link, email)).searchParams.get("code") ?? "");
  return processExchangeResponse(await exchangeRequest(issuer, { code, verifier, redirectUri }), Date.now());
}

/** An entry of OpenClaw's store with `tokens`. */
export function entryOf({ access, refresh, expiresAtMs }: Pick<TokenSet, "access" | "refresh" | "expiresAtMs">) {
  return {
    type: "oauth",
    provider: "openai-codex",
    access: access.expose(),
    refresh: refresh.expose(),
    expires: expiresAtMs,
  };
}

async function write(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
}

/** A chat whose waiting logins are the sandbox's. */
export async function revocationLab(options: Partial<ChatServices> = {}) {
  const sandbox = await sandboxIssuer();
  const lab = await chatLab({ ...options, issuer: sandbox.origin });
  const home = dirname(dirname(lab.paths.root));
  const park = async (tokens: LoginTokens, login: Partial<ParkedLogin> = {}): Promise<ParkedLogin> => {
    lab.clock.now += 1;
    return lab.parked.put(
      {
        agentId: "main",
        profileId: "openai-codex:work",
        reason: "removed",
        expiresAtMs: tokens.expiresAtMs,
        requestedBy: { host: "telegram", chatId: "1", personId: "1" },
        email: "grace@example.com",
        identity: { userId: "user-grace", accountId: "acct-grace" },
        ...login,
      },
      tokens,
    );
  };
  const tokens = await loginAt(sandbox);
  return {
    ...lab,
    home,
    sandbox,
    revocations: lab.services.revocations,
    tokens,
    /** The refresh token of the login that waits. */
    token: tokens.refresh.expose(),
    waiting: await park(tokens),
    park,
    /** Writes a whole store as it is given. */
    putStore: (profiles: unknown, agent = "main") =>
      write(lab.storePath(agent), typeof profiles === "string" ? profiles : { version: 1, profiles }),
    putCodexFile: (value: unknown) => write(join(home, ".codex", "auth.json"), value),
    /** What arrived at the revocation endpoint. */
    asked: () => sandbox.log.filter(({ path }) => path === "/oauth/revoke"),
    parkedFile: (id: string) => join(lab.paths.parked, `${id}.json`),
  };
}
