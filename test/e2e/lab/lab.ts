// The whole lab in one call: backend, home, first logins and a running gateway, all ended together.

import { fakeAccessToken, fakeRefreshToken } from "../../support/jwt.ts";
import { startCodexBackend, type CodexBackend } from "./codex-backend.ts";
import { startGatewayAgain, type LabGateway } from "./gateway.ts";
import { makeHome, seedStore, type HomeOptions, type OpenClawHome } from "./home.ts";
import type { InstalledOpenClaw } from "./install.ts";

const HOUR_MS = 3_600_000;

/** A running lab. */
export interface Lab {
  readonly openclaw: InstalledOpenClaw;
  readonly backend: CodexBackend;
  readonly home: OpenClawHome;
  readonly gateway: LabGateway;
  stop(): Promise<void>;
}

/** What a lab starts with. */
export interface LabOptions extends Omit<HomeOptions, "backendUrl"> {
  /** The auth stores by agent id, without `version`. */
  readonly stores: Readonly<Record<string, Record<string, unknown>>>;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts everything; on a failure nothing is left running. */
export async function startLab(openclaw: InstalledOpenClaw, options: LabOptions): Promise<Lab> {
  const backend = await startCodexBackend();
  const home = await makeHome({ ...options, backendUrl: backend.baseUrl });
  try {
    for (const [agent, store] of Object.entries(options.stores)) await seedStore(home, store, agent);
    const gateway = await startGatewayAgain(openclaw, home, options.env);
    const stop = async (): Promise<void> => {
      await gateway.stop();
      await backend.stop();
      await home.remove();
    };
    return { openclaw, backend, home, gateway, stop };
  } catch (error) {
    await backend.stop();
    await home.remove();
    throw error;
  }
}

/** A stored login of a person who does not exist. */
export function fakeLogin(name: string, expiresAtMs = Date.now() + 8 * HOUR_MS): Record<string, unknown> {
  const owner = { email: `${name}@example.com`, userId: `user-${name}`, accountId: `account-${name}`, expiresAtMs };
  // In the order in which 2026.5.28 writes it back at its first save: so that what it saves is what it was given.
  return {
    type: "oauth",
    provider: "openai-codex",
    email: owner.email,
    access: fakeAccessToken({ ...owner, planType: "plus" }),
    refresh: fakeRefreshToken(),
    expires: expiresAtMs,
  };
}

/** A stored access-only token of such a person, as a lease leaves it. */
export function fakeToken(name: string, expiresAtMs = Date.now() + 8 * HOUR_MS): Record<string, unknown> {
  const { access, expires, email, provider } = fakeLogin(name, expiresAtMs);
  return { type: "token", provider, token: access, expires, email };
}
