// Entries as OpenClaw's own code takes them: what it would drop or stumble over is not handed to it. Pure.

import { asObject, type JsonObject } from "./json-files.ts";
import { refreshFenceOf, type Credential } from "./profile.ts";
import { CODEX_PROVIDER, OPENAI_PROVIDER } from "./profile-id.ts";

/** What OpenClaw 2026.9.6 keeps of each kind (`normalizeRawCredentialEntry`); a field more would look like somebody else's change. */
const COMMON = ["type", "provider", "setup", "copyToAgents", "email", "displayName"];
const KEPT: Readonly<Record<Credential["type"], ReadonlySet<string>>> = {
  oauth: new Set([
    ...COMMON,
    ..."access refresh expires oauthRef idToken clientId enterpriseUrl projectId accountId chatgptPlanType".split(" "),
    ..."subscriptionType rateLimitTier tokenEndpoint deviceAuthorizationEndpoint issuer authFlow".split(" "),
  ]),
  token: new Set([...COMMON, "token", "tokenRef", "expires"]),
  api_key: new Set([...COMMON, "key", "keyRef", "metadata"]),
};

/** `credential` as an entry of OpenClaw's database; that of another provider stays another's, and is refused where it is planned. */
export function entryForDatabase(credential: Credential): Credential {
  const provider = credential.provider.toLowerCase() === CODEX_PROVIDER ? OPENAI_PROVIDER : credential.provider;
  const known = KEPT[credential.type];
  const kept = Object.entries(credential).filter(
    ([name, value]) => known.has(name) && !(typeof value === "string" && value.trim() === ""),
  );
  return { ...credentialFrom(kept), type: credential.type, provider };
}

/**
 * `credential` without OpenClaw's marker of a renewal, which is no token: put back, it would claim a renewal that is long over. What
 * is left names the account and has to be signed in again.
 */
export function withoutFence(credential: Credential): Credential {
  if (refreshFenceOf(credential) === undefined) return credential;
  const gone = new Set(["access", "refresh", "idToken"]);
  const kept = Object.entries(credential).filter(([name]) => !gone.has(name));
  return { ...credentialFrom(kept), type: "oauth", provider: credential.provider, expires: 1 };
}

const TYPES: readonly unknown[] = ["api_key", "oauth", "token"];

/**
 * An entry of a file as OpenClaw to 2026.5 has it in its memory (`parseCredentialEntry`), undefined where it leaves it out: an entry
 * of no known kind in a running gateway's memory would break whatever looks for its provider.
 */
export function entryForMemory(entry: unknown): JsonObject | undefined {
  const raw = asObject(entry);
  if (raw === undefined) return undefined;
  const type = raw["type"] ?? raw["mode"];
  const provider = raw["provider"];
  if (!TYPES.includes(type) || typeof provider !== "string" || provider.trim() === "") return undefined;
  const aliased = raw["key"] === undefined && typeof raw["apiKey"] === "string" ? { key: raw["apiKey"] } : {};
  return referring(referring({ ...raw, type, ...aliased }, "key", "keyRef"), "token", "tokenRef");
}

/** A secret that is kept elsewhere may stand where the secret itself would. */
function referring(entry: JsonObject, value: string, reference: string): JsonObject {
  const found = asObject(entry[value]);
  if (found === undefined) return entry;
  const rest = Object.fromEntries(Object.entries(entry).filter(([name]) => name !== value));
  return { [reference]: found, ...rest };
}

function credentialFrom(fields: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(fields);
}
