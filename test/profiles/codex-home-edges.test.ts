// The Codex CLI's login file where parts of it are missing: what is told of it, what is written, where it lies.

import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codexLoginDocument, readCodexLogin, targetOf } from "../../src/profiles/codex-home.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { NOW, cliDocument, tokensOf } from "../lease/auth-file-lab.ts";
import { fakeAccessToken, fakeIdToken } from "../support/jwt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function read(document: unknown): ReturnType<typeof readCodexLogin> {
  const path = join(await temporaryFolder(), "auth.json");
  await writeFile(path, JSON.stringify(document));
  return await readCodexLogin(path);
}

const ada = tokensOf({ name: "ada" });
const plain = cliDocument(ada);
const withTokens = (tokens: object): unknown => ({ ...plain, tokens: { ...(plain["tokens"] as object), ...tokens } });

describe("a login file in which something is missing", () => {
  it("is no login that renews itself without either of its tokens, and is kept as a whole", async () => {
    for (const document of [
      withTokens({ access_token: undefined }),
      withTokens({ refresh_token: undefined }),
      withTokens({ access_token: "" }),
      {},
    ]) {
      const login = await read(document);
      expect(login?.tokens).toBeUndefined();
      expect(login?.whose).toMatchObject({ kind: "other", hasMore: true, accessFingerprint: undefined });
    }
  });

  it("is a login also without an id token, an account and a moment of its renewal", async () => {
    const login = await read({ tokens: { access_token: ada.access, refresh_token: ada.refresh } });
    expect(login?.tokens).toEqual({
      accessToken: expect.anything() as unknown,
      refreshToken: expect.anything() as unknown,
      idToken: undefined,
      accountId: undefined,
      lastRefresh: undefined,
    });
    expect(login?.whose).toMatchObject({
      kind: "chatgpt",
      identity: { userId: "user-ada" },
      accountId: undefined,
      signedInAtMs: undefined,
      hasMore: false,
    });
  });

  it("has no more than its tokens where a field that we do not know is empty", async () => {
    expect((await read({ ...plain, later: null }))?.whose.hasMore).toBe(false);
    expect((await read(withTokens({ later: null })))?.whose.hasMore).toBe(false);
    expect((await read(withTokens({ later: 0 })))?.whose.hasMore).toBe(true);
    expect((await read({ ...plain, later: false }))?.whose.hasMore).toBe(true);
  });
});

describe("whose a login is", () => {
  const owner = { userId: "u", accountId: "a", expiresAtMs: NOW };
  const whose = async (access: object, id: object): Promise<unknown> => {
    const tokens = {
      access_token: fakeAccessToken({ ...owner, ...access }),
      id_token: fakeIdToken({ ...owner, ...id }),
    };
    return (await read(withTokens(tokens)))?.whose;
  };

  it("is said by the access token first, and by the id token where that says nothing", async () => {
    const one = { email: "one@example.invalid" };
    const two = { email: "two@example.invalid" };
    expect(await whose(one, two)).toMatchObject({ email: one.email });
    expect(await whose({}, two)).toMatchObject({ email: two.email });
    expect(await whose({}, {})).toMatchObject({ email: undefined, planType: undefined });
    expect(await whose({ planType: "plus" }, {})).toMatchObject({ planType: "plus" });
  });

  it("has its end from the access token and its beginning from the id token", async () => {
    const ends = { expiresAtMs: NOW + 5_000 };
    expect(await whose(ends, { expiresAtMs: NOW + 9_000, signedInAtMs: NOW - 5_000 })).toMatchObject({
      expiresAtMs: NOW + 5_000,
      signedInAtMs: NOW - 5_000,
    });
  });
});

describe("the document of a login", () => {
  it("has the fields of the CLI in their order, also without what there is not", () => {
    const tokens = { accessToken: Secret.of("a"), refreshToken: Secret.of("r") };
    const none = { idToken: undefined, accountId: undefined, lastRefresh: undefined };
    expect(JSON.stringify(codexLoginDocument({ ...tokens, ...none }))).toBe(
      '{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"access_token":"a","refresh_token":"r"}}',
    );
  });
});

describe("where a login file really lies", () => {
  it("is behind each of its links, and is the place of a file that is not there yet", async () => {
    const root = await realpath(await temporaryFolder());
    await mkdir(join(root, "far"));
    await symlink("far/second", join(root, "first"));
    await symlink("auth.json", join(root, "far", "second"));
    expect(targetOf(join(root, "first"))).toBe(join(root, "far", "auth.json"));
    await writeFile(join(root, "far", "auth.json"), "{}");
    expect(targetOf(join(root, "first"))).toBe(join(root, "far", "auth.json"));
    expect(targetOf(join(root, "none"))).toBe(join(root, "none"));
  });

  it("is the name itself where its links go round, for the writer to find", async () => {
    const root = await realpath(await temporaryFolder());
    await symlink("b", join(root, "a"));
    await symlink("a", join(root, "b"));
    expect(targetOf(join(root, "a"))).toBe(join(root, "a"));
  });
});
