// Refresh tokens with two owners: the Codex CLI's login files beside OpenClaw's stores.

import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codexCliHolders, findSharedTokens } from "../../src/profiles/owners.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { cliDocument, tokensOf } from "../lease/auth-file-lab.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

describe("the Codex CLI's login files as owners", () => {
  it("give each token once, whatever names the file has, and nothing for a missing file or an API key", async () => {
    const root = await temporaryFolder();
    const tokens = tokensOf({ name: "ada" });
    const [file, link, key] = [join(root, "auth.json"), join(root, "link.json"), join(root, "key.json")];
    await writeFile(file, JSON.stringify(cliDocument(tokens)));
    await writeFile(key, JSON.stringify({ OPENAI_API_KEY: "k" }));
    await symlink(file, link);
    const holders = await codexCliHolders([file, link, join(root, "none.json"), key]);
    expect(holders.map(({ owner, profileId }) => [owner, profileId])).toEqual([["codex-cli", file]]);
    expect(holders[0]?.refreshToken.expose()).toBe(tokens.refresh);
  });

  it("share a token where it was copied to another home, or to a profile", async () => {
    const root = await temporaryFolder();
    const tokens = tokensOf({ name: "ada" });
    const paths = [join(root, "a.json"), join(root, "b.json")];
    for (const path of paths) await writeFile(path, JSON.stringify(cliDocument(tokens)));
    const profile = { owner: "main", profileId: "openai-codex:ada", refreshToken: Secret.of(tokens.refresh) };
    expect(findSharedTokens([profile, ...(await codexCliHolders(paths))])).toEqual([
      {
        fingerprint: fingerprint(tokens.refresh),
        holders: [
          { owner: "main", profileId: "openai-codex:ada" },
          ...paths.map((profileId) => ({ owner: "codex-cli", profileId })),
        ],
      },
    ]);
  });

  it("say that a file cannot be read, which is not the same as nothing there", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, "codex"));
    const path = join(root, "codex", "auth.json");
    await writeFile(path, "{ damaged");
    await expect(codexCliHolders([path])).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
  });
});
