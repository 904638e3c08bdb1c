// What may be known of a credential without its tokens: each fact alone, and that no token is among them.

import { describe, expect, it } from "vitest";
import { credentialFactsSchema, describeCredential, factsOf } from "../../src/profiles/credential-facts.ts";
import { sealCredential, type Credential } from "../../src/profiles/profile.ts";
import { loginPrint } from "../../src/profiles/same-login.ts";
import { fingerprint, fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { login } from "../support/openclaw-state.ts";

const provider = "openai-codex";
const facts = (credential: Credential, inherited = false): ReturnType<typeof factsOf> =>
  factsOf({ credential: sealCredential(credential), inherited });

describe("the facts of a credential", () => {
  it("are its prints and what it can do, and no token", () => {
    const ada = login("ada");
    const seen = facts(ada, true);
    expect(seen).toStrictEqual({
      type: "oauth",
      sealed: fingerprint(JSON.stringify(ada)),
      entry: fingerprintJson(ada),
      login: loginPrint(ada),
      access: fingerprint(String(ada["access"])),
      isElsewhere: false,
      renewsItself: true,
      inherited: true,
    });
    expect(credentialFactsSchema.parse(JSON.parse(JSON.stringify(seen)))).toEqual(seen);
    for (const secret of [ada["access"], ada["refresh"]]) expect(JSON.stringify(seen)).not.toContain(secret);
  });

  it("name another program that keeps it, and that its token lies elsewhere", () => {
    expect(facts({ ...login("ada"), managedBy: "codex-cli" })).toMatchObject({ managedBy: "codex-cli" });
    expect(facts({ ...login("ada"), oauthRef: { source: "file" } }).isElsewhere).toBe(true);
  });

  it("say that it does not renew itself, and name no access token where there is none", () => {
    expect(facts({ type: "oauth", provider, access: "a" })).toMatchObject({ renewsItself: false });
    const key = facts({ type: "api_key", provider, key: "k" });
    expect(key).toMatchObject({ type: "api_key", renewsItself: false, isElsewhere: false, inherited: false });
    expect(key).not.toHaveProperty("access");
  });

  it.each([
    ["", "under-way"],
    ["failed:", "failed"],
  ])("tell OpenClaw's marker of a renewal (%s) from tokens", (state, renewal) => {
    const marker = `openclaw-oauth-refresh-fence:v1:c:${state}access:0`;
    const seen = facts({ type: "oauth", provider, access: marker, refresh: marker });
    expect(seen).toMatchObject({ renewal, renewsItself: false });
    expect(seen).not.toHaveProperty("access");
  });
});

const readCredential = async (id: string) =>
  id === "there" ? { credential: sealCredential(login("ada")), inherited: true } : undefined;

describe("the description of a stored credential", () => {
  it("is none where a store that gives credentials has none", async () => {
    expect(await describeCredential({ readCredential }, "none")).toBeUndefined();
    expect(await describeCredential({ readCredential }, "there")).toMatchObject({ type: "oauth", inherited: true });
  });
});
