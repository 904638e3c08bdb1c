// An apply world whose profile "alice" holds a login that a sandbox issuer really gave, and an executor that can renew it.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import type { RenewalPort } from "../../src/apply/renewal.ts";
import { Rotations } from "../../src/apply/rotations.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { authorizeUrl } from "../../src/oauth/authorize-url.ts";
import { exchangeRequest } from "../../src/oauth/exchange.ts";
import { CLIENT_ID, DEFAULT_REDIRECT_URI, parseIssuer } from "../../src/oauth/issuer.ts";
import { challengeOf, createState, createVerifier } from "../../src/oauth/pkce.ts";
import { processRefreshResponse } from "../../src/oauth/refresh-response.ts";
import { refreshRequest } from "../../src/oauth/refresh.ts";
import { processExchangeResponse, type TokenSet } from "../../src/oauth/token-response.ts";
import type { TokenHolder } from "../../src/profiles/owners.ts";
import { startSandboxIssuer, type SandboxIssuer } from "../../src/sandbox/issuer.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { applyWorld } from "./apply-world.ts";
import { enqueueChange } from "./change-jobs.ts";
import { temporaryFolder } from "./temp-folder.ts";
import { join } from "node:path";

/** The profile that can be renewed. */
export const ALICE = "openai-codex:alice";

/** A login as the sandbox gives it to `email`. */
export async function signIn(sandbox: SandboxIssuer, email = "grace@example.com"): Promise<TokenSet> {
  const issuer = parseIssuer(sandbox.origin);
  const verifier = createVerifier(randomBytes);
  const [redirectUri, state] = [DEFAULT_REDIRECT_URI, createState(randomBytes)];
  const link = authorizeUrl({ issuer, redirectUri, state, challenge: challengeOf(verifier) });
  const code = new URL(sandbox.approve(link, email)).searchParams.get("code") ?? "";
  return processExchangeResponse(
    await exchangeRequest(issuer, { code: Secret.of(code), verifier, redirectUri }),
    Date.now(),
  );
}

/** The entry of a login in the store, with a field that we do not know. */
export function entryOf({ access, refresh, expiresAtMs }: TokenSet, email = "grace@example.com") {
  return {
    type: "oauth",
    provider: "openai-codex",
    access: access.expose(),
    refresh: refresh.expose(),
    expires: expiresAtMs,
    email,
    displayName: "Grace",
    note: "a field of somebody else",
  };
}

/** The world; `timeoutMs` is for the request to the sandbox issuer. */
export async function renewalWorld(options: { readonly timeoutMs?: number } = {}) {
  const sandbox = await startSandboxIssuer();
  onTestFinished(() => sandbox.close());
  const folder = await temporaryFolder();
  const elsewhere: TokenHolder[] = [];
  const rotations = new Rotations({ folder: ownPaths(join(folder, ".openclaw")).rotations, now: Date.now });
  const renewal: RenewalPort = {
    renew: async (token, beforeSend) =>
      processRefreshResponse(
        await refreshRequest(parseIssuer(sandbox.origin), token, { beforeSend, timeoutMs: 3_000, ...options }),
        Date.now(),
      ),
    clientId: CLIENT_ID,
    rotations,
    elsewhere: () => Promise.resolve(elsewhere),
  };
  const world = applyWorld(folder, { renewal });
  const login = await signIn(sandbox);
  const store = world.readStore();
  store.profiles[ALICE] = entryOf(login);
  writeFileSync(world.storePath, JSON.stringify(store, null, 2));
  // The gateway has read what lies there.
  await world.gateway.reload();
  world.gateway.calls.length = 0;
  return {
    ...world,
    folder,
    sandbox,
    login,
    rotations,
    elsewhere,
    /** Asks for alice's renewal. */
    renew: (request: Parameters<typeof enqueueChange>[3] = {}) =>
      enqueueChange(world, "renew-login", {}, { profileId: ALICE, ...request }),
    /** How often the sandbox issuer saw each refresh token. */
    timesPresented: (): readonly number[] => {
      const times = new Map<string, number>();
      for (const { at, fingerprint } of sandbox.presentations())
        if (at === "token") times.set(fingerprint, (times.get(fingerprint) ?? 0) + 1);
      return [...times.values()];
    },
  };
}
